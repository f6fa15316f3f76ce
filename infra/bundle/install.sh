#!/bin/sh
# Puts this folder to /opt/callboard and starts it by systemd. An older one is replaced; its data stays.
# --no-start puts it there and no more.
set -eu
cd "$(dirname "$(readlink -f "$0")")"
[ "$(id -u)" = 0 ] || { echo "error: run this as root: it writes to /opt and adds a user" >&2; exit 1; }

getent passwd callboard >/dev/null || useradd --system --home-dir /var/lib/callboard --shell /usr/sbin/nologin callboard
running=$(command -v systemctl || true)
[ "${1:-}" != --no-start ] || running=
[ -z "$running" ] || systemctl stop callboard 2>/dev/null || true

# Beside the old one first: what is cut off half-way leaves that as it is.
rm -rf /opt/callboard.new
mkdir -p /opt/callboard.new
cp -a . /opt/callboard.new
rm -rf /opt/callboard
mv /opt/callboard.new /opt/callboard
mkdir -p /var/lib/callboard
chown callboard: /var/lib/callboard
chmod 700 /var/lib/callboard
ln -sf /opt/callboard/bin/callboard /usr/local/bin/callboard
# Without any, no client for a service starts, whether it is asked for something or not.
[ -e /etc/ssl/certs/ca-certificates.crt ] || { mkdir -p /etc/ssl/certs; cp ca-certificates.crt /etc/ssl/certs/; }
mkdir -p /etc/systemd/system
cp /opt/callboard/callboard.service /etc/systemd/system/callboard.service
[ -n "$running" ] || { echo "callboard is in /opt/callboard"; exit 0; }
systemctl daemon-reload
systemctl enable --quiet callboard
systemctl start callboard
echo "callboard is started: its address is in \`journalctl -u callboard\`, its key in /var/lib/callboard/data/token"
