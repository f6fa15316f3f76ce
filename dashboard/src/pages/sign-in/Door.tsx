import type { ReactNode } from "react";

/** What stands around every way in. */
export function Door({ children }: { children: ReactNode }) {
  return (
    <main className="door">
      <div className="door-box">
        <div className="door-brand">
          <img src="/icon.svg" alt="" width="40" height="40" />
          <h1>Callboard</h1>
          <p>Every call as it is spoken, and what to say next.</p>
        </div>
        {children}
      </div>
    </main>
  );
}
