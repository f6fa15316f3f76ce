// What stands where there is nothing to show: loading, empty, failed.

import { Component, type ReactNode } from "react";
import { Link } from "react-router";
import { wordsOf } from "../api/client";

export function Spinner({ label }: { label: string }) {
  return (
    <div className="spinner" role="status">
      <span className="spinner-wheel" aria-hidden="true" />
      <span className="hidden">{label}</span>
    </div>
  );
}

type Action = { label: string; to: string } | { label: string; onClick: () => void };

export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: Action }) {
  return (
    <section className="empty">
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {action && "to" in action && (
        <Link className="button" to={action.to}>
          {action.label}
        </Link>
      )}
      {action && "onClick" in action && (
        <button type="button" className="button" onClick={action.onClick}>
          {action.label}
        </button>
      )}
    </section>
  );
}

/** Words about what failed, where they belong. */
export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  return (
    <div className="notice bad" role="alert">
      <p>{wordsOf(error)}</p>
      {retry && (
        <button type="button" className="button small" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** Keeps the rest of the page when a part of it fails to draw or to load. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  render() {
    if (!this.state.error) return this.props.children;
    const reload = () => location.reload();
    return (
      <Empty
        title="This part of the page could not be shown"
        action={{ label: "Load the page again", onClick: reload }}
      >
        It may have been replaced by a newer version meanwhile.
      </Empty>
    );
  }
}
