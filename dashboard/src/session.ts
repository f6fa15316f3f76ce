// Who uses the page: the access token in memory, how it is renewed, and how one gets in and out. The refresh token is a
// cookie that no script reads; on a stack of this machine, its own token can be used instead, and where the organization
// has an issuer of its own, that one's.

import type { AuthInfo, Me, Session } from "./api/types";
import { comeBack, type Issuer, IssuerError, leaveFor, nameIn, RETURN, renewed, type Tokens } from "./issuer";
import { createStore } from "./store";

const WAY = "callboard.session";
const EARLY_MS = 30_000;
const ANSWER_MS = 15_000;
/** Answers that say that a session is over. All others say nothing of it. */
const REFUSED = [400, 401, 403, 404];

/** The stack's own token, an account here, or one at the organization's issuer. */
type Way = "local" | "account" | "issuer";

export type State =
  | { phase: "starting" }
  | { phase: "out"; reason?: string }
  | { phase: "unreachable" }
  | { phase: "in"; me: Me; way: Way };

/** Somebody refused or nobody answered, while getting in; `status` is 0 where nobody answered. */
export class SignInError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export const session = createStore<State>({ phase: "starting" });

/** Whether the page comes from this machine. */
export const isLocal = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);

let token: string | null = null;
let tokens: Tokens | null = null;
let wanted = "/";
let expires = Number.POSITIVE_INFINITY;
let renewing: Promise<string | null> | null = null;

/** A token that is good for a while yet; none where nobody is signed in. */
export async function freshToken(): Promise<string | null> {
  if (!token || Date.now() < expires - EARLY_MS) return token;
  return renewToken();
}

/** Another token in the place of one that was refused. Where there is none, one is signed out. */
export function renewToken(): Promise<string | null> {
  renewing ??= renew().finally(() => {
    renewing = null;
  });
  return renewing;
}

async function renew(): Promise<string | null> {
  const state = session.get();
  const way = state.phase === "in" ? state.way : remembered();
  if (!way) return null;
  try {
    if (way === "local") enter(await localSession(), "local");
    else if (way === "account") enter(await refreshed(), "account");
    else if (tokens) await enterWith(await renewed(tokens));
    else await askIssuerAgain();
    return token;
  } catch (error) {
    if (isRefusal(error)) {
      leave(state.phase === "in" ? "Your session is over. Sign in again." : undefined);
      return null;
    }
    if (state.phase !== "in") session.set({ phase: "unreachable" });
    return null;
  }
}

function isRefusal(error: unknown): boolean {
  if (error instanceof IssuerError) return error.isOver;
  return error instanceof SignInError && REFUSED.includes(error.status);
}

/** At the start of the page: goes on with the session that there was, or with what the issuer answers. */
export async function resume(): Promise<void> {
  if (location.pathname === RETURN && location.search) return arrive();
  if (!remembered()) return session.set({ phase: "out" });
  session.set({ phase: "starting" });
  await renewToken();
}

export async function tryThisMachine(): Promise<void> {
  enter(await localSession(), "local");
}

export async function signIn(email: string, password: string): Promise<void> {
  enter(await post<Session>("/v1/auth/login", { email, password, refresh: "cookie" }), "account");
}

export interface Registration {
  email: string;
  password: string;
  name: string;
  organization?: string;
  invitation?: string;
}

export async function register(account: Registration): Promise<void> {
  enter(await post<Session>("/v1/auth/register", { ...account, refresh: "cookie" }), "account");
}

/** Leaves the page for the issuer; one comes back to where one was. */
export const signInAt = (issuer: Issuer) => leaveFor(issuer, here());

/** The page that somebody wanted who was sent to the issuer. */
export const wantedPage = () => wanted;

const here = () => (location.pathname === RETURN ? "/" : location.pathname + location.search);

