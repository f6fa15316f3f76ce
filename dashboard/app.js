// The live page: puts a call on the screen as it is spoken, and plays the demo call through the real path.
// All text is set through textContent: a caller's words never become HTML.

import { CallView, clock, delayOf, segmentKey } from "./call.js";
import { startDemo } from "./demo.js";
import { Verdicts } from "./feedback.js";
import { Watcher, get, remove } from "./net.js";

const HOLE_GRACE_MS = 500;
const NEAR_END_PX = 80;
const LIST_STEP = 100;
const LOAD_RETRY_MS = 4000;
const $ = (id) => document.getElementById(id);

const state = {
  calls: new Map(), next: null, shown: LIST_STEP, listed: false, listFailed: false,
  view: null, fresh: true, pinned: false, connected: false, delay: null,
};
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
  const text = connectionText[state.listed && name !== "open" ? "lost" : name];
  const kind = ["open", "connecting"].includes(name) ? name : "lost";
  $("connection").dataset.state = kind;
  document.body.classList.toggle("stale", kind === "lost");
  // Said once, not at each attempt.
  if ($("connection-text").textContent !== text) $("connection-text").textContent = text;
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
  if (!state.connected) return;
  const query = cursor ? `?cursor=${encodeURIComponent(cursor)}` : "";
  try {
    const page = await get(`/v1/calls${query}`);
    for (const call of page.calls) keepCall(call);
    if (cursor || !state.listed) state.next = page.next ?? null;
    state.listed = true;
    if (state.listFailed) alertPerson("");
    state.listFailed = false;
    renderCalls();
    if (!state.view) followNewest();
  } catch (error) {
    if (!state.connected) return;
    state.listFailed = true;
    alertPerson(`The calls could not be loaded: ${error.message}. Trying again.`);
    setTimeout(() => loadCalls(cursor), LOAD_RETRY_MS);
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
  const all = newestFirst();
  const items = all.slice(0, state.shown).map((call) => {
    const started = new Date(call.started_at_ms);
    const button = make("button", "call-row");
    button.type = "button";
    button.dataset.call = call.call;
    if (call.call === state.view?.id) button.setAttribute("aria-current", "true");
    const time = started.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    const day = started.toDateString() === today ? "" : `${started.toLocaleDateString([], { day: "numeric", month: "short" })} `;
    const length = call.duration_ms > 0 ? ` · ${clock(call.duration_ms)}` : "";
    button.append(make("span", "when", day + time), make("span", "which", sentence(call.playbook) + length));
    if (call.status !== "ended") button.append(make("span", `status ${call.status}`, statusText[call.status] ?? call.status));
    // Whoever chooses the newest call goes on following; whoever chooses an older one wants to stay there.
    button.addEventListener("click", () => open(call.call, call.call !== newestFirst()[0].call));
    const item = make("li");
    item.append(button);
    return item;
  });
  const focused = document.activeElement?.dataset?.call;
  $("calls").replaceChildren(...items);
  if (focused) $("calls").querySelector(`[data-call="${CSS.escape(focused)}"]`)?.focus();
  $("no-calls").hidden = items.length > 0;
  $("earlier").hidden = !state.next && all.length <= state.shown;
  renderNewer();
}

/** The list may be out of sight: a call that is live while another is on the page is told beside its title. */
function renderNewer() {
  const shown = state.calls.get(state.view?.id);
  const newest = newestFirst().find((call) => call.status === "live");
  $("newer").hidden = !newest || !shown || newest.started_at_ms <= shown.started_at_ms;
  $("newer").dataset.opens = newest?.call ?? "";
}

function showEarlier() {
  state.shown += LIST_STEP;
  if (state.calls.size < state.shown && state.next) loadCalls(state.next);
  else renderCalls();
}

// ---------------------------------------------------------------- one call

function open(id, pinned) {
  state.pinned = pinned;
  history.replaceState(null, "", pinned ? `#${id}` : location.pathname);
  if (state.view?.id === id) return;
  if (state.view) watcher.send({ action: "unwatch", call: state.view.id });
  state.view = new CallView(id);
  state.delay = null;
  state.fresh = true;
  $("latest").hidden = true;
  rows.clear();
  $("segments").replaceChildren();
  $("cards").replaceChildren();
  $("older-cards").replaceChildren();
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
    if (view.hasHole) fillHoleSoon();
  } catch (error) {
    if (view !== state.view) return;
    if (error.status === 404 && !view.call) showEmpty("This call is not known", "It may belong to another stack. Choose one from the list, or play the demo call.");
    else if (error.status !== 404) loadTimer ||= setTimeout(loadCall, LOAD_RETRY_MS);
  }
}

