// The call that this page captures: at most one at a time, wherever one is on the page meanwhile.

import { api } from "../api/client";
import { watchCall } from "../live/socket";
import { session } from "../session";
import { createStore } from "../store";
import { type Format, newCallId } from "./format";
import { forgetCall, keepCall, leftBehind } from "./keep";
import { Sender, type Sending } from "./sender";
import type { Source } from "./sources";

const ASK_MS = 3_000;
const KNOWN_MS = 3_000;

export interface Capture extends Sending {
  call: string;
  /** Listening, or sending what is left. */
  phase: "listening" | "finishing";
  paused: boolean;
  /** What was shared has ended: only the microphone is heard. */
  unheard: boolean;
  startedAt: number;
  levels: number[];
  isDemo: boolean;
}

export const capture = createStore<Capture | null>(null);

let source: Source | null = null;
let sender: Sender | null = null;

/** Begins a call and returns its id. */
export async function startCapture(opened: Source, playbook: string, isDemo = false): Promise<string> {
  const call = newCallId();
  const format: Format = { rate: opened.rate, channels: opened.channels, playbook };
  source = opened;
  const state = session.get();
  const principal = state.phase === "in" ? state.me.principal : "";
  await keepCall({ call, principal, format, startedAt: Date.now() });
  begin(new Sender(call, format), isDemo, "listening");
  opened.start(
    ({ pcm, levels }) => {
      sender?.push(pcm);
      capture.update((now) => now && { ...now, levels });
    },
    () => stopCapture(),
    isUnheard,
  );
  // Where the call is known, it can be shown; without a connection it begins all the same.
  await until(() => capture.get()?.connected !== false, KNOWN_MS);
  return call;
}

const isUnheard = () => capture.update((now) => now && { ...now, unheard: true });

/** Shares the other side's sound once more. Throws in words for a person. */
export async function shareAgain() {
  await source?.share?.(isUnheard);
  capture.update((now) => now && { ...now, unheard: false });
}

export function pauseCapture(paused: boolean) {
  source?.pause(paused);
  capture.update((now) => now && { ...now, paused });
}

/** No more is listened to; what was heard is sent to its end. */
export async function stopCapture() {
  if (capture.get()?.phase !== "listening") return;
  capture.update((now) => now && { ...now, phase: "finishing" });
  const stopping = source;
  source = null;
  await stopping?.stop();
  sender?.finish();
}

/** Puts away what could not be sent. */
export async function giveUp() {
  const call = capture.get()?.call;
  sender?.close();
  sender = null;
  await source?.stop();
  source = null;
  capture.set(null);
  if (call) await forgetCall(call);
}

/** Sends on what a page of this person left behind: it was closed, or crashed, in the middle of a call. */
export async function sendLeftBehind(principal: string) {
  for (const left of await leftBehind(principal)) {
    if (capture.get()) return;
    const resumed = new Sender(left.call, left.format, left);
    begin(resumed, false, "finishing", left.startedAt);
    resumed.finish();
    await until(() => capture.get() === null);
  }
}

function until(holds: () => boolean, patienceMs?: number): Promise<void> {
  if (holds()) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(late);
      unsubscribe();
      resolve();
    };
    const late = patienceMs === undefined ? undefined : setTimeout(done, patienceMs);
    const unsubscribe = capture.subscribe(() => holds() && done());
  });
}

function begin(begun: Sender, isDemo: boolean, phase: Capture["phase"], startedAt = Date.now()) {
  sender = begun;
  const start = { call: begun.call, phase, paused: false, unheard: false, startedAt, levels: [], isDemo };
  capture.set({ ...start, ...begun.state.get() });
  const unwatch = watchCall(begun.call, (message) => {
    if (message.type === "call" && (message.status === "ended" || message.status === "deleted")) begun.ended();
  });
  const asking = setInterval(() => askWhetherEnded(begun).catch(() => null), ASK_MS);
  begun.state.subscribe(() => {
    if (sender !== begun) {
      clearInterval(asking);
      unwatch();
      return;
    }
    const sending = begun.state.get();
    capture.update((now) => now && { ...now, ...sending });
    if (sending.failure && source) {
      source.stop();
      source = null;
    }
    if (!sending.settled) return;
    unwatch();
    clearInterval(asking);
    sender = null;
    capture.set(null);
  });
  begun.start();
}

// The push that tells of the end may be missed, or was told before anybody watched.
async function askWhetherEnded(begun: Sender) {
  if (capture.get()?.phase !== "finishing" || begun.state.get().waiting > 0) return;
  const { data, response } = await api.GET("/v1/calls/{id}", { params: { path: { id: begun.call } } });
  if (data?.call.status === "ended" || response.status === 404) begun.ended();
}

addEventListener("beforeunload", (event) => {
  if (capture.get()) event.preventDefault();
});