async function arrive() {
  const answer = new URLSearchParams(location.search);
  // What is good for a token does not stay in the address.
  history.replaceState(null, "", RETURN);
  try {
    const { tokens: given, back } = await comeBack(answer);
    wanted = back;
    await enterWith(given);
  } catch (error) {
    leave(error instanceof Error ? error.message : undefined);
  }
}

async function enterWith(given: Tokens) {
  const me = await ask("/v1/me", { headers: { Authorization: `Bearer ${given.id}` } });
  if (me.status === 401 || me.status === 403) {
    throw new IssuerError("You are known there, but it names no organization and role of yours for Callboard.");
  }
  if (!me.ok) throw new SignInError(me.status, `Callboard answered ${me.status}`);
  tokens = given;
  const expires_in_s = (given.expiresAt - Date.now()) / 1000;
  const known: Me = await me.json();
  const named = { ...known, name: known.name ?? nameIn(given) };
  enter({ access_token: given.id, token_type: "Bearer", expires_in_s, me: named }, "issuer");
}

// The page keeps no token of the issuer: after a reload that one tells who is there, mostly without asking.
async function askIssuerAgain() {
  const info = await authInfo();
  if (!info?.oidc) throw new IssuerError("Your organization’s sign-in does not answer. Sign in again.");
  await leaveFor(info.oidc, here());
}

export async function signOut(): Promise<void> {
  const state = session.get();
  if (state.phase === "in" && state.way === "account") await post("/v1/auth/logout", undefined).catch(() => null);
  leave();
}

/** How one gets in here; none where the stack knows no accounts. */
export async function authInfo(): Promise<AuthInfo | null> {
  const response = await ask("/v1/auth");
  return response.ok ? response.json() : null;
}

function enter({ access_token, expires_in_s, me }: Session, way: Way) {
  token = access_token;
  expires = Date.now() + expires_in_s * 1000;
  remember(way);
  session.set({ phase: "in", me, way });
}

function leave(reason?: string) {
  token = null;
  tokens = null;
  remember(null);
  session.set({ phase: "out", reason });
}

const refreshed = () => post<Session>("/v1/auth/refresh", undefined);

async function localSession(): Promise<Session> {
  const response = await ask("/_local/token");
  const answer = response.ok ? await response.json().catch(() => null) : null;
  if (!answer?.token) throw new SignInError(response.status, "This stack gives its token to nobody");
  const headers = { Authorization: `Bearer ${answer.token}` };
  const me = await ask("/v1/me", { headers });
  const local: Me = { principal: "local", org: "local", role: "admin", kind: "key" };
  const known = me.ok ? ((await me.json()) as Me) : local;
  return { access_token: answer.token, token_type: "Bearer", expires_in_s: Number.MAX_SAFE_INTEGER, me: known };
}

async function post<T>(path: string, content: unknown): Promise<T> {
  const headers: Record<string, string> = { "X-Callboard": "1" };
  if (content !== undefined) headers["Content-Type"] = "application/json";
  const response = await ask(path, {
    method: "POST",
    headers,
    body: content && JSON.stringify(content),
  } as RequestInit);
  if (response.ok) return response.status === 204 ? (undefined as T) : response.json();
  const problem = await response.json().catch(() => ({}));
  const text: string = problem.detail ?? problem.message ?? `Callboard answered ${response.status}`;
  throw new SignInError(response.status, text.charAt(0).toUpperCase() + text.slice(1));
}

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  try {
    return await fetch(path, { ...init, cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
  } catch {
    throw new SignInError(0, "Callboard does not answer. Check the connection and try again.");
  }
}

function remembered(): Way | null {
  try {
    const way = localStorage.getItem(WAY);
    return way === "local" || way === "account" || way === "issuer" ? way : null;
  } catch {
    return null;
  }
}

function remember(way: Way | null) {
  try {
    if (way) localStorage.setItem(WAY, way);
    else localStorage.removeItem(WAY);
  } catch {
    // Without a memory one signs in again after a reload.
  }
}
