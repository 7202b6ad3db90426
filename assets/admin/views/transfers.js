// Every transfer to the shop's wallets, newest first.

import { to } from "../address.js";
import { address, post } from "../api.js";
import { h } from "../dom.js";
import { badge, chainName, money, moment, short } from "../format.js";
import { pages } from "../pages.js";
import { table } from "../table.js";
import { toast } from "../toast.js";
import { transaction } from "./transaction.js";

const STATUSES = ["waiting_for_confirmation", "matched", "no_matched_deposit", "failed_to_confirm"];
const FIELDS = ["q", "status"];

export async function load(opened) {
  const { query, refresh } = opened;
  const filter = Object.fromEntries(FIELDS.map((field) => [field, query[field]]));
  const found = await pages(opened, "transfers", filter, 50);
  return {
    title: "Transfers",
    actions: h("a", { class: "button", href: address("transfers.csv", filter), download: "transfers.csv" }, "Export CSV"),
    content: [filters(filter), h("section", { class: "card flush" }, content(found, refresh))],
  };
}

function content({ rows, more }, refresh) {
  if (!rows.length) return [h("h2", {}, "No transfers"), h("p", { class: "nothing" }, "None reached your wallets so far, or none fits the search.")];
  const columns = [
    { name: "Transaction", head: true, of: transaction },
    { name: "Amount", number: true, of: (t) => money(t.value, t.token) },
    { name: "Network", of: (t) => chainName(t.blockchain) },
    { name: "From", of: (t) => short(t.from_address) },
    { name: "Status", of: (t) => [badge(t.ignored ? "ignored" : t.status), progress(t), t.vanished && [" ", h("span", { class: "badge bad" }, "Gone from the chain")]] },
    { name: "For", of: (t) => whom(t, refresh) },
    { name: "Mined", of: (t) => moment(t.block_timestamp) },
  ];
  return [table("Transfers", columns, rows), more];
}

const progress = (t) =>
  t.status === "waiting_for_confirmation" && h("span", { class: "soft" }, ` ${t.confirmations} of ${t.confirmations_required}${t.held_back ? `; held back: ${t.held_back}` : ""}`);

function whom(transfer, refresh) {
  if (transfer.order_id) return h("a", { href: to(`orders/${transfer.order_id}`) }, "its order");
  if (transfer.ignored) return h("button", { id: `unignore-${transfer.id}`, onclick: () => bringBack(transfer, refresh) }, `Back to ${list(transfer)}`);
  return transfer.status === "no_matched_deposit" ? h("a", { href: to("inbox", { small: transfer.small }) }, list(transfer)) : null;
}

/** Where a transfer waits that no order does. */
const list = (transfer) => (transfer.small ? "small transfers" : "inbox");

async function bringBack(transfer, refresh) {
  try {
    await post(`transfers/${transfer.id}/unignore`);
    toast(transfer.small ? "It is among the small transfers again." : "It is in the inbox again.");
    refresh();
  } catch (error) {
    toast(error.message);
  }
}

function filters(filter) {
  const go = (form) => (location.hash = to("transfers", Object.fromEntries(new FormData(form))));
  const submit = (event) => {
    event.preventDefault();
    go(event.currentTarget);
  };
  const options = STATUSES.map((status) => h("option", { value: status, selected: status === filter.status }, badge(status).textContent));
  return h(
    "form",
    { class: "filters", role: "search", onsubmit: submit },
    h("label", { for: "filter-q", class: "wide" }, "Transaction", h("input", { id: "filter-q", name: "q", type: "search", value: filter.q ?? "", placeholder: "Its hash" })),
    h("label", { for: "filter-status" }, "Status", h("select", { id: "filter-status", name: "status", onchange: (event) => go(event.currentTarget.form) }, h("option", { value: "" }, "All"), options)),
    h("button", {}, "Search")
  );
}
