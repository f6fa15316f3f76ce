"""The server as its callers meet it: a process of its own, the real recogniser, the project's demo call."""

import concurrent.futures
import io
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
import wave

import numpy
import pytest

import audio

HERE = pathlib.Path(__file__).parent
DEMO = HERE.parent.parent / "dashboard" / "demo"
URL = "/v1/audio/transcriptions"


def start(*arguments, **environment):
    return subprocess.Popen(
        [sys.executable, HERE / "server.py", "--port", "0", *arguments],
        env={**os.environ, "SPEECH_ENGINE": "pocketsphinx", "SPEECH_WORKERS": "2", **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def base_of(process) -> str:
    line = process.stdout.readline()
    match = re.fullmatch(r"speech server is ready on (http://127\.0\.0\.1:\d+) \(pocketsphinx\)\n", line)
    assert match, (line, process.stderr.read())
    return match[1]


@pytest.fixture(scope="module")
def server():
    process = start()
    yield base_of(process)
    process.terminate()
    process.wait(10)


def ask(base, sound, name="a.wav", **fields):
    """Status and body of a transcription request."""
    boundary, body = uuid.uuid4().hex, b""
    for key, value in fields.items():
        key = key.replace("granularities", "granularities[]")
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
    if sound is not None:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        body += head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + sound + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    request = urllib.request.Request(base + URL, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            answer = response.status, response.read()
    except urllib.error.HTTPError as error:
        answer = error.code, error.read()
    return answer[0], answer[1].decode() if fields.get("response_format") == "text" else json.loads(answer[1])


def wav(samples, rate=16_000, channels=1):
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((numpy.asarray(samples).clip(-1, 1) * 32767).astype("<i2").tobytes())
    return file.getvalue()


def turns(earlier_ms=0, later_ms=0):
    """The demo call's turns: what was said, and its samples, beginning so much earlier and ending so much later."""
    with wave.open(str(DEMO / "demo_call.wav")) as call:
        rate = call.getframerate()
        both = numpy.frombuffer(call.readframes(call.getnframes()), "<i2").reshape(-1, 2) / 32768.0
    for turn in json.loads((DEMO / "demo_call.json").read_text())["turns"]:
        first, end = ((turn["start_ms"] - earlier_ms) * rate // 1000, (turn["end_ms"] + later_ms) * rate // 1000)
        yield turn["text"], audio.resample(both[first:end, turn["channel"]].astype(numpy.float32), rate, 16_000)


TURNS = list(turns())


def plain(text):
    return re.sub("[^a-z ]", "", text.lower()).split()


def word_errors(said, heard):
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
    return row[-1]


def test_health_says_what_it_hears_with(server):
    with urllib.request.urlopen(server + "/health") as response:
        about = json.load(response)
    assert (about["status"], about["engine"], about["model"]) == ("ok", "pocketsphinx", "en-us")
    assert "SPEECH_ENGINE" in about["notice"]


def test_demo_call_is_understood_whatever_the_order(server):
    forwards = [ask(server, wav(samples), language="en", model="any")[1]["text"] for _, samples in TURNS]
    backwards = [ask(server, wav(samples))[1]["text"] for _, samples in reversed(TURNS)][::-1]
    assert forwards == backwards
    errors = sum(word_errors(plain(said), plain(text)) for (said, _), text in zip(TURNS, forwards))
    assert errors / sum(len(plain(said)) for said, _ in TURNS) <= 0.12


def test_verbose_json_has_words_with_times(server):
    said, samples = TURNS[0]
    quiet = numpy.zeros(8_000, numpy.float32)
    status, answer = ask(server, wav(numpy.concatenate((quiet, samples, quiet))), response_format="verbose_json")
    assert status == 200
    assert (answer["task"], answer["language"]) == ("transcribe", "en")
    assert answer["duration"] == pytest.approx(len(samples) / 16_000 + 1, abs=0.002)
    words = answer["words"]
    assert " ".join(word["word"] for word in words) == answer["text"]
    assert all(0.4 <= word["start"] < word["end"] <= answer["duration"] - 0.4 for word in words)
    assert all(a["end"] <= b["start"] + 0.001 for a, b in zip(words, words[1:]))
    assert all(0 <= word["probability"] <= 1 and not re.search(r"[(<\[]", word["word"]) for word in words)
    assert " ".join(part["text"] for part in answer["segments"]) == answer["text"]
    assert "words" not in ask(server, wav(samples), response_format="verbose_json", timestamp_granularities="segment")[1]


def test_text_is_one_line(server):
    status, text = ask(server, wav(TURNS[0][1]), response_format="text")
    assert status == 200 and len(text.splitlines()) == 1 and plain(text)


@pytest.mark.parametrize("rate, channels", [(8_000, 1), (44_100, 2), (48_000, 1)])
def test_other_rates_and_channels(server, rate, channels):
    said, samples = TURNS[1]
    sound = wav(numpy.repeat(audio.resample(samples, 16_000, rate), channels), rate, channels)
    status, answer = ask(server, sound)
    assert status == 200
    assert word_errors(plain(said), plain(answer["text"])) <= len(plain(said)) / 3


@pytest.mark.parametrize("earlier_ms, later_ms", [(30, 250), (120, 120), (250, 30)])
def test_a_more_generous_cut_changes_no_word(server, earlier_ms, later_ms):
    for (said, tight), (_, wide) in zip(TURNS, turns(earlier_ms, later_ms)):
        assert ask(server, wav(tight))[1]["text"] == ask(server, wav(wide))[1]["text"], said


@pytest.mark.parametrize("level", [0.0, 10 ** (-50 / 20), 10 ** (-25 / 20)])
def test_no_speech_gives_no_words(server, level):
    noise = numpy.random.default_rng(5).standard_normal(32_000) * level
    assert ask(server, wav(noise)) == (200, {"text": ""})


def test_audio_of_no_length_gives_no_words(server):
    status, answer = ask(server, wav([]), response_format="verbose_json")
    assert status == 200
    assert (answer["text"], answer["words"], answer["segments"], answer["duration"]) == ("", [], [], 0)


@pytest.mark.parametrize(
    "sound, fields, status, part, said",
    [
        (None, {}, 400, "file", "audio is missing"),
        (b"", {}, 400, "file", "empty"),
        (b"this is no audio at all, is it?", {}, 400, "file", "corrupt"),
        (wav([0.1])[:30], {}, 400, "file", "cut short"),
        (wav([0.1] * 100, 4_000), {}, 400, "file", "4000 Hz"),
        (wav([0.1]), {"response_format": "srt"}, 400, "response_format", "'srt'"),
        (wav([0.1]), {"temperature": "warm"}, 400, "temperature", "'warm'"),
        (wav(TURNS[0][1]), {"language": "de"}, 400, "language", "English"),
        (wav([0.1]), {"timestamp_granularities": "word"}, 400, "timestamp_granularities[]", "verbose_json"),
        (bytes(26 * 1024 * 1024), {}, 413, "file", "25 MB"),
    ],
)
def test_errors_name_what_was_wrong(server, sound, fields, status, part, said):
    got, answer = ask(server, sound, **fields)
    assert got == status
    assert set(answer["error"]) == {"message", "type", "param", "code"}
    assert answer["error"]["type"] == "invalid_request_error"
    assert answer["error"]["param"] == part
    assert said in answer["error"]["message"]


def test_two_requests_run_at_once(server):
    sounds = [wav(samples) for _, samples in TURNS]
    alone = [ask(server, sound)[1]["text"] for sound in sounds]
    with concurrent.futures.ThreadPoolExecutor(4) as many:
        together = [answer["text"] for _, answer in many.map(lambda sound: ask(server, sound), sounds)]
    assert together == alone


def test_formats_of_wav_sound_the_same():
    samples = (0.5 * numpy.sin(numpy.arange(1_600) / 5)).astype(numpy.float32)

    def file(tag, bits, body):
        layout = numpy.array([tag, 1], "<u2").tobytes() + numpy.array([16_000, 0], "<u4").tobytes()
        layout += numpy.array([bits // 8, bits], "<u2").tobytes()
        chunks = b"fmt " + len(layout).to_bytes(4, "little") + layout + b"data" + len(body).to_bytes(4, "little") + body
        return b"RIFF" + (4 + len(chunks)).to_bytes(4, "little") + b"WAVE" + chunks

    wide = (samples * (2.0**31 - 1)).astype("<i4").view(numpy.uint8).reshape(-1, 4)
    for tag, bits, body, tolerance in [
        (1, 8, (samples * 127 + 128).astype(numpy.uint8).tobytes(), 0.02),
        (1, 16, wide[:, 2:].tobytes(), 1e-4),
        (1, 24, wide[:, 1:].tobytes(), 1e-5),
        (1, 32, wide.tobytes(), 1e-6),
        (3, 32, samples.astype("<f4").tobytes(), 1e-7),
    ]:
        assert audio.decode(file(tag, bits, body)) == pytest.approx(samples, abs=tolerance)


def processes_of(parent):
    """The worker processes of a server, and theirs."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent)], stdout=subprocess.PIPE, text=True).stdout.split()
    return [int(pid) for pid in found]


def gone(pid, within_s=5):
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("way", ["SIGTERM", "SIGKILL", "stdin"])
def test_no_process_outlives_the_server(way):
    process = start("--parent-stdin")
    base_of(process)
    workers = processes_of(process.pid)
    assert len(workers) >= 2
    if way == "stdin":
        process.stdin.close()
    else:
        process.send_signal(signal.Signals[way])
    assert process.wait(5) == (-signal.SIGKILL if way == "SIGKILL" else 0)
    assert all(gone(pid) for pid in workers)


def test_server_ends_with_its_parent():
    code = "import subprocess, sys; print(subprocess.Popen(sys.argv[1:]).pid, flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, sys.executable, str(HERE / "server.py"), "--port", "0"]
    environment = {**os.environ, "SPEECH_ENGINE": "pocketsphinx", "SPEECH_WORKERS": "1"}
    parent = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    server = int(parent.stdout.readline())
    assert "ready" in parent.stdout.readline()
    everyone = [server, *processes_of(server)]
    parent.kill()
    parent.wait()
    assert all(gone(pid) for pid in everyone)


def test_a_killed_worker_is_replaced():
    process = start(SPEECH_WORKERS="1")
    base = base_of(process)
    before = ask(base, wav(TURNS[0][1]))
    for pid in processes_of(process.pid):
        if "spawn_main" in pathlib.Path(f"/proc/{pid}/cmdline").read_text():
            os.kill(pid, signal.SIGKILL)
    assert ask(base, wav(TURNS[0][1])) == before
    process.terminate()
    process.wait(5)


@pytest.mark.parametrize(
    "name, value", [("SPEECH_ENGINE", "siri"), ("SPEECH_WORKERS", "two"), ("SPEECH_WORKERS", "0"), ("SPEECH_MODEL", "")]
)
def test_malformed_setting_stops_the_start(name, value):
    process = start(**{"SPEECH_ENGINE": "auto", name: value})
    out, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert out == "" and name in err and len(err.splitlines()) == 1


def test_without_its_model_faster_whisper_gives_way(tmp_path):
    environment = {"HF_HOME": str(tmp_path), "HF_ENDPOINT": "http://127.0.0.1:9", "SPEECH_WORKERS": "1"}
    began = time.monotonic()
    process = start(SPEECH_ENGINE="auto", **environment)
    base = base_of(process)
    assert time.monotonic() - began < 20
    with urllib.request.urlopen(base + "/health") as response:
        notice = json.load(response)["notice"]
    assert "base.en" in notice and "pocketsphinx" in notice
    process.terminate()
    assert process.communicate(timeout=5)[1] == f"speech server: {notice}\n"

    strict = start(SPEECH_ENGINE="faster-whisper", **environment)
    assert "SPEECH_ENGINE=faster-whisper" in strict.communicate(timeout=20)[1]
    assert strict.returncode == 1
