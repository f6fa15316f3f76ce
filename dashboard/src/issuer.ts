// Signing in where the organization does: OpenID Connect's authorization code flow with PKCE, as a client without a
// secret. What the stack is shown is the issuer's ID token; its refresh token stays in this page's memory, and no part
// of it is kept anywhere else.

import type { AuthInfo } from "./api/types";

export type Issuer = NonNullable<AuthInfo["oidc"]>;

/** Where the issuer sends people back to; it must know this address. */
export const RETURN = "/signed-in";
const WAITING = "callboard.issuer";
const ANSWER_MS = 15_000;

/** What must be remembered while somebody is at the issuer. */
interface Waiting {
  issuer: Issuer;
  state: string;
  nonce: string;
  verifier: string;
  /** The page that one wanted. */
  back: string;
}

export interface Tokens {
  id: string;
  refresh: string | null;
  expiresAt: number;
  issuer: Issuer;
}

/** The issuer refuses, in words for a person; `isOver` where to try the same again is no use. */
export class IssuerError extends Error {
  constructor(
    message: string,
    readonly isOver = true,
  ) {
    super(message);
  }
}

/** Leaves for the issuer, which sends one back to `RETURN`. */
export async function leaveFor(issuer: Issuer, back: string): Promise<void> {
  const waiting: Waiting = { issuer, state: random(), nonce: random(), verifier: random(), back };
  sessionStorage.setItem(WAITING, JSON.stringify(waiting));
  const address = new URL(issuer.authorization_endpoint);
  const asked = {
    response_type: "code",
    client_id: issuer.client_id,
    redirect_uri: location.origin + RETURN,
    scope: issuer.scope,
    state: waiting.state,
    nonce: waiting.nonce,
    code_challenge: await challengeOf(waiting.verifier),
    code_challenge_method: "S256",
  };
  for (const [name, value] of Object.entries(asked)) address.searchParams.set(name, value);
  location.assign(address);
}

/** Back from the issuer: what its answer in the address is worth, and where one was. */
export async function comeBack(answer: URLSearchParams): Promise<{ tokens: Tokens; back: string }> {
  const waiting = taken();
  if (!waiting || answer.get("state") !== waiting.state) {
    throw new IssuerError("This sign-in was not begun here, or took too long. Sign in again.");
  }
  const { issuer, verifier, nonce, back } = waiting;
  // Where several issuers are used, one of them must not pass off its answer as another's.
  const from = answer.get("iss");
  if (from !== null && from !== issuer.issuer)
    throw new IssuerError("This answer is of another issuer. Sign in again.");
  const code = answer.get("code");
  if (!code) throw new IssuerError(refusal(answer.get("error"), answer.get("error_description")));
  const redirect_uri = location.origin + RETURN;
  const tokens = await ask(issuer, { grant_type: "authorization_code", code, redirect_uri, code_verifier: verifier });
  if (claimsOf(tokens.id).nonce !== nonce) throw new IssuerError("This token is of another sign-in. Sign in again.");
  return { tokens, back };
}

/** The next tokens. Without a refresh token there are none, and one signs in again. */
export function renewed({ issuer, refresh }: Tokens): Promise<Tokens> {
  if (!refresh) return Promise.reject(new IssuerError("Your session is over. Sign in again."));
  return ask(issuer, { grant_type: "refresh_token", refresh_token: refresh });
}

async function ask(issuer: Issuer, asked: Record<string, string>): Promise<Tokens> {
  const body = new URLSearchParams({ ...asked, client_id: issuer.client_id });
  const init: RequestInit = { method: "POST", body, cache: "no-store", credentials: "omit" };
  const response = await fetch(issuer.token_endpoint, { ...init, signal: AbortSignal.timeout(ANSWER_MS) }).catch(() => {
    const { host } = new URL(issuer.token_endpoint);
    const advice = "Try again. If that does not help: whoever runs Callboard must set OIDC_TOKEN_ORIGIN.";
    throw new IssuerError(`${host} could not be asked from this page. ${advice}`, false);
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new IssuerError(refusal(answer.error, answer.error_description), response.status < 500);
  if (typeof answer.id_token !== "string") throw new IssuerError("The issuer gives no ID token: ask it for `openid`.");
  // A refresh may leave the refresh token as it is.
  const refresh = answer.refresh_token ?? asked.refresh_token ?? null;
  return { id: answer.id_token, refresh, expiresAt: Number(claimsOf(answer.id_token).exp) * 1000, issuer };
}

const refusal = (error: string | null, description: string | null) =>
  error === "access_denied"
    ? "You were not let in there. Sign in again, or ask who runs your organization's accounts."
    : `Your organization's sign-in answers: ${description ?? error ?? "nothing that is understood"}`;

/** Read, and gone: an answer counts once. */
function taken(): Waiting | null {
  const text = sessionStorage.getItem(WAITING);
  sessionStorage.removeItem(WAITING);
  return text ? JSON.parse(text) : null;
}

/** What the issuer calls somebody, where it says so. */
export function nameIn({ id }: Tokens): string | undefined {
  const { name, email } = claimsOf(id);
  return [name, email].find((one) => typeof one === "string");
}

/** What a token says. Whether it is true, the stack finds out. */
function claimsOf(token: string): Record<string, unknown> {
  try {
    const part = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(part), (letter) => letter.charCodeAt(0))));
  } catch {
    throw new IssuerError("The issuer's answer is not understood. Ask who runs it.");
  }
}

const random = () => written(crypto.getRandomValues(new Uint8Array(32)));

const challengeOf = async (verifier: string) =>
  written(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));

const written = (bytes: Uint8Array) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
