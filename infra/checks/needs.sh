#!/usr/bin/env bash
# Says in one line each what this machine lacks and how to get it; silent when nothing is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."

missing=0
lacks() {
    echo "missing: $1" >&2
    missing=1
}
at_least() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -1)" = "$1" ]; }

wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
if ! command -v cargo >/dev/null || ! found=$(rustc --version 2>&1); then
    lacks "cargo: install Rust $wanted or newer with rustup (Debian's own may be older)"
elif ! at_least "$wanted" "$(cut -d' ' -f2 <<<"$found")"; then
    lacks "Rust $wanted or newer ($found is installed): run 'rustup update stable'"
fi
command -v cc >/dev/null || lacks "cc, the C compiler that SQLite and ring are built with: run 'apt-get install build-essential'"

python=${PYTHON:-python3}
if ! command -v "$python" >/dev/null; then
    lacks "$python 3.11 or newer: run 'apt-get install python3 python3-venv'"
elif ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    lacks "Python 3.11 or newer ($("$python" --version) is installed): name one, as in 'make PYTHON=python3.11 ...'"
elif ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    lacks "Python's venv module: run 'apt-get install python3-venv'"
fi

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    lacks "node and npm, which build the page: install Node.js 20.19 or newer"
elif ! at_least 20.19 "$(node --version | tr -d v)"; then
    lacks "Node.js 20.19 or newer ($(node --version) is installed)"
fi

# Only the checks need these.
if [ "${1:-}" = checks ]; then
    cargo fmt --version >/dev/null 2>&1 || lacks "cargo fmt: run 'rustup component add rustfmt'"
    [ -x "${CHROMIUM:-/usr/bin/chromium}" ] || lacks "Chromium, which the page is tried in: run 'apt-get install chromium'"
    cargo clippy --version >/dev/null 2>&1 || lacks "cargo clippy: run 'rustup component add clippy'"
fi
exit "$missing"
