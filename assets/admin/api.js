// The Admin API. The browser keeps the session in a cookie that no script can read; the header below, which no other
// site can add, proves that a request was made by this page.

const BASE = new URL("../api/v1/admin/", import.meta.url);

/** An answer that is no success: `status` 0 means that the server could not be reached. */
export class ApiError extends Error {
  constructor(status, text, retryAfter) {
    super(text || "the server could not be reached");
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** Called when the session has ended. */
export let onSignedOut = () => {};
export const whenSignedOut = (callback) => (onSignedOut = callback);

/** GET: the JSON, and where the list goes on, if it does. */
export async function list(path, query = {}, signal) {
  const answer = await request("GET", path, { query, signal });
  return { rows: await answer.json(), next: answer.headers.get("Ocrch-Next-Cursor") };
}

export const get = async (path, query, signal) => (await request("GET", path, { query, signal })).json();

export const post = async (path, body = {}) => {
  const answer = await request("POST", path, { body });
  const text = await answer.text();
  return text ? JSON.parse(text) : null;
};

/** Trades the admin secret for a session. */
export const signIn = (secret) =>
  request("POST", "session", { headers: { "Ocrch-Admin-Authorization": secret }, quiet: true });

/** Who is signed in. The caller says what it means if nobody is. */
export const session = async () => (await request("GET", "session", { quiet: true })).json();

export const signOut = () => request("DELETE", "session", { quiet: true });

/** Where a file can be fetched by a link. */
export const address = (path, query) => withQuery(path, query).href;

async function request(method, path, { query, body, headers, signal, quiet } = {}) {
  const answer = await fetch(withQuery(path, query), {
    method,
    signal,
    headers: {
      "Ocrch-Admin-Page": "1",
      ...(body && { "Content-Type": "application/json" }),
      ...headers,
    },
    body: body && JSON.stringify(body),
  }).catch((error) => {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "");
  });
  if (answer.ok) return answer;
  const error = new ApiError(answer.status, await answer.text(), Number(answer.headers.get("Retry-After")) || null);
  if (answer.status === 401 && !quiet) onSignedOut();
  throw error;
}

function withQuery(path, query = {}) {
  const url = new URL(path, BASE);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, value);
  }
  return url;
}
