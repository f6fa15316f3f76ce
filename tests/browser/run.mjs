// Runs all browser tests: several files at a time, with one stack and one browser for all that can share them. Lighthouse
// comes last and alone, since it measures.

import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { chromium } from "playwright-core";
import { chromiumOptions } from "./browser.mjs";
import { demoCall } from "./pages.mjs";
import { demo, startStack } from "./stack.mjs";

const AT_ONCE = 4;
const ALONE = "lighthouse.test.mjs";

function run(files, env) {
  const options = ["--test", `--test-concurrency=${AT_ONCE}`, "--test-reporter=spec", ...files];
  const child = spawn(process.execPath, options, { stdio: "inherit", cwd: import.meta.dirname, env });
  return new Promise((done) => child.once("exit", (code) => done(code ?? 1)));
}

const wanted = process.argv.slice(2);
const all = wanted.length > 0 ? wanted : readdirSync(import.meta.dirname).filter((name) => name.endsWith(".test.mjs"));
const together = all.filter((name) => name !== ALONE);
const [stack, browser] = await Promise.all([
  startStack(),
  chromium.launchServer(chromiumOptions),
]);
try {
  const shared = { ...stack.known, call: await demoCall(stack, demo) };
  const env = { ...process.env, CALLBOARD_STACK: JSON.stringify(shared), CALLBOARD_BROWSER: browser.wsEndpoint() };
  const codes = [];
  if (together.length > 0) codes.push(await run(together, env));
  if (all.includes(ALONE)) codes.push(await run([ALONE], env));
  process.exitCode = Math.max(...codes);
} finally {
  await browser.close();
  await stack.stop();
}
