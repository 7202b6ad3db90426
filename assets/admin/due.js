// When a webhook that waits for its next attempt will have been tried: no news tells of it.

/** Seconds until the first of them has, or null. */
export function due(webhooks) {
  const times = webhooks.filter((event) => event.state === "queued").map((event) => event.next_attempt_at);
  return times.length ? Math.max(1, Math.min(...times) - Date.now() / 1000 + 1) : null;
}
