// Assigning a transfer to an order that nobody guessed: by its exact id, and only after it was shown.

import { get, list, post } from "../api.js";
import { ask } from "../dialog.js";
import { h } from "../dom.js";
import { foreign, isolated } from "../foreign.js";
import { badge, date, money } from "../format.js";
import { reasonField } from "../reason.js";
import { toast } from "../toast.js";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** More orders of one id than this nobody wants to choose from. */
const MOST = 20;

export async function assignToAnother(transfer, refresh) {
  const found = await which(transfer);
  const order = found && (await confirmed(transfer, found));
  if (!order) return;
  toast("Order ", foreign(order.merchant_order_id), " is paid.");
  refresh();
}

/** Asks for an id; resolves to the orders that have it, or to null. */
function which({ value, token }) {
  return ask({
    title: "Assign to another order",
    text: h("p", {}, `Which order are these ${value} ${token} for? You will see it before anything is done.`),
    fields: h("label", { for: "order" }, "Order", h("span", { class: "hint" }, "The whole of your order id, or of Ocrch's."), h("input", { id: "order", name: "order", required: true, autocomplete: "off", spellcheck: "false" })),
    confirm: "Find order",
    act: ({ order }) => unpaidOrders(order.trim()),
  });
}

/** The orders with exactly this id that can still be paid. A merchant's id may be that of several. */
async function unpaidOrders(id) {
  const found = [...(await ofMerchant(id)), ...(await ofOcrch(id))];
  if (!found.length) throw new Error(`There is no order ${isolated(id)}. The id must be whole, with upper and lower case as they are.`);
  if (found.length > MOST) throw new Error(`More than ${MOST} orders have this id. Use Ocrch's own id of the order.`);
  const unpaid = found.filter((order) => order.status !== "paid");
  if (!unpaid.length) throw new Error(`Order ${isolated(id)} (${found[0].amount}) is paid already.`);
  return unpaid;
}

const ofMerchant = async (id) => (await list("orders", { merchant_order_id: id, limit: MOST + 1 })).rows;

async function ofOcrch(id) {
  if (!UUID.test(id)) return [];
  try {
    return [(await get(`orders/${id.toLowerCase()}`)).order];
  } catch (error) {
    if (error.status === 404) return [];
    throw error;
  }
}

/** Shows what was found, and assigns; resolves to the order, or to null. */
async function confirmed({ id, value, token }, orders) {
  const act = async ({ order: chosen, reason }) => {
    const order = orders.find(({ order_id: one }) => one === chosen) ?? orders[0];
    await post(`transfers/${id}/assign`, { order_id: order.order_id, reason: reason || null });
    return order;
  };
  return ask({
    title: orders.length > 1 ? "Which of these orders?" : ["Assign to order ", foreign(orders[0].merchant_order_id), "?"],
    text: h("p", {}, `It becomes paid by these ${value} ${token}, and your shop is told. This cannot be undone.`),
    fields: [orders.length > 1 ? h("fieldset", { class: "choices" }, h("legend", { class: "hidden-text" }, "Order"), orders.map(choice)) : shown(orders[0]), reasonField()],
    confirm: "Assign",
    act,
  });
}

const choice = (order) => h("label", {}, h("input", { type: "radio", name: "order", value: order.order_id, required: true }), shown(order));

/** What tells an order from others. */
const shown = (order) =>
  h(
    "span",
    { class: "order" },
    h("span", { class: "row" }, h("strong", {}, foreign(order.merchant_order_id)), money(order.amount), badge(order.status)),
    order.description && h("span", {}, foreign(order.description)),
    h("span", { class: "soft" }, "Created ", date(order.created_at)),
    h("code", {}, order.order_id)
  );
