#!/usr/bin/env bash
# timed.sh NAME COMMAND...: runs a command under a heading and says how long it took.
set -uo pipefail
name=$1
shift
echo "=== $name"
"$@"
status=$?
if [ "$status" -eq 0 ]; then echo "=== $name: passed in $SECONDS s"; else echo "=== $name: FAILED after $SECONDS s" >&2; fi
exit "$status"
