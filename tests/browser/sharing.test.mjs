// A call of which the microphone gives the agent's side, and a tab that is shared the customer's.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { enter, launchWithMicrophone } from "./browser.mjs";
import { demo, openStack } from "./stack.mjs";

const TAB = "The telephone in a tab";
const folder = mkdtempSync(join(tmpdir(), "callboard-sides-"));
let stack;
let telephone;

/** One side of the demo call, as a WAV of its own. */
function sideOf(channel) {
  const wav = readFileSync(demo);
  const header = Buffer.from(wav.subarray(0, 44));
  const samples = Buffer.alloc((wav.length - 44) / 2);
  for (let at = 0; at < samples.length / 2; at += 1) samples.writeInt16LE(wav.readInt16LE(44 + at * 4 + channel * 2), at * 2);
  header.writeUInt32LE(36 + samples.length, 4);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(32_000, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt32LE(samples.length, 40);
  return Buffer.concat([header, samples]);
}

before(async () => {
  stack = await openStack();
  const customer = sideOf(1);
  telephone = createServer((request, response) => {
    if (request.url === "/customer.wav") return response.setHeader("Content-Type", "audio/wav").end(customer);
    response.setHeader("Content-Type", "text/html").end(`<title>${TAB}</title><audio src="/customer.wav"></audio>`);
  });
  await new Promise((done) => telephone.listen(0, "127.0.0.1", done));
});
after(async () => {
  telephone?.close();
  await stack?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("both sides are heard, and whoever stops sharing is told and can share again", async (t) => {
  const microphone = join(folder, "agent.wav");
  writeFileSync(microphone, sideOf(0));
  const browser = await launchWithMicrophone(t, microphone, `--auto-select-tab-capture-source-by-title=${TAB}`);
  const { page, context, complaints } = await enter(browser, stack.url, { permissions: ["microphone"] });
  const openTelephone = async () => {
    const tab = await context.newPage();
    await tab.goto(`http://127.0.0.1:${telephone.address().port}`);
    await page.bringToFront();
    return tab;
  };
  let tab = await openTelephone();
  await page.getByRole("link", { name: "Start a call" }).first().click();
  await page.getByRole("radio", { name: /Microphone and a tab/ }).check();
  await page.getByRole("checkbox", { name: /Everybody on the line knows/ }).check();
  await page.getByRole("button", { name: "Start the call" }).click();
  await page.waitForURL(/\/calls\/[0-9A-Z]{26}$/);
  await tab.evaluate(() => document.querySelector("audio").play());

  await page.locator(".segment.agent .said").first().waitFor({ timeout: 30_000 });
  await page.locator(".segment.customer .said").first().waitFor({ timeout: 30_000 });
  await page.locator("article.card, details.card", { hasText: "Too expensive" }).first().waitFor({ timeout: 30_000 });

  await tab.close();
  const bar = page.getByRole("region", { name: "The call on this device" });
  await bar.getByText("Only you are heard").waitFor();
  tab = await openTelephone();
  await bar.getByRole("button", { name: "Share again" }).click();
  await bar.getByText("Only you are heard").waitFor({ state: "detached" });
  const heard = await page.locator(".segment.customer").count();
  await tab.evaluate(() => document.querySelector("audio").play());
  await page.locator(".segment.customer .said").nth(heard).waitFor({ timeout: 30_000 });
  await bar.getByRole("button", { name: "End the call" }).click();
  await page.locator(".summary").waitFor({ timeout: 30_000 });
  assert.deepEqual(complaints, []);
});
