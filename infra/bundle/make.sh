#!/usr/bin/env bash
# Makes one archive of all that a machine without network needs: make.sh BINARY ARCHIVE
#
# The program, the template, the page, and the speech server with its packages, its model, the Python that they were
# installed with and the libraries that this one is linked with. What it is put on needs a glibc as new as this machine's
# (Debian 12 and later, if it is made on Debian 12), and systemd to be started by itself.
set -euo pipefail
cd "$(dirname "$0")/../.."
binary=$1 archive=$2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/callboard
mkdir -p "$root/bin" "$root/dashboard" "$root/infra/speech/.venv/bin" "$root/python/bin" "$root/python/lib"

install -m 755 "$binary" "$root/bin/callboard"
strip --strip-debug "$root/bin/callboard"
cp template.yaml LICENSE "$root"
# Whom services on the internet are believed by, for a machine that knows nobody.
cp /etc/ssl/certs/ca-certificates.crt "$root"
cp -r dashboard/dist "$root/dashboard/dist"
cp infra/speech/*.py infra/speech/requirements.txt "$root/infra/speech"
rm -f "$root"/infra/speech/test_*
cp infra/bundle/{install.sh,backup.sh,restore.sh,callboard.service,README.md} "$root"

# The Python of the speech server's environment, without what it never asks for.
python=infra/speech/.venv/bin/python
base=$("$python" -c 'import sys; print(sys.base_prefix)')
name=$("$python" -c 'import sys; print(f"python{sys.version_info[0]}.{sys.version_info[1]}")')
cp -L "$base/bin/$name" "$root/python/bin/python"
tar -C "$base/lib" --exclude='*/__pycache__' --exclude='*/site-packages' --exclude='*/dist-packages' --exclude="$name/test" \
    --exclude="$name/idlelib" --exclude="$name/tkinter" --exclude="$name/ensurepip" --exclude="$name/lib2to3" \
    --exclude="$name/config-*" --exclude="$name/turtledemo" -c "$name" | tar -C "$root/python/lib" -x
tar -C "infra/speech/.venv/lib/$name" --exclude='*/__pycache__' --exclude='site-packages/pip' \
    --exclude='site-packages/setuptools' --exclude='*/tests' -c site-packages | tar -C "$root/python/lib/$name" -x
rm -f "$root/python/lib/$name"/lib-dynload/_tkinter.*
# What all of it is linked with, but for what every glibc brings.
find "$root/python" -type f \( -name python -o -name '*.so' -o -name '*.so.*' \) -print0 | xargs -0 ldd 2>/dev/null |
    awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | grep -v "^$work" | sort -u |
    grep -Ev '/(libc|libm|libdl|libpthread|librt|libutil|libresolv|libnsl|ld-linux[^/]*)\.so' |
    xargs -r cp -L -t "$root/python/lib"
cat >"$root/infra/speech/.venv/bin/python" <<'WRAPPER'
#!/bin/sh
# The Python that came with this folder, wherever the folder is.
home=$(dirname "$(readlink -f "$0")")/../../../../python
PYTHONHOME=$home PYTHONDONTWRITEBYTECODE=1 LD_LIBRARY_PATH=$home/lib exec "$home/bin/python" "$@"
WRAPPER
chmod 755 "$root/infra/speech/.venv/bin/python"

mkdir -p "$(dirname "$archive")"
tar -C "$work" --owner=0 --group=0 --sort=name --mtime="@$(git log -1 --format=%ct)" -c callboard | gzip -n -6 >"$archive"
(cd "$(dirname "$archive")" && sha256sum "$(basename "$archive")" >"$(basename "$archive").sha256")
echo "$archive: $(du -m "$archive" | cut -f1) MB, $(du -sm "$root" | cut -f1) MB where it is put"
