// Signatures, made by the browser's own cryptography. The key does not leave this function.

const bytes = (text) => new TextEncoder().encode(text);

/// Browsers offer cryptography on https pages and on this very machine only.
export const canSign = () => window.isSecureContext && Boolean(window.crypto?.subtle);

export const INSECURE =
  "This page cannot sign: it came over plain http from another machine, and browsers offer cryptography only to https pages. " +
  "Open it through https, or on the server itself as http://127.0.0.1 (through an SSH tunnel, for example).";

export const now = () => Math.floor(Date.now() / 1000);

async function mac(secret, message) {
  if (!canSign()) throw new Error(INSECURE);
  const key = await crypto.subtle.importKey("raw", bytes(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const made = await crypto.subtle.sign("HMAC", key, bytes(message));
  return btoa(String.fromCharCode(...new Uint8Array(made)));
}

/// The text that is signed, its MAC, and the header's value; `ts` in Unix seconds.
async function sign(secret, ts, message) {
  const base64 = await mac(secret, message);
  return { ts, message, mac: base64, signature: `${ts}.${base64}` };
}

export const signBody = (secret, body, ts = now()) => sign(secret, ts, `${ts}.${body}`);

export const signUrl = (secret, url, ts = now()) => sign(secret, ts, `${url}.${ts}`);

/// The checkout page's URL with the order's id in it.
export function urlForOrder(page, order) {
  if (!order || page.includes(order)) return page;
  return `${page}${page.includes("?") ? "&" : "?"}order_id=${order}`;
}
