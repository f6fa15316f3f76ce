// Short words about what was done, at the edge of the page, said aloud by screen readers.

import { createStore, useStore } from "../store";

const SHOWN_MS = 6_000;

interface Toast {
  id: number;
  text: string;
  bad: boolean;
}

const toasts = createStore<Toast[]>([]);
let latest = 0;

export function tell(text: string, bad = false) {
  latest += 1;
  const id = latest;
  toasts.update((all) => [...all.slice(-2), { id, text, bad }]);
  setTimeout(() => toasts.update((all) => all.filter((toast) => toast.id !== id)), SHOWN_MS);
}

export function Toasts() {
  const all = useStore(toasts);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {all.map((toast) => (
        <p key={toast.id} className={toast.bad ? "toast bad" : "toast"}>
          {toast.text}
        </p>
      ))}
    </div>
  );
}
