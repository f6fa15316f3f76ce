// The watching socket: one for the page, coming back by itself, telling its listeners what they watch.

import type { ClientMessage, ServerMessage } from "../api/types";
import { freshToken, renewToken } from "../session";
import { createStore } from "../store";
import { backoff, socketAddress } from "./address";

const PING_EVERY_MS = 25_000;
/** A call that begins just now may be known to nobody yet: it is asked for again. */
const WATCH_AGAIN_MS = 2_000;
const ANSWER_MS = 5_000;
/** Refused so often in a row, the token may be the reason. */
const SUSPECT = 2;

export type Connection = "connecting" | "open" | "lost";

type Listener = (message: ServerMessage) => void;

interface Watch {
  target: { call: string } | { calls: true };
  listeners: Set<Listener>;
}

/** Whether the page hears what happens. */
export const connection = createStore<Connection>("connecting");

const watches = new Map<string, Watch>();
let socket: WebSocket | null = null;
let running = false;
let attempt = 0;
let retry: ReturnType<typeof setTimeout> | undefined;
let ping: ReturnType<typeof setInterval> | undefined;
let pong: ReturnType<typeof setTimeout> | undefined;
let rewatch: ReturnType<typeof setTimeout> | undefined;

/** Hears all of one call until the answer is called. `watching` comes once nothing is missed from here on. */
export const watchCall = (call: string, listener: Listener) => watch(call, { call }, listener);

/** Hears of all calls of the organization, as far as one may. */
export const watchCalls = (listener: Listener) => watch("", { calls: true }, listener);

/** Begins with whoever is signed in, and goes on until `stopWatching`. */
export function startWatching() {
  if (running) return;
  running = true;
  attempt = 0;
  connection.set("connecting");
  open();
}

export function stopWatching() {
  running = false;
  clearTimeout(retry);
  drop();
}

addEventListener("online", () => {
  if (!running || socket) return;
  attempt = 0;
  clearTimeout(retry);
  open();
});
addEventListener("offline", check);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") check();
});

function watch(key: string, target: Watch["target"], listener: Listener): () => void {
  const known = watches.get(key);
  if (known) {
    known.listeners.add(listener);
    // Whoever comes later wants to hear that nothing is missed, too.
    say({ action: "watch", ...target });
  } else {
    watches.set(key, { target, listeners: new Set([listener]) });
    say({ action: "watch", ...target });
  }
  return () => {
    const left = watches.get(key);
    left?.listeners.delete(listener);
    if (left?.listeners.size !== 0) return;
    watches.delete(key);
    say({ action: "unwatch", ...target });
  };
}

async function open() {
  const token = attempt > 0 && attempt % SUSPECT === 0 ? await renewToken() : await freshToken();
  if (!running || socket) return;
  if (!token) return again();
  const opened = new WebSocket(socketAddress(), ["callboard.v1", `bearer.${token}`]);
  socket = opened;
  opened.onopen = () => {
    attempt = 0;
    ping = setInterval(check, PING_EVERY_MS);
    connection.set("open");
    watchAll();
  };
  opened.onmessage = (event) => {
    clearTimeout(pong);
    hear(event.data);
  };
  opened.onclose = () => {
    if (socket !== opened) return;
    drop();
    again();
  };
}

function watchAll() {
  for (const { target } of watches.values()) say({ action: "watch", ...target });
}

function hear(text: string) {
  const message = JSON.parse(text) as ServerMessage;
  if (message.type === "error" && message.action === "watch") {
    clearTimeout(rewatch);
    rewatch = setTimeout(watchAll, WATCH_AGAIN_MS);
  }
  const call = "call" in message && typeof message.call === "string" ? message.call : "";
  tell(call, message);
  // Who follows all calls hears how each stands, and of no words.
  if (call && message.type === "call") tell("", message);
}

function tell(key: string, message: ServerMessage) {
  for (const listener of [...(watches.get(key)?.listeners ?? [])]) listener(message);
}

function say(message: ClientMessage) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

/** Asks whether the connection still stands. A network that vanished closes nothing: only a missing answer shows it. */
export function check() {
  if (socket?.readyState !== WebSocket.OPEN) return;
  say({ action: "ping" });
  clearTimeout(pong);
  pong = setTimeout(() => {
    drop();
    again();
  }, ANSWER_MS);
}

function drop() {
  clearInterval(ping);
  clearTimeout(pong);
  clearTimeout(rewatch);
  const closed = socket;
  socket = null;
  if (!closed) return;
  closed.onopen = closed.onmessage = closed.onclose = null;
  closed.close();
}

function again() {
  if (!running) return;
  connection.set("lost");
  clearTimeout(retry);
  retry = setTimeout(open, backoff(attempt));
  attempt += 1;
}
