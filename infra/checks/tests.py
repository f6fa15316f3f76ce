"""Passes on what test runs print, and sums their results up in one line: `tests: N passed, N failed, N skipped`.

Reads the result lines of `cargo test` and of pytest. Fails when nothing ran, and when a test was skipped that does
not measure (`#[ignore = "measures"]`): what is skipped proves nothing. `--self-test` feeds it such runs.
"""

import re
import sys

CARGO = re.compile(r"test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;")
IGNORED = re.compile(r"test (\S+) (?:- .*)?\.\.\. ignored(?:, (.*))?")
PYTEST = re.compile(r"=*\s*((?:\d+ [a-z]+(?:, )?)+) in [\d.]+s\b.*")


def summed(lines, out=lambda line: None):
    """Passed, failed and skipped tests, and the names of those skipped without a good reason."""
    passed = failed = skipped = measures = 0
    names = []
    for line in lines:
        out(line)
        if found := CARGO.search(line):
            passed, failed, skipped = (a + int(b) for a, b in zip((passed, failed, skipped), found.groups()))
        elif found := IGNORED.match(line):
            if (found[2] or "").strip() == "measures":
                measures += 1
            else:
                names.append(found[1])
        elif found := PYTEST.fullmatch(line.strip()):
            counts = {word: int(number) for number, word in re.findall(r"(\d+) ([a-z]+)", found[1])}
            passed += counts.get("passed", 0)
            failed += sum(counts.get(word, 0) for word in ("failed", "error", "errors"))
            skipped += sum(counts.get(word, 0) for word in ("skipped", "xfailed", "deselected"))
    return passed, failed, skipped - measures, names


def main(lines, out):
    errors = []

    def kept(line):
        out(line)
        if line.startswith("error"):
            errors.append(line)

    passed, failed, skipped, names = summed(lines, kept)
    if passed == 0:
        # Whoever reads the end alone is told why, too.
        out("".join(errors[:10]) + "error: no test passed\n")
    if skipped:
        out(f"error: skipped tests prove nothing: {', '.join(names) or 'see above'}\n")
    out(f"tests: {passed} passed, {failed} failed, {skipped} skipped\n")
    return 1 if failed or skipped or not passed else 0


def self_test():
    cargo = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s"
    assert summed([cargo, "test a::b ... ignored, measures"]) == (12, 0, 0, [])
    assert summed([cargo, "test a::b ... ignored, needs a network"]) == (12, 0, 1, ["a::b"])
    assert summed([cargo, "test a::b ... ignored"]) == (12, 0, 1, ["a::b"])
    assert summed(["=== 30 passed in 12.11s ==="]) == (30, 0, 0, [])
    assert summed(["30 passed in 62.11s (0:01:02)"]) == (30, 0, 0, [])
    assert summed(["1 failed, 28 passed, 2 skipped, 1 warning in 3.00s"]) == (28, 1, 2, [])
    said = []
    assert main(["30 passed in 1.00s\n"], said.append) == 0
    assert said == ["30 passed in 1.00s\n", "tests: 30 passed, 0 failed, 0 skipped\n"]
    assert main(["no tests ran in 0.01s\n"], said.append) == 1
    assert main([cargo], said.append) == 1
    said.clear()
    main(["error: no space left\n", "x\n"], said.append)
    assert said[2] == "error: no space left\nerror: no test passed\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        print("tests.py sums up right")
        sys.exit()

    def out(line):
        sys.stdout.write(line)
        sys.stdout.flush()

    sys.exit(main(sys.stdin, out))
