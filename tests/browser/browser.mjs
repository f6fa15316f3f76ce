// The browser of the tests, and how a page gets in.

import { createServer, connect } from "node:net";
import { chromium } from "playwright-core";

export const chromiumOptions = {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
  ],
};

/** A browser until the test is over: the one that all share, or one of this test's own. */
export async function launch(t) {
  const shared = process.env.CALLBOARD_BROWSER;
  const browser = shared ? await chromium.connect(shared) : await chromium.launch(chromiumOptions);
  t.after(() => browser.close());
  return browser;
}

/** One whose microphone hears this WAV, once. */
export async function launchWithMicrophone(t, wav, ...more) {
  const sound = [
    "--use-fake-device-for-media-stream",
    `--use-file-for-fake-audio-capture=${wav}%noloop`, ...more,
  ];
  const browser = await chromium.launch({ ...chromiumOptions, args: [...chromiumOptions.args, ...sound] });
  t.after(() => browser.close());
  return browser;
}

/** A page of somebody who uses this machine: with its own token, or with the key of somebody else in its place. */
export async function enter(browser, url, { key, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) complaints.push(message.text());
  });
  if (key) await context.route("**/_local/token", (route) => route.fulfill({ json: { token: key } }));
  await page.goto(url);
  await page.getByRole("button", { name: "Try it on this machine" }).click();
  await page.getByRole("heading", { name: "Calls", exact: true }).waitFor();
  return { page, context, complaints };
}

/** A way to the stack that can be cut: nothing gets through, and nobody is told. */
export async function openCable(url) {
  const { hostname, port } = new URL(url);
  const pairs = new Set();
  let isCut = false;
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    const pair = [near, far];
    pairs.add(pair);
    for (const [from, to] of [[near, far], [far, near]]) {
      from.on("data", (bytes) => {
        if (!isCut) to.write(bytes);
      });
      from.on("error", () => null);
      from.on("close", () => {
        to.destroy();
        pairs.delete(pair);
      });
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut() {
      isCut = true;
    },
    mend() {
      isCut = false;
      // What was lost between is not found again: whoever goes on must begin anew.
      for (const sockets of pairs) for (const socket of sockets) socket.destroy();
    },
    close() {
      for (const sockets of pairs) for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