/** Loads again, unless the push that was missing has come meanwhile. */
function fillHoleSoon() {
  loadTimer ||= setTimeout(() => {
    loadTimer = 0;
    if (state.view?.hasHole) loadCall();
  }, HOLE_GRACE_MS);
}

/** A call was removed: nothing of it stays on the page. */
function forget(call) {
  state.calls.delete(call);
  if (state.view?.id === call) {
    watcher.send({ action: "unwatch", call });
    state.view = null;
    showEmpty("This call was removed", "Choose one from the list, or play the demo call.");
  }
  renderCalls();
}

function hear(message) {
  const arrived = Date.now();
  if (message.type === "watching" && message.active) {
    // What was pushed between a snapshot and the watch would be missing: from here on nothing is.
    if (message.calls) loadCalls();
    if (message.call && message.call === state.view?.id) loadCall();
    return;
  }
  if (message.type === "call" && message.status === "deleted") return forget(message.call);
  if (message.type === "call") {
    const isNew = !state.calls.has(message.call);
    keepCall(message);
    // A new call comes onto the page by itself, but never in the place of one that is still spoken.
    const busy = state.pinned || (state.view && state.view.call?.status !== "ended");
    if (isNew && message.status === "live" && !busy) open(message.call, false);
    renderCalls();
    demo.callChanged(message);
  }
  if (message.type === "error") {
    // That a call is not known shows in its place already.
    if (message.code !== "not_found" || message.action === "feedback") alertPerson(message.message);
    return;
  }
  if (message.type === "feedback") return judged(message.call, message.card, message.verdict);
  const view = state.view;
  if (!view || message.call !== view.id) return;
  if (!view.apply(message)) return;
  if (view.hasHole) fillHoleSoon();
  if (message.type === "segment" && message.final && message.text) {
    // The browser's clock counts on the same machine only; elsewhere the push's own time has to do.
    state.delay = delayOf(message, isLocal ? arrived : message.times.pushed ?? arrived);
  }
  render();
}

// ---------------------------------------------------------------- drawing

function render() {
  const scroll = $("scroll");
  $("empty").hidden = true;
  $("live").hidden = false;
  $("live").classList.toggle("ended", isOver());
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_END_PX;
  renderAbout();
  const added = renderSegments();
  renderCards();
  renderProgress();
  renderNotes();
  if (state.fresh && added) {
    // A call that is over is read from its beginning, one that is spoken from where it stands.
    state.fresh = false;
    scroll.scrollTop = isOver() ? 0 : scroll.scrollHeight;
  } else if (atEnd) scroll.scrollTop = scroll.scrollHeight;
  else if (added) $("latest").hidden = false;
}

const isOver = () => state.view.call?.status === "ended";
const seconds = (ms) => (ms / 1000).toFixed(1);

function renderAbout() {
  const { call } = state.view;
  $("call-title").textContent = call ? `${sentence(call.playbook)} call` : "Call";
  const vanished = call?.end_reason === "vanished" ? ": its sender was not heard of any more" : "";
  $("status").textContent = call ? (statusText[call.status] ?? call.status) + vanished : "";
  $("status").className = `status ${call?.status ?? ""}`;
  let heard = call?.duration_ms ?? 0;
  for (const segment of state.view.segments.values()) heard = Math.max(heard, segment.end_ms);
  $("duration").textContent = heard > 0 ? (isOver() ? `${clock(heard)} long` : `text up to ${clock(heard)}`) : "";
  const { delay } = state;
  $("delay").textContent = delay && !isOver()
    ? `Text ${seconds(delay.all)} s after the voice: pause ${seconds(delay.closing)}, recognition ${seconds(delay.asr)}, rest ${seconds(delay.added)}` : "";
  document.title = call?.status === "live" ? `● ${sentence(call.playbook)} call · Callboard` : "Callboard";
}

function renderSegments() {
  // What turned out to be silence shows as nothing, and its placeholder goes.
  const [said, silent] = [[], []];
  for (const segment of state.view.segments.values()) (segment.final && !segment.text ? silent : said).push(segment);
  for (const key of silent.map(segmentKey)) {
    rows.get(key)?.remove();
    rows.delete(key);
  }
  const sorted = said.sort((a, b) => a.start_ms - b.start_ms || (a.channel < b.channel ? -1 : 1));
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
    if (row.segment !== segment) {
      row.segment = segment;
      row.className = `${segment.channel === "agent" ? "agent" : "customer"}${segment.final ? "" : " waiting"}`;
      row.firstChild.textContent = segment.text || "…";
      row.lastChild.textContent = `${segment.channel === "agent" ? "Agent" : "Customer"} · ${clock(segment.start_ms)}`;
    }
    if ($("segments").children[place] !== row) $("segments").insertBefore(row, $("segments").children[place] ?? null);
  });
  $("no-words").hidden = sorted.length > 0;
  return added;
}

