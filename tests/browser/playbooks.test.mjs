// Two people change the same playbook: whoever saves later is told, sees what the other did, and loses nothing unasked.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { enter, launch } from "./browser.mjs";
import { openStack } from "./stack.mjs";

const PATH = "/v1/playbooks/two_writers";
let stack;

before(async () => {
  stack = await openStack();
});
after(() => stack?.stop());

const textOf = (name) => `id: two_writers
name: ${name}
version: 1
language: en
landmarks: [{id: greeting, label: Greeting, channel: agent, signals: [good morning], question: Good morning?, why: It is polite.}]
objections: [{id: too_expensive, label: Too expensive, signals: [too expensive], answer: It is not.}]
`;

test("the second who saves a playbook can take the first one's text, or write over it", async (t) => {
  assert.equal(await stack.send("POST", "/v1/playbooks", textOf("As it was")), 201);
  const browser = await launch(t);
  const people = await Promise.all([enter(browser, stack.url), enter(browser, stack.url)]);
  const [{ page: first }, { page: second }] = people;
  const open = async (page) => {
    await page.goto(`${stack.url}/playbooks/two_writers`);
    await page.getByText("Nothing is wrong with it").waitFor();
  };
  const write = async (page, name) => {
    await page.getByRole("textbox", { name: "The playbook as YAML" }).click();
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.insertText(textOf(name));
    await page.getByRole("button", { name: "Save" }).click();
  };
  const conflict = (page) => page.getByRole("alert").filter({ hasText: "Somebody else saved this playbook" });
  await Promise.all([open(first), open(second)]);

  await write(first, "The first");
  await first.getByText("Saved as version 2").waitFor();
  await write(second, "The second");
  await conflict(second).waitFor();
  assert.match(await stack.text(PATH, "application/yaml"), /name: The first/, "nothing is written over unasked");
  await second.getByText("What they changed").click();
  await second.getByText("+ name: The first").waitFor();
  await second.getByRole("button", { name: "Write mine over theirs" }).click();
  await second.getByText("Saved as version 3").waitFor();
  await conflict(second).waitFor({ state: "detached" });
  assert.match(await stack.text(PATH, "application/yaml"), /name: The second/);

  await write(first, "The first again");
  await conflict(first).waitFor();
  await first.getByRole("button", { name: "Take theirs" }).click();
  await conflict(first).waitFor({ state: "detached" });
  await first.getByRole("heading", { name: "The second" }).waitFor();
  assert.match(await first.getByRole("textbox", { name: "The playbook as YAML" }).innerText(), /name: The second/);
  // The editor would style what is selected, which the page's policy refuses; nothing is missed of it.
  const others = (complaints) => complaints.filter((text) => !text.startsWith("Applying inline style"));
  for (const { complaints } of people) assert.deepEqual(others(complaints), []);
});
