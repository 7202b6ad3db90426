// All orders, newest first: searched, filtered, and exported.

import { to } from "../address.js";
import { address } from "../api.js";
import { h } from "../dom.js";
import { foreign, isolated } from "../foreign.js";
import { badge, chainName, money, moment, webhookBadge } from "../format.js";
import { pages } from "../pages.js";
import { table } from "../table.js";

const STATUSES = ["pending", "paid", "expired", "cancelled"];
const FIELDS = ["q", "status", "from", "to"];

export async function load(opened) {
  const { query } = opened;
  const filter = Object.fromEntries(FIELDS.map((field) => [field, query[field]]));
  const found = await pages(opened, "orders", asked(filter), 50);
  return {
    title: "Orders",
    actions: [
      h("a", { class: "button", href: address("orders.csv", asked(filter)), download: "orders.csv" }, "Export CSV"),
      h("a", { class: "button main", href: to("new") }, "New order"),
    ],
    content: [filters(filter), h("section", { class: "card flush" }, content(found, filter))],
  };
}

function content({ rows, more }, filter) {
  if (!rows.length) {
    const some = FIELDS.some((field) => filter[field]);
    return [h("h2", {}, "No orders"), h("p", { class: "nothing" }, some ? "Nothing fits this search." : "Your shop has not created any yet.")];
  }
  return [ordersTable("Orders", rows), more];
}

/** Orders as rows; other views show some of them, too. */
export const ordersTable = (caption, rows) =>
  table(
    caption,
    [
      { name: "Order", head: true, of: (order) => h("a", { id: `order-${order.order_id}`, class: "cut", title: isolated(order.merchant_order_id), href: to(`orders/${order.order_id}`) }, foreign(order.merchant_order_id)) },
      { name: "Amount", number: true, of: (order) => money(order.amount) },
      { name: "Status", of: (order) => [badge(order.status), order.payment && order.status === "pending" && [" ", badge("waiting_for_confirmation")]] },
      { name: "Paid with", of: (order) => order.payment && `${order.payment.stablecoin} on ${chainName(order.payment.blockchain)}` },
      { name: "Webhook", of: webhook },
      { name: "Created", of: (order) => moment(order.created_at) },
    ],
    rows
  );

function webhook(order) {
  if (order.status === "pending" || !order.webhook_url) return null;
  if (order.webhook_success_at) return badge("delivered");
  return webhookBadge("queued", order.webhook_retry_count);
}

function filters(filter) {
  const go = (form) => (location.hash = to("orders", Object.fromEntries(new FormData(form))));
  const submit = (event) => {
    event.preventDefault();
    go(event.currentTarget);
  };
  const field = (name, label, input) => h("label", { for: `filter-${name}`, class: name === "q" ? "wide" : null }, label, input);
  const options = STATUSES.map((status) => h("option", { value: status, selected: status === filter.status }, badge(status).textContent));
  return h(
    "form",
    { class: "filters", role: "search", onsubmit: submit },
    field("q", "Search", h("input", { id: "filter-q", name: "q", type: "search", value: filter.q ?? "", placeholder: "Your order id, Ocrch's id or a transaction" })),
    field("status", "Status", h("select", { id: "filter-status", name: "status", onchange: (event) => go(event.currentTarget.form) }, h("option", { value: "" }, "All"), options)),
    field("from", "From", h("input", { id: "filter-from", name: "from", type: "date", value: filter.from ?? "" })),
    field("to", "To", h("input", { id: "filter-to", name: "to", type: "date", value: filter.to ?? "" })),
    h("button", {}, "Search")
  );
}

/** Days of this browser's calendar as Unix times. */
function asked({ from, to: until, ...rest }) {
  const start = (day) => Math.floor(new Date(`${day}T00:00:00`).getTime() / 1000);
  return { ...rest, from: from && start(from), to: until && start(until) + 86_399 };
}
