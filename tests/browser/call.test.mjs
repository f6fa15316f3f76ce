// Calls of a page, side by side: the first of somebody who knows nothing, one from the microphone, as its agent, a
// supervisor and strangers see it, and one whose network is cut.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { enter, launch, launchWithMicrophone, openCable } from "./browser.mjs";
import { demo, openStack } from "./stack.mjs";

const CUT_MS = 20_000;
let stack;

before(async () => {
  stack = await openStack();
});
after(() => stack?.stop());

describe("calls", { concurrency: true }, () => {
  test("from nothing, two clicks lead to a call that goes on, with words and a card", async (t) => {
    const browser = await launch(t);
    const key = await stack.addKey("newcomers", "first", "admin");
    const { page, complaints } = await enter(browser, stack.url, { key });
    await page.getByRole("button", { name: "Play the demo call" }).click();
    await page.locator(".segment .said").first().waitFor();
    await page.locator(".next.first").waitFor();
    await page.locator("article.card", { hasText: "Too expensive" }).waitFor();
    await page.getByRole("button", { name: "Stop the demo" }).click();
    await page.locator(".summary").waitFor({ timeout: 30_000 });
    assert.deepEqual(complaints, []);
  });

  test("a call from the microphone is followed, advised, noted, played and exported; others see of it what they may", async (t) => {
    const browser = await launchWithMicrophone(t, demo);
    const supervisorKey = await stack.addKey("local", "sup", "supervisor");
    const strangerKey = await stack.addKey("rivals", "spy", "admin");
    const agent = await enter(browser, stack.url, { acceptDownloads: true, permissions: ["microphone"] });
    const { page } = agent;

    await page.getByRole("link", { name: "Start a call" }).first().click();
    await page.getByRole("radio", { name: /One device with both sides/ }).check();
    const start = page.getByRole("button", { name: "Start the call" });
    assert.equal(await start.isDisabled(), true, "nobody is recorded before all were told");
    await page.getByRole("checkbox", { name: /Everybody on the line knows/ }).check();
    await start.click();
    await page.waitForURL(/\/calls\/[0-9A-Z]{26}$/);
    const id = page.url().split("/").at(-1);
    await page.getByRole("region", { name: "The call on this device" }).getByRole("meter").first().waitFor();

    // Words, a landmark that they reached, and a card against pushback.
    await page.locator(".segment.agent .said").first().waitFor();
    const supervisor = await enter(browser, stack.url, { key: supervisorKey });
    await supervisor.page.locator(`.tile[href$="${id}"]`).click();
    const card = page.locator("article.card", { hasText: "Too expensive" });
    await card.waitFor();
    assert.equal(await page.locator(".landmark.done", { hasText: "Greeting" }).count(), 1);
    await page.locator(".landmark.done .quote").first().click();
    await page.locator(".segment.flash").waitFor();

    // The supervisor sees it as it is spoken.
    await supervisor.page.locator("article.card", { hasText: "Too expensive" }).waitFor();
    assert.ok((await supervisor.page.locator(".segment").count()) >= 2);

    // A stranger sees nothing of it, in the list or by its address.
    const stranger = await enter(browser, stack.url, { key: strangerKey });
    await stranger.page.getByText("No calls yet").waitFor();
    await stranger.page.goto(`${stack.url}/calls/${id}`);
    await stranger.page.getByText("This call is not known").waitFor();
    assert.equal((await stack.get(`/v1/calls/${id}`, strangerKey)).status, 404);

    await card.getByRole("button", { name: "Dismiss" }).click();
    await page.locator("article.card", { hasText: "Too expensive" }).waitFor({ state: "detached" });
    await supervisor.page.locator("details.card", { hasText: "put away" }).waitFor();

    await page.locator(".segment", { hasText: /monday/i }).first().waitFor({ timeout: 40_000 });
    await page.getByRole("button", { name: "End the call" }).click();
    await page.locator(".summary").waitFor({ timeout: 30_000 });
    await page.getByRole("region", { name: "The call on this device" }).waitFor({ state: "detached" });
    await supervisor.page.locator(".summary").waitFor();

    await page.getByRole("button", { name: "Export" }).click();
    const saved = page.waitForEvent("download");
    await page.getByRole("menuitem", { name: "Subtitles (SRT)" }).click();
    const subtitles = readFileSync(await (await saved).path(), "utf8");
    assert.match(subtitles, /^1\n00:00:0\d,\d{3} --> 00:00:0\d,\d{3}\nAgent: /);

    for (const { complaints } of [agent, supervisor, stranger]) assert.deepEqual(complaints, []);
  });

  test("no word is missing though the network is gone for twenty seconds", async (t) => {
    const browser = await launch(t);
    const messages = await stack.stream(demo, "--pace", "max");
    const expected = texts(messages.filter((message) => message.type === "segment"));
    const cable = await openCable(stack.url);
    t.after(() => cable.close());
    const { page } = await enter(browser, cable.url);
    await page.getByRole("button", { name: "Play the demo call" }).click();
    await page.waitForURL(/\/calls\//);
    const id = page.url().split("/").at(-1);
    await page.locator(".segment").first().waitFor();
    cable.cut();
    await page.getByText(/of audio kept on this device/).waitFor();
    await page.getByText(/The connection is lost/).waitFor();
    await pause(CUT_MS);
    cable.mend();
    await page.locator(".summary").waitFor({ timeout: 60_000 });
    const shown = await page.locator(".segment .said").allTextContents();
    assert.deepEqual(shown.map((line) => line.trim()), expected);
    assert.deepEqual(texts((await stack.get(`/v1/calls/${id}/transcript`)).body.segments), expected);
  });
});

/** What was said in the end, in order. */
function texts(segments) {
  const latest = new Map(segments.map((segment) => [`${segment.start_ms} ${segment.channel}`, segment]));
  const said = [...latest.values()].filter((segment) => segment.text);
  return said.sort((a, b) => a.start_ms - b.start_ms).map((segment) => segment.text);
}
