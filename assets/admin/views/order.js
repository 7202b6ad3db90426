// One order: what it is, what happened, and what can be done about it.

import { to } from "../address.js";
import { get, post } from "../api.js";
import { copyButton } from "../copy.js";
import { ask } from "../dialog.js";
import { h } from "../dom.js";
import { due } from "../due.js";
import { foreign } from "../foreign.js";
import { badge, chainName, date, money, moment, short, webhookBadge } from "../format.js";
import { qrCode } from "../qr.js";
import { table } from "../table.js";
import { toast } from "../toast.js";
import { attempts } from "./attempts.js";
import { claimsList } from "./claims.js";
import { timeline } from "./timeline.js";
import { transaction } from "./transaction.js";

export async function load({ parameters, refresh }) {
  const detail = await get(`orders/${encodeURIComponent(parameters.id)}`);
  const { order } = detail;
  return {
    title: "Order",
    about: order.merchant_order_id,
    again: due(detail.webhooks),
    actions: actions(order, refresh),
    content: [
      h("div", { class: "columns" }, facts(detail), h("section", { class: "card" }, h("h2", {}, "What happened"), timeline(detail))),
      detail.claims.length ? h("section", { class: "card" }, h("h2", {}, "What the customer claims"), claimsList(detail.claims)) : null,
      h("section", { class: "card flush" }, h("h2", {}, "What the customer was asked for"), deposits(detail.deposits)),
      h("section", { class: "card flush" }, h("h2", {}, "Transfers"), transfers(detail.transfers)),
      h("section", { class: "card" }, h("h2", {}, "Webhooks"), webhooks(detail.webhooks, order)),
      link(order),
    ],
  };
}

function actions(order, refresh) {
  const done = (text) => (toast(text), refresh());
  const markPaid = async () => {
    const fields = h("label", { for: "reason" }, "Reason", h("span", { class: "hint" }, "Kept in the audit trail: how did the money arrive?"), h("textarea", { id: "reason", name: "reason", required: true, maxlength: 500 }));
    const told = order.webhook_url ? "Your shop is told, as if the payment had been seen." : "It has no webhook, so nobody is told.";
    const text = h("p", {}, foreign(order.merchant_order_id), ` (${order.amount}) becomes paid. ${told} This cannot be undone.`);
    const paid = await ask({ title: "Mark this order as paid?", text, fields, confirm: "Mark as paid", danger: true, act: ({ reason }) => post(`orders/${order.order_id}/mark-paid`, { reason }) });
    if (paid) done("Marked as paid.");
  };
  const resend = async () => {
    try {
      await post(`orders/${order.order_id}/resend-webhook`);
      done("The webhook is on its way.");
    } catch (error) {
      toast(error.message);
    }
  };
  return [
    order.checkout_url && copyButton(order.checkout_url, "Copy payment link"),
    order.status !== "pending" && order.webhook_url && h("button", { id: "resend", onclick: resend }, "Resend webhook"),
    order.status !== "paid" && h("button", { id: "mark-paid", class: "danger", onclick: markPaid }, "Mark as paid"),
  ];
}

const fact = (name, value) => (value || value === 0 ? [h("dt", {}, name), h("dd", {}, value)] : null);

function facts({ order, expecting_wallet_address: sender, blockchain, stablecoin }) {
  const paid = order.payment;
  return h(
    "section",
    { class: "card" },
    h("h2", { class: "hidden-text" }, "Facts"),
    h(
      "dl",
      { class: "facts" },
      fact("Status", badge(order.status)),
      fact("Amount", money(order.amount)),
      fact("For", order.description && foreign(order.description)),
      fact("Created", date(order.created_at)),
      order.status === "pending" && fact("Expires", moment(order.expires_at)),
      fact("Paid", order.paid_at && date(order.paid_at)),
      paid && fact(order.status === "paid" ? "Paid with" : "Payment seen", [money(paid.amount, paid.stablecoin), ` on ${chainName(paid.blockchain)}`]),
      paid && order.status === "pending" && fact("Confirmations", `${paid.confirmations} of ${paid.confirmations_required}`),
      paid && fact("From", short(paid.from_address)),
      paid && fact("Transaction", transaction(paid)),
      sender && fact("Only from", short(sender)),
      fact("Only with", [stablecoin, blockchain && chainName(blockchain)].filter(Boolean).join(" on ")),
      fact("Order id", h("code", {}, order.order_id)),
      fact("Webhook to", order.webhook_url && h("code", {}, foreign(order.webhook_url)))
    )
  );
}

function deposits(rows) {
  if (!rows.length) return h("p", { class: "nothing" }, "The customer has not chosen a coin and a network yet.");
  return table(
    "Deposits",
    [
      { name: "Network", head: true, of: (d) => chainName(d.blockchain) },
      { name: "Amount", number: true, of: (d) => money(d.value, d.token) },
      { name: "To", of: (d) => short(d.wallet_address) },
      { name: "Status", of: (d) => badge(d.status) },
      { name: "Since", of: (d) => moment(d.started_at) },
    ],
    rows
  );
}

function transfers(rows) {
  if (!rows.length) return h("p", { class: "nothing" }, "None was seen.");
  const list = table(
    "Transfers",
    [
      { name: "Transaction", head: true, of: transaction },
      { name: "Amount", number: true, of: (t) => money(t.value, t.token) },
      { name: "Network", of: (t) => chainName(t.blockchain) },
      { name: "Status", of: (t) => [badge(t.status), t.vanished && [" ", h("span", { class: "badge bad" }, "Gone from the chain")]] },
      { name: "Mined", of: (t) => moment(t.block_timestamp) },
    ],
    rows
  );
  return [list, rows.filter((t) => t.tail_dropped).map(siblings)];
}

/** Who else may have sent the bare amount: a customer who was asked for it with a tail, and left the tail out. */
function siblings(transfer) {
  const asked = transfer.likely.map((other) => h("li", {}, h("a", { href: to(`orders/${other.order_id}`) }, foreign(other.merchant_order_id)), ` was to pay ${other.value} ${other.token}: `, badge(other.order_status)));
  return h("div", { class: "nothing" }, h("p", {}, `Exactly ${transfer.value} ${transfer.token} pays this order. While it was open, other customers were asked for the same amount with a few digits more, and one of them may have left those out:`), h("ul", {}, asked));
}

function webhooks(rows, order) {
  if (!order.webhook_url) return h("p", { class: "nothing" }, "This order has no webhook: nobody is told of it.");
  if (!rows.length) return h("p", { class: "nothing" }, "Nothing to tell so far.");
  return rows.map((event) => h("div", {}, h("p", { class: "row" }, webhookBadge(event.state, event.attempts), h("span", { class: "soft" }, moment(event.created_at))), attempts(event.tries)));
}

function link(order) {
  if (order.status !== "pending" || !order.checkout_url) return null;
  return h(
    "section",
    { class: "card" },
    h("h2", {}, "Payment link"),
    h("div", { class: "row" }, h("div", { class: "qr" }, qrCode(order.checkout_url, "QR code of the payment link")), h("code", {}, order.checkout_url))
  );
}
