// A playbook as text: read, checked and saved, with the tag that tells whether somebody else saved it meanwhile.

import { ApiError, api, body, errorOf } from "../../api/client";
import type { PlaybookSummary, TextProblem } from "../../api/types";

export interface PlaybookText {
  text: string;
  etag: string | null;
  origin: string | null;
}

/** Somebody else saved it meanwhile: what stands there now. */
export class Conflict extends Error {
  constructor(readonly theirs: PlaybookText) {
    super("Somebody else saved this playbook meanwhile");
  }
}

const YAML = { "Content-Type": "application/yaml" };
// The text goes as it is written.
const asWritten = (text: unknown) => text as string;

export async function read(id: string): Promise<PlaybookText> {
  const { data, error, response } = await api.GET("/v1/playbooks/{id}", {
    params: { path: { id } },
    headers: { Accept: "application/yaml" },
    parseAs: "text",
  });
  if (!response.ok) throw errorOf(response, error);
  const header = (name: string) => response.headers.get(name);
  return { text: data as unknown as string, etag: header("ETag"), origin: header("Playbook-Origin") };
}

/** All that is wrong with a text; nothing where it can be saved. */
export async function validate(text: string): Promise<TextProblem[]> {
  try {
    await body(api.POST("/v1/playbooks/validate", { body: text as never, bodySerializer: asWritten, headers: YAML }));
    return [];
  } catch (error) {
    if (error instanceof ApiError && error.problems.length > 0) return error.problems;
    throw error;
  }
}

interface Known {
  isOwn: boolean;
  etag: string | null;
}

export async function save(id: string, text: string, { isOwn, etag }: Known): Promise<PlaybookSummary> {
  const content = { body: text as never, bodySerializer: asWritten };
  if (!isOwn) return body(api.POST("/v1/playbooks", { ...content, headers: YAML }));
  try {
    const headers = etag ? { ...YAML, "If-Match": etag } : YAML;
    return await body(api.PUT("/v1/playbooks/{id}", { ...content, params: { path: { id } }, headers }));
  } catch (error) {
    if (error instanceof ApiError && error.status === 412) throw new Conflict(await read(id));
    throw error;
  }
}

export async function remove(id: string, etag: string | null): Promise<void> {
  const headers = etag ? { "If-Match": etag } : {};
  await body(api.DELETE("/v1/playbooks/{id}", { params: { path: { id } }, headers }));
}
