// Runs all browser tests, with one stack and one browser for all that can share them: first, by themselves, the calls that
// are spoken, whose words must be recognized as they go; then the others, several files at a time; last and alone
// Lighthouse, since it measures.

import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { chromium } from "playwright-core";
import { chromiumOptions } from "./browser.mjs";
import { demoCall } from "./pages.mjs";
import { demo, startStack } from "./stack.mjs";

const AT_ONCE = 3;
const FIRST = "call.test.mjs";
const LAST = "lighthouse.test.mjs";

function run(files, env) {
  const options = ["--test", `--test-concurrency=${AT_ONCE}`, "--test-reporter=spec", ...files];
  const child = spawn(process.execPath, options, { stdio: "inherit", cwd: import.meta.dirname, env });
  return new Promise((done) => child.once("exit", (code) => done(code ?? 1)));
}

const wanted = process.argv.slice(2);
const all = wanted.length > 0 ? wanted : readdirSync(import.meta.dirname).filter((name) => name.endsWith(".test.mjs"));
const together = all.filter((name) => ![FIRST, LAST].includes(name));
const [stack, browser] = await Promise.all([
  startStack(),
  chromium.launchServer(chromiumOptions),
]);
try {
  const shared = { ...stack.known, call: await demoCall(stack, demo) };
  const env = { ...process.env, CALLBOARD_STACK: JSON.stringify(shared), CALLBOARD_BROWSER: browser.wsEndpoint() };
  const codes = [];
  if (all.includes(FIRST)) codes.push(await run([FIRST], env));
  if (together.length > 0) codes.push(await run(together, env));
  if (all.includes(LAST)) codes.push(await run([LAST], env));
  process.exitCode = Math.max(...codes);
} finally {
  await browser.close();
  await stack.stop();
}
