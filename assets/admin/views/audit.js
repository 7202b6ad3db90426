// What admins did: when, from where, and why.

import { to } from "../address.js";
import { list } from "../api.js";
import { h, replace } from "../dom.js";
import { date } from "../format.js";
import { more, table } from "../table.js";

const DEEDS = {
  mark_paid: "Marked an order as paid",
  assign_transfer: "Assigned a transfer",
  ignore_transfer: "Ignored a transfer",
  unignore_transfer: "Brought a transfer back",
  resend_webhook: "Sent a webhook again",
  create_order: "Created an order",
  test_webhook: "Sent a test webhook",
};

export const deed = (name) => DEEDS[name] ?? name;

export async function load() {
  const { rows, next } = await list("audit", { limit: 50 });
  const place = h("section", { class: "card flush" });
  show(place, rows, next);
  return { title: "Audit trail", content: place };
}

function show(place, rows, next) {
  if (!rows.length) return replace(place, h("h2", {}, "Nothing so far"), h("p", { class: "nothing" }, "Whatever an admin changes will be listed here."));
  const bring = async () => {
    const further = await list("audit", { limit: 50, cursor: next });
    show(place, [...rows, ...further.rows], further.next);
  };
  const columns = [
    { name: "What", head: true, of: (entry) => deed(entry.action) },
    { name: "About", of: about },
    { name: "Reason", of: (entry) => entry.reason },
    { name: "From", of: (entry) => h("code", {}, entry.client) },
    { name: "When", of: (entry) => date(entry.at) },
  ];
  replace(place, table("Audit trail", columns, rows), more(next, bring));
}

function about(entry) {
  if (entry.order_id) return h("a", { href: to(`orders/${entry.order_id}`) }, "its order");
  return entry.transfer_id ? `transfer ${entry.transfer_id}` : entry.detail;
}
