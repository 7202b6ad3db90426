// The User API, as any checkout page would call it: the signed URL and its signature go with each request.

// Relative to this module, so that a server behind a path prefix works too.
const BASE = new URL("../api/v1/user/", import.meta.url);
const TIMEOUT_MS = 15_000;

export class ApiError extends Error {
  constructor(text, status) {
    super(text);
    this.status = status;
  }
}

/// What the shop put into the page's address, or null where something is missing.
export function readLink(href) {
  const params = new URL(href).searchParams;
  const orderId = params.get("order_id");
  // A "+" that a shop forgot to encode arrives as a space.
  const signature = params.get("sig")?.replaceAll(" ", "+");
  if (!orderId || !signature) return null;
  // What was signed is the address without its signature; a fragment never reaches a server.
  const signedUrl = href.replace(/#.*$/, "").replace(/&sig=[^&]*/, "");
  return { orderId, signature, signedUrl };
}

export function client({ orderId, signature, signedUrl }) {
  const order = `orders/${encodeURIComponent(orderId)}`;
  const signed = { "Ocrch-Signed-Url": signedUrl, "Ocrch-Signature": signature };
  let last = { etag: null, order: null };
  let clockAhead = 0;

  async function call(method, path, { body, headers } = {}) {
    const request = { method, headers: { ...signed, ...headers }, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) };
    if (body !== undefined) {
      request.headers["Content-Type"] = "application/json";
      request.body = JSON.stringify(body);
    }
    let response;
    try {
      response = await fetch(new URL(path, BASE), request);
    } catch {
      throw new ApiError("The server can’t be reached. Check your connection.", 0);
    }
    const date = Date.parse(response.headers.get("Date"));
    if (date) clockAhead = date - Date.now();
    if (response.ok || response.status === 304) return response;
    throw new ApiError((await response.text()) || `The server answered ${response.status}.`, response.status);
  }

  const json = async (...request) => (await call(...request)).json();

  return {
    chains: () => json("GET", "chains"),
    choose: (blockchain, stablecoin) => json("POST", `${order}/payment`, { body: { blockchain, stablecoin } }),
    cancel: () => json("POST", `${order}/cancel`),
    ticket: async () => (await json("POST", `${order}/ws-ticket`)).ticket,

    async status() {
      const response = await call("GET", `${order}/status`, { headers: last.etag ? { "If-None-Match": last.etag } : {} });
      if (response.status !== 304) last = { etag: response.headers.get("ETag"), order: await response.json() };
      return last.order;
    },

    socketUrl(ticket) {
      const url = new URL(`${order}/ws`, BASE);
      url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
      url.searchParams.set("ticket", ticket);
      return url;
    },

    /// The server's time in seconds: a shopper's clock may be wrong by hours.
    now: () => (Date.now() + clockAhead) / 1000,
  };
}
