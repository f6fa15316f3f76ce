// Recordings that are handed in from this page: sent in parts that are sent again by themselves when the network fails,
// then worked on by the stack. They go on wherever one is on the page.

import { api, body, wordsOf } from "../api/client";
import type { RecordingTicket } from "../api/types";
import { newCallId } from "../capture/format";
import { watchCall } from "../live/socket";
import { createStore } from "../store";

const TRIES = 6;
const AT_ONCE = 2;
const SOUNDS = /\.(wav|mp3|m4a|mp4|aac|flac|ogg|oga|opus|webm)$/i;

export interface Upload {
  call: string;
  name: string;
  bytes: number;
  state: "waiting" | "sending" | "processing" | "done" | "failed";
  percent: number;
  problem: string | null;
}

export const uploads = createStore<Upload[]>([]);

const files = new Map<string, { file: File; playbook: string }>();
let running = 0;

/** Hands files in; answers with the names of those that are no recordings. */
export function handIn(chosen: Iterable<File>, playbook: string): string[] {
  const refused: string[] = [];
  for (const file of chosen) {
    if (!SOUNDS.test(file.name) && !file.type.startsWith("audio/")) {
      refused.push(file.name);
      continue;
    }
    const call = newCallId();
    files.set(call, { file, playbook });
    const upload: Upload = { call, name: file.name, bytes: file.size, state: "waiting", percent: 0, problem: null };
    uploads.update((all) => [...all, upload]);
  }
  next();
  return refused;
}

export function sendAgain(call: string) {
  change(call, { state: "waiting", problem: null, percent: 0 });
  next();
}

/** Takes those off the list that need no more attention. */
export const clearDone = () =>
  uploads.update((all) => all.filter((upload) => upload.state !== "done" && upload.state !== "failed"));

const change = (call: string, part: Partial<Upload>) =>
  uploads.update((all) => all.map((upload) => (upload.call === call ? { ...upload, ...part } : upload)));

async function next() {
  const waiting = uploads.get().find((upload) => upload.state === "waiting");
  if (!waiting || running >= AT_ONCE) return;
  running += 1;
  const { call } = waiting;
  change(call, { state: "sending" });
  try {
    await send(call);
    change(call, { state: "processing", percent: 0 });
    follow(call);
    files.delete(call);
  } catch (error) {
    change(call, { state: "failed", problem: wordsOf(error) });
  }
  running -= 1;
  next();
}

async function send(call: string) {
  const held = files.get(call);
  if (!held) throw new Error("The file is not at hand any more: choose it again");
  const { file, playbook } = held;
  // The id is the page's own: to ask again creates nothing twice.
  const recording = { call, file_name: file.name, bytes: file.size, playbook };
  let ticket = await body(api.POST("/v1/recordings", { body: recording }));
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await sendParts(call, file, ticket);
    } catch (error) {
      if (attempt + 1 >= TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000 * 2 ** attempt));
      ticket = await body(api.GET("/v1/recordings/{id}/upload", { params: { path: { id: call } } })).catch(
        () => ticket,
      );
    }
  }
}

async function sendParts(call: string, file: File, { upload }: RecordingTicket) {
  if (upload.kind === "complete") return;
  if (upload.kind === "put") return put(upload.url, file, (sent) => progress(call, sent, file.size));
  const { parts, part_bytes } = upload;
  let sent = file.size - parts.reduce((sum, part) => sum + lengthOf(file, part.number, part_bytes), 0);
  for (const part of parts) {
    const begin = (part.number - 1) * part_bytes;
    const before = sent;
    await put(part.url, file.slice(begin, begin + part_bytes), (now) => progress(call, before + now, file.size));
    sent += lengthOf(file, part.number, part_bytes);
  }
  await body(api.POST("/v1/recordings/{id}/complete", { params: { path: { id: call } } }));
}

const lengthOf = (file: File, number: number, bytes: number) => Math.min(bytes, file.size - (number - 1) * bytes);

const progress = (call: string, sent: number, of: number) =>
  change(call, { percent: of > 0 ? Math.floor((100 * sent) / of) : 100 });

/** `fetch` tells nothing of what it has sent: the older way does. */
function put(url: string, content: Blob, onSent: (bytes: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", url);
    request.upload.onprogress = (event) => onSent(event.loaded);
    request.onload = () =>
      request.status < 300 ? resolve() : reject(new Error(`The storage answered ${request.status}`));
    request.onerror = () => reject(new Error("The connection was lost while the file was sent"));
    request.send(content);
  });
}

function follow(call: string) {
  const take = (state: string, percent: number, reason?: string | null) => {
    if (state === "done") change(call, { state: "done", percent: 100 });
    else if (state === "failed") change(call, { state: "failed", problem: reason ?? "Nothing came of it" });
    else return change(call, { percent });
    unwatch();
  };
  const ask = async () => {
    const { recording } = await body(api.GET("/v1/calls/{id}", { params: { path: { id: call } } }));
    if (recording) take(recording.state, recording.percent, recording.reason);
  };
  const unwatch = watchCall(call, (message) => {
    if (message.type === "recording") take(message.state, message.percent, message.reason);
    else if (message.type === "watching" && message.active) ask().catch(() => null);
  });
}
