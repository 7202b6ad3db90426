// The checkout, start to end: read the link, let the shopper choose, show where to pay, follow the order.
// All that is on the page is drawn from `state`; what a shopper can do is in `act`.
// The document gets "ocrch:payment" and "ocrch:order" events, for scripts that add to the page.

import { ApiError } from "./api.js";
import { api, ask, first, link } from "./asked.js";
import { firstChoice, isDegraded, isOffered, rememberChoice } from "./choose.js";
import { isTerminal, watch } from "./live.js";
import { degradedKey, isOver, page, reason, screenOf } from "./screens.js";
import { isWebLink, network, settings } from "./settings.js";
import { rememberLanguage, speak, speakFirst, t } from "./text.js";
import { render } from "./vendor/lit-html.js";

const RETURN_AFTER_S = 10;
// How often the page asks again how the networks are.
const PAIRS_AFTER_MS = 30_000;
const WARNINGS = [{ at: 300, text: "pay.fiveMinutes" }, { at: 60, text: "pay.oneMinute" }];
// A second can be missed; a warning much too late would be wrong.
const LATE_BY_S = 15;

const $ = (id) => document.getElementById(id);
const framed = window.parent !== window;

const state = {
  order: null,
  pairs: [],
  choice: null, // what is marked in the form
  payment: null, // what to send, once a coin and a network are chosen
  problem: null, // what went wrong last, and can be tried again
  dead: null, // why the page can't go on
  offline: false,
  busy: false,
  resuming: true, // nothing to choose yet
  left: null, // seconds
  returnIn: null, // seconds until the shop's page opens
  dropped: false, // a payment was seen and is gone again
  views: {}, // screens that are loaded when they are needed
};

let asked = first;
let pairsAskedAt = Date.now();
let frame = null;
let watching = false;
let drawn = null;
let warnedAt = Infinity;

/// Asks for the order and the ways to pay, while the rest is still `loading`; then shows the first screen.
async function start(loading = Promise.resolve()) {
  state.dead = null;
  try {
    [state.order, state.pairs] = await (asked ?? ask());
  } catch (error) {
    await loading;
    return end(error);
  } finally {
    asked = null;
  }
  await loading;
  state.choice = firstChoice(state.pairs, link.orderId);
  const pair = onlyChoice();
  setTimeLeft();
  state.resuming = Boolean(pair) && state.order.status === "pending" && !state.order.payment && !isOver(state.left);
  update(state.order);
  if (isTerminal(state.order)) return;
  if (!watching) watch(api, state.order, { onOrder: update, onConnection, onEnd: end });
  watching = true;
  if (state.resuming) await choose(pair);
}

function update(order) {
  const before = state.order;
  // A message can be overtaken by the answer to a cancellation: closed stays closed.
  if (order !== before && isTerminal(before)) return;
  state.order = order;
  setTimeLeft();
  state.dropped = order.status === "pending" && !order.payment && (state.dropped || Boolean(before.payment));
  if (order.status === "paid" && before.status === "pending") returnSoon(order);
  if (isTerminal(order)) state.problem = null;
  draw();
  tell(before);
  frame?.status(order);
  document.dispatchEvent(new CustomEvent("ocrch:order", { detail: order }));
}

/// How the networks are can change while a shopper thinks, waits, or is away: asked now and then while the page is looked at.
/// That the server does not answer is `watch`'s to say.
async function lookAtPairs() {
  const due = Date.now() - pairsAskedAt >= PAIRS_AFTER_MS;
  if (!due || !watching || !degradedKey(state) || state.busy || document.visibilityState === "hidden") return;
  pairsAskedAt = Date.now();
  const pairs = await api.chains().catch(() => null);
  if (!pairs) return;
  const before = state.pairs;
  state.pairs = pairs;
  if (!isOffered(pairs, state.choice)) state.choice = firstChoice(pairs, link.orderId);
  draw();
  const { blockchain } = state.order.payment ?? state.payment ?? state.choice;
  const news = isDegraded(pairs, blockchain) && !isDegraded(before, blockchain) && degradedKey(state);
  if (news) announce(t(news, { network: network(blockchain).label }));
}

/// Asks for a deposit for the pair and shows it; the same pair gives the same deposit again.
async function choose({ blockchain, stablecoin }) {
  await attempt(async () => {
    const [payment, pay] = await Promise.all([api.choose(blockchain, stablecoin), import("./pay.js")]);
    pay.prepare(payment, act);
    state.views.pay = pay.view;
    state.payment = payment;
    state.choice = { blockchain, stablecoin };
    rememberChoice(link.orderId, state.choice);
    document.dispatchEvent(new CustomEvent("ocrch:payment", { detail: payment }));
  });
}

