"""Sound on its way in: bytes of a file to 16 kHz mono samples, and where the speech in them lies.

Owns file formats, mixing down, resampling and level arithmetic. Knows neither HTTP nor any recogniser.
Samples are float32 between -1 and 1 throughout.
"""

import io
import math
import struct

import numpy

RATE = 16_000
"""The sample rate, in Hz, that both engines hear."""

LOWEST_RATE, HIGHEST_RATE = 8_000, 48_000

PCM, FLOAT, A_LAW, MU_LAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE

FRAME = RATE // 100
"""One step of the level meter: 10 ms."""

QUIETEST_SPEECH_DB = -60.0
"""Below this level (dB of full scale, after the tilt of `levels`) nothing is taken for speech."""

LEAST_SWING_DB = 6.0
"""Speech rises and falls by far more than this between its sounds; steady noise does not."""

LOUD_DB, LEVEL_STEP_DB = 15.0, 3.0
"""What lies within 15 dB of the loudest moment is speech, whatever the noise. Bounds are found at levels 3 dB apart."""

QUIET = 10 * FRAME
"""The quietest 100 ms tell how loud the noise is: speech has no gap of that length but its pauses."""

SHORTEST_SPEECH_S = 0.08
"""What is loud for less than this in all is a click."""


class AudioError(Exception):
    """The bytes are not audio that can be read; the message says why, for the person who sent them."""


def decode(data: bytes) -> numpy.ndarray:
    """The file's sound as 16 kHz mono. WAV is read here; any other container is left to PyAV."""
    if not data:
        raise AudioError("the audio file is empty (0 bytes)")
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        samples, rate = _read_wav(data)
        return resample(samples, rate, RATE)
    return _read_with_av(data)


def _read_wav(data: bytes) -> tuple[numpy.ndarray, int]:
    layout, position = None, 12
    while position + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        body = data[position + 8 : position + 8 + size]
        if name == b"fmt ":
            layout = _read_wav_layout(body)
        elif name == b"data":
            # A recorder that streams cannot know the size beforehand, so a too large one means "to the end".
            if layout is None:
                raise AudioError("the WAV file has no 'fmt ' chunk before its 'data' chunk")
            return _read_wav_samples(body, *layout), layout[2]
        position += 8 + size + size % 2
    raise AudioError("the WAV file is cut short: it has no 'data' chunk")


def _read_wav_layout(body: bytes) -> tuple[int, int, int, int]:
    if len(body) < 16:
        raise AudioError("the WAV file's 'fmt ' chunk is cut short")
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if tag == EXTENSIBLE and len(body) >= 26:
        (tag,) = struct.unpack_from("<H", body, 24)
    if channels == 0:
        raise AudioError("the WAV file says that it has 0 channels")
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise AudioError(f"unsupported sample rate {rate} Hz: {LOWEST_RATE} to {HIGHEST_RATE} Hz can be read")
    return tag, channels, rate, bits


