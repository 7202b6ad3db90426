// A payment link made by hand: for an invoice, a chat, a counter.

import { to } from "../address.js";
import { get, list, post } from "../api.js";
import { copyButton } from "../copy.js";
import { h, replace } from "../dom.js";
import { foreign } from "../foreign.js";
import { chainName } from "../format.js";
import { qrCode } from "../qr.js";

/** What is typed and not sent yet. The session may end meanwhile, and the form with it. */
let draft = null;

export async function load({ kept, refresh }) {
  const show = (order) => {
    kept.made = order;
    return refresh();
  };
  if (kept.made) return { title: "Payment link", actions: h("button", { onclick: () => show(null) }, "Another one"), content: link(kept.made) };
  const [wallets, latest] = await Promise.all([get("wallets"), list("orders", { limit: 20 })]);
  const webhooks = new Set(latest.rows.map((order) => order.webhook_url).filter(Boolean));
  return { title: "New order", content: form(wallets, [...webhooks], show) };
}

function form(wallets, webhooks, show) {
  const problem = h("p", { role: "alert" });
  const button = h("button", { class: "main" }, "Create payment link");
  const say = (text) => {
    problem.className = text && "problem";
    problem.textContent = text;
  };
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    say("");
    try {
      const made = await post("orders", asked(new FormData(event.currentTarget)));
      draft = null;
      await show(made);
    } catch (error) {
      say(error.message);
      button.disabled = false;
    }
  };
  const coins = [...new Set(wallets.flatMap((wallet) => wallet.enabled_coins))];
  const options = (names) => [h("option", { value: "" }, "The customer chooses"), names.map(([value, text]) => h("option", { value }, text))];
  const choice = (id, label, names, onchange) => h("label", { for: id }, label, h("select", { id, name: id, onchange }, options(names)));
  const network = choice("blockchain", "Network", chainsOf(wallets, ""));
  /** Only networks on which somebody can pay the coin. */
  const narrow = ({ currentTarget: coin }) => {
    const select = network.querySelector("select");
    const chosen = select.value;
    replace(select, options(chainsOf(wallets, coin.value)));
    select.value = [...select.options].some((option) => option.value === chosen) ? chosen : "";
  };
  // What was said was about what stood there before.
  const changed = () => (say(""), (draft = new FormData(form)));
  const form = h(
    "form",
    { class: "card", onsubmit: submit, oninput: changed },
    h(
      "div",
      { class: "fields" },
      h("label", { for: "order_id" }, "Your order or invoice number", h("input", { id: "order_id", name: "order_id", required: true, maxlength: 255, autocomplete: "off" })),
      h("label", { for: "amount" }, "Amount", h("input", { id: "amount", name: "amount", required: true, inputmode: "decimal", pattern: "[0-9]{1,12}(\\.[0-9]{1,6})?", placeholder: "19.99", title: "Digits with a point, six after it at most", autocomplete: "off" })),
      h("label", { for: "description", class: "whole" }, "What for", h("span", { class: "hint" }, "The customer reads this."), h("input", { id: "description", name: "description", maxlength: 200 })),
      choice("stablecoin", "Coin", coins.map((coin) => [coin, coin]), narrow),
      network,
      h("label", { for: "expires_in" }, "Valid for", h("select", { id: "expires_in", name: "expires_in" }, h("option", { value: "" }, "The usual time"), VALID.map(([seconds, text]) => h("option", { value: seconds }, text)))),
      h("label", { for: "webhook_url" }, "Webhook", h("span", { class: "hint" }, "Where your shop hears that it was paid. Without one you see it here."), h("input", { id: "webhook_url", name: "webhook_url", type: "url", list: "webhooks", placeholder: "https://…" })),
      h("datalist", { id: "webhooks" }, webhooks.map((url) => h("option", { value: url }))),
      h("div", { class: "whole row" }, button),
      problem
    )
  );
  for (const [name, value] of draft ?? []) form.elements[name].value = value;
  return form;
}

/** The chains with a wallet that takes the coin, with their names. */
function chainsOf(wallets, coin) {
  const taking = wallets.filter((wallet) => !coin || wallet.enabled_coins.includes(coin));
  return [...new Set(taking.map((wallet) => wallet.blockchain))].map((chain) => [chain, chainName(chain)]);
}

const VALID = [
  [3_600, "1 hour"],
  [86_400, "1 day"],
  [604_800, "7 days"],
];

function asked(data) {
  const order = Object.fromEntries([...data].filter(([, value]) => value));
  if (order.expires_in) order.expires_in = Number(order.expires_in);
  return order;
}

const link = (order) => [
  h(
    "section",
    { class: "card row" },
    h("div", { class: "qr" }, qrCode(order.checkout_url, "QR code of the payment link")),
    h(
      "dl",
      { class: "facts" },
      h("dt", {}, "Order"),
      h("dd", {}, h("a", { href: to(`orders/${order.order_id}`) }, foreign(order.merchant_order_id))),
      h("dt", {}, "Amount"),
      h("dd", {}, order.amount),
      h("dt", {}, "Link"),
      h("dd", {}, h("code", {}, order.checkout_url)),
      h("dt", {}, h("span", { class: "hidden-text" }, "Copy")),
      h("dd", {}, copyButton(order.checkout_url, "Copy link"))
    )
  ),
  h("p", { class: "soft" }, "Whoever has this link can see the order and pay it. Send it to your customer only."),
];
