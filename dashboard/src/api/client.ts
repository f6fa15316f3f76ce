// REST, with the token shown and types from the document. Errors carry the words that the stack has for people.

import createClient from "openapi-fetch";
import { freshToken, renewToken, session } from "../session";
import type { paths } from "./generated/openapi";
import type { Problem, TextProblem } from "./types";

const ANSWER_MS = 20_000;
const NO_ANSWER = "Callboard does not answer. Check the connection; this page tries again.";

/** What went wrong, in words for a person; `status` is 0 where nothing answered. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly problems: TextProblem[] = [],
  ) {
    super(message);
  }
}

async function fetchWithToken(request: Request): Promise<Response> {
  const again = request.clone();
  const token = await freshToken();
  // Whoever is signed in and has no token could not be given another: nothing answers.
  if (!token && session.get().phase === "in") throw new ApiError(0, NO_ANSWER);
  const response = await send(request, token);
  if (response.status !== 401) return response;
  const renewed = await renewToken();
  return renewed ? send(again, renewed) : response;
}

async function send(request: Request, token: string | null): Promise<Response> {
  const headers = new Headers(request.headers);
  if (token) headers.set("Authorization", `Bearer ${token}`);
  try {
    return await fetch(new Request(request, { headers, cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) }));
  } catch {
    throw new ApiError(0, NO_ANSWER);
  }
}

export const api = createClient<paths>({ baseUrl: location.origin, fetch: fetchWithToken });

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of a good answer. Throws an `ApiError` for any other. */
export async function body<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok) throw errorOf(response, error);
  return data as T;
}

export function errorOf(response: Response, error: unknown): ApiError {
  const problem = (typeof error === "object" && error !== null ? error : {}) as Partial<Problem> & { message?: string };
  const wait = response.headers.get("Retry-After");
  const text = problem.detail ?? problem.message ?? `Callboard answered ${response.status}`;
  const hint = response.status === 429 && wait && !text.includes("again") ? `${text}: try again in ${wait} s` : text;
  return new ApiError(response.status, capitalized(hint), problem.problems ?? []);
}

const capitalized = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** Words for whatever was thrown. */
export const wordsOf = (error: unknown) => (error instanceof Error ? error.message : "Something went wrong");
