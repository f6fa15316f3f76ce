// Plays kept audio of a call from any moment of it, piece after piece.

import { ApiError, api, body, wordsOf } from "../api/client";
import type { AudioPiece } from "../api/types";
import { createStore } from "../store";

/** Addresses are asked for anew so long before their time is over. */
const EARLY_MS = 20_000;

const NOT_KEPT = "No audio of this is kept. Of a call that goes on, it comes a minute or so after it was spoken.";

const isMissing = (error: unknown) => error instanceof ApiError && error.status === 404;

export interface Playing {
  state: "idle" | "loading" | "playing" | "paused";
  /** Media time of the call, in milliseconds. */
  at: number;
  /** Where it stops by itself. */
  until: number | null;
  problem: string | null;
}

export class Player {
  readonly state = createStore<Playing>({ state: "idle", at: 0, until: null, problem: null });
  private readonly audio = new Audio();
  private pieces: AudioPiece[] = [];
  private piece: AudioPiece | null = null;
  private frame = 0;
  /** Counts what was asked for: an answer that comes late is for nobody. */
  private turn = 0;

  constructor(private readonly call: string) {
    this.audio.preload = "auto";
    this.audio.onended = () => this.next();
    this.audio.onerror = () => this.piece && this.fail("This part of the audio could not be loaded.");
  }

  /** From this moment on, up to another or to the end of the call. */
  async play(from: number, until: number | null = null) {
    const turn = ++this.turn;
    this.state.set({ state: "loading", at: from, until, problem: null });
    try {
      const piece = await this.find(from);
      if (turn !== this.turn) return;
      if (!piece) return this.fail(NOT_KEPT);
      await this.begin(piece, Math.max(from, piece.from_ms));
    } catch (error) {
      if (turn === this.turn) this.fail(isMissing(error) ? NOT_KEPT : wordsOf(error));
    }
  }

  toggle() {
    const { state, at, until } = this.state.get();
    if (state === "playing") {
      this.audio.pause();
      this.stand("paused");
    } else if (state === "paused" && this.piece) {
      this.audio.play();
      this.stand("playing");
      this.follow();
    } else if (state === "idle") this.play(at, until);
  }

  close() {
    this.turn += 1;
    this.piece = null;
    this.audio.pause();
    this.audio.removeAttribute("src");
    cancelAnimationFrame(this.frame);
    this.state.set({ state: "idle", at: 0, until: null, problem: null });
  }

  private async find(at: number): Promise<AudioPiece | null> {
    const known = this.covering(at);
    if (known && known.expires_at_ms - EARLY_MS > Date.now()) return known;
    const query = { from_ms: Math.floor(at) };
    const audio = await body(api.GET("/v1/calls/{id}/audio", { params: { path: { id: this.call }, query } }));
    this.pieces = audio.pieces;
    return this.covering(at);
  }

  private covering(at: number) {
    return this.pieces.find((piece) => piece.to_ms > at) ?? null;
  }

  private async begin(piece: AudioPiece, at: number) {
    if (this.piece?.url !== piece.url) this.audio.src = piece.url;
    this.piece = piece;
    this.audio.currentTime = (at - piece.from_ms) / 1000;
    await this.audio.play();
    this.stand("playing");
    this.follow();
  }

  private async next() {
    const end = this.piece?.to_ms ?? 0;
    const { until } = this.state.get();
    const more = until !== null && until <= end ? null : this.pieces.find((piece) => piece.from_ms >= end);
    if (more) await this.play(more.from_ms, until);
    else this.stand("idle");
  }

  private readonly follow = () => {
    cancelAnimationFrame(this.frame);
    const { state, until } = this.state.get();
    if (state !== "playing" || !this.piece) return;
    const at = this.piece.from_ms + this.audio.currentTime * 1000;
    if (until !== null && at >= until) {
      this.audio.pause();
      this.state.set({ state: "idle", at: until, until: null, problem: null });
      return;
    }
    this.state.update((now) => ({ ...now, at }));
    this.frame = requestAnimationFrame(this.follow);
  };

  private stand(state: Playing["state"]) {
    this.state.update((now) => ({ ...now, state }));
  }

  private fail(problem: string) {
    this.audio.pause();
    this.state.update((now) => ({ ...now, state: "idle", problem }));
  }
}
