// Everybody can use the page: axe finds nothing serious on any page in either theme, a keyboard gets everywhere, and
// nothing is wider than a small screen.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { enter, launch } from "./browser.mjs";
import { demoCall, leave, pages, themes } from "./pages.mjs";
import { demo, startStack } from "./stack.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let stack;
let call;

before(async () => {
  stack = await startStack();
  call = await demoCall(stack, demo);
});
after(() => stack?.stop());

async function serious(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 4).map((node) => node.html.slice(0, 160)).join(" | ")}`);
}

for (const colorScheme of themes) {
  test(`axe finds nothing serious in the ${colorScheme} theme`, async (t) => {
    const browser = await launch(t);
    const { page } = await enter(browser, stack.url, { colorScheme, reducedMotion: "reduce" });
    const found = {};
    for (const [name, path, ready] of pages(call)) {
      await page.goto(stack.url + path);
      await ready(page);
      const violations = await serious(page);
      if (violations.length > 0) found[name] = violations;
    }
    await page.goto(stack.url);
    await page.getByRole("button", { name: "Play the demo call" }).click();
    await page.locator("article.card").first().waitFor({ timeout: 40_000 });
    const live = await serious(page);
    if (live.length > 0) found.live = live;
    await page.getByRole("button", { name: "Stop the demo" }).click();
    await page.locator(".summary").waitFor({ timeout: 30_000 });
    await leave(page);
    const door = await serious(page);
    if (door.length > 0) found.door = door;
    assert.deepEqual(found, {});
  });
}

test("nothing is wider than 360 pixels", async (t) => {
  const browser = await launch(t);
  const { page } = await enter(browser, stack.url, { viewport: { width: 360, height: 740 } });
  const wide = {};
  for (const [name, path, ready] of pages(call)) {
    await page.goto(stack.url + path);
    await ready(page);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    if (width > 360) wide[name] = width;
  }
  assert.deepEqual(wide, {});
});

test("a keyboard gets to a call and to its words", async (t) => {
  const browser = await launch(t);
  const { page } = await enter(browser, stack.url);
  await page.locator(".calls tbody a").first().waitFor();
  const press = async (wanted) => {
    for (let at = 0; at < 60; at += 1) {
      await page.keyboard.press("Tab");
      const focused = await page.evaluate(() => {
        const element = document.activeElement;
        const shown = element && getComputedStyle(element).outlineStyle !== "none";
        return { name: element?.getAttribute("aria-label") ?? element?.textContent ?? "", shown, href: element?.getAttribute("href") };
      });
      if (wanted(focused)) return focused;
    }
    assert.fail("the keyboard does not get there");
  };
  await press(({ href }) => href?.startsWith("/calls/"));
  await page.keyboard.press("Enter");
  await page.locator(".summary").waitFor();
  const log = await press(({ name }) => name === "What was said");
  assert.ok(log.shown, "where the focus is can be seen");
  await press(({ name }) => name.startsWith("Play what the"));
});