/** What was said, as a button that leads to its place in the transcript. */
function makeQuote(evidence, more = "") {
  const quote = make("button", "quote", `${clock(evidence.start_ms)} “${evidence.quote}”${more}`);
  quote.type = "button";
  quote.addEventListener("click", () => showSegment(segmentKey(evidence)));
  return quote;
}

function showSegment(key) {
  const row = rows.get(key);
  if (!row) return;
  row.scrollIntoView({ block: "center" });
  for (const other of rows.values()) other.classList.remove("shown");
  row.classList.add("shown");
}

// At most three cards stand open, the gravest first; those that were met or put away lie below in a line each: what to
// say now is read at a glance.
const OPEN_CARDS = 3;
const waitsForAnswer = (card) => ["active", "reopened"].includes(card.status) && !isDismissed(card);
const cardStates = { answered: "answered", resolved: "resolved", reopened: "said again", dismissed: "put away" };

function renderCards() {
  const over = isOver();
  const sorted = [...state.view.cards.values()]
    .sort((a, b) => b.evidence.start_ms - a.evidence.start_ms || rank(b) - rank(a));
  const open = sorted.filter(waitsForAnswer).sort((a, b) => rank(b) - rank(a)).slice(0, OPEN_CARDS);
  const earlier = sorted.filter((card) => !open.includes(card));
  const judging = document.activeElement?.closest(".verdicts")?.closest("[data-id]")?.dataset.id;
  $("cards-title").textContent = over ? "Pushback and answers" : "What to say now";
  // What is read after the call is no news.
  $("cards").setAttribute("aria-live", over ? "off" : "polite");
  put($("cards"), over ? [] : open, makeCard);
  put($("older-cards"), over ? sorted : earlier, makeOlderCard);
  $("older").hidden = !$("older-cards").firstChild;
  $("no-cards").hidden = sorted.length > 0;
  // Whoever used the keyboard goes on where the card went.
  if (judging && !document.activeElement?.closest("[data-id]")) {
    const box = $("coach").querySelector(`[data-id="${CSS.escape(judging)}"]`);
    (box?.querySelector("summary") ?? box?.querySelector(".verdicts button"))?.focus();
  }
  $("no-cards").textContent = over ? "The customer did not push back." : "A card appears here the moment the customer pushes back.";
}

const rank = (card) => ["low", "medium", "high"].indexOf(card.severity);

/** Shows these cards in this order, and leaves those alone that did not change. */
function put(place, cards, makeBox) {
  const boxes = new Map([...place.children].map((box) => [box.dataset.id, box]));
  const wanted = cards.map((card) => {
    const known = boxes.get(card.id);
    const { revision, feedback, ...shown } = card;
    const text = JSON.stringify(shown);
    const box = known?.shown === text ? known : makeBox(card);
    if (box !== known) {
      box.shown = text;
      box.dataset.id = card.id;
      if (known?.open) box.open = true;
    }
    verdicts.updateRow(box.querySelector(".verdicts"), state.view.id, card);
    return box;
  });
  if (wanted.length !== place.children.length || wanted.some((box, at) => place.children[at] !== box)) place.replaceChildren(...wanted);
}

function makeCard(card) {
  const box = make("article", `card ${card.severity}`);
  const label = make("h4", "", card.label);
  if (card.status === "reopened") label.append(" ", make("span", "when", cardStates.reopened));
  if (card.severity === "high") label.append(" ", make("span", "risk", "High risk"));
  box.append(label, ...cardWords(card));
  return box;
}

function makeOlderCard(card) {
  const box = make("details", `card ${card.severity}`);
  const label = make("summary", "", card.label);
  const stands = cardStates[card.status] ? ` · ${cardStates[card.status]}` : "";
  label.append(" ", make("span", "when", clock(card.evidence.start_ms) + stands));
  box.append(label, ...cardWords(card));
  return box;
}

function cardWords(card) {
  const words = [make("p", "say", card.say)];
  if (card.follow_up) words.push(make("p", "ask", card.follow_up));
  words.push(makeQuote(card.evidence, card.source === "model" ? " · worded by the model" : ""));
  words.push(verdicts.makeRow(card));
  return words;
}

const isDismissed = (card) => verdicts.of(state.view.id, card.id) === "dismissed";

async function judge(card, verdict) {
  if (!state.connected) return alertPerson("There is no connection just now: say it again in a moment.");
  const call = state.view.id;
  if (verdict) return watcher.send({ action: "feedback", call, card, verdict });
  try {
    await remove(`/v1/calls/${call}/cards/${encodeURIComponent(card)}/feedback`);
    judged(call, card, null);
  } catch (error) {
    alertPerson(`This could not be taken back: ${error.message}.`);
  }
}

