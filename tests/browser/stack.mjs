// A local stack for browser tests: the one that all share, or one of a test's own, on a free port, with data of its own.
// And what no page can do: keys of other organizations and calls of any length are written into its tables.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const root = resolve(import.meta.dirname, "../..");
const program = process.env.CALLBOARD_BIN ?? join(root, "target/local/callboard");
const project = process.env.CALLBOARD_PROJECT ?? root;

export const demo = join(root, "dashboard/demo/demo_call.wav");

/** The stack that all tests share; one of its own for a test that runs alone. */
export async function openStack() {
  const shared = process.env.CALLBOARD_STACK;
  return shared ? { ...access(JSON.parse(shared)), stop: async () => {} } : startStack();
}

/** Starts one with these settings, and waits until it is ready. */
export async function startStack(settings = {}) {
  const data = mkdtempSync(join(tmpdir(), "callboard-browser-"));
  // A call whose line is kept in silence is not one whose sender vanished.
  const env = { ...process.env, SWEEP_GRACE_SECONDS: "900", ...settings, XDG_STATE_HOME: join(data, "state") };
  const child = spawn(program, ["dev", "--port", "0", "--data", data, "--project", project], { env });
  let log = "";
  child.stderr.on("data", (text) => {
    log += text;
  });
  const url = await new Promise((done, fail) => {
    child.once("exit", (code) => fail(new Error(`callboard dev ended with ${code}: ${log}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const ready = /^callboard is ready on (\S+)$/.exec(line);
      if (ready) done(ready[1]);
    });
  });
  const port = new URL(url).port;
  const { aws, token } = JSON.parse(readFileSync(join(data, `state/callboard/dev-${port}.json`), "utf8"));
  const stop = async () => {
    const ended = new Promise((done) => child.once("exit", done));
    child.kill("SIGTERM");
    await ended;
    rmSync(data, { recursive: true, force: true });
  };
  return { ...access({ url, token, aws }), stop };
}

/** What can be done with a stack; `known` is what another process needs to do it, too. */
function access(known) {
  const { url, token, aws } = known;
  const streams = { stream: (...options) => stream(url, token, options), hold: () => hold(url, token) };
  return { url, token, known, ...tables(aws), ...rest(url, token), ...streams };
}

/** Plays a file as a live call by the command line; its messages. */
async function stream(url, token, options) {
  const child = spawn(program, ["stream", ...options, "--json", "--url", url, "--token", token]);
  let out = "";
  child.stdout.on("data", (text) => {
    out += text;
  });
  const code = await new Promise((done) => child.once("exit", done));
  if (code !== 0) throw new Error(`callboard stream ended with ${code}: ${out.slice(-500)}`);
  return out.trim().split("\n").map((line) => JSON.parse(line));
}

/** How far the demo call goes, in seconds, until its pushback was heard; and that no more is said for so long. */
const PUSHBACK_S = 14.6;
const QUIET_S = 600;

/** A call that goes on with an open card for as long as it is wanted: its line is kept, and nothing more is said. */
async function hold(url, token) {
  const folder = mkdtempSync(join(tmpdir(), "callboard-held-"));
  const wav = readFileSync(demo);
  const bytes = (seconds) => Math.round(seconds * 16_000) * 4;
  const whole = Buffer.concat([wav.subarray(0, 44 + bytes(PUSHBACK_S)), Buffer.alloc(bytes(QUIET_S))]);
  whole.writeUInt32LE(whole.length - 8, 4);
  whole.writeUInt32LE(whole.length - 44, 40);
  const file = join(folder, "held.wav");
  writeFileSync(file, whole);
  const child = spawn(program, ["stream", file, "--pace", "4", "--json", "--url", url, "--token", token]);
  const call = await new Promise((done, fail) => {
    child.once("exit", (code) => fail(new Error(`callboard stream ended with ${code} before it was held`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const message = JSON.parse(line);
      if (message.type === "card") done(message.call);
    });
  });
  child.kill("SIGSTOP");
  const end = () => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  return { call, end };
}

function rest(url, token) {
  const headers = { Authorization: `Bearer ${token}` };
  return {
    /** The status of an answer to a text that is sent. */
    async send(method, path, body, type = "application/yaml") {
      return (await fetch(url + path, { method, headers: { ...headers, "Content-Type": type }, body })).status;
    },
    /** A document as it is written. */
    async text(path, type) {
      return (await fetch(url + path, { headers: { ...headers, Accept: type } })).text();
    },
    async get(path, as = token) {
      const response = await fetch(url + path, { headers: { Authorization: `Bearer ${as}` } });
      return { status: response.status, body: response.ok ? await response.json() : null };
    },
  };
}

function tables(aws) {
  async function dynamodb(action, input) {
    const headers = { "X-Amz-Target": `DynamoDB_20120810.${action}`, "Content-Type": "application/x-amz-json-1.0" };
    const response = await fetch(aws, { method: "POST", headers, body: JSON.stringify(input) });
    if (!response.ok) throw new Error(`${action}: ${await response.text()}`);
    return response.json();
  }
  return {
    /** The secret of a new key. */
    async addKey(org, principal, role) {
      const secret = `${org}-${principal}-${role}-secret-for-tests`;
      const hash = createHash("sha256").update(secret).digest("hex");
      const item = { pk: `KEY#${hash}`, sk: "SELF", org, principal, role, revoked: false };
      await dynamodb("PutItem", { TableName: "AccountsTable", Item: attribute(item).M });
      return secret;
    },
    /** A call of the local organization that is over, with so many segments. */
    async addLongCall(call, segments) {
      const pk = `ORG#local#CALL#${call}`;
      const started_at_ms = Date.now() - segments * 3000;
      const common = { pk, org: "local", call, principal: "local", playbook: "sales" };
      const items = [];
      for (let at = 0; at < segments; at += 1) items.push(segmentItem(common, at, started_at_ms));
      for (let at = 0; at < items.length; at += 25) {
        const requests = items.slice(at, at + 25).map((item) => ({ PutRequest: { Item: attribute(item).M } }));
        await dynamodb("BatchWriteItem", { RequestItems: { CallsTable: requests } });
      }
      const revision = segments + 1;
      const whole = {
        ...common, sk: "CALL", revision, channels: ["agent", "customer"], status: "ended", started_at_ms,
        ended_at_ms: started_at_ms + segments * 3000, end_reason: "stopped", duration_ms: segments * 3000, parameters: "",
        by_start_pk: "ORG#local#CALLS", by_start_sk: `${String(started_at_ms).padStart(15, "0")}#${call}`,
      };
      await dynamodb("PutItem", { TableName: "CallsTable", Item: attribute({ pk, sk: "REVISION", revision }).M });
      await dynamodb("PutItem", { TableName: "CallsTable", Item: attribute(whole).M });
    },
  };
}

const LINES = [
  "Good morning, this is Susan with office software.",
  "Yes, hello. I have a few minutes before my next meeting, so please go on.",
  "The report has a page for each of your branches, and one that sums up all of them over the year.",
  "All right.",
];

function segmentItem(common, at, started) {
  const channel = at % 2 === 0 ? "agent" : "customer";
  const start_ms = at * 3000;
  const spoken = started + start_ms + 2400;
  return {
    ...common, sk: `SEG#${String(start_ms).padStart(10, "0")}#${channel}`, revision: at + 1, channel, start_ms,
    end_ms: start_ms + 2400, text: `${LINES[at % LINES.length]} Number ${at}.`, final: true,
    times: { spoken, received: spoken + 600, transcribed: spoken + 800, stored: spoken + 810, closing_ms: 600, asr_ms: 200 },
  };
}

/** A value as DynamoDB writes it. */
function attribute(value) {
  if (typeof value === "string") return { S: value };
  if (typeof value === "number") return { N: String(value) };
  if (typeof value === "boolean") return { BOOL: value };
  if (Array.isArray(value)) return { L: value.map(attribute) };
  return { M: Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, attribute(inner)])) };
}
