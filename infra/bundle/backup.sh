#!/bin/sh
# All that is kept, as one archive: backup.sh FILE.tar.gz
# The service is stopped for as long as it takes: clients keep what they record meanwhile, and send it then.
set -eu
[ $# = 1 ] || { echo "usage: $0 FILE.tar.gz" >&2; exit 2; }
data=${CALLBOARD_DATA:-/var/lib/callboard/data}
[ -d "$data" ] || { echo "error: there is no $data" >&2; exit 1; }
running=$(systemctl is-active callboard 2>/dev/null || true)
again() { [ "$running" != active ] || systemctl start callboard; }
trap again EXIT
[ "$running" != active ] || systemctl stop callboard
umask 077
tar -C "$data" --exclude=./lock -czf "$1.part" .
mv "$1.part" "$1"
echo "$1: $(du -k "$1" | cut -f1) kB"
