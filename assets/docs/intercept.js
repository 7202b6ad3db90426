// Signs what Swagger UI is about to send, and learns from the answers.

import { signBody, signUrl, urlForOrder } from "./hmac.js";
import { change, keys } from "./keys.js";
import { BASE, isOurs, proofOf } from "./surface.js";

/// What was signed for the last request to a URL, to be shown beside its answer.
export const traces = new Map();

const SIGNED_URL = "Ocrch-Signed-Url";

const signers = { body: signRequestBody, url: signPage, admin: addSecret };

export async function signRequest(request) {
  const proof = isOurs(request.url) && proofOf(new URL(request.url, BASE).pathname);
  if (proof) traces.set(request.url, await signers[proof](request));
  return request;
}

async function signRequestBody(request) {
  if (!keys.merchant) return { missing: "merchant" };
  // What is signed must be what is sent.
  if (request.body !== undefined && typeof request.body !== "string") request.body = JSON.stringify(request.body);
  const signed = await signBody(keys.merchant, request.body ?? "");
  request.headers["Ocrch-Signature"] = signed.signature;
  return { recipe: "{ts}.{body}", ...signed };
}

async function signPage(request) {
  if (!keys.merchant) return { missing: "merchant" };
  const url = request.headers[SIGNED_URL] || urlForOrder(keys.page, orderIn(request.url) ?? keys.order);
  const signed = await signUrl(keys.merchant, url);
  Object.assign(request.headers, { [SIGNED_URL]: url, "Ocrch-Signature": signed.signature });
  return { recipe: "{url}.{ts}", url, ...signed };
}

function addSecret(request) {
  if (!keys.admin) return { missing: "admin" };
  request.headers["Ocrch-Admin-Authorization"] = keys.admin;
  return { recipe: null };
}

const orderIn = (url) => new URL(url, BASE).pathname.match(/\/user\/orders\/([^/]+)/)?.[1];

/// A created order becomes the one to talk about, and its checkout page the one whose URL gets signed.
export function learn(response) {
  const created = response.status === 201 && response.url.endsWith("/service/orders") && response.body;
  if (created?.order_id) {
    change({ order: created.order_id, ...(created.checkout_url && { page: created.checkout_url.replace(/\?.*/, "") }) });
  }
  return response;
}
