// Which address shows what, and to whom.

import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useEffect } from "react";
import { Navigate, Route, Routes, useLocation } from "react-router";
import { capture, sendLeftBehind } from "./capture/capture";
import { startWatching, stopWatching } from "./live/socket";
import { CallsPage } from "./pages/calls/CallsPage";
import { may } from "./permissions";
import { RETURN } from "./issuer";
import { resume, session, wantedPage } from "./session";
import { useStore } from "./store";
import { Shell } from "./ui/Shell";
import { Empty, ErrorBoundary, Spinner } from "./ui/states";

const CallPage = lazy(() => import("./pages/call/CallPage"));
const StartPage = lazy(() => import("./pages/start/StartPage"));
const PlaybooksPage = lazy(() => import("./pages/playbooks/PlaybooksPage"));
const PlaybookPage = lazy(() => import("./pages/playbooks/PlaybookPage"));
const TeamPage = lazy(() => import("./pages/team/TeamPage"));
const KeysPage = lazy(() => import("./pages/keys/KeysPage"));
const SettingsPage = lazy(() => import("./pages/settings/SettingsPage"));
const AccountPage = lazy(() => import("./pages/account/AccountPage"));
const DocsPage = lazy(() => import("./pages/docs/DocsPage"));
const SignInPage = lazy(() => import("./pages/sign-in/SignInPage"));
const JoinPage = lazy(() => import("./pages/sign-in/JoinPage"));

export function App() {
  const state = useStore(session);
  const location = useLocation();
  const queries = useQueryClient();
  const principal = state.phase === "in" ? state.me.principal : null;

  useEffect(() => {
    if (!principal) return;
    startWatching();
    if (!capture.get()) sendLeftBehind(principal).catch(() => null);
    return () => {
      stopWatching();
      // Nothing that one person saw is shown to the next.
      queries.clear();
    };
  }, [principal, queries]);

  const out = (page: React.ReactNode) => <Suspense fallback={<Spinner label="Loading" />}>{page}</Suspense>;
  if (location.pathname === "/join") return out(<JoinPage />);
  if (state.phase === "starting") return <Spinner label="Loading Callboard" />;
  if (state.phase === "unreachable") {
    return (
      <main className="alone">
        <Empty title="Callboard does not answer" action={{ label: "Try again", onClick: () => resume() }}>
          Check the connection. Nothing is lost: this page goes on where it was.
        </Empty>
      </main>
    );
  }
  if (state.phase === "out") return out(<SignInPage reason={state.reason} />);
  const { role } = state.me;
  if (!may(role, "read_calls")) {
    return (
      <Shell>
        <Empty title="This key may only send audio">Sign in as a person to see calls.</Empty>
      </Shell>
    );
  }
  return (
    <Shell>
      <ErrorBoundary key={location.pathname}>
        <Suspense fallback={<Spinner label="Loading the page" />}>
          <Routes>
            <Route path="/" element={<CallsPage />} />
            <Route path="/calls" element={<Navigate to="/" replace />} />
            <Route path={RETURN} element={<Navigate to={wantedPage()} replace />} />
            <Route path="/calls/:id" element={<CallPage />} />
            <Route path="/start" element={<StartPage />} />
            <Route path="/playbooks" element={<PlaybooksPage />} />
            <Route path="/playbooks/:id" element={<PlaybookPage />} />
            {may(role, "read_team") && <Route path="/team" element={<TeamPage />} />}
            {may(role, "manage_keys") && <Route path="/keys" element={<KeysPage />} />}
            {may(role, "read_settings") && <Route path="/settings" element={<SettingsPage />} />}
            <Route path="/account" element={<AccountPage />} />
            <Route path="/docs" element={<DocsPage />} />
            <Route
              path="*"
              element={
                <Empty title="There is no such page" action={{ label: "Show the calls", to: "/" }}>
                  The address is wrong, or leads to what your role does not show.
                </Empty>
              }
            />
          </Routes>
        </Suspense>
      </ErrorBoundary>
    </Shell>
  );
}
