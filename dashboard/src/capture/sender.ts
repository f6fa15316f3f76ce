// Sends a call's frames over a socket that may be lost: connects, comes back, keeps what is not committed.

import type { ServerMessage } from "../api/types";
import { backoff, socketAddress } from "../live/address";
import { check } from "../live/socket";
import { freshToken, renewToken } from "../session";
import { createStore } from "../store";
import { base64, captureQuery, type Format } from "./format";
import { forgetCall, forgetFrames, keepFrame } from "./keep";
import { Outbox } from "./outbox";

const PUMP_MS = 100;
/** Bytes that wait in the browser beyond which nothing more is handed to it. */
const FULL_BYTES = 1_000_000;
const ANSWER_MS = 10_000;
const SUSPECT = 3;

export interface Sending {
  /** Whether a connection stands. */
  connected: boolean;
  /** Frames that are not committed yet. */
  waiting: number;
  /** All is said, and the call is over. */
  settled: boolean;
  /** What the stack found wrong; nothing is sent any more. */
  failure: string | null;
}

export class Sender {
  readonly state = createStore<Sending>({ connected: false, waiting: 0, settled: false, failure: null });
  private readonly outbox: Outbox;
  private socket: WebSocket | null = null;
  private attempt = 0;
  private heard = 0;
  private asked = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private pumping: ReturnType<typeof setInterval> | undefined;
  private closed = false;
  private opening = false;

  constructor(
    readonly call: string,
    private readonly format: Format,
    left?: { first: number; frames: Uint8Array[] },
  ) {
    this.outbox = new Outbox(left?.first, left?.frames);
  }

  start() {
    this.pumping = setInterval(() => this.pump(), PUMP_MS);
    addEventListener("online", this.now);
    addEventListener("offline", this.doubt);
    this.open();
  }

  push(payload: Uint8Array) {
    const seq = this.outbox.push(payload);
    keepFrame(this.call, seq, payload);
    this.pump();
  }

  /** No audio follows: the call ends once all is heard. */
  finish() {
    this.outbox.finish();
    this.pump();
  }

  /** The call was seen to end. */
  ended() {
    this.outbox.ended();
    this.tell();
  }

  /** Gives up whatever is left. */
  close() {
    this.closed = true;
    clearInterval(this.pumping);
    clearTimeout(this.retry);
    removeEventListener("online", this.now);
    removeEventListener("offline", this.doubt);
    this.drop();
  }

  private readonly now = () => {
    if (this.socket || this.closed) return;
    this.attempt = 0;
    clearTimeout(this.retry);
    this.open();
  };

  // A network that vanished closes nothing. Whoever says that it is gone is believed.
  private readonly doubt = () => this.lost();

  private async open() {
    if (this.opening) return;
    this.opening = true;
    const token = this.attempt > 0 && this.attempt % SUSPECT === 0 ? await renewToken() : await freshToken();
    this.opening = false;
    if (this.closed || this.socket) return;
    if (!token) return this.lost();
    const query = captureQuery(this.call, this.format);
    const socket = new WebSocket(socketAddress(query), ["callboard.v1", `bearer.${token}`]);
    this.socket = socket;
    const late = setTimeout(() => socket.readyState === WebSocket.CONNECTING && this.lost(), ANSWER_MS);
    socket.onopen = () => {
      clearTimeout(late);
      this.heard = this.asked = performance.now();
      this.outbox.connected();
      this.pump();
    };
    socket.onmessage = (event) => this.hear(JSON.parse(event.data) as ServerMessage);
    socket.onclose = () => {
      clearTimeout(late);
      if (this.socket === socket) this.lost();
    };
  }

  private hear(message: ServerMessage) {
    const now = performance.now();
    this.heard = now;
    this.attempt = 0;
    if (message.type === "ack" && message.call === this.call) {
      this.outbox.acknowledged(now, message.seq);
      forgetFrames(this.call, message.seq);
    } else if (message.type === "resend") {
      this.outbox.resend(now, message.from, message.to);
    } else if (message.type === "error") {
      this.fail(message.message);
      return;
    }
    this.pump();
  }

  private pump() {
    const now = performance.now();
    const isOpen = this.socket?.readyState === WebSocket.OPEN;
    if (isOpen) this.suspect(now);
    while (this.socket?.readyState === WebSocket.OPEN && this.socket.bufferedAmount < FULL_BYTES) {
      const outgoing = this.outbox.poll(now);
      if (!outgoing) break;
      if (outgoing.kind === "audio") this.say({ action: "audio", seq: outgoing.seq, data: base64(outgoing.payload) });
      else if (outgoing.kind === "stop") this.say({ action: "stop", seq: outgoing.seq });
      else this.say({ action: "gone", from: outgoing.from, to: outgoing.to });
    }
    this.tell();
  }

  // What was sent and is not answered at all, not even a ping, went nowhere.
  private suspect(now: number) {
    if (this.outbox.unacknowledged === 0 || now - this.heard < ANSWER_MS / 2) return;
    if (now - this.heard > ANSWER_MS && this.asked > this.heard) return this.lost();
    if (this.asked <= this.heard) {
      this.asked = now;
      this.say({ action: "ping" });
    }
  }

  private say(message: object) {
    this.socket?.send(JSON.stringify(message));
  }

  private lost() {
    this.drop();
    if (this.closed) return;
    this.tell();
    // What is gone here may be gone for the whole page.
    check();
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.open(), backoff(this.attempt));
    this.attempt += 1;
  }

  private drop() {
    const socket = this.socket;
    this.socket = null;
    this.outbox.disconnected();
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  private fail(failure: string) {
    this.close();
    this.state.update((state) => ({ ...state, connected: false, failure }));
  }

  private tell() {
    const { connected, waiting, settled, failure } = this.state.get();
    const now = {
      connected: this.socket?.readyState === WebSocket.OPEN,
      waiting: this.outbox.unacknowledged,
      settled: this.outbox.isSettled,
      failure,
    };
    if (now.settled && !settled) {
      forgetCall(this.call);
      this.close();
    }
    if (now.connected !== connected || now.waiting !== waiting || now.settled !== settled) this.state.set(now);
  }
}
