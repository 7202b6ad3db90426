// The API document, made ready for this page.

import { BASE, proofOf } from "./surface.js";

const SIGNED_URL = "Ocrch-Signed-Url";

export async function load() {
  const response = await fetch(`${BASE}/openapi.json`, { cache: "no-cache" });
  if (!response.ok) throw new Error(`openapi.json: ${response.status} ${await response.text()}`);
  return adapt(await response.json());
}

function adapt(spec) {
  spec.servers = [{ url: BASE }];
  for (const { path, operation } of operations(spec)) {
    // This page proves who asks: its own panel takes the place of "Authorize", and of the header that one would fill in.
    delete operation.security;
    const header = (operation.parameters ?? []).find(({ name }) => name === SIGNED_URL);
    if (header) Object.assign(header, { required: false, description: `${header.description} Left empty: made from the page and the order above.` });
    if (proofOf(path) === "url" && operation.operationId === "followOrder") {
      operation.description = `${operation.description}\n\nThis page cannot show a WebSocket: tried here, it answers “websocket upgrade expected”. The code below works.`;
    }
  }
  return spec;
}

const METHODS = ["get", "post", "put", "patch", "delete"];

/// Every call of the document.
export function operations(spec) {
  return Object.entries(spec.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ path, method, operation: item[method] })),
  );
}

/// Follows a `$ref`.
export function resolve(spec, value) {
  if (!value?.$ref) return value;
  return value.$ref.slice(2).split("/").reduce((part, name) => part?.[name], spec);
}

/// The example of a JSON request body, or undefined where there is no body.
export function bodyExample(spec, operation) {
  const media = operation.requestBody?.content?.["application/json"];
  return media && (media.example ?? resolve(spec, media.schema)?.example ?? {});
}
