// What admins did: when, from where, and why.

import { to } from "../address.js";
import { h } from "../dom.js";
import { foreign } from "../foreign.js";
import { date } from "../format.js";
import { pages } from "../pages.js";
import { table } from "../table.js";

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

export async function load(opened) {
  const trail = await pages(opened, "audit", {}, 50);
  return { title: "Audit trail", content: h("section", { class: "card flush" }, content(trail)) };
}

function content({ rows, more }) {
  if (!rows.length) return [h("h2", {}, "Nothing so far"), h("p", { class: "nothing" }, "Whatever an admin changes will be listed here.")];
  const columns = [
    { name: "What", head: true, of: (entry) => deed(entry.action) },
    { name: "About", of: about },
    { name: "Reason", of: (entry) => entry.reason && foreign(entry.reason) },
    { name: "From", of: (entry) => h("code", {}, entry.client) },
    { name: "When", of: (entry) => date(entry.at) },
  ];
  return [table("Audit trail", columns, rows), more];
}

function about(entry) {
  if (entry.order_id) return h("a", { href: to(`orders/${entry.order_id}`) }, "its order");
  return entry.transfer_id ? `transfer ${entry.transfer_id}` : entry.detail && foreign(entry.detail);
}
