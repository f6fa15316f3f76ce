// Accounts on the page: the first person registers, invites another, who joins and sees what their role may; keys are
// shown once; who signs out is out.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";
import { openStack } from "./stack.mjs";

let stack;

before(async () => {
  stack = await openStack();
});
after(() => stack?.stop());

const heading = (page, name) => page.getByRole("heading", { name, exact: true });

test("the first person registers, invites, makes a key, and signs in again; who joins is an agent", async (t) => {
  const browser = await launch(t);
  const admin = await (await browser.newContext()).newPage();
  await admin.goto(stack.url);
  await admin.getByLabel("Organization").fill("Example");
  await admin.getByLabel("Your name").fill("Ada");
  await admin.getByLabel("E-mail").fill("ada@example.com");
  await admin.getByLabel("Password").fill("short");
  await admin.getByRole("button", { name: "Make the account" }).click();
  await admin.getByText("Use at least 10 characters").waitFor();
  await admin.getByLabel("Password").fill("correct horse battery");
  await admin.getByRole("button", { name: "Make the account" }).click();
  await heading(admin, "Calls").waitFor();

  await admin.reload();
  await heading(admin, "Calls").waitFor();

  await admin.goto(`${stack.url}/keys`);
  await admin.getByRole("button", { name: "New key" }).click();
  await admin.getByLabel("Name").fill("Front desk");
  await admin.getByRole("button", { name: "Make the key" }).click();
  assert.match(await admin.getByLabel("Secret").inputValue(), /^cbk_/);
  await admin.getByRole("button", { name: "Done" }).click();
  await admin.getByText("Front desk").waitFor();

  await admin.goto(`${stack.url}/team`);
  await admin.getByRole("button", { name: "Invite" }).click();
  await admin.getByRole("button", { name: "Make the link" }).click();
  const link = await admin.getByLabel("Link").inputValue();
  assert.match(link, /\/join#invitation=.+/);

  const agent = await (await browser.newContext()).newPage();
  const asked = [];
  agent.on("request", (request) => asked.push(request.url()));
  await agent.goto(link);
  await agent.getByLabel("Your name").fill("Al");
  await agent.getByLabel("E-mail").fill("al@example.com");
  await agent.getByLabel("Password").fill("staple the battery");
  await agent.getByRole("button", { name: "Join", exact: true }).click();
  await heading(agent, "Calls").waitFor();
  assert.equal(await agent.getByRole("link", { name: "Keys" }).count(), 0, "an agent manages no keys");
  const secret = link.split("=").at(-1);
  assert.ok(asked.every((url) => !url.includes(secret)), "the invitation is in no address that is sent");
  assert.ok(!agent.url().includes("invitation"), "nor does it stay in the page's own");

  await admin.getByRole("button", { name: "Done" }).click();
  await admin.getByRole("button", { name: /^You:/ }).click();
  await admin.getByRole("menuitem", { name: "Sign out" }).click();
  await admin.getByRole("heading", { name: "Sign in" }).waitFor();
  await admin.getByLabel("E-mail").fill("ada@example.com");
  await admin.getByLabel("Password").fill("wrong horse battery");
  await admin.getByRole("button", { name: "Sign in" }).click();
  await admin.getByRole("alert").waitFor();
  await admin.getByLabel("Password").fill("correct horse battery");
  await admin.getByRole("button", { name: "Sign in" }).click();
  await heading(admin, "Calls").waitFor();
});
