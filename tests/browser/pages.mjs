// Every page in a state worth looking at: each is an address and what is done there first.

/** What is on a page once it is drawn; `id` is a call that is over. */
export const pages = (id) => [
  ["calls", "/", (page) => page.locator(".calls tbody tr").first().waitFor()],
  ["calls-filtered", "/?playbook=sales", (page) => page.getByLabel("Objection").waitFor()],
  ["upload", "/", async (page) => {
    await page.getByRole("button", { name: "Upload recordings" }).click();
    await page.getByRole("dialog").waitFor();
  }],
  ["call-notes", `/calls/${id}`, (page) => page.locator(".summary").waitFor()],
  ["call-coaching", `/calls/${id}`, async (page) => {
    await page.getByRole("tab", { name: "Coaching" }).click();
    await page.locator("details.card summary").first().click();
  }],
  ["call-talk", `/calls/${id}`, async (page) => {
    await page.getByRole("tab", { name: "Talk" }).click();
    await page.locator(".shares").waitFor();
  }],
  ["start", "/start", (page) => page.getByRole("button", { name: "Start the call" }).waitFor()],
  ["playbooks", "/playbooks", (page) => page.locator(".list-card").first().waitFor()],
  ["playbook", "/playbooks/tax_relief", (page) => page.getByText("Nothing is wrong with it").waitFor()],
  ["team", "/team", (page) => page.getByRole("heading", { name: "Team" }).waitFor()],
  ["keys", "/keys", (page) => page.getByRole("heading", { name: "Keys" }).waitFor()],
  ["password", "/account", (page) => page.getByText(/Your password|A key has no password/).first().waitFor()],
  ["settings", "/settings", (page) => page.getByRole("group", { name: /How long/ }).waitFor()],
  ["docs", "/docs", (page) => page.locator(".docs .opblock-tag").first().waitFor()],
  ["unknown", "/nowhere", (page) => page.getByText("There is no such page").waitFor()],
];

/** Signs out, which leaves the door. */
export async function leave(page) {
  await page.getByRole("button", { name: /^You:/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Try it on this machine" }).waitFor();
}

export const themes = ["light", "dark"];

/** The demo call, over, with its notes; its id. */
export async function demoCall(stack, demo) {
  const messages = await stack.stream(demo, "--pace", "max");
  return messages.find((message) => message.type === "call").call;
}
