// What is on the page. Everything that came from outside goes in as text, never as markup.

import { isTerminal } from "./live.js";

const NETWORKS = {
  eth: "Ethereum (ERC-20)",
  bsc: "BNB Chain (BEP-20)",
  tron: "Tron (TRC-20)",
  polygon: "Polygon",
  base: "Base",
  arb: "Arbitrum One",
  op: "OP Mainnet",
  linea: "Linea",
  avaxc: "Avalanche C-Chain",
  sepolia: "Sepolia (test network)",
  nile: "Nile (Tron test network)",
  demo: "Simulated network",
};

// The server's texts are for developers; these are the ones a shopper can meet.
const PROBLEMS = {
  "signature expired": "This payment link is too old. Ask the shop for a new one.",
  "signature verification failed": "This payment link isn’t valid. Ask the shop for a new one.",
  "order not found": "There is no such order. Ask the shop for a new payment link.",
  "order is not pending": "This order is already closed.",
  "a payment is already on its way": "Your payment is already on its way, so the order can’t be cancelled any more.",
};

export const $ = (id) => document.getElementById(id);

export const networkName = (blockchain) => NETWORKS[blockchain] ?? blockchain;

export function showProblem(error) {
  setText($("problem"), error ? (PROBLEMS[error.message] ?? error.message) : "");
}

/// The one line that says where things stand; a screen reader reads each change.
export function showStatus(text, mood = "") {
  setText($("status"), text);
  $("status").dataset.mood = mood;
}

export function showBill(order, payment) {
  // Once there is an exact amount, the page shows no other one.
  const exact = order.payment ?? payment;
  setText($("amount"), exact ? `${exact.amount} ${exact.stablecoin}` : order.amount);
  setText($("description"), order.description ?? "");
  setText($("reference"), `Order ${order.merchant_order_id}`);
  show("description", Boolean(order.description));
  show("bill", true);
}

export function showTimeLeft(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 60) % 60, whole % 60].map((n) => String(n).padStart(2, "0"));
  const hours = Math.floor(whole / 3600);
  setText($("left"), `${hours ? `${hours}:` : ""}${parts.join(":")} left`);
}

/// Coins first, then the networks that the chosen one travels on.
export function fillChoices(pairs) {
  const unique = (values) => [...new Set(values)];
  const networks = () => {
    const coin = chosen().stablecoin;
    const offered = pairs.filter((pair) => pair.stablecoin === coin).map((pair) => pair.blockchain);
    fillOptions("networks", "blockchain", unique(offered), networkName);
  };
  fillOptions("coins", "stablecoin", unique(pairs.map((pair) => pair.stablecoin)), (coin) => coin);
  networks();
  $("coins").onchange = networks;
}

export const chosen = () => Object.fromEntries(new FormData($("choose")));

function fillOptions(place, name, values, label) {
  const before = chosen()[name];
  const preferred = values.includes(before) ? before : values[0];
  $(place).replaceChildren(
    ...values.map((value) => {
      const input = Object.assign(document.createElement("input"), { type: "radio", name, value });
      input.checked = value === preferred;
      const option = document.createElement("label");
      option.append(input, label(value));
      return option;
    }),
  );
}

export function fillPayment(order, payment) {
  const network = networkName(payment.blockchain);
  setText($("payment-title"), `Send ${payment.stablecoin} on ${network}`);
  setText($("unit"), payment.stablecoin);
  setText($("pay-amount"), payment.amount);
  setText($("pay-address"), payment.wallet_address);
  setText($("only"), `Send only ${payment.stablecoin}, only on ${network}.`);
  show("tail", Number(payment.amount) !== Number(order.amount));
}

/// Shows the part of the page that fits the order, and nothing else.
export function showStage(order, { payment, pairs, returning }) {
  const seen = order.payment;
  const open = !isTerminal(order);
  show("choose", open && !seen && !payment);
  show("payment", open && !seen && Boolean(payment));
  show("other", pairs.length > 1);
  show("progress", open && Boolean(seen));
  show("done", !open);
  show("cancel", open && !seen);
  show("left", open && !seen);
  showExplorer(seen?.explorer_url);
  if (!open) showEnd(order, returning);
  else if (seen) showConfirmations(seen);
  else showStatus(payment ? "Waiting for your payment" : "Choose how to pay");
}

function showConfirmations({ confirmations, confirmations_required: required }) {
  $("bar").max = required;
  $("bar").value = Math.min(confirmations, required);
  showStatus(`Payment seen: ${confirmations} of ${required} confirmations`, "busy");
}

function showEnd(order, returning) {
  const [status, advice, mood, back] = {
    paid: ["Paid", "Thank you. Your payment is confirmed.", "good", order.success_url],
    expired: ["This order has expired", "Don’t send anything any more. If you already have, contact the shop: it can see the payment.", "bad", order.cancel_url],
    cancelled: ["This order was cancelled", "Don’t send anything any more.", "bad", order.cancel_url],
  }[order.status];
  showStatus(status, mood);
  setText($("advice"), returning ? `${advice} You go back to the shop in a moment.` : advice);
  linkTo($("return"), back);
  show("return", isWebLink(back));
}

function showExplorer(url) {
  linkTo($("explorer").firstElementChild, url);
  show("explorer", isWebLink(url));
}

// A link that came from outside could also be a script.
export const isWebLink = (url) => /^https?:\/\//i.test(url ?? "");

function linkTo(anchor, url) {
  if (isWebLink(url)) anchor.href = url;
  else anchor.removeAttribute("href");
}

export function show(id, visible) {
  $(id).hidden = !visible;
}

// Text that is the same is left alone, or a screen reader would read it out again.
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.setAttribute("aria-label", `Copy the ${button.dataset.name}`);
  button.addEventListener("click", () => copy(button));
}

async function copy(button) {
  const source = $(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
  } catch {
    // Without https there is no clipboard API, and the old way needs a selection.
    getSelection().selectAllChildren(source);
    if (!document.execCommand("copy")) return;
  }
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = "Copy"), 2_000);
}
