// What stands around every page: where one can go, whether the page is live, and the call that is captured here.

import { Menu, MenuButton, MenuItem, MenuProvider, MenuSeparator } from "@ariakit/react";
import { ChevronDown, CircleUser, Menu as MenuIcon, Mic, Monitor, Moon, Sun } from "lucide-react";
import type { ReactNode } from "react";
import { Link, NavLink, useLocation, useNavigate } from "react-router";
import { CaptureBar } from "../capture/CaptureBar";
import { capture } from "../capture/capture";
import { connection } from "../live/socket";
import { may, useMe } from "../permissions";
import { session, signOut } from "../session";
import { useStore } from "../store";
import { chooseTheme, type Theme, theme } from "../theme";
import { roleWords } from "../words";
import { UploadsPanel } from "../uploads/UploadsPanel";
import { Toasts } from "./toasts";

export function Shell({ children }: { children: ReactNode }) {
  const me = useMe();
  const pages = useSections();
  const isCapturing = useStore(capture) !== null;
  const { pathname } = useLocation();
  const wide = /^\/(calls|playbooks)\/./.test(pathname) || pathname === "/docs";
  return (
    <>
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <header className="bar">
        <Link className="brand" to="/">
          <img src="/icon.svg" alt="" width="26" height="26" />
          <span>Callboard</span>
        </Link>
        <nav className="sections" aria-label="Sections">
          {pages.map(([to, label]) => (
            <NavLink
              key={to}
              to={to}
              end={to === "/"}
              className={isWithin(to, pathname) ? "section active" : "section"}
            >
              {label}
            </NavLink>
          ))}
        </nav>
        <div className="bar-end">
          <ConnectionLight />
          {!isCapturing && pathname !== "/start" && may(me?.role ?? "capture", "read_calls") && (
            <Link className="button primary start" to="/start" aria-label="Start a call">
              <Mic aria-hidden="true" size={17} />
              <span>Start a call</span>
            </Link>
          )}
          <PersonMenu />
          <SectionsMenu pages={pages} />
        </div>
      </header>
      <CaptureBar />
      <OfflineNotice />
      <main id="content" className={wide ? "content wide" : "content"} tabIndex={-1}>
        {children}
      </main>
      <UploadsPanel />
      <Toasts />
    </>
  );
}

/** A call stands among the calls, though its address does not begin with theirs. */
const isWithin = (to: string, path: string) => (to === "/" ? /^\/(calls|$)/.test(path) : path.startsWith(to));

function useSections(): [string, string][] {
  const role = useMe()?.role ?? "capture";
  const sections: [string, string, boolean][] = [
    ["/", "Calls", may(role, "read_calls")],
    ["/playbooks", "Playbooks", may(role, "read_calls")],
    ["/team", "Team", may(role, "read_team")],
    ["/keys", "Keys", may(role, "manage_keys")],
    ["/settings", "Settings", may(role, "read_settings")],
    ["/docs", "API", true],
  ];
  return sections.filter(([, , shown]) => shown).map(([to, label]) => [to, label]);
}

function ConnectionLight() {
  const state = useStore(connection);
  const words = { open: "Connected", connecting: "Connecting", lost: "Reconnecting" }[state];
  return (
    <span className="light" data-state={state} role="status">
      <span className="light-dot" aria-hidden="true" />
      <span className="light-words">{words}</span>
    </span>
  );
}

function OfflineNotice() {
  if (useStore(connection) !== "lost") return null;
  return (
    <p className="offline" role="status">
      The connection is lost. What you see may be old; this page comes back by itself.
    </p>
  );
}

const themes: [Theme, string, typeof Sun][] = [
  ["system", "As the system", Monitor],
  ["light", "Light", Sun],
  ["dark", "Dark", Moon],
];

function PersonMenu() {
  const state = useStore(session);
  const chosen = useStore(theme);
  const navigate = useNavigate();
  if (state.phase !== "in") return null;
  const { me, way } = state;
  const name = me.name ?? me.email ?? (way === "local" ? "This machine" : me.principal);
  return (
    <MenuProvider placement="bottom-end">
      <MenuButton className="button quiet person" aria-label={`You: ${name}`}>
        <CircleUser aria-hidden="true" size={20} />
        <ChevronDown aria-hidden="true" size={15} />
      </MenuButton>
      <Menu className="menu" gutter={6} unmountOnHide>
        <div className="menu-head">
          <strong>{name}</strong>
          <span>
            {roleWords[me.role]} · {me.organization ?? me.org}
          </span>
        </div>
        <MenuSeparator className="menu-line" />
        {way === "account" && (
          <MenuItem className="menu-item" onClick={() => navigate("/account")}>
            Password
          </MenuItem>
        )}
        {themes.map(([value, label, Icon]) => (
          <MenuItem
            key={value}
            className="menu-item"
            role="menuitemradio"
            aria-checked={chosen === value}
            hideOnClick={false}
            onClick={() => chooseTheme(value)}
          >
            <Icon aria-hidden="true" size={16} /> {label}
          </MenuItem>
        ))}
        <MenuSeparator className="menu-line" />
        <MenuItem className="menu-item" onClick={() => signOut().then(() => navigate("/"))}>
          Sign out
        </MenuItem>
      </Menu>
    </MenuProvider>
  );
}

function SectionsMenu({ pages }: { pages: [string, string][] }) {
  const navigate = useNavigate();
  return (
    <MenuProvider placement="bottom-end">
      <MenuButton className="button quiet sections-menu" aria-label="Sections">
        <MenuIcon aria-hidden="true" size={20} />
      </MenuButton>
      <Menu className="menu" gutter={6} unmountOnHide>
        {pages.map(([to, label]) => (
          <MenuItem key={to} className="menu-item" onClick={() => navigate(to)}>
            {label}
          </MenuItem>
        ))}
      </Menu>
    </MenuProvider>
  );
}
