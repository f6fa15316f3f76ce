// The live page: puts a call on the screen as it is spoken, and plays the demo call through the real path.
// All text is set through textContent: a caller's words never become HTML.

import { CallView, addedDelay, clock, segmentKey } from "./call.js";
import { startDemo } from "./demo.js";
import { Watcher, get } from "./net.js";

const HOLE_GRACE_MS = 500;
const NEAR_END_PX = 80;
const $ = (id) => document.getElementById(id);

const state = { calls: new Map(), next: null, view: null, pinned: false, connected: false, listed: false, delay: null };
const rows = new Map();
let loadTimer = 0;

/** An element with a class and a text. */
function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

const sentence = (id) => id.replaceAll(/[_-]/g, " ").replace(/^./, (letter) => letter.toUpperCase());
const statusText = { live: "Live", ending: "Ending", ended: "Ended" };
const isLocal = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);

// ---------------------------------------------------------------- connection and errors

const connectionText = {
  connecting: "Connecting",
  open: "Connected",
  lost: "Connection lost, trying again",
  "no stack": "No answer, trying again",
  "no token": "No access",
};

function showConnection(name) {
  state.connected = name === "open";
  $("connection").dataset.state = name === "open" ? "open" : name === "connecting" ? "connecting" : "lost";
  if ($("connection-text").textContent !== connectionText[name]) $("connection-text").textContent = connectionText[name];
  $("demo").disabled = !state.connected && $("demo").dataset.state !== "playing";
  if (state.view) return;
  if (name === "no token") {
    showEmpty("This page needs a stack on this machine", "Start one and open the address that it prints:", "callboard dev");
  } else if (name === "no stack" || name === "lost") {
    showEmpty("The stack does not answer", "This page tries again by itself. If the stack is not running, start it:", "callboard dev");
  }
}

function alertPerson(text) {
  $("alert-text").textContent = text;
  $("alert").hidden = !text;
}

function showEmpty(title, text, command = "") {
  $("empty-title").textContent = title;
  $("empty-text").textContent = text;
  $("empty-command").textContent = command;
  $("empty").hidden = false;
  $("live").hidden = true;
}

// ---------------------------------------------------------------- the list of calls

async function loadCalls(cursor) {
  const query = cursor ? `?cursor=${encodeURIComponent(cursor)}` : "";
  try {
    const page = await get(`/v1/calls${query}`);
    for (const call of page.calls) keepCall(call);
    if (cursor || !state.listed) state.next = page.next ?? null;
    state.listed = true;
    renderCalls();
    if (!state.view) followNewest();
  } catch (error) {
    alertPerson(`The calls could not be loaded: ${error.message}.`);
  }
}

function keepCall(call) {
  const known = state.calls.get(call.call);
  if (!known || known.revision <= call.revision) state.calls.set(call.call, call);
}

const newestFirst = () => [...state.calls.values()].sort((a, b) => b.started_at_ms - a.started_at_ms || (a.call < b.call ? 1 : -1));

