// How times, names and states read.

import type { CallStatus, Channel, Role } from "./api/types";

/** Minutes and seconds, and hours where there are. */
export function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60)];
  const rest = String(seconds % 60).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes % 60).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

export const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

/** An id as a person reads it. */
export const sentence = (id: string) => id.replaceAll(/[_-]/g, " ").replace(/^./, (letter) => letter.toUpperCase());

export const speaker = (channel: Channel) => (channel === "agent" ? "Agent" : "Customer");

/** Today's time, or day and time. */
export function moment(ms: number): string {
  const date = new Date(ms);
  const time = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  if (date.toDateString() === new Date().toDateString()) return `Today, ${time}`;
  const year = date.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  return `${date.toLocaleDateString([], { day: "numeric", month: "short", year })}, ${time}`;
}

export const day = (ms: number) =>
  new Date(ms).toLocaleDateString([], { day: "numeric", month: "short", year: "numeric" });

export const statusWords: Record<CallStatus, string> = {
  live: "Live",
  ending: "Ending",
  ended: "Ended",
  processing: "Processing",
  failed: "Failed",
  deleted: "Removed",
};

export const roleWords: Record<Role, string> = {
  agent: "Agent",
  supervisor: "Supervisor",
  admin: "Admin",
  capture: "Capture only",
};

export function size(bytes: number): string {
  const mb = bytes / 1e6;
  return mb >= 1 ? `${mb.toFixed(mb >= 100 ? 0 : 1)} MB` : `${Math.ceil(bytes / 1000)} kB`;
}

export const plural = (count: number, one: string, many = `${one}s`) =>
  `${count.toLocaleString()} ${count === 1 ? one : many}`;
