"""What no document can tell schemathesis: which calls, recordings, cards, cursors, playbooks, keys, people and
invitations there are.

Every other request that fits the document is given them, so that what is there is hit as well as what is not.
"""

import collections
import json
import os

import schemathesis
from schemathesis.core.parameters import ParameterLocation

THERE = json.loads(os.environ["CALLBOARD_THERE"])
"""Calls, recordings, cards, cursors, playbooks, keys, people and invitations, each a list of names, and the fields of a
playbook. Spare calls are those that may be removed."""

turns = collections.Counter()
"""How many requests each operation got: what comes between those of one changes nothing for it."""
written = ["sales"]
"""Playbooks that may have been written meanwhile, the latest last: these may be deleted again."""


def fits(case, location):
    """Whether schemathesis means this part of a request to fit the document."""
    components = case.meta.components
    return location not in components or components[location].mode.is_positive


def name_of(case, turn):
    """The name of something that is there."""
    for kind in ["keys", "users", "invitations"]:
        if f"/{kind}/" in case.operation.path:
            return THERE[kind][turn // 2 % len(THERE[kind])]
    if "/playbooks/" not in case.operation.path:
        kind = "calls"
        if case.method == "DELETE" and "{card}" not in case.operation.path:
            kind = "spare"
        elif not case.operation.path.startswith("/v1/calls/"):
            kind = "recordings"
        return THERE[kind][turn // 2 % len(THERE[kind])]
    if case.method == "DELETE":
        return written[-1 - turn // 2 % len(written)]
    # Only what is the organization's own can be replaced.
    known = THERE["own"] if case.method == "PUT" else THERE["playbooks"]
    return known[turn // 2 % len(known)]


def playbook(case, turn):
    """A text that is a playbook, as the request's kind of body wants it: that of the address, or a new one."""
    name = case.path_parameters["id"] if case.path_parameters else f"sale_{turn}"
    if not case.path_parameters and not case.operation.path.endswith("/validate"):
        written.append(name)
    fields = {**THERE["playbook"], "id": name}
    # JSON is YAML as well.
    return json.dumps(fields) if case.media_type == "text/plain" else fields


@schemathesis.hook
def map_case(context, case):
    if case.meta is None:
        return case
    turn = turns[case.operation.label]
    turns[case.operation.label] += 1
    path = case.operation.path
    if case.query and "cursor" in case.query and fits(case, ParameterLocation.QUERY):
        # Text that only looks like a cursor is refused, which a pattern cannot say.
        case.query["cursor"] = THERE["cursors"][turn % len(THERE["cursors"])]
    # Steps that follow from each other know the names of what there is from the answers before.
    is_step = case.meta.phase.name.value == "stateful"
    if case.path_parameters and turn % 2 and not is_step and fits(case, ParameterLocation.PATH):
        case.path_parameters["job_id" if "{job_id}" in path else "id"] = name_of(case, turn)
        if "card" in case.path_parameters:
            case.path_parameters["card"] = THERE["cards"][turn // 2 % len(THERE["cards"])]
    # Few texts are playbooks by chance.
    is_text = path.startswith("/v1/playbooks") and not path.endswith("/try") and case.method in ("POST", "PUT")
    if is_text and (turn % 4 or is_step) and fits(case, ParameterLocation.BODY):
        case.body = playbook(case, turn)
    # What is made up beside the file has names that no form can carry.
    is_form = case.media_type == "multipart/form-data" and isinstance(case.body, dict)
    if is_form and set(case.body) > {"file"} and fits(case, ParameterLocation.BODY):
        case.body = {"file": f"sound {turn}"}
    # No tag that is made up is that of what is there.
    if turn % 4 and case.headers and fits(case, ParameterLocation.HEADER):
        case.headers.pop("If-Match", None)
    if path.endswith("/try") and turn % 2 and fits(case, ParameterLocation.BODY):
        case.body = {"playbook": THERE["playbooks"][0], "call": THERE["calls"][0]}
    return case
