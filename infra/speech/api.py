"""The routes: `POST /v1/audio/transcriptions` as OpenAI has it, and `GET /health`.

Owns what a request may look like and the shape of every answer. The words of a call are never logged.
"""

import asyncio
import concurrent.futures
import contextlib
import dataclasses

from starlette.applications import Starlette
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

import audio
import engines

LARGEST_FILE = 25 * 1024 * 1024
LARGEST_BODY = LARGEST_FILE + 256 * 1024
"""A file of the permitted size, the other fields and the seams of multipart."""

FORMATS = ("json", "verbose_json", "text")
GRANULARITIES = ("word", "segment")

class ApiError(Exception):
    """An answer that says no, in OpenAI's shape."""

    def __init__(self, status: int, message: str, param: str | None = None, code: str | None = None):
        self.status, self.message, self.param, self.code = status, message, param, code

    def response(self) -> JSONResponse:
        """The answer as it goes out."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        error = {"message": self.message, "type": kind, "param": self.param, "code": self.code}
        return JSONResponse({"error": error}, self.status)


@dataclasses.dataclass(frozen=True)
class Options:
    """The fields of a request beside its file."""

    format: str
    granularities: list[str]
    hints: engines.Hints

    @classmethod
    def from_form(cls, form: FormData) -> "Options":
        """Checks each field, and says which one is wrong."""
        for name, value in form.multi_items():
            if name != "file" and not isinstance(value, str):
                raise ApiError(400, f"'{name}' must be a plain field, not a file", name)
        chosen = form.get("response_format") or "json"
        if chosen not in FORMATS:
            raise ApiError(400, f"unsupported response_format '{chosen}': use one of {', '.join(FORMATS)}", "response_format")
        name = "timestamp_granularities[]"
        granularities = form.getlist(name)
        if unknown := [value for value in granularities if value not in GRANULARITIES]:
            raise ApiError(400, f"unsupported {name} '{unknown[0]}': use one of {', '.join(GRANULARITIES)}", name)
        if granularities and chosen != "verbose_json":
            raise ApiError(400, f"{name} needs response_format verbose_json, not {chosen}", name)
        try:
            temperature = float(form.get("temperature") or 0)
        except ValueError:
            temperature = -1.0
        if not 0 <= temperature <= 1:
            raise ApiError(400, f"temperature '{form['temperature']}' is not a number from 0 to 1", "temperature")
        hints = engines.Hints(form.get("language") or None, form.get("prompt") or None, temperature)
        return cls(chosen, granularities, hints)


class Speech:
    """The routes, around one engine."""

    def __init__(self, engine):
        self.engine = engine
        self.threads = concurrent.futures.ThreadPoolExecutor(engine.parallel)

    def app(self) -> Starlette:
        """The application. Its end stops the engine."""

        @contextlib.asynccontextmanager
        async def lifespan(_):
            yield
            self.engine.close()

        return Starlette(
            routes=[
                Route("/health", self.health),
                Route("/v1/audio/transcriptions", self.transcriptions, methods=["POST"]),
            ],
            exception_handlers={ApiError: _answer_error, HTTPException: _answer_http_error, Exception: _answer_failure},
            lifespan=lifespan,
        )

    async def health(self, _: Request) -> JSONResponse:
        """Whether it can transcribe (it can, or it would not listen), and with what."""
        about = {"status": "ok", "engine": self.engine.name, "model": self.engine.model, "notice": self.engine.notice}
        return JSONResponse(about)

    async def transcriptions(self, request: Request):
        """One audio file in, its words out."""
        async with _read_form(request) as form:
            options = Options.from_form(form)
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise ApiError(400, "the audio is missing: send it as the multipart field 'file'", "file")
            if file.size > LARGEST_FILE:
                raise _too_large()
            data = await file.read()
        loop = asyncio.get_running_loop()
        heard = await loop.run_in_executor(self.threads, self.hear, data, options.hints)
        if options.format == "text":
            return PlainTextResponse(heard.text + "\n")
        if options.format == "json":
            return JSONResponse({"text": heard.text})
        return JSONResponse(heard.verbose(options.granularities))

    def hear(self, data: bytes, hints: engines.Hints) -> "Heard":
        """Decodes and transcribes a file. It takes a while, so it runs in a thread of its own."""
        language, words = hints.language or "en", []
        try:
            samples = audio.decode(data)
            if audio.holds_speech(samples):
                language, words = self.engine.transcribe(samples, hints)
        except audio.AudioError as error:
            raise ApiError(400, str(error), "file") from error
        except engines.LanguageError as error:
            raise ApiError(400, str(error), "language") from error
        return Heard(language, len(samples) / audio.RATE, words)


@dataclasses.dataclass(frozen=True)
class Heard:
    """What was heard in one file."""

    language: str
    duration_s: float
    words: list[engines.Word]

    @property
    def text(self) -> str:
        """All words in one line."""
        return _line(self.words)

    def verbose(self, granularities: list[str]) -> dict:
        """OpenAI's `verbose_json`. The words are left out only where segments alone were asked for."""
        answer = {
            "task": "transcribe",
            "language": self.language,
            "duration": round(self.duration_s, 3),
            "text": self.text,
            "segments": [
                {"id": number, "start": part[0].start, "end": part[-1].end, "text": _line(part)}
                for number, part in enumerate(engines.segments(self.words))
            ],
        }
        if granularities != ["segment"]:
            answer["words"] = [dataclasses.asdict(word) for word in self.words]
        return answer


def _line(words: list[engines.Word]) -> str:
    return " ".join(word.word for word in words)


@contextlib.asynccontextmanager
async def _read_form(request: Request):
    """The multipart form, of which no more than the permitted size is ever kept."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise ApiError(400, "the request must be multipart/form-data with the audio in its field 'file'", "file")
    if int(request.headers.get("content-length", 0)) > LARGEST_BODY:
        await _drain(request.receive)
        raise _too_large()
    seen = 0

    async def receive():
        nonlocal seen
        message = await request.receive()
        seen += len(message.get("body", b""))
        if seen > LARGEST_BODY:
            await _drain(request.receive)
            raise _too_large()
        return message

    async with Request(request.scope, receive).form(max_files=1, max_fields=32) as form:
        yield form


async def _drain(receive) -> None:
    """Reads on for a while and throws it away: a client that is still sending would not see the answer."""
    for _ in range(4 * LARGEST_BODY // 65_536):
        message = await receive()
        if not message.get("more_body"):
            return


def _too_large() -> ApiError:
    return ApiError(413, f"the audio file is larger than {LARGEST_FILE // 1024**2} MB", "file", "file_too_large")


async def _answer_error(_: Request, error: ApiError) -> JSONResponse:
    return error.response()


async def _answer_http_error(request: Request, error: HTTPException) -> JSONResponse:
    return ApiError(error.status_code, f"{request.method} {request.url.path}: {error.detail}").response()


async def _answer_failure(_: Request, error: Exception) -> JSONResponse:
    return ApiError(500, f"the speech engine failed: {type(error).__name__}", code="engine_failed").response()
