// The User API, as any checkout page would call it: the signed URL and its signature go with each request.

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
  // What was signed is the address without its signature and a language behind it; a fragment never reaches a server.
  const signedUrl = href.replace(/#.*$/, "").replace(/&sig=[^&]*(&lang=[^&]*)?/, "");
  return { orderId, signature, signedUrl };
}

/// `base` is the address of the User API. `refresh`, where the shop offers it, takes the signed URL and gives a
/// fresh signature for it.
export function client({ orderId, signature, signedUrl }, base, refresh) {
  const order = `orders/${encodeURIComponent(orderId)}`;
  let last = { etag: null, order: null };
  let clockAhead = 0;
  let refreshing = null;

  async function call(method, path, { body, headers } = {}) {
    const used = signature;
    const response = await send(method, path, body, headers);
    if (response.ok || response.status === 304) return response;
    const text = await response.text();
    if (text === "signature expired" && refresh) {
      await freshSignature(used);
      return send(method, path, body, headers).then(orError);
    }
    throw new ApiError(text, response.status);
  }

  async function send(method, path, body, headers) {
    const request = {
      method,
      headers: { "Ocrch-Signed-Url": signedUrl, "Ocrch-Signature": signature, ...headers },
      cache: "no-store",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    };
    if (body !== undefined) {
      request.headers["Content-Type"] = "application/json";
      request.body = JSON.stringify(body);
    }
    let response;
    try {
      response = await fetch(new URL(path, base), request);
    } catch {
      throw new ApiError("no connection", 0);
    }
    const date = Date.parse(response.headers.get("Date"));
    if (date) clockAhead = date - Date.now();
    return response;
  }

  /// Several calls may find the signature too old at once: the shop is asked for one new one.
  async function freshSignature(old) {
    if (signature !== old) return;
    refreshing ??= refresh(signedUrl).finally(() => (refreshing = null));
    try {
      signature = await refreshing;
    } catch {
      throw new ApiError("signature expired", 401);
    }
  }

  const json = async (...request) => (await call(...request)).json();

  return {
    chains: () => json("GET", "chains"),
    choose: (blockchain, stablecoin) => json("POST", `${order}/payment`, { body: { blockchain, stablecoin } }),
    cancel: () => json("POST", `${order}/cancel`),
    claim: (txn_hash, blockchain) => json("POST", `${order}/claim`, { body: { txn_hash, blockchain } }),
    ticket: async () => (await json("POST", `${order}/ws-ticket`)).ticket,

    async status() {
      const response = await call("GET", `${order}/status`, { headers: last.etag ? { "If-None-Match": last.etag } : {} });
      if (response.status !== 304) last = { etag: response.headers.get("ETag"), order: await response.json() };
      return last.order;
    },

    socketUrl(ticket) {
      const url = new URL(`${order}/ws`, base);
      url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
      url.searchParams.set("ticket", ticket);
      return url;
    },

    /// The server's time in seconds: a shopper's clock may be wrong by hours.
    now: () => (Date.now() + clockAhead) / 1000,
  };
}

async function orError(response) {
  if (response.ok || response.status === 304) return response;
  throw new ApiError(await response.text(), response.status);
}
