// Which way a call proves itself, by its path in the API document.

/// "body", "url", "admin", or null for a call that anybody may make.
export function proofOf(path) {
  if (path.includes("/api/v1/service/")) return "body";
  if (path.includes("/api/v1/user/")) return "url";
  if (path.includes("/api/v1/admin/")) return "admin";
  return null;
}

// Relative to this module, so that a server behind a path prefix works too.
export const BASE = new URL("../", import.meta.url).href.replace(/\/$/, "");

/// Whether a request stays on this server: nothing is signed for any other.
export const isOurs = (url) => new URL(url, BASE).href.startsWith(`${BASE}/`);
