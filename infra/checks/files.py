"""What no compiler checks: file sizes and headings, clocks in code that must not have any, sample events.

`--self-test` feeds each rule text that breaks it.
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LONGEST, LONGEST_MAIN = 500, 39

CLOCK = re.compile(r"\b(Instant|SystemTime)::now\b|\bstd::time::(\{[^}]*\b)?(Instant|SystemTime)\b|\bUlid::(new|generate)\b")
WORLD = re.compile(r"\bstd::(env|fs|net|process|thread)\b|\buse std::\{[^}]*\b(env|fs|net|process|thread)\b")


def rust_problems(name, text):
    """What is wrong with one Rust file."""
    lines = text.splitlines()
    problems = []
    if not text.startswith("//!"):
        problems.append("it must open with `//!`: what it owns")
    if len(lines) > LONGEST:
        problems.append(f"it has {len(lines)} lines: {LONGEST} is the most")
    if re.fullmatch(r"functions/[^/]+/src/main\.rs", name) and len(lines) > LONGEST_MAIN:
        problems.append(f"it has {len(lines)} lines: a function's main.rs has at most {LONGEST_MAIN}")
    pure = re.match(r"shared/(domain|audio)/src/", name)
    timeless = pure or re.match(r"functions/[^/]+/src/", name)
    for number, line in enumerate(lines, 1):
        code = line.split("//")[0]
        if timeless and CLOCK.search(code):
            problems.append(f"line {number}: the time is handed in, never looked up")
        if pure and WORLD.search(code):
            problems.append(f"line {number}: a pure crate knows no environment, files, network, processes or threads")
    return problems


def event_problems(text):
    """What is wrong with one sample event."""
    try:
        event = json.loads(text)
    except ValueError as error:
        return [f"it is not JSON: {error}"]
    return [] if isinstance(event, dict) and event else ["it is no JSON object"]


def page_problems(text):
    """What is wrong with one file of the page."""
    lines = len(text.splitlines())
    return [] if lines <= LONGEST else [f"it has {lines} lines: {LONGEST} is the most"]


def template_problems(template, functions):
    """Functions without a resource, and resources without a function."""
    named = set(re.findall(r"^\s+CodeUri: functions/(\S+)$", template, re.MULTILINE))
    return ([f"functions/{name} is in no CodeUri" for name in sorted(functions - named)]
            + [f"there is no functions/{name}" for name in sorted(named - functions)])


def tracked(*patterns):
    """Files that are, or would be, in git."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return sorted(name for name in set(names) if name and (ROOT / name).is_file())


def check():
    kinds = {"Rust files": ("*.rs", rust_problems),
             "events": ("events/*.json", lambda _, text: event_problems(text)),
             "files of the page": ("dashboard/src/*.ts*", lambda _, text: page_problems(text))}
    problems, counts = [], []
    for kind, (pattern, rule) in kinds.items():
        names = tracked(pattern)
        counts.append(f"{len(names)} {kind}")
        if not names:
            problems.append(f"{pattern}: there are none")
        for name in names:
            problems += [f"{name}: {problem}" for problem in rule(name, (ROOT / name).read_text(encoding="utf-8"))]
    functions = {path.parent.name for path in ROOT.glob("functions/*/Cargo.toml")}
    template = (ROOT / "template.yaml").read_text(encoding="utf-8")
    problems += [f"template.yaml: {problem}" for problem in template_problems(template, functions)]
    problems += [f"events/{name}.json: functions/{name} has no sample event"
                 for name in sorted(functions) if not (ROOT / f"events/{name}.json").is_file()]
    return problems, ", ".join(counts)


def self_test():
    """Each rule must refuse what it is for, and nothing else."""
    good = "//! Owns nothing.\nuse std::time::Duration;\n"
    assert rust_problems("shared/domain/src/a.rs", good) == []
    assert rust_problems("shared/domain/src/a.rs", good + "// std::env and Instant::now are for others\n") == []
    assert rust_problems("infra/local/src/a.rs", good + "let now = Instant::now();\nuse std::env;\n") == []
    for name, text in [("cli/src/a.rs", "use std::env;\n"),
                       ("cli/src/a.rs", good + "\n" * LONGEST),
                       ("functions/push/src/main.rs", good + "\n" * LONGEST_MAIN),
                       ("functions/push/src/lib.rs", good + "let now = Instant::now();\n"),
                       ("shared/audio/src/a.rs", good + "use std::time::{Duration, SystemTime};\n"),
                       ("shared/domain/src/a.rs", good + "let id = Ulid::new();\n"),
                       ("shared/domain/src/a.rs", good + "let set = std::env::var(name);\n"),
                       ("shared/domain/src/a.rs", good + "use std::{fs, path::Path};\n")]:
        assert len(rust_problems(name, text)) == 1, (name, rust_problems(name, text))
    assert event_problems('{"Records": []}') == []
    assert event_problems("{") and event_problems("[]") and event_problems("{}")
    assert page_problems("a\n" * LONGEST) == [] and page_problems("a\n" * (LONGEST + 1))
    template = "      CodeUri: functions/push\n"
    assert template_problems(template, {"push"}) == []
    assert template_problems(template, {"push", "api"}) and template_problems(template, set())


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        print("files.py refuses what it must")
        sys.exit()
    problems, summary = check()
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    sys.exit(1 if problems else print(summary))
