// News: one question that the server leaves open until something changes. Chains move without events, so
// there is a slow pulse beside it.

import { get } from "./api.js";

const PULSE = 30_000;
const RETRY = [1000, 2000, 5000, 10_000];

export async function follow({ signal, onNews, onState }) {
  const pulse = setInterval(() => document.hidden || onNews(), PULSE);
  signal.addEventListener("abort", () => clearInterval(pulse));
  let after = null;
  let failed = 0;
  while (!signal.aborted) {
    try {
      const known = after;
      const answer = await get("events", after === null ? { after: -1 } : { after, wait: 25 }, signal);
      after = answer.next;
      if (known !== null && answer.events.length) onNews();
      if (failed) onNews();
      failed = 0;
      onState(true);
    } catch (error) {
      if (signal.aborted || error.status === 401) return;
      onState(false);
      await sleep(RETRY[Math.min(failed++, RETRY.length - 1)], signal);
    }
  }
}

const sleep = (ms, signal) =>
  new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), done()));
  });
