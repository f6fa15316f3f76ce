#!/bin/sh
# Puts back what backup.sh wrote: restore.sh FILE.tar.gz. What is there now is kept beside, as data.before.
set -eu
[ $# = 1 ] || { echo "usage: $0 FILE.tar.gz" >&2; exit 2; }
data=${CALLBOARD_DATA:-/var/lib/callboard/data}
# Whole and readable, before anything is touched.
gzip -t "$1"
running=$(systemctl is-active callboard 2>/dev/null || true)
[ "$running" != active ] || systemctl stop callboard
rm -rf "$data.new"
mkdir -p "$data.new"
tar -C "$data.new" -xzf "$1"
[ -f "$data.new/token" ] || { rm -rf "$data.new"; echo "error: $1 is no backup of callboard" >&2; exit 1; }
chown -R --reference="$(dirname "$data")" "$data.new"
chmod 700 "$data.new"
rm -rf "$data.before"
[ ! -e "$data" ] || mv "$data" "$data.before"
mv "$data.new" "$data"
[ "$running" != active ] || systemctl start callboard
echo "restored from $1"
