// One call on the page: its snapshot and what is pushed, loaded again where a push is missing.

import { useEffect, useMemo, useSyncExternalStore } from "react";
import { readCall } from "../api/calls";
import { ApiError, wordsOf } from "../api/client";
import type { Segment, ServerMessage } from "../api/types";
import { isLocal } from "../session";
import { createStore, useStore } from "../store";
import { type Delay, delayOf } from "./delay";
import { watchCall } from "./socket";
import { CallView } from "./view";

const HOLE_GRACE_MS = 500;
const RETRY_MS = 4_000;

export type Loading = "loading" | "ready" | "missing" | "deleted" | { error: string };

/** Follows a call for as long as it is wanted. */
export class Follower {
  readonly view: CallView;
  readonly loading = createStore<Loading>("loading");
  readonly delay = createStore<Delay | null>(null);
  private readonly listeners = new Set<() => void>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private drawn = 0;
  private unwatch: (() => void) | null = null;

  constructor(readonly id: string) {
    this.view = new CallView(id);
  }

  start() {
    this.unwatch = watchCall(this.id, (message) => this.hear(message));
    this.load();
  }

  stop() {
    this.unwatch?.();
    clearTimeout(this.timer);
    cancelAnimationFrame(this.drawn);
    this.drawn = 0;
  }

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  };

  async load() {
    clearTimeout(this.timer);
    this.timer = undefined;
    try {
      const snapshot = await readCall(this.id);
      this.view.load(snapshot);
      this.loading.set("ready");
      this.changed();
      if (this.view.hasHole) this.loadIn(HOLE_GRACE_MS);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) {
        // A call that begins just now may be known to nobody yet.
        if (!this.view.call) this.loading.set("missing");
        return;
      }
      if (!this.view.call) this.loading.set({ error: wordsOf(error) });
      this.loadIn(RETRY_MS);
    }
  }

  private loadIn(ms: number) {
    this.timer ??= setTimeout(() => this.load(), ms);
  }

  private hear(message: ServerMessage) {
    // What was pushed between a snapshot and the watch would be missing: from here on nothing is.
    if (message.type === "watching") {
      if (message.active) this.load();
      return;
    }
    if (message.type === "call" && message.status === "deleted") return this.loading.set("deleted");
    const arrived = Date.now();
    if (!this.view.apply(message)) return;
    if (this.view.call && this.loading.get() !== "ready") this.loading.set("ready");
    if (message.type === "segment") this.measure(message, arrived);
    if (this.view.hasHole) this.loadIn(HOLE_GRACE_MS);
    this.changed();
  }

  private measure(segment: Segment, arrived: number) {
    if (!segment.final || !segment.text) return;
    // The browser's clock counts on the same machine only; elsewhere the push's own time has to do.
    this.delay.set(delayOf(segment, isLocal ? arrived : (segment.times.pushed ?? arrived)));
  }

  // Many pushes may come at once: the page is drawn once for all of them.
  private changed() {
    if (this.drawn) return;
    this.drawn = requestAnimationFrame(() => {
      this.drawn = 0;
      for (const listener of [...this.listeners]) listener();
    });
  }
}

export function useCall(id: string) {
  const follower = useMemo(() => new Follower(id), [id]);
  useEffect(() => {
    follower.start();
    return () => follower.stop();
  }, [follower]);
  useSyncExternalStore(follower.subscribe, () => follower.view.version);
  return { follower, view: follower.view, loading: useStore(follower.loading), delay: useStore(follower.delay) };
}