def _read_wav_samples(body: bytes, tag: int, channels: int, rate: int, bits: int) -> numpy.ndarray:
    width = bits // 8
    if (tag, bits) not in {(PCM, 8), (PCM, 16), (PCM, 24), (PCM, 32), (FLOAT, 32), (FLOAT, 64), (A_LAW, 8), (MU_LAW, 8)}:
        raise AudioError(
            f"unsupported WAV encoding (format tag {tag}, {bits} bits): PCM of 8, 16, 24 or 32 bits, float, mu-law and A-law can be read"
        )
    body = body[: len(body) // (width * channels) * (width * channels)]
    if tag == FLOAT:
        samples = numpy.frombuffer(body, f"<f{width}").astype(numpy.float32)
        samples = numpy.clip(numpy.nan_to_num(samples, nan=0.0), -1.0, 1.0)
    elif tag in (A_LAW, MU_LAW):
        table = _mu_law_table() if tag == MU_LAW else _a_law_table()
        samples = table[numpy.frombuffer(body, numpy.uint8)]
    elif bits == 8:
        samples = (numpy.frombuffer(body, numpy.uint8).astype(numpy.float32) - 128.0) / 128.0
    else:
        # Left-aligned in 32 bits, so that one division serves every width.
        wide = numpy.zeros((len(body) // width, 4), numpy.uint8)
        wide[:, 4 - width :] = numpy.frombuffer(body, numpy.uint8).reshape(-1, width)
        samples = (wide.view("<i4")[:, 0] / 2.0**31).astype(numpy.float32)
    return samples.reshape(-1, channels).mean(axis=1, dtype=numpy.float32)


def _mu_law_table() -> numpy.ndarray:
    code = ~numpy.arange(256, dtype=numpy.uint8)
    exponent, mantissa = (code >> 4 & 7).astype(int), (code & 15).astype(int)
    size = ((2 * mantissa + 33) << exponent) - 33
    return (numpy.where(code & 0x80, -size, size) / 8192.0).astype(numpy.float32)


def _a_law_table() -> numpy.ndarray:
    code = numpy.arange(256, dtype=numpy.uint8) ^ 0x55
    exponent, mantissa = (code >> 4 & 7).astype(int), (code & 15).astype(int)
    size = numpy.where(exponent == 0, 2 * mantissa + 1, (2 * mantissa + 33) << numpy.maximum(exponent - 1, 0))
    return (numpy.where(code & 0x80, size, -size) / 4096.0).astype(numpy.float32)


def _read_with_av(data: bytes) -> numpy.ndarray:
    import av

    try:
        with av.open(io.BytesIO(data)) as container:
            if not container.streams.audio:
                raise AudioError("the file holds no audio stream")
            to_mono = av.AudioResampler(format="flt", layout="mono", rate=RATE)
            frames = [out for frame in container.decode(audio=0) for out in to_mono.resample(frame)]
            frames += to_mono.resample(None)
    except (av.FFmpegError, ValueError, IndexError) as error:
        raise AudioError(f"the file is corrupt, or no audio format that can be read ({error})") from error
    if not frames:
        raise AudioError("the file is corrupt: it holds no audio that can be decoded")
    return numpy.concatenate([frame.to_ndarray()[0] for frame in frames])


def resample(samples: numpy.ndarray, source: int, target: int) -> numpy.ndarray:
    """Band-limited resampling: each output is a Hann-windowed sinc laid over the input at its own place."""
    if source == target or not len(samples):
        return samples
    step = math.gcd(source, target)
    up, down = target // step, source // step
    cutoff = 0.95 * min(1.0, up / down)
    reach = math.ceil(24 / cutoff)
    taps = numpy.arange(-reach + 1, reach + 1)
    distance = taps[None, :] - numpy.arange(up)[:, None] / up
    kernels = cutoff * numpy.sinc(cutoff * distance) * numpy.cos(numpy.pi * distance / (2 * reach)) ** 2
    kernels = (kernels / kernels.sum(axis=1, keepdims=True)).astype(numpy.float32)

    padded = numpy.pad(samples, (reach - 1, reach + 1))
    windows = numpy.lib.stride_tricks.sliding_window_view(padded, 2 * reach)
    result = numpy.empty(len(samples) * up // down, numpy.float32)
    for start in range(0, len(result), 16_384):
        place = numpy.arange(start, min(start + 16_384, len(result))) * down
        result[start : start + len(place)] = numpy.einsum("ij,ij->i", windows[place // up], kernels[place % up])
    return result


def levels(samples: numpy.ndarray) -> numpy.ndarray:
    """The level of each 10 ms in dB of full scale, tilted towards the treble so that hum counts little."""
    tilted = numpy.diff(samples, prepend=samples[:1])
    whole = tilted[: len(tilted) // FRAME * FRAME].reshape(-1, FRAME)
    return 10 * numpy.log10(numpy.mean(whole * whole, axis=1, dtype=numpy.float64) + 1e-12)


def holds_speech(samples: numpy.ndarray) -> bool:
    """False only where there can be none: silence, steady noise, a click. When in doubt, True."""
    level = levels(samples)
    if len(level) * FRAME < SHORTEST_SPEECH_S * RATE or level.max() < QUIETEST_SPEECH_DB:
        return False
    floor = numpy.percentile(level, 10)
    loud = numpy.count_nonzero(level > max(floor + LEAST_SWING_DB, QUIETEST_SPEECH_DB))
    return loud * FRAME >= SHORTEST_SPEECH_S * RATE


def speech_bounds(samples: numpy.ndarray, below_peak_db: float) -> tuple[int, int]:
    """Where the first sound begins and the last one ends that is at most so far below the loudest, and above the noise.

    Measured sample by sample, and against a level that moves in steps, so that more or less quiet around the same
    speech gives the same bounds.
    """
    tilted = numpy.diff(samples, prepend=samples[:1]).astype(numpy.float64)
    total = numpy.concatenate(([0.0], numpy.cumsum(tilted * tilted)))

    def levels_over(window: int) -> numpy.ndarray:
        return 10 * numpy.log10(numpy.maximum(total[window:] - total[:-window], 0.0) / window + 1e-12)

    window = min(2 * FRAME, len(samples))
    level = levels_over(window)
    noise = levels_over(min(QUIET, len(samples))).min()
    threshold = min(max(level.max() - below_peak_db, noise + LEAST_SWING_DB), level.max() - LOUD_DB)
    heard = numpy.flatnonzero(level > LEVEL_STEP_DB * round(threshold / LEVEL_STEP_DB))
    return int(heard[0]), int(heard[-1]) + window


def pieces(samples: numpy.ndarray, longest_s: float) -> list[tuple[int, int]]:
    """Cuts long audio at its quietest moments, into pieces that are at least half as long as the longest may be."""
    longest = int(longest_s * RATE)
    if len(samples) <= longest:
        return [(0, len(samples))]
    level = numpy.convolve(levels(samples), numpy.ones(15) / 15, mode="same")
    cuts = [0]
    while len(samples) - cuts[-1] > longest:
        first = (cuts[-1] + longest // 2) // FRAME
        last = (cuts[-1] + longest) // FRAME
        cuts.append((first + int(level[first:last].argmin())) * FRAME)
    return list(zip(cuts, cuts[1:] + [len(samples)]))
