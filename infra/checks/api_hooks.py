"""What no document can tell schemathesis: which calls, cards, cursors and playbooks there are.

Every other request that fits the document is given them, so that what is there is hit as well as what is not.
"""

import itertools
import json
import os

import schemathesis
from schemathesis.core.parameters import ParameterLocation

THERE = json.loads(os.environ["CALLBOARD_THERE"])
"""Calls, cards, cursors and playbooks, each a list."""

turns = itertools.count()


def fits(case, location):
    """Whether schemathesis means this part of a request to fit the document."""
    components = case.meta.components if case.meta else {}
    return location not in components or components[location].mode.is_positive


@schemathesis.hook
def map_case(context, case):
    # Steps that follow from each other know what there is from the answers before.
    if case.meta is None or case.meta.phase.name.value == "stateful":
        return case
    turn = next(turns)
    if case.query and "cursor" in case.query and fits(case, ParameterLocation.QUERY):
        # Text that only looks like a cursor is refused, which a pattern cannot say.
        case.query["cursor"] = THERE["cursors"][turn % len(THERE["cursors"])]
    if case.path_parameters and turn % 2 and fits(case, ParameterLocation.PATH):
        known = THERE["playbooks"] if "/playbooks/" in case.operation.path else THERE["calls"]
        case.path_parameters["id"] = known[turn // 2 % len(known)]
        if "card" in case.path_parameters:
            case.path_parameters["card"] = THERE["cards"][turn // 2 % len(THERE["cards"])]
    return case
