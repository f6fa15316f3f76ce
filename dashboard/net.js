// The way to the stack: the token, REST, a socket that comes back, and a capture client. No page.

const PING_EVERY_MS = 240_000;
const FRAME_MS = 240;
const STALL_MS = 4_000;
const ANSWER_MS = 10_000;

let token = null;

async function ask(path, headers = {}, method = "GET") {
  const response = await fetch(path, { method, headers, cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
  if (response.ok) return response;
  const error = new Error(`${path.split("?")[0]} answers ${response.status}`);
  error.status = response.status;
  throw error;
}

/** Asks the local stack for its token. It is kept in memory only, and asked for anew after a stack was restarted. */
export async function login() {
  ({ token } = await (await ask("/_local/token")).json());
}

/** GET with the token shown. */
export const get = async (path) => (await ask(path, bearer())).json();

/** DELETE with the token shown. */
export const remove = (path) => ask(path, bearer(), "DELETE");

const bearer = () => (token ? { Authorization: `Bearer ${token}` } : {});

function openSocket(query = "") {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const protocols = token ? ["callboard.v1", `bearer.${token}`] : ["callboard.v1"];
  return new WebSocket(`${scheme}//${location.host}/ws${query}`, protocols);
}

function read(event) {
  try {
    const message = JSON.parse(event.data);
    return message && typeof message === "object" ? message : {};
  } catch {
    return {};
  }
}

/** 0.5 s, doubling to 8 s, with jitter. */
const backoff = (attempt) => Math.min(8_000, 500 * 2 ** attempt) * (0.5 + Math.random() / 2);

/** A watching socket that comes back by itself. */
export class Watcher {
  #socket = null;
  #attempt = 0;
  #ping = 0;
  #pong = 0;
  #onState;
  #onMessage;

  constructor({ onState, onMessage }) {
    this.#onState = onState;
    this.#onMessage = onMessage;
    addEventListener("online", () => { this.#attempt = 0; });
    addEventListener("offline", () => this.#check());
  }

  async start() {
    if (!this.#attempt) this.#onState("connecting");
    try {
      await login();
    } catch (error) {
      return this.#again(error.status === 404 ? "no token" : "no stack");
    }
    const socket = openSocket();
    this.#socket = socket;
    socket.onopen = () => {
      this.#attempt = 0;
      this.#ping = setInterval(() => this.#check(), PING_EVERY_MS);
      this.#onState("open");
    };
    socket.onmessage = (event) => {
      clearTimeout(this.#pong);
      this.#onMessage(read(event));
    };
    socket.onclose = () => {
      this.#socket = null;
      this.#again("lost");
    };
  }

  send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  // A network that vanished closes nothing: only a missing answer shows it.
  #check() {
    if (!this.#socket) return;
    this.send({ action: "ping" });
    clearTimeout(this.#pong);
    this.#pong = setTimeout(() => this.#drop(), ANSWER_MS);
  }

  #drop() {
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = null;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.#again("lost");
  }

  #again(state) {
    clearInterval(this.#ping);
    clearTimeout(this.#pong);
    this.#onState(state);
    setTimeout(() => this.start(), backoff(this.#attempt));
    this.#attempt += 1;
  }
}

/** Samples and length of a 16-bit PCM WAV. */
export function readWav(buffer) {
  const view = new DataView(buffer);
  const name = (at) => String.fromCharCode(...new Uint8Array(buffer, at, 4));
  if (buffer.byteLength < 44 || name(0) !== "RIFF" || name(8) !== "WAVE") throw new Error("the demo call is no WAV file");
  let format = null;
  for (let at = 12; at + 8 <= buffer.byteLength;) {
    const size = view.getUint32(at + 4, true);
    if (name(at) === "fmt ") {
      format = { kind: view.getUint16(at + 8, true), channels: view.getUint16(at + 10, true),
        rate: view.getUint32(at + 12, true), bits: view.getUint16(at + 22, true) };
    }
    if (name(at) === "data" && format) {
      if (format.kind !== 1 || format.bits !== 16) throw new Error("the demo call is not 16-bit PCM");
      return { ...format, pcm: new Uint8Array(buffer, at + 8, Math.min(size, buffer.byteLength - at - 8)) };
    }
    at += 8 + size + (size % 2);
  }
  throw new Error("the demo call holds no audio");
}

function base64(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** A new call id: a ULID. */
export function newCallId(now = Date.now()) {
  const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  let time = "";
  for (let rest = now, place = 0; place < 10; place += 1, rest = Math.floor(rest / 32)) time = letters[rest % 32] + time;
  return time + Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => letters[byte % 32]).join("");
}

/** Sends a WAV as a live call, in real time: keeps every frame until it is acknowledged, and comes back to its call. */
export class Capture {
  #wav;
  #frames = [];
  #acknowledged = 0;
  #next = 1;
  #moved = 0;
  #attempt = 0;
  #began = 0;
  #timer = 0;
  #retry = 0;
  #socket = null;
  #stopped = false;
  #over = false;
  #on;

  constructor(wav, { call, playbook, onStart, onFail }) {
    this.#wav = wav;
    this.call = call;
    this.#on = { onStart, onFail };
    const frame = Math.floor((wav.rate * FRAME_MS) / 1000) * wav.channels * 2;
    for (let at = 0; at < wav.pcm.length; at += frame) {
      // The last frame may be shorter than is accepted: silence fills it up.
      const bytes = new Uint8Array(frame);
      bytes.set(wav.pcm.subarray(at, at + frame));
      this.#frames.push(bytes);
    }
    this.query = `?${new URLSearchParams({ role: "capture", call, encoding: "pcm_s16le", sample_rate: String(wav.rate),
      channels: wav.channels === 2 ? "agent,customer" : "agent", playbook })}`;
  }

  get durationMs() {
    return this.#frames.length * FRAME_MS;
  }

  get positionMs() {
    return this.#began ? Math.min(this.durationMs, performance.now() - this.#began) : 0;
  }

  start() {
    const socket = openSocket(this.query);
    this.#socket = socket;
    socket.onopen = () => {
      if (!this.#began) {
        this.#began = performance.now();
        this.#on.onStart();
      }
      this.#next = this.#acknowledged + 1;
      this.#stopped = false;
      this.#moved = performance.now();
      this.#timer = setInterval(() => this.#pump(), 40);
    };
    socket.onmessage = (event) => this.#hear(read(event));
    socket.onclose = () => this.#lost();
  }

  /** The call is over after what was said until now. */
  stop() {
    if (!this.#began) return this.end();
    this.#frames.length = Math.min(this.#frames.length, Math.max(this.#due(), this.#next - 1, 1));
    return this.#pump();
  }

  /** Nothing more is sent. */
  end() {
    this.#over = true;
    clearInterval(this.#timer);
    clearTimeout(this.#retry);
    this.#socket?.close();
  }

  #due() {
    return Math.floor((performance.now() - this.#began) / FRAME_MS);
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #frame(seq) {
    this.#send({ action: "audio", seq, data: base64(this.#frames[seq - 1]) });
  }

  #pump() {
    const unanswered = this.#next > this.#acknowledged + 1 || this.#stopped;
    if (unanswered && performance.now() - this.#moved > STALL_MS) {
      this.#next = this.#acknowledged + 1;
      this.#stopped = false;
      this.#moved = performance.now();
    }
    const due = Math.min(this.#due(), this.#frames.length);
    for (; this.#next <= due; this.#next += 1) {
      if (this.#next === this.#acknowledged + 1) this.#moved = performance.now();
      this.#frame(this.#next);
    }
    if (this.#next > this.#frames.length && !this.#stopped) {
      this.#stopped = true;
      this.#send({ action: "stop", seq: this.#frames.length });
    }
  }

  #hear(message) {
    this.#attempt = 0;
    if (message.type === "ack" && message.seq > this.#acknowledged) {
      this.#acknowledged = Math.min(message.seq, this.#frames.length);
      this.#next = Math.max(this.#next, this.#acknowledged + 1);
      this.#moved = performance.now();
    } else if (message.type === "resend") {
      const last = Math.min(message.to, this.#next - 1);
      for (let seq = Math.max(1, message.from); seq <= last; seq += 1) this.#frame(seq);
      this.#moved = performance.now();
    } else if (message.type === "error") {
      this.#on.onFail(message.message);
      this.end();
    }
  }

  #lost() {
    clearInterval(this.#timer);
    if (this.#over) return;
    if (this.#attempt >= 8 || (!this.#began && this.#attempt >= 2)) {
      this.end();
      this.#on.onFail(this.#began ? "the connection was lost and did not come back" : "the stack did not accept the call");
      return;
    }
    this.#retry = setTimeout(() => this.start(), backoff(this.#attempt));
    this.#attempt += 1;
  }
}
