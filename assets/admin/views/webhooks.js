// What the shop is told, what it was not told yet, and why.

import { to } from "../address.js";
import { post } from "../api.js";
import { ask } from "../dialog.js";
import { h } from "../dom.js";
import { due } from "../due.js";
import { foreign } from "../foreign.js";
import { moment, webhookBadge } from "../format.js";
import { pages } from "../pages.js";
import { toast } from "../toast.js";
import { attempts } from "./attempts.js";

export async function load(opened) {
  const { rows, more } = await pages(opened, "webhooks", {}, 25);
  const cards = rows.map((event) => card(event, opened.refresh));
  const none = h("section", { class: "card" }, h("p", { class: "nothing" }, "None was sent so far."));
  return { title: "Webhooks", again: due(rows), actions: h("button", { id: "test", onclick: test }, "Send a test"), content: rows.length ? [cards, more] : none };
}

function card(event, refresh) {
  const resend = async () => {
    const path = event.order_id ? `orders/${event.order_id}` : `transfers/${event.transfer_id}`;
    try {
      await post(`${path}/resend-webhook`);
      toast("It is on its way again.");
      refresh();
    } catch (error) {
      toast(error.message);
    }
  };
  const about = event.order_id ? h("a", { href: to(`orders/${event.order_id}`) }, "Order ", foreign(named(event))) : `Unmatched transfer ${event.transfer_id}`;
  return h(
    "article",
    { class: "card stray" },
    h("header", { class: "row between" }, h("h2", {}, about, " ", webhookBadge(event.state, event.attempts)), h("button", { id: `resend-${event.id}`, onclick: resend }, "Resend")),
    h("p", { class: "soft" }, h("code", {}, foreign(event.url)), ", ", moment(event.created_at), event.state === "queued" && event.next_attempt_at ? [", next attempt ", moment(event.next_attempt_at)] : null),
    attempts(event.tries)
  );
}

/** The merchant's id of the order, which the webhook tells. */
const named = ({ body, order_id: id }) => JSON.parse(body).merchant_order_id ?? id;

async function test() {
  const fields = h("label", { for: "url" }, "Address", h("input", { id: "url", name: "url", type: "url", required: true, placeholder: "https://shop.example.com/webhook" }));
  const text = h("p", {}, "Sends one signed event of the type “test” there, now, and shows the answer.");
  const told = await ask({ title: "Send a test webhook", text, fields, confirm: "Send", act: ({ url }) => post("webhooks/test", { url }) });
  if (!told) return;
  const answer = told.status ? `It answered ${told.status} after ${told.latency_ms} ms.` : `It could not be reached: ${told.error}`;
  toast(told.status === 200 ? `${answer} That counts as delivered.` : `${answer} Only exactly 200 counts as delivered.`);
}
