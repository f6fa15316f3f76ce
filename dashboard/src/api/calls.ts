// What more than one part of the page asks of a call or a playbook.

import { api, body } from "./client";
import type { Playbook, Snapshot } from "./types";

/** A call as it stands: what pushes go on top of. */
export const readCall = async (id: string) =>
  (await body(api.GET("/v1/calls/{id}", { params: { path: { id } } }))) as Snapshot;

export const readPlaybook = async (id: string) =>
  (await body(api.GET("/v1/playbooks/{id}", { params: { path: { id } } }))) as Playbook;
