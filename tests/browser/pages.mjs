// Every page in a state worth looking at: each is an address and what is done there first.

/** What is on a page once it is drawn; `id` is a call that is over, `live` one that goes on, with an open card. */
export const pages = (id, live) => [
  ["live", `/calls/${live}`, (page) => page.locator("article.card").first().waitFor()],
  ["calls", "/", (page) => page.locator(".calls tbody tr").first().waitFor()],
  ["calls-filtered", "/?playbook=sales", (page) => page.getByLabel("Objection").waitFor()],
  ["upload", "/", async (page) => {
    await page.getByRole("button", { name: /^Upload/ }).click();
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

const ISSUER = {
  issuer: "https://login.example.com", client_id: "callboard", scope: "openid",
  authorization_endpoint: "https://login.example.com/authorize", token_endpoint: "https://login.example.com/token",
};

/** What is rare on a stack that answers: each with the answers that lead to it (none at all, where that is the state). */
const states = [
  ["calls-empty", "/", { "**/v1/calls?*": { json: { calls: [] } } }, (page) => page.getByText("No calls yet").waitFor()],
  ["calls-loading", "/", { "**/v1/calls?*": null }, (page) => page.getByText("Loading the calls").waitFor({ state: "attached" })],
  ["calls-error", "/", { "**/v1/calls?*": { status: 400, json: { detail: "this cursor is not understood: leave it out" } } },
    (page) => page.getByRole("alert").waitFor()],
  ["calls-no-match", "/?search=nowhere", {}, (page) => page.getByText("No call fits").waitFor()],
  ["calls-offline", "/", { socket: null }, (page) => page.getByText(/The connection is lost/).waitFor()],
  ["call-unknown", "/calls/01KK6QZ1S0W9N5V9T7B5C6YQ00", {}, (page) => page.getByText("This call is not known").waitFor()],
  ["key-made", "/keys", { "**/v1/keys": { json: { keys: [], id: "01KK6QZ1S0W9N5V9T7B5C6YQ00", secret: "cbk_k2Lw3sXq8ZbT5nVy7RfC1mJd" } } }, async (page) => {
    await page.getByRole("button", { name: "New key" }).click();
    await page.getByLabel("Name").fill("Front desk");
    await page.getByRole("button", { name: "Make the key" }).click();
    await page.getByLabel("Secret").waitFor();
  }],
  ["join", "/join#invitation=secret", { "**/v1/auth/invitation": { json: { organization: "Example", role: "agent" } } },
    (page) => page.getByRole("heading", { name: "Join Example" }).waitFor()],
  ["door", "/", { "**/v1/auth": { json: { registration: "first_user", passwords: true, oidc: null } }, "**/_local/token": { status: 403 } },
    (page) => page.getByRole("heading", { name: "Make the first account" }).waitFor()],
  ["sign-in", "/", { "**/v1/auth": { json: { registration: "invitation", passwords: true, oidc: ISSUER } } },
    (page) => page.getByRole("button", { name: "Sign in with your organization" }).waitFor()],
];

/** Brings each of those about, in a page of its own, and shows it. The last of them sign out whoever is in. */
export async function eachState(context, url, look) {
  for (const [name, path, { socket, ...answers }, ready] of states) {
    const page = await context.newPage();
    for (const [address, answer] of Object.entries(answers)) {
      await page.route(address, (route) => (answer ? route.fulfill(answer) : undefined));
    }
    if (socket === null) await page.routeWebSocket("**/ws*", (line) => line.close());
    await page.goto(url + path);
    await ready(page);
    await look(name, page);
    await page.close();
  }
}

export const themes = ["light", "dark"];

/** The demo call, over, with its notes; its id. One that is shared is there already. */
export async function demoCall(stack, demo) {
  if (stack.known.call) return stack.known.call;
  const messages = await stack.stream(demo, "--pace", "max");
  return messages.find((message) => message.type === "call").call;
}