/** A verdict was stored. */
function judged(call, card, verdict) {
  verdicts.confirm(call, card, verdict);
  if (call !== state.view?.id) return;
  const box = $("older-cards").querySelector(`[data-id="${CSS.escape(card)}"]`);
  if (box && verdict === "dismissed") box.open = false;
  render();
}

let drawn = [];
const landmarkStates = { done: "Reached: ", started: "Begun: ", reopened: "Open again: " };

function renderProgress() {
  const { progress, notes } = state.view;
  const over = isOver();
  // Most messages are words, and words alone change nothing here.
  const now = [state.view, progress, notes, over];
  if (now.every((part, at) => part === drawn[at])) return;
  drawn = now;
  $("percent").textContent = progress ? `${progress.percent} %` : "";
  $("progress").hidden = !progress;
  $("progress").value = progress?.percent ?? 0;
  $("no-landmarks").hidden = Boolean(progress);
  $("no-landmarks").textContent = over ? "Nothing was said, so nothing was reached." : "The list appears with the first words.";
  $("next").hidden = over || !progress?.next_question;
  $("next-question").textContent = progress?.next_question ?? "";
  const why = new Map(over ? notes?.missed.map((landmark) => [landmark.id, landmark.why]) : []);
  $("landmarks").replaceChildren(...(progress?.landmarks ?? []).map((landmark) => {
    const item = make("li", landmark.state);
    const label = make("span", "label", landmark.label);
    label.prepend(make("span", "hidden", landmarkStates[landmark.state] ?? "Open: "));
    if (landmark.state === "started") label.append(make("span", "optional", " begun"));
    if (landmark.state === "reopened") label.append(make("span", "optional", " open again"));
    if (!landmark.required) label.append(make("span", "optional", " optional"));
    item.append(label);
    if (landmark.evidence) item.append(makeQuote(landmark.evidence));
    else if (why.get(landmark.id)) item.append(make("span", "why", why.get(landmark.id)));
    return item;
  }));
}

/** What the notes list, each with what was said that shows it. */
function noteLists(notes) {
  const said = (item) => (item.links?.[0] ? { ...item.links[0], quote: item.quote } : null);
  const due = (item) => (item.due ? ` (${item.due})` : "");
  const plain = (items) => (items ?? []).map((item) => [item.text + due(item), said(item)]);
  const actions = (notes.actions ?? []).map((item) => [`${sentence(item.owner)}: ${item.text}${due(item)}`, said(item)]);
  return [
    ["Agreed", plain(notes.agreements)], ["To do", actions], ["What hurts", plain(notes.pain_points)],
    ["Left open", plain(notes.open_questions)],
  ];
}

function renderNotes() {
  const { notes } = state.view;
  $("notes").hidden = !notes;
  if (!notes) return;
  $("notes-summary").textContent = notes.summary;
  $("notes-lists").replaceChildren(...noteLists(notes).flatMap(([title, items]) => {
    if (items.length === 0) return [];
    const list = make("ul", "notes-list");
    list.append(...items.map(([text, link]) => {
      const item = make("li", "", text);
      if (link) item.append(" ", makeQuote(link));
      return item;
    }));
    return [make("h4", "", title), list];
  }));
  const longest = notes.longest_monologue;
  $("notes-monologue").textContent = longest
    ? `Longest without a word from the other side: ${longest.channel}, ${clock(longest.end_ms - longest.start_ms)} from ${clock(longest.start_ms)}.` : "";
}

// ---------------------------------------------------------------- start

const verdicts = new Verdicts(judge);
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

$("earlier").addEventListener("click", showEarlier);
$("newer").addEventListener("click", () => open($("newer").dataset.opens, false));
$("to-calls").addEventListener("click", (event) => {
  event.preventDefault();
  $("calls-title").focus();
  $("calls-title").scrollIntoView();
});
$("alert-close").addEventListener("click", () => alertPerson(""));
$("latest").addEventListener("click", () => { $("scroll").scrollTop = $("scroll").scrollHeight; });
$("scroll").addEventListener("scroll", () => {
  const { scrollHeight, scrollTop, clientHeight } = $("scroll");
  if (scrollHeight - scrollTop - clientHeight < NEAR_END_PX) $("latest").hidden = true;
}, { passive: true });
addEventListener("hashchange", () => { if (/^#[0-9A-Z]{26}$/.test(location.hash)) open(location.hash.slice(1), true); });
const demo = startDemo({ button: $("demo"), sound: $("sound"), onCall: (id) => open(id, false), onFail: alertPerson, isConnected: () => state.connected });
watcher.start();
