// What Lighthouse says of the list of calls and of a call.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import lighthouse, { desktopConfig } from "lighthouse";
import { chromium } from "playwright-core";
import { chromiumOptions } from "./browser.mjs";
import { demoCall } from "./pages.mjs";
import { demo, openStack } from "./stack.mjs";

const LEAST = 95;
const LOOKS = 3;
const CATEGORIES = ["performance", "accessibility", "best-practices"];
const profile = mkdtempSync(join(tmpdir(), "callboard-lighthouse-"));
let stack;
let context;
let port;
let call;

const freePort = () =>
  new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });

before(async () => {
  port = await freePort();
  const args = [...chromiumOptions.args, `--remote-debugging-port=${port}`];
  [stack, context] = await Promise.all([openStack(), chromium.launchPersistentContext(profile, { ...chromiumOptions, args })]);
  call = await demoCall(stack, demo);
  const page = await context.newPage();
  await page.goto(stack.url);
  await page.getByRole("button", { name: "Try it on this machine" }).click();
  await page.getByRole("heading", { name: "Calls", exact: true }).waitFor();
});
after(async () => {
  await context?.close();
  await stack?.stop();
  rmSync(profile, { recursive: true, force: true });
});

for (const [name, path] of [["the calls", () => "/"], ["a call", () => `/calls/${call}`]]) {
  test(`Lighthouse gives ${name} at least ${LEAST} for each of ${CATEGORIES.join(", ")}`, async (t) => {
    const options = { port, disableStorageReset: true, onlyCategories: CATEGORIES, output: "json" };
    // A busy machine only ever takes points away: the best of a few looks is nearest to what the page deserves.
    let why = "";
    for (let look = 1; look <= LOOKS; look += 1) {
      const { lhr } = await lighthouse(stack.url + path(), options, desktopConfig);
      const scores = Object.fromEntries(CATEGORIES.map((id) => [id, Math.round(lhr.categories[id].score * 100)]));
      t.diagnostic(JSON.stringify(scores));
      if (Object.values(scores).every((score) => score >= LEAST)) return;
      const failed = Object.values(lhr.audits).filter((audit) => audit.score !== null && audit.score < 0.9);
      why = `${JSON.stringify(scores)}: ${failed.map((audit) => `${audit.id} ${audit.displayValue ?? ""}`).join("; ")}`;
    }
    assert.fail(why);
  });
}
