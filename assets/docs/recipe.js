// One call, ready to be written down in any language.

import { urlForOrder } from "./hmac.js";
import { bodyExample, resolve } from "./spec.js";
import { BASE, proofOf } from "./surface.js";

const NO_ORDER = "00000000-0000-0000-0000-000000000000";
// Without a value of the developer's own; the document's examples come first.
const PLACEHOLDERS = { id: "1", address: "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266" };

/// `values` are what is typed into the form: `params` by name, `body` as text. `keys` is the page's state.
export function recipe(spec, { path, method, operation }, values, keys) {
  const order = keys.order || NO_ORDER;
  const params = operation.parameters ?? [];
  const value = (param) => values.params[param.name] || param.example || resolve(spec, param.schema)?.example;
  const segment = ({ name }) => {
    const param = params.find((p) => p.name === name && p.in === "path") ?? { name };
    return values.params[name] || (isOrder(path, name) ? order : String(value(param) ?? PLACEHOLDERS[name] ?? name));
  };
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(segment({ name })));
  const query = params.filter((p) => p.in === "query" && (values.params[p.name] || p.required));
  const search = new URLSearchParams(query.map((p) => [p.name, String(value(p) ?? "")])).toString();
  const body = readBody(values.body, bodyExample(spec, operation), order);
  return {
    method: method.toUpperCase(),
    url: BASE + filled + (search && `?${search}`),
    proof: operation.operationId === "health" ? null : proofOf(path),
    page: urlForOrder(values.params["Ocrch-Signed-Url"] || keys.page, filled.match(/\/orders\/([^/]+)/)?.[1] ?? keys.order),
    headers: headers(params, values.params, operation, body),
    body,
    socket: operation.responses?.["101"] !== undefined,
  };
}

const isOrder = (path, name) => path.includes(`/orders/{${name}}`);

/// What is in the form, as a value where it is JSON; else the document's example, about the order at hand.
function readBody(typed, example, order) {
  if (example === undefined) return undefined;
  const value = typed === undefined ? example : parsed(typed);
  const names_an_order = typed === undefined && Object.keys(example).join() === "order_id";
  return names_an_order ? { order_id: order } : value;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function headers(params, typed, operation, body) {
  const given = params
    .filter((p) => p.in === "header" && p.name !== "Ocrch-Signed-Url" && typed[p.name])
    .map((p) => [p.name, typed[p.name]]);
  // Trying again is safe with a key, so each order gets one: the shop's own id.
  if (operation.operationId === "createOrder" && !typed["Idempotency-Key"] && body?.order_id) {
    given.unshift(["Idempotency-Key", String(body.order_id)]);
  }
  return body === undefined ? given : [["Content-Type", "application/json"], ...given];
}
