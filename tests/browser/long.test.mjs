// A call of three thousand segments opens soon and scrolls smoothly.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { enter, launch } from "./browser.mjs";
import { openStack } from "./stack.mjs";

const CALL = "01KK6QZ1S0W9N5V9T7B5C6YQ8M";
const SEGMENTS = 3_000;
let stack;

before(async () => {
  stack = await openStack();
  await stack.addLongCall(CALL, SEGMENTS);
});
after(() => stack?.stop());

test("of a call with 3,000 segments only what is looked at is drawn, however it is scrolled and searched", async (t) => {
  const browser = await launch(t);
  const { page } = await enter(browser, stack.url);
  await page.goto(`${stack.url}/calls/${CALL}`);
  await page.locator(".segment").first().waitFor();
  const began = Date.now();
  await page.reload();
  await page.locator(".segment").first().waitFor();
  const opened = Date.now() - began;
  t.diagnostic(`opened in ${opened} ms`);
  const drawn = async () => assert.ok((await page.locator(".segment").count()) < 60, "only what is looked at is drawn");
  await drawn();

  // 600 px a frame for 200 frames: how long each of them took.
  const frames = await page.locator(".scroll").evaluate(async (scroll) => {
    const took = [];
    let last = performance.now();
    for (let at = 0; at < 200; at += 1) {
      scroll.scrollTop += 600;
      await new Promise((next) => requestAnimationFrame(next));
      const now = performance.now();
      took.push(now - last);
      last = now;
    }
    return took.sort((a, b) => a - b);
  });
  const [median, late] = [frames[100], frames[190]];
  t.diagnostic(`frames: median ${median.toFixed(1)} ms, 95 % below ${late.toFixed(1)} ms`);
  await drawn();

  await page.getByRole("searchbox", { name: /Find in the transcript/ }).fill("Number 2789.");
  await page.keyboard.press("Enter");
  await page.locator(".segment.flash", { hasText: "Number 2789." }).waitFor();
});
