#!/usr/bin/env bash
# Writes what is in this system as CycloneDX: each crate that is deployed or installed, the page, and the speech server.
# `make sbom` says where the tools are.
set -euo pipefail

# The tool writes beside each crate's manifest.
PATH="$TOOLS/bin:$PATH" cargo cyclonedx --quiet --format json --spec-version 1.5 --override-filename callboard-sbom
git ls-files -z -- '*Cargo.toml' | while IFS= read -r -d '' manifest; do
    made="$(dirname "$manifest")/callboard-sbom.json"
    [ -f "$made" ] || continue
    mv "$made" "$SBOM/$(dirname "$manifest" | tr / -).cdx.json"
done
# npm lists the parts of what has a version, which the page has only as part of the whole.
page=$(mktemp -d)
trap 'rm -rf "$page"' EXIT
cp "$PAGE/package.json" "$PAGE/package-lock.json" "$page"
(
    cd "$page"
    npm pkg set version="$(sed -n 's/^version = "\(.*\)"$/\1/p' "$OLDPWD/Cargo.toml" | head -1)"
    npm sbom --package-lock-only --omit=dev --sbom-format=cyclonedx
) >"$SBOM/page.cdx.json"
"$TOOLS/sbom/bin/cyclonedx-py" requirements --output-format JSON --output-file "$SBOM/speech.cdx.json" \
    "$SPEECH/requirements.txt"
for made in "$SBOM"/*.cdx.json; do
    python3 -c 'import json, sys
parts = json.load(open(sys.argv[1]))["components"]
sys.exit(f"{sys.argv[1]} lists nothing") if not parts else print(f"{sys.argv[1]}: {len(parts)} parts")' "$made"
done
