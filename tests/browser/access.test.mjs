// Everybody can use the page: axe finds nothing serious on any page, in either theme, wide or narrow; a keyboard gets
// everywhere; and nothing is wider than a small screen.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { enter, launch } from "./browser.mjs";
import { demoCall, eachState, pages, themes } from "./pages.mjs";
import { demo, openStack } from "./stack.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WIDE = { width: 1440, height: 900 };
const NARROW = { width: 360, height: 740 };
let stack;
let call;
let held;

before(async () => {
  stack = await openStack();
  call = await demoCall(stack, demo);
  held = await stack.hold();
});
after(async () => {
  held?.end();
  await stack?.stop();
});

async function serious(page) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 4).map((node) => node.html.slice(0, 160)).join(" | ")}`);
}

/** What is wrong with a page as it stands, at either width. */
async function wrong(page) {
  const found = [];
  for (const size of [WIDE, NARROW]) {
    await page.setViewportSize(size);
    found.push(...(await serious(page)).map((violation) => `${size.width} px, ${violation}`));
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    if (width > size.width) found.push(`${size.width} px, but ${width} px wide`);
  }
  await page.setViewportSize(WIDE);
  return found;
}

for (const colorScheme of themes) {
  test(`axe finds nothing serious in the ${colorScheme} theme, and all fits on a small screen`, async (t) => {
    const browser = await launch(t);
    const { page, context } = await enter(browser, stack.url, { colorScheme, reducedMotion: "reduce" });
    const found = {};
    const look = async (name, shown = page) => {
      const faults = await wrong(shown);
      if (faults.length > 0) found[name] = faults;
    };
    for (const [name, path, ready] of pages(call, held.call)) {
      await page.goto(stack.url + path);
      await ready(page);
      await look(name);
    }
    await eachState(context, stack.url, look);
    assert.deepEqual(found, {});
  });
}

test("what to say, and what was said last, stand on a small screen together", async (t) => {
  const browser = await launch(t);
  const { page } = await enter(browser, stack.url, { viewport: NARROW });
  await page.goto(`${stack.url}/calls/${held.call}`);
  await page.locator("article.card").waitFor();
  const bottom = async (selector) => {
    const box = await page.locator(selector).last().boundingBox();
    return box.y + box.height;
  };
  await page.locator(".segment").last().waitFor();
  // The bar of the call that this telephone captures takes its place, too.
  const seen = NARROW.height - 50;
  assert.ok((await bottom("article.card .say")) < seen, "all of what to say is seen");
  assert.ok((await bottom(".segment .said")) < seen, "and the last words");
});

test("a keyboard gets to a call and to its words", async (t) => {
  const browser = await launch(t);
  const { page } = await enter(browser, stack.url);
  await page.locator(".calls tbody a").first().waitFor();
  const press = async (wanted) => {
    for (let at = 0; at < 90; at += 1) {
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
  await press(({ href }) => href === `/calls/${call}`);
  await page.keyboard.press("Enter");
  await page.locator(".summary").waitFor();
  const log = await press(({ name }) => name === "What was said");
  assert.ok(log.shown, "where the focus is can be seen");
  await press(({ name }) => name.startsWith("Play what the"));
});
