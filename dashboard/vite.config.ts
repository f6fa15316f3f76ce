import { cpSync } from "node:fs";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** The demo call stands beside the page, since tests of the whole project read it there, too. */
const demo: Plugin = {
  name: "demo-call",
  apply: "build",
  writeBundle({ dir }) {
    cpSync("demo/demo_call.wav", `${dir}/demo/demo_call.wav`);
  },
};

const stack = process.env.CALLBOARD_URL ?? "http://127.0.0.1:8787";
const proxied = ["/v1", "/_local", "/openapi.json", "/asyncapi.json", "/health"];

export default defineConfig({
  plugins: [react(), demo],
  // Nothing is inlined: the page's policy allows what it loads from its own origin, and nothing else.
  build: { assetsInlineLimit: 0, modulePreload: { polyfill: false }, target: "es2022", sourcemap: false },
  worker: { format: "es" },
  server: {
    proxy: {
      ...Object.fromEntries(proxied.map((path) => [path, stack])),
      "/ws": { target: stack.replace("http", "ws"), ws: true },
    },
  },
});
