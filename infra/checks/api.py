"""Holds the REST API to its OpenAPI document: schemathesis against a stack of its own.

`api.py CALLBOARD` starts that program as `callboard dev` on a free port, with data that go when it ends and a stub for
speech; streams the demo call, hands it in as a recording, writes a playbook, and lets schemathesis ask. Fails when
anything of that cannot be done, when an operation was left out, and when an answer is not what the document says.
"""

import http.server
import json
import os
import pathlib
import queue
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request

import jsonschema_rs

import api_feeds

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
DEMO = ROOT / "dashboard/demo/demo_call.wav"
PATIENCE_S = 60
HOOK = "a secret of this check"


class Speech(http.server.BaseHTTPRequestHandler):
    """Hears the same in everything: a greeting, a price, pushback."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        said = {"text": "Good morning, that is too expensive for us, and I have to ask my boss first."}
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def fail(reason):
    sys.exit(f"error: {reason}")


def address(stack):
    """Where the stack answers, once it is ready."""
    said = queue.Queue()
    threading.Thread(target=lambda: [said.put(line) for line in stack.stdout] + [said.put("")], daemon=True).start()
    try:
        line = said.get(timeout=PATIENCE_S)
    except queue.Empty:
        fail(f"callboard dev was not ready in {PATIENCE_S} s")
    ready = "callboard is ready on "
    if not line.startswith(ready):
        fail("callboard dev did not start; what it said stands above")
    return line.removeprefix(ready).strip()


def ask(url, token, path, body=None):
    """What is answered: to GET, or to POST where there is a body, the text of a playbook or fields."""
    kind = "application/yaml" if isinstance(body, str) else "application/json"
    data = body if body is None or isinstance(body, str) else json.dumps(body)
    headers = {"authorization": f"Bearer {token}", "content-type": kind}
    request = urllib.request.Request(url + path, data=data and data.encode(), headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        fail(f"{request.get_method()} {path} was answered by {error.code}: {error.read().decode()}")


def hand_in(url, token, name, sound):
    """Makes a recorded call, and waits until it is over."""
    ticket = ask(url, token, "/v1/recordings", {"file_name": name, "bytes": len(sound)})
    headers = {"content-type": "application/octet-stream"}
    request = urllib.request.Request(ticket["upload"]["url"], data=sound, headers=headers, method="PUT")
    with urllib.request.urlopen(request, timeout=PATIENCE_S):
        pass
    told = api_feeds.until_end(url, token, ticket["call"], PATIENCE_S)
    if not told or told[-1][0] != "end":
        fail(f"the recording {name} was handed in and had no end")
    return ticket["call"]


def seed(callboard, url, token, environment, document):
    """Makes what requests can be about, and tells what there is."""
    for playbook in ["sales", "tax_relief"]:
        command = [callboard, "stream", DEMO, "--pace", "max", "--json", "--url", url, "--playbook", playbook]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_S)
        if done.returncode != 0:
            fail(f"the demo call could not be streamed: {done.stderr}")
    kinds = document["paths"]["/v1/playbooks"]["post"]["requestBody"]["content"]
    ask(url, token, "/v1/playbooks", kinds["text/plain"]["example"].replace("winter_sale", "autumn_sale"))
    done = hand_in(url, token, "demo_call.wav", DEMO.read_bytes())
    spare = [hand_in(url, token, "none.wav", b"this is no sound") for _ in range(3)]
    awaited = [ask(url, token, "/v1/recordings", {"file_name": "awaited.wav", "bytes": size})["call"]
               for size in [1000, 40_000_000]]
    calls = [call["call"] for call in ask(url, token, "/v1/calls?status=ended")["calls"]]
    if done not in calls or len(calls) != 3:
        fail("two calls and a recording were to end, and not all did")
    ask(url, token, f"/v1/calls/{done}/audio")
    cards = {card["id"] for call in calls for card in ask(url, token, f"/v1/calls/{call}")["cards"]}
    cursor = ask(url, token, "/v1/calls?limit=1").get("next")
    keys = [ask(url, token, "/v1/keys", {"name": f"Desk {number}", "role": "capture"})["id"] for number in range(3)]
    invited = [ask(url, token, "/v1/invitations", {"role": "agent"}) for _ in range(4)]
    account = {"email": "al@example.com", "password": "correct horse battery", "name": "Al",
               "invitation": invited.pop()["secret"]}
    users = [ask(url, token, "/v1/auth/register", account)["me"]["principal"]]
    there = {"calls": calls, "recordings": [done, *awaited], "spare": spare, "cards": sorted(cards), "cursors": [cursor] if cursor else [],
             "playbooks": ["sales", "tax_relief", "autumn_sale"], "own": ["autumn_sale"],
             "playbook": kinds["application/json"]["example"], "keys": keys, "users": users,
             "invitations": [invitation["id"] for invitation in invited]}
    for kind, found in there.items():
        if not found:
            fail(f"there are no {kind} to ask about")
    return there


def operations(document):
    """What the document describes but for feeds, as method and path."""
    feeds = api_feeds.feeds(document)
    return [(method, path) for path, members in document["paths"].items()
            for method in members if method != "parameters" and path not in feeds]


def wrong_examples(document):
    """Examples that are not what their schema says."""
    wrong = []

    def look(way, value):
        if isinstance(value, dict):
            if "example" in value and "schema" in value:
                schema = {"components": document["components"], **value["schema"]}
                if isinstance(value["schema"], dict):
                    errors = jsonschema_rs.validator_for(schema).iter_errors(value["example"])
                    wrong.extend(f"the example of {way} does not fit: {error.message}" for error in errors)
            for name, member in value.items():
                look(f"{way}/{name}", member)
        elif isinstance(value, list):
            for at, entry in enumerate(value):
                look(f"{way}/{at}", entry)

    look("", document)
    return wrong


def run(url, document, environment, folder):
    """Lets schemathesis ask; gives its report, or fails where it could not run to its end."""
    report, described = folder / "report.json", folder / "openapi.json"
    # As a file: of a document that it loads itself, it leaves out where that came from.
    described.write_text(json.dumps(document))
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", HERE / "schemathesis.toml", "run",
               described, "--url", url, "--report-json-path", report, "--checks", "all", "--no-color"]
    command += [f"--exclude-path={path}" for path in api_feeds.feeds(document)]
    done = subprocess.run(command, env=environment, cwd=folder)
    if not report.is_file():
        fail("schemathesis wrote no report: it could not run")
    return json.loads(report.read_text()) | {"exit_code": done.returncode}


# What is warned of and is as it must be: whoever has no account, session or invitation gets no further than a refusal,
# and what is removed once is gone.
EXPECTED_WARNINGS = {
    "missing_auth": {"POST /v1/auth/login", "POST /v1/auth/refresh", "POST /v1/auth/register", "PUT /v1/me/password"},
    "missing_test_data": {"DELETE /v1/users/{id}", "PATCH /v1/users/{id}", "POST /v1/auth/invitation",
                          "DELETE /v1/keys/{id}", "DELETE /v1/invitations/{id}"},
    "validation_mismatch": {"POST /v1/auth/register", "PUT /v1/me/password"},
}


def unexpected(kind, found):
    return [operation for operation in found if operation not in EXPECTED_WARNINGS.get(kind, ())]


def shortcomings(report, described):
    """Why a report proves less than that every described operation answers as the document says."""
    problems = []
    if report["exit_code"] != 0 or report["failures"] or report["errors"]:
        problems.append("an answer is not what the document says: see above")
    if not report["complete"]:
        problems.append(f"schemathesis stopped early: {report['stop_reason']}")
    if report["operations"]["tested"] != described:
        problems.append(f"{described} operations are described, and {report['operations']['tested']} were tested")
    problems += [f"the phase {name} did not succeed: {phase['skip_reason'] or phase['status']}"
                 for name, phase in report["phases"].items() if phase["status"] != "success"]
    warnings = {kind: unexpected(kind, found) for kind, found in report["warnings"].items()}
    problems += [f"schemathesis warns of {kind}: {found}" for kind, found in warnings.items() if found]
    return problems


def main(callboard):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        speech = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Speech)
        threading.Thread(target=speech.serve_forever, daemon=True).start()
        # Nothing of the environment may decide what is seen.
        environment = {"PATH": os.environ["PATH"], "HOME": name, "XDG_STATE_HOME": f"{name}/state",
                       "CALLBOARD_LOG": "error", "RECORDINGS_HOOK_SECRET": HOOK}
        command = [callboard, "dev", "--port", "0", "--data", folder / "data", "--project", ROOT,
                   "--speech", f"http://127.0.0.1:{speech.server_port}"]
        stack = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            url = address(stack)
            token = (folder / "data/token").read_text()
            document = ask(url, token, "/openapi.json")
            if wrong := wrong_examples(document):
                fail("\n".join(wrong))
            there = seed(callboard, url, token, environment, document)
            if wrong := api_feeds.wrong_feeds(url, token, document, there["calls"][0], PATIENCE_S):
                fail("\n".join(wrong))
            settings = {"CALLBOARD_TOKEN": token, "CALLBOARD_HOOK": HOOK, "CALLBOARD_THERE": json.dumps(there),
                        "CALLBOARD_HOOKS": str(HERE / "api_hooks.py")}
            report = run(url, document, environment | settings, folder)
            if stack.poll() is not None:
                fail("callboard dev ended while it was asked")
            described = len(operations(document))
            if problems := shortcomings(report, described):
                fail("\nerror: ".join(problems))
            feeds = len(api_feeds.feeds(document))
            print(f"{described} operations and {feeds} feeds, {report['test_cases']['generated']} requests: all as the document says")
        finally:
            stack.terminate()
            stack.wait(timeout=PATIENCE_S)
            speech.shutdown()


def self_test():
    """A report is refused that does not tell of success all through, and an example that does not fit."""
    good = {"exit_code": 0, "failures": [], "errors": [], "complete": True, "stop_reason": "completed",
            "operations": {"tested": 2}, "phases": {"fuzzing": {"status": "success", "skip_reason": None}},
            "warnings": {"missing_auth": []}}
    assert shortcomings(good, 2) == []
    for change in [{"exit_code": 1}, {"failures": ["x"]}, {"errors": ["x"]}, {"complete": False},
                   {"operations": {"tested": 1}}, {"phases": {"fuzzing": {"status": "skip", "skip_reason": "none"}}},
                   {"warnings": {"missing_auth": ["GET /"]}}]:
        assert len(shortcomings(good | change, 2)) == 1, change
    document = {"components": {"schemas": {"Id": {"type": "string"}}}}
    kind = {"schema": {"$ref": "#/components/schemas/Id"}, "example": "x"}
    assert wrong_examples(document | {"paths": [kind]}) == []
    assert len(wrong_examples(document | {"paths": [kind | {"example": 7}]})) == 1
    assert operations({"paths": {"/a": {"parameters": [], "get": {}, "put": {}}}}) == [("get", "/a"), ("put", "/a")]


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        api_feeds.self_test()
        print("api.py refuses what it must")
        sys.exit()
    if len(sys.argv) != 2:
        fail("name the program: api.py target/local/callboard")
    main(pathlib.Path(sys.argv[1]).resolve())
