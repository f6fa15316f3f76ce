// Recordings that are handed in: a short one, played from its segments; and one that is sent in parts, of which one fails.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { enter, launch } from "./browser.mjs";
import { demo, openStack } from "./stack.mjs";

/** More than is sent in one piece, which is 32 MiB; parts have 16 MiB. */
const LARGE_BYTES = 33 << 20;
const PARTS = 3;
let stack;

before(async () => {
  stack = await openStack();
});
after(() => stack?.stop());

async function handIn(page, file) {
  await page.getByRole("button", { name: "Upload recordings" }).click();
  await page.locator('input[type="file"]').setInputFiles(file);
  await page.getByRole("button", { name: "Upload", exact: true }).click();
}

test("a recording is handed in, followed to its end, and played from its segments", async (t) => {
  const browser = await launch(t);
  const { page, complaints } = await enter(browser, stack.url);
  await handIn(page, demo);
  await page.getByRole("link", { name: "Open the call" }).click({ timeout: 60_000 });
  await page.locator(".summary").waitFor({ timeout: 30_000 });
  await page.locator(".segment .play").nth(3).click();
  const bar = page.getByRole("region", { name: "Playback" });
  await bar.waitFor();
  await page.locator(".segment.playing").waitFor();
  await page.waitForFunction(() => Number(document.querySelector(".player input").value) > 12_400);
  // From any word on: the last of the fifth segment.
  const line = page.locator(".segment").nth(4).locator(".said");
  const { width, height } = await line.boundingBox();
  await line.click({ position: { x: width - 24, y: height / 2 } });
  await page.waitForFunction(() => Number(document.querySelector(".player input").value) > 16_500);
  assert.equal(await bar.locator(".problem").count(), 0);
  assert.deepEqual(complaints, []);
});

test("a large recording goes up in parts; one that is lost is sent again, and no other", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "callboard-large-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "large.wav");
  const wav = readFileSync(demo);
  const large = Buffer.concat([wav, Buffer.alloc(LARGE_BYTES - wav.length)]);
  large.writeUInt32LE(large.length - 8, 4);
  large.writeUInt32LE(large.length - 44, 40);
  writeFileSync(file, large);

  const browser = await launch(t);
  const { page, complaints } = await enter(browser, stack.url);
  const sent = [];
  await page.route(/[?&]partNumber=/, (route) => {
    const number = Number(new URL(route.request().url()).searchParams.get("partNumber"));
    sent.push(number);
    // The second is lost the first time.
    return number === 2 && sent.filter((one) => one === 2).length === 1 ? route.abort() : route.continue();
  });
  await handIn(page, file);
  await page.getByRole("link", { name: "Open the call" }).click({ timeout: 90_000 });
  await page.locator(".segment .said").first().waitFor();
  assert.deepEqual(sent.sort(), [1, 2, 2, 3]);
  assert.equal(new Set(sent).size, PARTS);
  assert.ok((await page.locator(".segment").count()) >= 8, "all of its words are there");
  assert.deepEqual(complaints, []);
});
