// Today at a glance, and whatever needs somebody.

import { to } from "../address.js";
import { get, list } from "../api.js";
import { h } from "../dom.js";
import { chainName, count, counted, money, upTo } from "../format.js";
import { health } from "./chains.js";
import { ordersTable } from "./orders.js";

export async function load() {
  const today = Math.floor(Date.now() / 86_400_000) * 86_400;
  const [stats, chains, orders] = await Promise.all([get("stats", { from: today }), get("chains"), list("orders", { limit: 8 })]);
  return {
    title: "Today",
    actions: h("a", { class: "button main", href: to("new") }, "New order"),
    content: [
      tiles(stats),
      needs(stats.now, chains),
      h("div", { class: "columns" }, received(stats.total), chainHealth(chains)),
      h("section", { class: "card flush" }, h("h2", {}, "Latest orders"), orders.rows.length ? ordersTable("Latest orders", orders.rows) : h("p", { class: "nothing" }, "Your shop has not created any yet. ", h("a", { href: to("new") }, "Make one by hand"), " to see how it goes.")),
    ],
  };
}

function tiles({ total, now }) {
  const tile = (label, figure, more, href, bad) => h("a", { class: bad ? "tile bad" : "tile", href }, h("span", { class: "label" }, label), h("span", { class: "figure" }, figure), h("span", { class: "more" }, more));
  return h(
    "div",
    { class: "tiles" },
    tile("Paid today (UTC)", count(total.paid), sums(total.payments) || "nothing yet", to("orders", { status: "paid" })),
    tile("Pending", upTo(now.pending_orders), `${counted(now.waiting_transfers, "payment")} confirming`, to("orders", { status: "pending" })),
    tile("Unmatched money", upTo(now.unmatched_transfers), "needs your decision", to("inbox"), now.unmatched_transfers > 0),
    tile("Stuck webhooks", upTo(now.failing_webhooks), "your shop was not told", to("webhooks"), now.failing_webhooks > 0)
  );
}

const sums = (payments) => payments.map((payment) => `${payment.amount} ${payment.token ?? "by hand"}`).join(", ");

function needs(now, chains) {
  const problems = [
    now.unmatched_transfers && h("a", { href: to("inbox") }, `${counted(now.unmatched_transfers, "transfer")} without an order.`),
    now.failing_webhooks && h("a", { href: to("webhooks") }, `${counted(now.failing_webhooks, "webhook")} could not be delivered.`),
    ...chains.filter((chain) => health(chain)[1] === "bad").map((chain) => h("a", { href: to("chains") }, `${chain.name} cannot be read.`)),
  ].filter(Boolean);
  if (!problems.length) return null;
  return h("section", { class: "card" }, h("h2", {}, "Needs a look"), h("ul", { class: "guesses" }, problems.map((problem) => h("li", {}, problem))));
}

function received(total) {
  const row = (payment) => [h("dt", {}, payment.blockchain ? chainName(payment.blockchain) : "Marked by hand"), h("dd", {}, money(payment.amount, payment.token), h("span", { class: "soft" }, `, ${counted(payment.orders, "order")}`))];
  return h("section", { class: "card" }, h("h2", {}, "Received today"), total.payments.length ? h("dl", { class: "facts" }, total.payments.map(row)) : h("p", { class: "nothing" }, "Nothing yet."));
}

function chainHealth(chains) {
  const row = (chain) => {
    const [text, mood] = health(chain);
    return [h("dt", {}, chain.name), h("dd", {}, h("span", { class: `badge ${mood}` }, text), chain.lag_blocks > 20 && h("span", { class: "soft" }, ` ${count(chain.lag_blocks)} blocks behind`))];
  };
  return h("section", { class: "card" }, h("h2", {}, "Chains"), chains.length ? h("dl", { class: "facts" }, chains.map(row)) : h("p", { class: "nothing" }, "No wallet is configured, so nobody can pay yet."));
}