/// A reload shows the same payment again, and a single choice is no choice.
function onlyChoice() {
  const [first, ...others] = state.pairs;
  if (state.choice.ofThisOrder) return state.choice;
  return others.every((pair) => pair.blockchain === first.blockchain && pair.stablecoin === first.stablecoin) ? first : null;
}

/// Runs one action with the page's controls switched off, and shows what went wrong.
async function attempt(action) {
  state.busy = true;
  state.problem = null;
  draw();
  try {
    await action();
  } catch (error) {
    state.problem = error;
    announce(reason(error));
  } finally {
    state.busy = state.resuming = false;
    draw(true);
  }
}

/// Nothing more can be done with this link, or not now.
function end(error) {
  state.dead = error;
  watching = false;
  draw();
  announce(reason(error));
}

function onConnection(works) {
  if (state.offline === !works) return;
  state.offline = !works;
  draw();
}

/// Only for a shopper who waited here: one who opens a paid order's page again wants to read it.
function returnSoon({ success_url: url }) {
  if (isWebLink(url)) state.returnIn = RETURN_AFTER_S;
}

function leave(url) {
  state.returnIn = null;
  if (framed) frame?.leave(url);
  else location.assign(url);
}

function setTimeLeft() {
  if (state.order?.expires_at) state.left = Math.floor(state.order.expires_at - api.now());
}

/// Once a second.
function tick() {
  setTimeLeft();
  lookAtPairs();
  if (screenOf(state) === "pay") warn();
  // Not in a tab that nobody looks at: two tabs with the same order would both go.
  if (state.returnIn !== null && document.visibilityState === "visible") {
    state.returnIn -= 1;
    if (state.returnIn <= 0) return leave(state.order.success_url);
  }
  draw();
}

function warn() {
  const due = WARNINGS.find(({ at }) => at < warnedAt && state.left <= at && state.left > at - LATE_BY_S);
  if (!due) return;
  warnedAt = due.at;
  announce(t(due.text));
}

/// Draws the page. A shopper who caused a new screen is taken to its heading, and so is one whose place is gone.
function draw(caused = false) {
  const screen = screenOf(state);
  const isFirst = drawn === null;
  if (isFirst) {
    $("page").replaceChildren();
    $("page").removeAttribute("aria-busy");
  }
  render(page(state, act), $("page"));
  if (screen === drawn) return;
  drawn = screen;
  document.title = [settings.title || settings.name || t("page.title"), title(screen)].filter(Boolean).join(" · ");
  window.scrollTo(0, 0);
  if (!isFirst && (caused || document.activeElement === document.body)) $("page").querySelector("h2")?.focus();
}

const title = (screen) => ({ seen: t("seen.title"), paid: t("paid.title"), expired: t("expired.title"), cancelled: t("cancelled.title") })[screen];

/// Says aloud what has changed by itself.
function tell(before) {
  const { status, payment } = state.order;
  if (status !== before.status) announce(t(`${status}.title`));
  else if (payment && payment.confirmations !== before.payment?.confirmations) {
    const { confirmations, confirmations_required: count } = payment;
    announce(`${t("seen.title")}: ${t("seen.count", { confirmations, count })}`);
  } else if (before.payment && !payment) announce(t("pay.dropped"));
}

function announce(text) {
  $("news").textContent = text;
}

const act = {
  draw,
  announce,
  choose,
  leave,
  retry: () => start(),
  claimed: (hash, blockchain) => api.claim(hash, blockchain),
  mark(choice) {
    state.choice = choice;
    draw();
  },
  change() {
    state.payment = null;
    draw(true);
  },
  stay() {
    state.returnIn = null;
    draw();
  },
  cancel: () => attempt(async () => update(await api.cancel())),
  async speak(code) {
    await attempt(() => speak(code));
    rememberLanguage(code);
  },
  async openClaim() {
    await attempt(async () => (state.views.claim = (await import("./claim.js")).view));
    document.getElementById("claim-hash")?.focus();
  },
};

/// What is only loaded where it is wanted. The checkout goes on without them.
async function loadExtras() {
  const extras = [];
  if (settings.accent) extras.push(import("./accent.js").then(({ applyAccent }) => applyAccent(settings.accent)));
  if (framed) extras.push(import("./frame.js").then((module) => (frame = module.frame())));
  await Promise.allSettled(extras);
}

async function open() {
  const loading = Promise.all([speakFirst(), loadExtras()]);
  if (api) await start(loading);
  else await loading.then(() => end(new ApiError("incomplete", 400)));
  setInterval(tick, 1_000);
}

// Without a language file there are no texts to say it with.
open().catch(() => $("page").replaceChildren("This page could not be loaded. Check your connection, then reload it."));
