// The checkout, start to end: read the link, let the shopper choose, show where to pay, follow the order.
// The document gets "ocrch:payment" and "ocrch:order" events, for scripts that add to the page.

import { ApiError, client, readLink } from "./api.js";
import { isTerminal, watch } from "./live.js";
import * as view from "./view.js";
import { $ } from "./view.js";

const RETURN_AFTER_MS = 5_000;

const link = readLink(location.href);
const api = link && client(link);
const state = { order: null, pairs: [], payment: null, returning: false };

if (api) start();
else end(new ApiError("This payment link is incomplete. Ask the shop for a new one.", 400));

async function start() {
  view.show("again", false);
  try {
    [state.order, state.pairs] = await Promise.all([api.status(), api.chains()]);
  } catch (error) {
    return end(error);
  }
  view.showProblem(null);
  view.fillChoices(state.pairs);
  update(state.order);
  if (isTerminal(state.order)) return;
  watch(api, state.order, { onOrder: update, onEnd: end });
  setInterval(showTimeLeft, 1_000);
  showTimeLeft();
  resume();
}

function update(order) {
  const before = state.order;
  // A message can be overtaken by the answer to a cancellation: closed stays closed.
  if (order !== before && isTerminal(before)) return;
  state.order = order;
  if (order.status === "paid" && before.status === "pending") returnSoon(order);
  view.showBill(order, state.payment);
  view.showStage(order, state);
  announce("ocrch:order", order);
}

/// Asks for a deposit for the pair and shows it; the same pair gives the same deposit again.
async function choose(pair) {
  await attempt($("choose"), async () => {
    state.payment = await api.choose(pair.blockchain, pair.stablecoin);
    remember(pair);
    view.fillPayment(state.order, state.payment);
    update(state.order);
    announce("ocrch:payment", state.payment);
    $("payment-title").focus();
  });
}

/// A reload shows the same payment again, and a single choice is no choice.
function resume() {
  const remembered = state.pairs.find((pair) => pairKey(pair) === recall());
  const pair = state.pairs.length === 1 ? state.pairs[0] : remembered;
  if (pair && !state.order.payment) choose(pair);
}

async function cancel() {
  await attempt($("cancel"), async () => update(await api.cancel()));
}

/// Runs one action with its control switched off, and shows what went wrong.
async function attempt(control, action) {
  const fields = control.elements ?? [control];
  for (const field of fields) field.disabled = true;
  view.showProblem(null);
  try {
    await action();
  } catch (error) {
    view.showProblem(error);
  } finally {
    for (const field of fields) field.disabled = false;
  }
}

/// Nothing more can be done with this link, or not now.
function end(error) {
  view.showStatus(error.status === 0 ? "No connection" : "This page can’t go on", "bad");
  view.showProblem(error);
  for (const id of ["choose", "payment", "cancel", "left"]) view.show(id, false);
  view.show("again", Boolean(api) && (error.status === 0 || error.status >= 429));
}

/// Only for a shopper who waited here: one who opens a paid order's page again wants to read it.
function returnSoon({ success_url: url }) {
  state.returning = view.isWebLink(url);
  if (state.returning) setTimeout(() => location.assign(url), RETURN_AFTER_MS);
}

function showTimeLeft() {
  if (state.order.expires_at) view.showTimeLeft(state.order.expires_at - api.now());
}

function announce(name, detail) {
  document.dispatchEvent(new CustomEvent(name, { detail }));
}

const pairKey = (pair) => `${pair.blockchain} ${pair.stablecoin}`;

// Storage can be forbidden; the shopper then chooses again after a reload.
function remember(pair) {
  try {
    sessionStorage.setItem(`ocrch ${link.orderId}`, pairKey(pair));
  } catch {}
}

function recall() {
  try {
    return sessionStorage.getItem(`ocrch ${link.orderId}`);
  } catch {
    return null;
  }
}

$("again").addEventListener("click", start);
$("choose").addEventListener("submit", (event) => {
  event.preventDefault();
  choose(view.chosen());
});
$("other").addEventListener("click", () => {
  state.payment = null;
  update(state.order);
  $("choose").querySelector("input:checked").focus();
});
$("cancel").addEventListener("click", () => $("sure").showModal());
$("sure").addEventListener("close", () => {
  if ($("sure").returnValue === "cancel") cancel();
  $("sure").returnValue = "";
});
