// People of another issuer sign in on the page: by the authorization code flow with PKCE, at an issuer that stands here.

import assert from "node:assert/strict";
import { createHash, createPublicKey, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";
import { startStack } from "./stack.mjs";

const CLIENT = "callboard";
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
/** What the issuer says of the person who signs in next. */
let person = {};
let issuer;
let stack;

before(async () => {
  issuer = await openIssuer();
  stack = await startStack({
    OIDC_ISSUER: issuer.url, OIDC_TOKEN_ORIGIN: issuer.url, OIDC_AUDIENCE: CLIENT, OIDC_SCOPE: "openid offline_access",
    OIDC_ORG_CLAIM: "org", OIDC_ROLE_CLAIM: "role", PASSWORD_LOGIN: "false",
  });
});
after(async () => {
  issuer?.close();
  await stack?.stop();
});

/** Lets everybody in at once, as one does who is known there already. */
async function openIssuer() {
  const waiting = new Map();
  const refreshes = new Set();
  const asked = [];
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://issuer");
    const tell = (status, value) => {
      response.writeHead(status, { "Content-Type": "application/json", "Access-Control-Allow-Origin": "*" });
      response.end(JSON.stringify(value));
    };
    if (pathname === "/.well-known/openid-configuration") {
      const at = (path) => url + path;
      return tell(200, { issuer: url, authorization_endpoint: at("/authorize"), token_endpoint: at("/token"), jwks_uri: at("/keys") });
    }
    if (pathname === "/keys") {
      return tell(200, { keys: [{ ...createPublicKey(privateKey).export({ format: "jwk" }), kid: "one", alg: "RS256", use: "sig" }] });
    }
    if (pathname === "/authorize") {
      const wanted = Object.fromEntries(searchParams);
      asked.push(wanted);
      const code = randomUUID();
      waiting.set(code, wanted);
      const answer = person.denied ? { error: "access_denied" } : { code };
      const query = new URLSearchParams({ ...answer, state: wanted.state, iss: url });
      return response.writeHead(302, { Location: `${wanted.redirect_uri}?${query}` }).end();
    }
    const chunks = await request.toArray();
    const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
    if (form.grant_type === "refresh_token") {
      if (!refreshes.delete(form.refresh_token)) return tell(400, { error: "invalid_grant" });
      return tell(200, tokens({}));
    }
    const begun = waiting.get(form.code);
    waiting.delete(form.code);
    const challenge = createHash("sha256").update(form.code_verifier ?? "").digest("base64url");
    const fits = begun?.code_challenge === challenge && begun.redirect_uri === form.redirect_uri && form.client_id === CLIENT;
    return fits ? tell(200, tokens({ nonce: begun.nonce })) : tell(400, { error: "invalid_grant" });
  });
  const tokens = (more) => {
    const refresh_token = randomUUID();
    refreshes.add(refresh_token);
    return { id_token: token({ iss: url, aud: CLIENT, ...person, ...more }), refresh_token, token_type: "Bearer" };
  };
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${server.address().port}`;
  return { url, asked, refreshes, close: () => server.close() };
}

function token({ lasts = 3600, ...claims }) {
  const written = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const signed = `${written({ alg: "RS256", kid: "one" })}.${written({ iat: now, exp: now + lasts, ...claims })}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), privateKey).toString("base64url")}`;
}

async function open(t, path = "/") {
  const browser = await launch(t);
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(stack.url + path);
  const enter = page.getByRole("button", { name: "Sign in with your organization" });
  return { page, enter };
}

const calls = (page) => page.getByRole("heading", { name: "Calls", exact: true }).waitFor();

test("somebody whom the issuer knows signs in, comes back to where they were, and stays in", async (t) => {
  person = { sub: "ada", org: "local", role: "supervisor" };
  const { page, enter } = await open(t, "/playbooks");
  assert.equal(await page.getByLabel("Password").count(), 0, "nobody has a password here");
  await enter.click();
  await page.getByRole("heading", { name: "Playbooks" }).waitFor();
  assert.equal(new URL(page.url()).search, "", "nothing that is good for a token stays in the address");
  const { code_challenge_method, scope, response_type } = issuer.asked.at(-1);
  assert.deepEqual([code_challenge_method, scope, response_type], ["S256", "openid offline_access", "code"]);
  assert.equal(await page.getByRole("link", { name: "Keys" }).count(), 0, "a supervisor manages no keys");

  await page.reload();
  await page.getByRole("heading", { name: "Playbooks" }).waitFor();

  await page.getByRole("button", { name: /^You:/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await enter.waitFor();
  await page.reload();
  await enter.waitFor();
});

test("a token that is over is replaced by the refresh token, and nobody notices", async (t) => {
  // Over so soon that each request asks for the next.
  person = { sub: "bob", org: "local", role: "agent", lasts: 5 };
  const { page, enter } = await open(t);
  await enter.click();
  await calls(page);
  const before = [...issuer.refreshes].at(-1);
  await page.getByRole("link", { name: "Playbooks" }).click();
  await page.getByRole("link", { name: /Tax relief/ }).first().click();
  await page.getByRole("textbox", { name: "The playbook as YAML" }).waitFor();
  assert.notEqual([...issuer.refreshes].at(-1), before, "the issuer was asked for the next");
});

for (const [why, who, words] of [
  ["is refused there", { denied: true }, /You were not let in there/],
  ["has no role here", { sub: "eve", org: "local" }, /no organization and role of yours/],
]) {
  test(`somebody who ${why} is told so, and can try again`, async (t) => {
    person = who;
    const { page, enter } = await open(t);
    await enter.click();
    await page.getByText(words).waitFor();
    person = { sub: "eve", org: "local", role: "agent" };
    await enter.click();
    await calls(page);
  });
}

test("an answer that this page did not ask for is not taken", async (t) => {
  const { page, enter } = await open(t, "/signed-in?code=stolen&state=unknown");
  await page.getByText(/was not begun here/).waitFor();
  await enter.waitFor();
});
