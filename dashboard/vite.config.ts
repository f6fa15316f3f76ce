import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
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

/** What compresses well lies beside itself in small: a local stack sends that. */
const small: Plugin = {
  name: "compressed",
  apply: "build",
  closeBundle() {
    const names = readdirSync("dist", { recursive: true, encoding: "utf8" });
    for (const name of names.filter((name) => /\.(js|css|html|svg)$/.test(name))) {
      writeFileSync(`dist/${name}.gz`, gzipSync(readFileSync(`dist/${name}`), { level: 9 }));
    }
  },
};

const stack = process.env.CALLBOARD_URL ?? "http://127.0.0.1:8787";
const proxied = ["/v1", "/_local", "/openapi.json", "/asyncapi.json", "/health"];

export default defineConfig({
  plugins: [react(), demo, small],
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
