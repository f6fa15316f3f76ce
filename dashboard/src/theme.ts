// Light or dark: as the machine has it, until a person chooses.

import { createStore } from "./store";

export type Theme = "system" | "light" | "dark";
const KEPT = "callboard.theme";

const chosen = document.documentElement.dataset.theme;
export const theme = createStore<Theme>(chosen === "light" || chosen === "dark" ? chosen : "system");

export function chooseTheme(value: Theme) {
  theme.set(value);
  if (value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = value;
  try {
    localStorage.setItem(KEPT, value);
  } catch {
    // Without a memory it holds until the page is closed.
  }
}
