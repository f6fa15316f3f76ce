"""The choice of a recogniser, what every recogniser answers, and the one that is a neural network.

Owns faster-whisper and the rule for when it is used; pocketsphinx, which takes its place, stands in sphinx.py.
Knows neither HTTP nor file formats.
"""

import dataclasses
import os
import queue
import threading

import numpy

HUB_WAIT_S = 4
"""So long may the model hub take to answer before it counts as out of reach."""

SEGMENT_GAP_S = 0.8
"""A pause of this length between two words begins a new segment."""


class EngineError(Exception):
    """The chosen engine cannot be had on this machine; the message says why."""


class LanguageError(Exception):
    """The engine does not know the language asked for; the message names what it does know."""


@dataclasses.dataclass(frozen=True)
class Word:
    """One word, its times in seconds from the start of the audio, and how sure the engine is of it (0 to 1)."""

    word: str
    start: float
    end: float
    probability: float


@dataclasses.dataclass(frozen=True)
class Hints:
    """What a caller may tell an engine beside the audio. An engine uses those that it understands."""

    language: str | None = None
    prompt: str | None = None
    temperature: float = 0.0


def choose(engine: str, model: str, workers: int):
    """The engine for the setting `auto`, `faster-whisper` or `pocketsphinx`, ready to transcribe."""
    import sphinx

    if engine == "pocketsphinx":
        return sphinx.Sphinx(workers, "pocketsphinx, the small offline recogniser, is used as SPEECH_ENGINE asks")
    try:
        return Whisper(model, workers)
    except EngineError as error:
        if engine == "faster-whisper":
            raise
        return sphinx.Sphinx(
            workers, f"{error}: pocketsphinx, the small offline recogniser, is used instead and makes more mistakes"
        )


def segments(words: list[Word]) -> list[list[Word]]:
    """The words, parted where the speaker paused."""
    parts: list[list[Word]] = []
    for word in words:
        if not parts or word.start - parts[-1][-1].end >= SEGMENT_GAP_S:
            parts.append([])
        parts[-1].append(word)
    return parts


class Whisper:
    """faster-whisper, on a GPU where there is one. It runs threads of its own, so it needs no worker processes."""

    name = "faster-whisper"
    notice = None

    def __init__(self, model: str, workers: int):
        self.model, self.parallel = model, workers
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        try:
            import faster_whisper
        except ImportError as error:
            raise EngineError(f"faster-whisper is not installed ({error})") from error
        if not is_model(model):
            raise ValueError(f"{model!r} is neither a folder nor a model that faster-whisper knows")
        if not (os.path.isdir(model) or _is_downloaded(model)) and (reason := _why_hub_is_out_of_reach()):
            raise EngineError(f"faster-whisper's model {model!r} is not on this machine and cannot be fetched ({reason})")
        try:
            self.whisper = faster_whisper.WhisperModel(model, device="auto", num_workers=workers)
        except Exception as error:  # The hub's client, CTranslate2 and CUDA each have errors of their own.
            raise EngineError(f"faster-whisper cannot load its model {model!r} ({_first_line(error)})") from error

    def transcribe(self, samples: numpy.ndarray, hints: Hints) -> tuple[str, list[Word]]:
        """The language's code, and the words."""
        language = hints.language.lower().split("-")[0] if hints.language else None
        if language and language not in self.whisper.supported_languages:
            raise LanguageError(f"model {self.model!r} does not know the language {language!r}: give a code such as 'en'")
        found, info = self.whisper.transcribe(
            samples,
            language=language,
            initial_prompt=hints.prompt,
            temperature=hints.temperature,
            word_timestamps=True,
            condition_on_previous_text=False,
        )
        words = [
            Word(word.word.strip(), round(float(word.start), 3), round(float(word.end), 3), round(float(word.probability), 3))
            for segment in found
            for word in segment.words or []
            if word.word.strip()
        ]
        return info.language, words

    def close(self) -> None:
        """There is nothing to stop."""


def is_model(model: str) -> bool:
    """Whether the name is a folder, one of faster-whisper's own models, or an `owner/name` of the model hub."""
    import faster_whisper

    return os.path.isdir(model) or model in faster_whisper.available_models() or model.count("/") == 1


def _is_downloaded(model: str) -> bool:
    from faster_whisper.utils import download_model

    try:
        download_model(model, local_files_only=True)
    except Exception:  # Whatever the cache's trouble is, the model is not usable from it.
        return False
    return True


def _why_hub_is_out_of_reach() -> str | None:
    """Asks the hub for a sign of life, in a thread of its own, since the look-up of its name obeys no timeout."""
    import huggingface_hub

    outcome: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def ask():
        try:
            huggingface_hub.HfApi().model_info("Systran/faster-whisper-base.en", timeout=HUB_WAIT_S)
            outcome.put(None)
        except huggingface_hub.errors.HfHubHTTPError:
            outcome.put(None)  # It answered; what it thinks of the model itself comes out when loading.
        except Exception as error:
            outcome.put(_first_line(error))

    threading.Thread(target=ask, daemon=True).start()
    try:
        return outcome.get(timeout=HUB_WAIT_S)
    except queue.Empty:
        return f"the model hub did not answer within {HUB_WAIT_S} s"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
