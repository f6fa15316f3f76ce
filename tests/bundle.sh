#!/usr/bin/env bash
# Whether the archive of `make bundle` runs on a bare Debian without any network: bundle.sh ARCHIVE [FOLDER]
#
# FOLDER holds a Debian with nothing but its base; without it, one is made with debootstrap, which needs the network. In it,
# in a network namespace of its own that has no way out, the archive is installed, a call is streamed, saved, lost, and
# restored. Needs root.
set -euo pipefail
archive=$(readlink -f "$1") bare=${2:-}

if [ "${BUNDLE_TEST:-}" != inside ]; then
    if [ -z "$bare" ]; then
        bare=$(mktemp -d)
        # It is the root of a machine, where others than root must get in.
        chmod 755 "$bare"
        debootstrap --variant=minbase bookworm "$bare" http://deb.debian.org/debian >/dev/null
    fi
    export BUNDLE_TEST=inside
    exec unshare --net --mount --pid --fork --kill-child "$0" "$archive" "$bare"
fi

[ ! -e "$bare/usr/bin/python3" ] || { echo "error: $bare is not bare: it has Python" >&2; exit 1; }
ip link set lo up
[ "$(ip -o link | wc -l)" = 1 ] || { echo "error: there is another network than this machine's own" >&2; exit 1; }
mount --bind "$bare" "$bare"
mount -t proc proc "$bare/proc"
mount --rbind /dev "$bare/dev"
mount -t tmpfs tmpfs "$bare/tmp"
rm -rf "$bare/opt/callboard" "$bare/var/lib/callboard"
tar -C "$bare/tmp" -xzf "$archive"
clean=(chroot "$bare" /usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin HOME=/root)
within() { "${clean[@]}" "$@"; }

within /tmp/callboard/install.sh --no-start
rm -rf "$bare/tmp/callboard"

# As the unit does it, since no systemd runs here.
unit=$bare/etc/systemd/system/callboard.service
command=$(sed -n 's/^ExecStart=//p' "$unit")
environment=$(sed -n 's/^Environment=//p' "$unit")
log=$(mktemp)
start() {
    : >"$log"
    # shellcheck disable=SC2086 # Words, as systemd takes them.
    "${clean[@]}" setpriv --reuid=callboard --regid=callboard --clear-groups env $environment $command >"$log" 2>&1 &
    server=$!
    for _ in $(seq 1200); do
        ! grep -q '^callboard is ready' "$log" || return 0
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    cat "$log" >&2
    exit 1
}
stop() {
    kill "$server"
    wait "$server" || true
}
callboard() { within CALLBOARD_TOKEN="$(cat "$bare/var/lib/callboard/data/token")" callboard "$@"; }

start
callboard stream /opt/callboard/dashboard/dist/demo/demo_call.wav --json >"$log.call"
tail -1 "$log.call"
grep -q '"type":"segment".*"final":true' "$log.call" || { echo "error: the call has no text" >&2; exit 1; }
said=$(callboard show last --format txt)
[ -n "$said" ] || { echo "error: the call has no words" >&2; exit 1; }
stop

within /opt/callboard/backup.sh /tmp/saved.tar.gz
rm -rf "$bare/var/lib/callboard/data"
within /opt/callboard/restore.sh /tmp/saved.tar.gz
start
[ "$(callboard show last --format txt)" = "$said" ] || { echo "error: the restored call is another" >&2; exit 1; }
stop
echo "installed, heard a call, saved and restored it, without network"
