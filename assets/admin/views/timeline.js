// Everything that happened to an order, from all that is known about it, the oldest first.

import { h } from "../dom.js";
import { foreign, isolated } from "../foreign.js";
import { chainName, moment } from "../format.js";
import { deed } from "./audit.js";

const STATUSES = {
  paid: ["Paid", "good"],
  expired: ["Expired", "bad"],
  cancelled: ["Cancelled", "bad"],
};

export function timeline(detail) {
  // Of one second, in the order in which one thing leads to another.
  const events = [{ at: detail.order.created_at, text: "Created" }, ...asked(detail), ...seen(detail), ...done(detail), ...changed(detail), ...told(detail)];
  events.sort((a, b) => a.at - b.at);
  const item = ({ mood, text, reason, by, at }) =>
    h("li", { class: mood }, h("span", {}, text), reason && h("q", {}, foreign(reason)), h("span", { class: "when" }, moment(at), by && `, from ${by}`));
  return h("ol", { class: "timeline" }, events.map(item));
}

function changed({ history }) {
  const changes = history.filter((entry) => entry.kind === "order_status_changed");
  return changes.map(({ at, status }) => ({ at, text: STATUSES[status]?.[0] ?? status, mood: STATUSES[status]?.[1] }));
}

const asked = ({ deposits }) =>
  deposits.map((deposit) => ({ at: deposit.started_at, text: `The customer chose ${deposit.token} on ${chainName(deposit.blockchain)}: ${deposit.value} to send` }));

const seen = ({ transfers }) =>
  transfers.map((transfer) => ({ at: transfer.created_at, text: `A transfer of ${transfer.value} ${transfer.token} on ${chainName(transfer.blockchain)} was seen`, mood: "busy" }));

const done = ({ audit }) => audit.map(({ at, action, reason, client }) => ({ at, text: `${deed(action)}`, reason, by: client, mood: "busy" }));

const told = ({ webhooks }) =>
  webhooks.flatMap(({ tries }) => tries).map(({ tried_at: at, status, error }) => {
    if (status === 200) return { at, text: "Your shop was told", mood: "good" };
    return { at, text: `Your shop could not be told: ${status ? `it answered ${status}` : isolated(error)}`, mood: "bad" };
  });
