"""Holds the feeds to the OpenAPI document: server-sent events, which go on for as long as somebody listens.

What asks for everything else reads each answer to its end, so these are asked here, and read up to a bound.
"""

import json
import urllib.error
import urllib.request

import jsonschema_rs

KIND = "text/event-stream"
MOST_LINES = 10_000
ABSENT = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
PROBLEM = "application/problem+json"


def feeds(document):
    """Paths that are answered by a stream, with what is said of them."""
    said = {path: members.get("get", {}) for path, members in document["paths"].items()}
    return {path: get for path, get in said.items() if KIND in get.get("responses", {}).get("200", {}).get("content", {})}


def opened(url, headers, method, patience_s):
    try:
        request = urllib.request.Request(url, headers=headers, method=method)
        return urllib.request.urlopen(request, timeout=patience_s)
    except urllib.error.HTTPError as error:
        return error


def events(lines):
    """The events of a stream up to `end`, or as many as lines are read: name, id, and data."""
    found, fields = [], {}
    for _, line in zip(range(MOST_LINES), lines):
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if line.strip():
            fields[name] = value
            continue
        if "event" in fields:
            found.append((fields["event"], fields.get("id"), json.loads(fields["data"])))
            if fields["event"] == "end":
                break
        fields = {}
    return found


def until_end(url, token, call, patience_s):
    """All events of a call that is over, or will be."""
    headers = {"authorization": f"Bearer {token}"}
    with opened(f"{url}/v1/calls/{call}/events", headers, "GET", patience_s) as answer:
        return events(answer) if answer.status == 200 else []


def misfit(document, get, answer):
    """Why an answer is not one of those that are described."""
    described = get["responses"].get(str(answer.status))
    if described is None:
        return f"{answer.status} is not described"
    if name := described.get("$ref"):
        described = document["components"]["responses"][name.rpartition("/")[2]]
    kind = answer.headers.get_content_type()
    content = described.get("content", {}).get(kind)
    if content is None:
        return f"{answer.status} is described without {kind}"
    if kind == KIND:
        begin = answer.readline().decode()
        return None if begin.startswith("retry: ") else f"a stream begins with {begin!r}"
    schema = {"components": document["components"], **content["schema"]}
    wrong = [error.message for error in jsonschema_rs.validator_for(schema).iter_errors(json.load(answer))]
    return f"{answer.status} does not fit: {wrong[0]}" if wrong else None


def wrong_feeds(url, token, document, call, patience_s):
    """What feeds answer that is not as the document says; `call` is one that is over."""
    good, wrong = {"authorization": f"Bearer {token}"}, []
    for path, get in feeds(document).items():
        cases = [(path, good, 200), (path, {}, 401), (path, {"authorization": "Bearer none"}, 401),
                 (path, good | {"last-event-id": "?"}, 400), (f"{path}?last_event_id=%3F", good, 400)]
        if "{id}" in path:
            cases += [(path.replace("{id}", ABSENT), good, 404), (path.replace("{id}", "none"), good, 400)]
        for asked, headers, status in cases:
            with opened(url + asked.replace("{id}", call), headers, "GET", patience_s) as answer:
                found = f"it was {answer.status}" if answer.status != status else misfit(document, get, answer)
            wrong += [f"GET {asked}, where {status} is right: {found}"] if found else []
        with opened(url + path.replace("{id}", call), good, "POST", patience_s) as answer:
            if (answer.status, answer.headers["allow"], answer.headers.get_content_type()) != (405, "GET", PROBLEM):
                wrong.append(f"POST {path} is not refused by 405 with Allow: GET")
    told = until_end(url, token, call, patience_s)
    ids = [int(number) for _, number, _ in told if number]
    if ids != sorted(set(ids)) or not told or told[-1][0] != "end" or any(name != data["type"] for name, _, data in told):
        wrong.append("the events of a call that is over are out of order, misnamed, or have no end")
    return wrong


def self_test():
    """A stream is read to its end and not further, and an answer is refused that is not described."""
    lines = [b"retry: 1\n", b"\n", b"event: call\n", b"id: 7\n", b'data: {"a":1}\n', b"\n", b": ping\n", b"\n",
             b"event: end\n", b"data: {}\n", b"\n", b"event: late\n", b"data: {}\n", b"\n"]
    assert events(iter(lines)) == [("call", "7", {"a": 1}), ("end", None, {})]
    document = {"paths": {"/a": {"get": {"responses": {"200": {"content": {KIND: {}}}}}},
                          "/b": {"get": {"responses": {"200": {"content": {PROBLEM: {}}}}}}, "/c": {"post": {}}}}
    assert list(feeds(document)) == ["/a"]
