// The script that a first visit loads before it can show anything: what index.html names, and what that imports
// statically. More than the bound fails the build.

import { existsSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BOUND_KB = 250;
const dist = new URL("../dist/", import.meta.url);
const page = readFileSync(new URL("index.html", dist), "utf8");

const seen = new Map();
function visit(path) {
  const file = new URL(`.${path}`, dist);
  if (seen.has(path) || !existsSync(file)) return;
  const text = readFileSync(file);
  seen.set(path, gzipSync(text).length);
  const imports = text.toString().matchAll(/(?:^|[;}\s])(?:import|export)[^"'();]*?["'](\.{1,2}\/[^"']+\.js)["']/g);
  for (const [, name] of imports) visit(new URL(name, new URL(path, "http://x")).pathname);
}
for (const [, path] of page.matchAll(/(?:src|href)="(\/[^"]+\.js)"/g)) visit(path);

const bytes = [...seen.values()].reduce((sum, size) => sum + size, 0);
const kb = (bytes / 1000).toFixed(1);
console.log(`first load: ${kb} kB of compressed script in ${seen.size} files (at most ${BOUND_KB} kB)`);
if (seen.size === 0 || bytes > BOUND_KB * 1000) {
  console.error(`error: the first load is ${kb} kB of script: load what is not needed at once lazily`);
  process.exit(1);
}
