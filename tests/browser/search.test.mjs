// The search in the list of calls looks further back by itself, tells how far it looked, and asks before it goes on.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { enter, launch } from "./browser.mjs";
import { openStack } from "./stack.mjs";

const PAGE = 50;
const PAGES = 30;
/** The recording that is looked for, on the eighth page. */
const WANTED = 371;
let stack;

before(async () => {
  stack = await openStack();
});
after(() => stack?.stop());

function callAt(at) {
  const call = `01KK6QZ1S0W9N5V9T7B5C6${String(at).padStart(4, "0")}`;
  const started_at_ms = Date.UTC(2026, 2, 8) - at * 60_000;
  const named = at === WANTED ? { file_name: "needle.mp3" } : {};
  return { call, revision: 1, status: "ended", playbook: "sales", channels: ["agent"], principal: "local", started_at_ms, duration_ms: 1000, ...named };
}

test("what is far back is found, and nobody takes a part for the whole", async (t) => {
  const browser = await launch(t);
  const { page } = await enter(browser, stack.url);
  const asked = [];
  await page.route("**/v1/calls?*", (route) => {
    const query = new URL(route.request().url()).searchParams;
    // What goes on now is asked for by its status.
    if (query.has("status")) return route.fulfill({ json: { calls: [] } });
    const at = Number(query.get("cursor") ?? 0);
    asked.push(at);
    const calls = Array.from({ length: PAGE }, (_, nth) => callAt(at * PAGE + nth));
    return route.fulfill({ json: { calls, next: at + 1 < PAGES ? String(at + 1) : null } });
  });
  await page.goto(stack.url);
  await page.getByRole("searchbox", { name: /Search the calls/ }).fill("needle");
  await page.getByText("needle.mp3").waitFor();
  await page.getByText("Looked through the newest 1,000 calls.").waitFor();
  assert.equal(await page.locator(".calls tbody tr").count(), 1);
  assert.equal(new Set(asked).size, 20, "it stops and asks");
  await page.getByRole("button", { name: "Look further back" }).click();
  await page.getByText("Looked through all 1,500 calls.").waitFor();
  assert.equal(new Set(asked).size, PAGES);
});
