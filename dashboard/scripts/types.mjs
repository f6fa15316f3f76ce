// Types of what goes over the wire, made of the documents that the servers are held to. They are not kept in git: where
// a document changes under the page's feet, `npm run check` fails.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const documents = new URL("../../shared/wire/api/", import.meta.url);
const target = new URL("../src/api/generated/", import.meta.url);

const read = (name) => JSON.parse(readFileSync(new URL(name, documents), "utf8"));

/** The schemas of the socket's messages, in the dress of a document that has no paths. */
function schemasOf(asyncapi) {
  return { openapi: "3.1.0", info: asyncapi.info, paths: {}, components: { schemas: asyncapi.components.schemas } };
}

async function write(name, document) {
  const text = astToString(await openapiTS(document, { defaultNonNullable: false }));
  writeFileSync(new URL(name, target), text);
}

mkdirSync(target, { recursive: true });
await write("openapi.ts", read("openapi.json"));
await write("socket.ts", schemasOf(read("asyncapi.json")));
