"""Pocketsphinx: its decoder settings, and the processes that hold one loaded decoder each.

A request depends on its audio alone: the same audio gives the same words whatever came before, since the cepstral
mean is taken from the utterance itself and the front end starts anew for each. Knows neither HTTP nor file formats.
"""

import ctypes
import multiprocessing
import os
import queue
import re
import signal
import sys
import threading

import numpy

import audio
from engines import EngineError, Hints, LanguageError, Word

MODEL = "en-us"

DECODER = {"cmn": "batch", "lw": 5.0, "maxhmmpf": 10_000, "loglevel": "FATAL"}
"""`cmn`: the mean of the whole utterance, not a running one. `lw`: the language model knows written English, so it gets
less of a say than usual (6.5). `maxhmmpf`: bounds the time that unclear sound costs."""

FRAMES_PER_S = 100

LONGEST_PIECE_S = 20
"""Longer audio is cut at pauses: a lattice search over minutes is slow and no better."""

BELOW_PEAK_DB, LEAD_S, TRAIL_S = 35.0, 0.12, 0.06
"""Speech lies at most 35 dB below the loudest moment. The decoder gets this much more before and after it and no longer
quiet: a few milliseconds of it can change words, and so they do not depend on how generously the audio was cut."""

PR_SET_PDEATHSIG = 1


def signal_at_parents_end(number: int) -> None:
    """Asks Linux to send this process a signal when the thread that started it ends. Elsewhere it does nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


class Sphinx:
    """Pocketsphinx with the English model of its wheel."""

    name = "pocketsphinx"
    model = MODEL

    def __init__(self, workers: int, notice: str):
        self.notice, self.parallel = notice, workers
        self.closing = threading.Event()
        self.workers = [_Worker() for _ in range(workers)]
        self.free: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        try:
            for worker in self.workers:
                worker.wait_until_ready()
                self.free.put(worker)
        except BaseException:
            self.close()
            raise

    def transcribe(self, samples: numpy.ndarray, hints: Hints) -> tuple[str, list[Word]]:
        """The language's code, and the words. A prompt or a temperature means nothing to this recogniser."""
        if hints.language and re.split("[-_]", hints.language.lower())[0] not in ("en", "english"):
            raise LanguageError(f"pocketsphinx knows English ('en') only, not {hints.language!r}")
        worker = self.free.get()
        try:
            return "en", worker.transcribe(samples)
        except (EOFError, OSError):
            if self.closing.is_set():
                raise
            # The process died (killed, or out of memory): a new one takes its place, and the request is tried once more.
            worker.kill()
            worker.start()
            worker.wait_until_ready()
            return "en", worker.transcribe(samples)
        finally:
            self.free.put(worker)

    def close(self) -> None:
        """Stops every worker process, whatever it is doing."""
        self.closing.set()
        for worker in self.workers:
            worker.kill()


class _Worker:
    """One process with one loaded decoder, and the pipe to it."""

    def __init__(self):
        self.start()

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, os.getpid()), daemon=True)
        self.process.start()
        theirs.close()

    def wait_until_ready(self) -> None:
        try:
            self.pipe.recv()
        except EOFError:
            raise EngineError("pocketsphinx cannot be loaded: its worker process ended at once") from None

    def transcribe(self, samples: numpy.ndarray) -> list[Word]:
        self.pipe.send_bytes(samples.astype(numpy.float32).tobytes())
        answer = self.pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def kill(self) -> None:
        self.process.kill()
        self.process.join()


def _work(pipe, server: int) -> None:
    signal_at_parents_end(signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server decides.
    if os.getppid() != server:
        return
    recogniser = Recogniser()
    pipe.send("ready")
    while True:
        try:
            samples = numpy.frombuffer(pipe.recv_bytes(), numpy.float32)
        except EOFError:
            return
        try:
            pipe.send(recogniser.transcribe(samples))
        except Exception as error:
            pipe.send(RuntimeError(f"pocketsphinx failed: {error}"))


class Recogniser:
    """One loaded decoder."""

    def __init__(self):
        import pocketsphinx

        self.decoder = pocketsphinx.Decoder(**DECODER)

    def transcribe(self, samples: numpy.ndarray) -> list[Word]:
        """The words with their times from the start of the samples."""
        words = []
        for first, end in audio.pieces(samples, LONGEST_PIECE_S):
            piece = samples[first:end]
            if audio.holds_speech(piece):
                words += self._transcribe_piece(piece, first / audio.RATE)
        return words

    def _transcribe_piece(self, piece: numpy.ndarray, offset_s: float) -> list[Word]:
        first, end = audio.speech_bounds(piece, BELOW_PEAK_DB)
        first = max(0, first - int(LEAD_S * audio.RATE))
        sound = piece[first : end + int(TRAIL_S * audio.RATE)]
        decoder = self.decoder
        decoder.reinit_feat()  # Else the noise that the front end learnt from earlier audio would change these words.
        decoder.start_utt()
        decoder.process_raw((sound.clip(-1, 1) * 32767).astype("<i2").tobytes(), full_utt=True)
        decoder.end_utt()
        if decoder.hyp() is None:
            return []
        exp = decoder.get_logmath().exp
        shift = offset_s + first / audio.RATE
        longest = offset_s + len(piece) / audio.RATE
        return [
            Word(
                re.sub(r"\(\d+\)$", "", segment.word),
                round(min(max(segment.start_frame / FRAMES_PER_S + shift, offset_s), longest), 3),
                round(min(max((segment.end_frame + 1) / FRAMES_PER_S + shift, offset_s), longest), 3),
                round(min(exp(segment.prob), 1.0), 3),
            )
            for segment in decoder.seg()
            if segment.word[0] not in "<[+"
        ]
