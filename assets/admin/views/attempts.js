// Each attempt to deliver a webhook: when, how it went, and what the receiver said.

import { h } from "../dom.js";
import { foreign } from "../foreign.js";
import { date } from "../format.js";

export function attempts(rows) {
  if (!rows.length) return h("p", { class: "nothing" }, "Not tried yet.");
  const item = (attempt) =>
    h(
      "li",
      { class: attempt.status === 200 ? "good" : "bad" },
      h("span", {}, attempt.status ? `Answered ${attempt.status}` : foreign(attempt.error), h("span", { class: "soft" }, ` after ${attempt.latency_ms} ms`)),
      h("span", { class: "when" }, date(attempt.tried_at)),
      attempt.answer && h("pre", {}, foreign(attempt.answer)),
      whyNot(attempt.status)
    );
  return h("ol", { class: "timeline" }, rows.map(item));
}

/** Why an answer that its sender may take for a good one does not count. */
function whyNot(status) {
  if (status === 200 || !(status >= 200 && status < 400)) return null;
  return h("p", { class: "soft" }, status < 300 ? "Only exactly 200 counts as delivered." : "Redirects are not followed: only exactly 200, from the address itself, counts as delivered.");
}