function followNewest() {
  const wanted = location.hash.match(/^#([0-9A-Z]{26})$/)?.[1];
  const newest = newestFirst()[0];
  if (wanted) return open(wanted, true);
  if (newest) return open(newest.call, false);
  return showEmpty("No calls yet", "Play the demo call to see one, or stream a recording:", "callboard stream recording.wav");
}

function renderCalls() {
  const today = new Date().toDateString();
  const items = newestFirst().map((call) => {
    const started = new Date(call.started_at_ms);
    const button = make("button", "call-row");
    button.type = "button";
    button.dataset.call = call.call;
    if (call.call === state.view?.id) button.setAttribute("aria-current", "true");
    const time = started.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    const day = started.toDateString() === today ? "" : `${started.toLocaleDateString([], { day: "numeric", month: "short" })} `;
    const length = call.duration_ms > 0 ? ` · ${clock(call.duration_ms)}` : "";
    button.append(make("span", "when", day + time), make("span", "which", sentence(call.playbook) + length));
    button.append(make("span", `status ${call.status}`, statusText[call.status] ?? call.status));
    button.addEventListener("click", () => open(call.call, true));
    const item = make("li");
    item.append(button);
    return item;
  });
  const focused = document.activeElement?.dataset?.call;
  $("calls").replaceChildren(...items);
  if (focused) $("calls").querySelector(`[data-call="${CSS.escape(focused)}"]`)?.focus();
  $("no-calls").hidden = items.length > 0;
  $("earlier").hidden = !state.next;
}

// ---------------------------------------------------------------- one call

function open(id, pinned) {
  state.pinned = pinned;
  if (state.view?.id === id) return;
  if (state.view) watcher.send({ action: "unwatch", call: state.view.id });
  state.view = new CallView(id);
  state.delay = null;
  $("latest").hidden = true;
  rows.clear();
  $("segments").replaceChildren();
  $("cards").replaceChildren();
  $("empty").hidden = true;
  $("live").hidden = false;
  if (pinned) history.replaceState(null, "", `#${id}`);
  const known = state.calls.get(id);
  if (known) state.view.call = known;
  watcher.send({ action: "watch", call: id });
  renderCalls();
  render();
  loadCall();
}

async function loadCall() {
  clearTimeout(loadTimer);
  loadTimer = 0;
  const view = state.view;
  if (!view) return;
  try {
    const snapshot = await get(`/v1/calls/${view.id}`);
    if (view !== state.view) return;
    view.applySnapshot(snapshot);
    keepCall(snapshot.call);
    render();
    if (view.hasHole) loadSoon(4 * HOLE_GRACE_MS);
  } catch (error) {
    if (view !== state.view) return;
    if (error.status === 404 && !view.call) showEmpty("This call is not known", "It may belong to another stack. Choose one from the list, or play the demo call.");
    else if (error.status !== 404) loadSoon(4 * HOLE_GRACE_MS);
  }
}

function loadSoon(delay = HOLE_GRACE_MS) {
  loadTimer ||= setTimeout(loadCall, delay);
}

function hear(message) {
  const arrived = Date.now();
  if (message.type === "call") {
    const isNew = !state.calls.has(message.call);
    keepCall(message);
    if (isNew && !state.pinned) open(message.call, false);
    renderCalls();
    demo.callChanged(message);
  }
  if (message.type === "error") return alertPerson(message.message);
  const view = state.view;
  if (!view || message.call !== view.id) return;
  if (!view.apply(message)) return;
  if (view.hasHole) loadSoon();
  if (message.type === "segment" && message.final) {
    // The browser's clock counts on the same machine only; elsewhere the push's own time has to do.
    state.delay = addedDelay(message, isLocal ? arrived : message.times.pushed ?? arrived);
  }
  render();
}

// ---------------------------------------------------------------- drawing

function render() {
  const scroll = $("scroll");
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_END_PX;
  renderAbout();
  const added = renderSegments();
  renderCards();
  renderProgress();
  renderNotes();
  if (atEnd) scroll.scrollTop = scroll.scrollHeight;
  else if (added) $("latest").hidden = false;
}

function renderAbout() {
  const { call } = state.view;
  $("call-title").textContent = call ? `${sentence(call.playbook)} call` : "Call";
  $("status").textContent = call ? statusText[call.status] ?? call.status : "";
  $("status").className = `status ${call?.status ?? ""}`;
  const heard = Math.max(call?.duration_ms ?? 0, ...[...state.view.segments.values()].map((segment) => segment.end_ms));
  $("duration").textContent = heard > 0 ? `${clock(heard)} heard` : "";
  $("delay").textContent = state.delay === null ? "" : `Last words shown after ${(state.delay / 1000).toFixed(2)} s`;
  document.title = call?.status === "live" ? `● ${sentence(call.playbook)} call · Callboard` : "Callboard";
}

function renderSegments() {
  const sorted = [...state.view.segments.values()].sort((a, b) => a.start_ms - b.start_ms || (a.channel < b.channel ? -1 : 1));
  let added = false;
  sorted.forEach((segment, place) => {
    const key = segmentKey(segment);
    let row = rows.get(key);
    if (!row) {
      row = make("li");
      row.append(make("p", "said"), make("p", "by"));
      rows.set(key, row);
      added = true;
    }
    row.className = `${segment.channel === "agent" ? "agent" : "customer"}${segment.final ? "" : " waiting"}`;
    row.firstChild.textContent = segment.text || "…";
    row.lastChild.textContent = `${segment.channel === "agent" ? "Agent" : "Customer"} · ${clock(segment.start_ms)}`;
    if ($("segments").children[place] !== row) $("segments").insertBefore(row, $("segments").children[place] ?? null);
  });
  $("no-words").hidden = sorted.length > 0;
  return added;
}

function renderCards() {
  const sorted = [...state.view.cards.values()].sort((a, b) => b.evidence.start_ms - a.evidence.start_ms);
  sorted.forEach((card, place) => {
    const box = [...$("cards").children].find((child) => child.dataset.id === card.id) ?? makeCard(card);
    fillCard(box, card);
    if ($("cards").children[place] !== box) $("cards").insertBefore(box, $("cards").children[place] ?? null);
  });
  $("no-cards").hidden = sorted.length > 0;
  $("no-cards").textContent = state.view.call?.status === "ended"
    ? "The customer did not push back." : "A card appears here the moment the customer pushes back.";
}

function makeCard(card) {
  const box = make("article");
  box.dataset.id = card.id;
  box.append(make("h4"), make("p", "say"), make("p", "ask"), make("p", "quote"));
  return box;
}

function fillCard(box, card) {
  const say = (child, text) => { if (child.textContent !== text) child.textContent = text; };
  const [label, words, ask, quote] = box.children;
  box.className = `card ${card.severity}`;
  say(label, card.label);
  say(words, card.say);
  say(ask, card.follow_up);
  ask.hidden = !card.follow_up;
  say(quote, `“${card.evidence.quote}” · ${clock(card.evidence.start_ms)}${card.source === "model" ? " · worded by the model" : ""}`);
}

function renderProgress() {
  const { progress } = state.view;
  $("percent").textContent = progress ? `${progress.percent} %` : "";
  $("progress").hidden = !progress;
  $("progress").value = progress?.percent ?? 0;
  $("no-landmarks").hidden = Boolean(progress);
  const ended = state.view.call?.status === "ended";
  $("next").hidden = ended || !progress?.next_question;
  $("next-question").textContent = progress?.next_question ?? "";
  $("landmarks").replaceChildren(...(progress?.landmarks ?? []).map((landmark) => {
    const done = landmark.state === "done";
    const item = make("li", done ? "done" : "open");
    const label = make("span", "label", landmark.label);
    label.prepend(make("span", "hidden", done ? "Reached: " : "Open: "));
    if (!landmark.required) label.append(make("span", "optional", " optional"));
    item.append(label);
    if (landmark.evidence) {
      const quote = make("span", "quote", `${clock(landmark.evidence.start_ms)} “${landmark.evidence.quote}”`);
      quote.title = landmark.evidence.quote;
      item.append(quote);
    }
    return item;
  }));
}

function renderNotes() {
  const { notes } = state.view;
  $("notes").hidden = !notes;
  if (!notes) return;
  $("notes-summary").textContent = notes.summary;
  const names = (list) => list.map((entry) => entry.label).join(", ");
  const talk = notes.talk?.agent_percent;
  const facts = [
    ["Reached", names(notes.reached)],
    ["Open", names(notes.missed.filter((landmark) => landmark.required))],
    ["Pushback", names(notes.objections)],
    ["Talk", Number.isInteger(talk) ? `agent ${talk} %, customer ${100 - talk} %` : ""],
  ];
  $("notes-facts").replaceChildren(...facts.filter(([, text]) => text).flatMap(([name, text]) => [make("dt", "", name), make("dd", "", text)]));
}

// ---------------------------------------------------------------- start

const watcher = new Watcher({
  onState(name) {
    showConnection(name);
    if (name !== "open") return;
    watcher.send({ action: "watch", calls: true });
    loadCalls();
    if (state.view) {
      watcher.send({ action: "watch", call: state.view.id });
      loadCall();
    }
  },
  onMessage: hear,
});

$("earlier").addEventListener("click", () => loadCalls(state.next));
$("alert-close").addEventListener("click", () => alertPerson(""));
$("latest").addEventListener("click", () => { $("scroll").scrollTop = $("scroll").scrollHeight; });
$("scroll").addEventListener("scroll", () => {
  const { scrollHeight, scrollTop, clientHeight } = $("scroll");
  if (scrollHeight - scrollTop - clientHeight < NEAR_END_PX) $("latest").hidden = true;
}, { passive: true });
addEventListener("hashchange", () => { if (/^#[0-9A-Z]{26}$/.test(location.hash)) open(location.hash.slice(1), true); });
const demo = startDemo({ button: $("demo"), sound: $("sound"), onCall: (id) => open(id, true), onFail: alertPerson, isConnected: () => state.connected });
watcher.start();
