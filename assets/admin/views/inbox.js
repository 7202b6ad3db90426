// Money that arrived and pays nothing: what each transfer was probably meant for, and what to do with it.

import { to } from "../address.js";
import { get, post } from "../api.js";
import { ask } from "../dialog.js";
import { h } from "../dom.js";
import { foreign } from "../foreign.js";
import { badge, chainName, date, money, short, upTo } from "../format.js";
import { pages } from "../pages.js";
import { reasonField } from "../reason.js";
import { toast } from "../toast.js";
import { assignToAnother } from "./assign_other.js";
import { claimsList } from "./claims.js";
import { transaction } from "./transaction.js";

export async function load(opened) {
  const small = opened.query.small === "true";
  const [{ rows, more }, { now }] = await Promise.all([pages(opened, "transfers", { unmatched: true, small }, 20), get("stats")]);
  const strays = rows.map((transfer) => stray(transfer, opened.refresh));
  return {
    title: small ? "Small transfers" : "Inbox",
    content: [h("p", { class: "soft" }, small ? SMALL : LARGE), other(small, now), rows.length ? [strays, more] : clear(small)],
  };
}

const LARGE = "Money that reached your wallets and fits no order by the rules. Nobody but you can say whose it is.";
const SMALL =
  "Too little to be reported to you (payments.report_from), and mostly sent so that you copy the sender's address, which resembles one that you know. Never pay to an address from this list.";

/** The way to what is not shown: small transfers are many, and must not bury the others. */
function other(small, { small_transfers: count }) {
  if (small) return h("p", {}, h("a", { id: "large", href: to("inbox") }, "Back to the inbox"));
  return count > 0 && h("p", {}, h("a", { id: "small", href: to("inbox", { small: true }) }, `Small transfers: ${upTo(count)}`));
}

const clear = (small) =>
  h("section", { class: "card" }, h("h2", {}, small ? "None" : "All clear"), h("p", { class: "nothing" }, small ? "No small transfer is here." : "Every payment found its order."));

/** One transfer with what can be done about it. */
function stray(transfer, refresh) {
  const { likely: orders = [], claims = [] } = transfer;
  const name = `transfer-${transfer.id}`;
  const likely = orders.map((order) => guess(transfer, order, refresh));
  return h(
    "article",
    { class: "card stray", "aria-labelledby": name },
    h(
      "header",
      { class: "row between" },
      h("h2", { id: name }, money(transfer.value, transfer.token), ` on ${chainName(transfer.blockchain)}`),
      h("span", { class: "row" }, h("button", { id: `${name}-other`, onclick: () => assignToAnother(transfer, refresh) }, "Assign to another order"), h("button", { id: `${name}-ignore`, onclick: () => ignore(transfer, refresh) }, "Ignore"))
    ),
    h("p", { class: "soft" }, date(transfer.block_timestamp), " from ", short(transfer.from_address), " in ", transaction(transfer), " to ", short(transfer.to_address)),
    likely.length ? [h("h3", {}, "Probably meant for"), h("ul", { class: "guesses" }, likely)] : h("p", {}, "No order comes close to it."),
    claims.length ? [h("h3", {}, "Customers who say that it is theirs"), claimsList(claims)] : null
  );
}

function guess(transfer, order, refresh) {
  const asked = `asked for ${order.value} ${order.token} on ${chainName(order.blockchain)}`;
  return h(
    "li",
    {},
    h("p", {}, h("a", { href: to(`orders/${order.order_id}`) }, "Order ", foreign(order.merchant_order_id)), " ", badge(order.order_status), ` ${asked}: `, h("strong", {}, order.why), "."),
    h("button", { id: `assign-${transfer.id}-${order.order_id}`, onclick: () => assign(transfer, order, refresh), disabled: order.order_status === "paid" }, "Assign")
  );
}

async function assign(transfer, order, refresh) {
  const text = h("p", {}, "Order ", foreign(order.merchant_order_id), ` (${order.order_amount}) becomes paid by these ${transfer.value} ${transfer.token}, and your shop is told. This cannot be undone.`);
  const act = ({ reason }) => post(`transfers/${transfer.id}/assign`, { order_id: order.order_id, reason: reason || null });
  if (await ask({ title: ["Assign to order ", foreign(order.merchant_order_id), "?"], text, fields: reasonField(), confirm: "Assign", act })) {
    toast("Order ", foreign(order.merchant_order_id), " is paid.");
    refresh();
  }
}

async function ignore(transfer, refresh) {
  const text = h("p", {}, "It leaves the inbox and stays in the list of all transfers, where you can bring it back.");
  const act = ({ reason }) => post(`transfers/${transfer.id}/ignore`, { reason: reason || null });
  if (await ask({ title: `Ignore these ${transfer.value} ${transfer.token}?`, text, fields: reasonField(), confirm: "Ignore", act })) {
    toast("Ignored.");
    refresh();
  }
}
