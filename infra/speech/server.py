"""The speech server's process: its settings, its start, and its end, which is never later than its parent's.

Run as `python server.py --port N`. What it answers stands in api.py, what it hears with in engines.py.
"""

import argparse
import dataclasses
import os
import signal
import socket
import sys
import threading

import engines
import sphinx

STOP_WITHIN_S = 2
"""So long may requests under way take to finish once the server was told to stop."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the environment says. A malformed value ends the process with a message that names its variable."""

    engine: str
    """SPEECH_ENGINE: auto, faster-whisper or pocketsphinx."""
    model: str
    """SPEECH_MODEL: a model's name or folder, for faster-whisper."""
    workers: int
    """SPEECH_WORKERS: how many requests are transcribed at once."""

    @classmethod
    def from_env(cls) -> "Settings":
        """Reads the environment."""
        engine = os.environ.get("SPEECH_ENGINE", "auto")
        if engine not in ("auto", "faster-whisper", "pocketsphinx"):
            sys.exit(f"SPEECH_ENGINE={engine!r} is malformed: it must be auto, faster-whisper or pocketsphinx")
        model = os.environ.get("SPEECH_MODEL", "base.en")
        if engine != "pocketsphinx" and not engines.is_model(model):
            sys.exit(f"SPEECH_MODEL={model!r} is malformed: it is no folder, and no model that faster-whisper knows")
        workers = os.environ.get("SPEECH_WORKERS", str(min(os.cpu_count() or 1, 4)))
        if not (workers.isascii() and workers.isdigit() and 1 <= int(workers) <= 64):
            sys.exit(f"SPEECH_WORKERS={workers!r} is malformed: it must be a whole number from 1 to 64")
        return cls(engine, model, int(workers))


def stop_with_parent(parent: int, watch_stdin: bool) -> None:
    """Ends this process when the one that started it does."""

    def when_told(*_):
        # The signal tells of the end of a thread. While the process lives, so does this one.
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)

    def when_closed():
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGUSR1, when_told)
    sphinx.signal_at_parents_end(signal.SIGUSR1)
    when_told()  # It may have ended before.
    if watch_stdin:
        threading.Thread(target=when_closed, daemon=True).start()


def listen(host: str, port: int) -> socket.socket:
    """The listening socket, or the end of the process with the reason."""
    try:
        listener = socket.create_server((host, port))
        # Accepted sockets inherit it. Without it an answer's body waits 40 ms for the acknowledgement of its headers.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except (OSError, OverflowError) as error:
        sys.exit(f"cannot listen on {host} port {port}: {error}")


def serve(engine, listener: socket.socket) -> None:
    """Answers requests until the process is told to stop, and says on stdout when it begins to."""
    # The worker processes import this file too, and need no web server.
    import uvicorn

    import api

    host, port = listener.getsockname()[:2]

    class Server(uvicorn.Server):
        async def startup(self, sockets=None):
            await super().startup(sockets)
            if self.started:
                print(f"speech server is ready on http://{host}:{port} ({engine.name})", flush=True)

    app = api.Speech(engine).app()
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=STOP_WITHIN_S)
    Server(config).run([listener])


def main() -> None:
    """Settings, engine, then requests until told to stop."""
    parent = os.getppid()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    parser = argparse.ArgumentParser(description="Speech recognition with OpenAI's interface.")
    parser.add_argument("--port", type=int, default=8790, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--parent-stdin", action="store_true", help="stop when standard input ends")
    arguments = parser.parse_args()
    stop_with_parent(parent, arguments.parent_stdin)
    settings = Settings.from_env()
    listener = listen(arguments.host, arguments.port)
    try:
        engine = engines.choose(settings.engine, settings.model, settings.workers)
    except engines.EngineError as error:
        sys.exit(f"SPEECH_ENGINE={settings.engine}: {error}")
    if engine.notice:
        print(f"speech server: {engine.notice}", file=sys.stderr, flush=True)
    try:
        serve(engine, listener)
    finally:
        engine.close()


if __name__ == "__main__":
    main()
