// What a role sees of the page. The stack decides what it may do; here nobody is shown a door that is shut to them.

import type { Me, Role } from "./api/types";
import { session } from "./session";
import { useStore } from "./store";

type Action =
  | "read_calls"
  | "remove_calls"
  | "write_playbooks"
  | "read_team"
  | "manage_team"
  | "manage_keys"
  | "read_settings"
  | "write_settings";

const allowed: Record<Role, Action[]> = {
  capture: [],
  agent: ["read_calls"],
  supervisor: ["read_calls", "read_team", "read_settings"],
  admin: [
    "read_calls",
    "remove_calls",
    "write_playbooks",
    "read_team",
    "manage_team",
    "manage_keys",
    "read_settings",
    "write_settings",
  ],
};

export const may = (role: Role, action: Action) => allowed[role].includes(action);

export function useMe(): Me | null {
  const state = useStore(session);
  return state.phase === "in" ? state.me : null;
}

export function useMay(action: Action): boolean {
  const me = useMe();
  return me !== null && may(me.role, action);
}
