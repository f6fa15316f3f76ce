"""What may depend on what, read from `cargo tree` and `cargo metadata`.

Three rules: the pure crates know no runtime and no network; no function carries the local stack's parts; and
dependencies between this workspace's crates point one way. `--self-test` feeds each rule a tree that breaks it.
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

LAYERS = ["shared/domain shared/audio", "shared/wire", "shared/adapters", "shared/runtime", "functions/*",
          "infra/local", "cli", "tests"]
"""From the bottom up: a crate may depend on those of lower layers only, so never on one beside it."""

PURE = ["callboard-domain", "callboard-audio"]
IMPURE = re.compile(r"tokio|tokio-.*|async-std|smol|mio|socket2|aws-.*|aws_.*|lambda_.*|reqwest|hyper|hyper-.*|http|"
                    r"http-body.*|axum|axum-.*|tower|tower-.*|rustls|rustls-.*|ring|tracing-subscriber|dotenvy")
"""Runtimes, network, clouds."""

LOCAL = re.compile(r"libsqlite3-sys|rusqlite|s3s|s3s-.*|dynoxide.*|saphyr-parser|callboard-local|callboard|clap|"
                   r"schemars|aws-sdk-sso|aws-lc-sys|aws-lc-rs|openssl|openssl-sys|native-tls|hyper v0\..*|http v0\..*")
"""The local stack's parts, the command line's, what makes documents, a second HTTP stack, TLS other than rustls with
ring."""


def impure(tree):
    """The crates of a tree that a pure crate must not have."""
    return sorted(line for line in tree if IMPURE.fullmatch(line.split(" ")[0]))


def local_parts(function, tree):
    """The crates of a tree that a function must not have: the local stack's, and other functions."""
    functions = {f"callboard-{name}" for name in function_names()} - {f"callboard-{function}"}
    return sorted(line for line in tree
                  if LOCAL.fullmatch(line) or LOCAL.fullmatch(line.split(" ")[0]) or line.split(" ")[0] in functions)


def wrong_ways(packages):
    """Dependencies that do not point down. `packages` maps a folder to the folders that it depends on."""
    wrong = []
    for folder, targets in sorted(packages.items()):
        if layer(folder) is None:
            wrong.append(f"{folder} has no layer: give it one in LAYERS of infra/checks/crates.py")
            continue
        for target in sorted(targets):
            if layer(target) is None or layer(target) >= layer(folder):
                wrong.append(f"{folder} depends on {target}, which is not below it")
    return wrong


def layer(folder):
    for number, members in enumerate(LAYERS):
        if any(pathlib.PurePath(folder).match(member) for member in members.split()):
            return number
    return None


def function_names():
    return sorted(path.parent.name for path in ROOT.glob("functions/*/Cargo.toml"))


def cargo(*arguments):
    done = subprocess.run(["cargo", *arguments], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"cargo {' '.join(arguments)} failed:\n{done.stderr}")
    return done.stdout


def tree(package):
    """What a package links, as `name vVERSION`, with the features that it alone asks for."""
    text = cargo("tree", "--locked", "-p", package, "-e", "normal", "--prefix", "none", "--format", "{p}")
    return {" ".join(line.split(" ")[:2]) for line in text.splitlines() if line.strip()}


def workspace():
    """Each member's folder, and the folders of the members that it depends on in any way."""
    packages = json.loads(cargo("metadata", "--locked", "--no-deps", "--format-version", "1"))["packages"]
    folder = {package["name"]: pathlib.Path(package["manifest_path"]).parent.relative_to(ROOT).as_posix()
              for package in packages}
    return {folder[package["name"]]: {folder[wanted["name"]] for wanted in package["dependencies"]
                                      if wanted["name"] in folder and wanted.get("path")}
            for package in packages}


def check():
    problems = []
    for package in PURE:
        problems += [f"{package} is not pure: it depends on {found}" for found in impure(tree(package))]
    for function in function_names():
        problems += [f"functions/{function} carries {found}"
                     for found in local_parts(function, tree(f"callboard-{function}"))]
    packages = workspace()
    problems += wrong_ways(packages)
    if not function_names():
        problems.append("no function was found")
    return problems, f"{len(PURE)} pure crates, {len(function_names())} functions, {len(packages)} crates in layers"


def self_test():
    """Each rule must refuse what it is for, and nothing else."""
    assert impure({"serde v1.0.1", "libc v0.2.1", "callboard-domain v0.1.0"}) == []
    for crate in ["tokio v1.50.0", "aws-sdk-dynamodb v1.136.0", "reqwest v0.13.1", "hyper v1.9.0", "http v1.5.0",
                  "lambda_runtime v1.5.0", "aws_lambda_events v1.2.1", "hyper-util v0.1.2"]:
        assert impure({"serde v1.0.1", crate}) == [crate], crate

    one, other = (f"callboard-{name}" for name in function_names()[:2])
    name = one.removeprefix("callboard-")
    assert local_parts(name, {f"{one} v0.1.0", "callboard-wire v0.1.0", "hyper v1.9.0", "openssl-probe v0.2.2",
                              "aws-sdk-sts v1.124.0"}) == []
    for crate in ["libsqlite3-sys v0.34.0", "rusqlite v0.36.0", "s3s v0.14.1", "s3s-fs v0.14.1", "dynoxide-rs v3.2.0",
                  "hyper v0.14.32", "aws-sdk-sso v1.100.0", "aws-lc-sys v0.30.0", "aws-lc-rs v1.13.0",
                  "openssl-sys v0.9.100", "schemars v1.2.3", "callboard-local v0.1.0", f"{other} v0.1.0"]:
        assert local_parts(name, {f"{one} v0.1.0", crate}) == [crate], crate

    assert wrong_ways({"cli": {"infra/local", "shared/domain"}, "functions/push": {"shared/runtime"}}) == []
    for folder, target in [("shared/domain", "shared/wire"), ("shared/domain", "shared/audio"),
                           ("functions/push", "functions/ingest"), ("functions/push", "infra/local"),
                           ("shared/adapters", "shared/runtime"), ("infra/local", "cli"), ("cli", "tests")]:
        assert len(wrong_ways({folder: {target}})) == 1, (folder, target)
    assert len(wrong_ways({"shared/unheard-of": set()})) == 1

    # The same through cargo itself: the command line carries what a function must not.
    carried = {line.split(" ")[0] for line in local_parts(name, tree("callboard"))}
    assert {"libsqlite3-sys", "s3s", "dynoxide-rs", "callboard-local", other} <= carried, carried
    assert impure(tree(one)), "a function's tree must look impure"


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        print("crates.py refuses what it must")
        sys.exit()
    problems, summary = check()
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    sys.exit(1 if problems else print(summary))
