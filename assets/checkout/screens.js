// The page: the shop and its bill, the one screen that fits the order, and what goes wrong.
// Everything that came from outside goes in as text; only checked links become links.

import { anyCoin, choose, degradedNote, isDegraded } from "./choose.js";
import { isTerminal } from "./live.js";
import { isWebLink, network, settings } from "./settings.js";
import { clock, dateTime, duration, language, languages, nameOf, t } from "./text.js";
import { html, nothing } from "./vendor/lit-html.js";

const HURRY_BELOW_S = 120;

/// Whether the time to pay has passed, by the seconds that are left of it.
export const isOver = (left) => left !== null && left <= 0;

/// Which screen fits: "problem", "loading", "choose", "pay", "over", "seen", "paid", "expired" or "cancelled".
export function screenOf({ dead, order, payment, left, resuming }) {
  if (dead) return "problem";
  if (isTerminal(order)) return order.status;
  if (order.payment) return "seen";
  if (isOver(left)) return "over";
  if (payment) return "pay";
  return resuming ? "loading" : "choose";
}

/// What is said of a network that the server has trouble to see: on most screens money may be under way already.
export const degradedKey = (state) => ({ choose: "choose.degradedNote", seen: "choose.degradedNote", pay: "pay.degraded", over: "pay.degraded" })[screenOf(state)];

const SCREENS = {
  problem,
  loading: () => html`<span class="spinner"></span><h2 class="unseen" tabindex="-1">${t("page.loading")}</h2>`,
  choose,
  pay: (state, act) => state.views.pay(state, act),
  over,
  seen,
  paid,
  expired: ended,
  cancelled: ended,
};

export function page(state, act) {
  const screen = screenOf(state);
  return html`
    <header class="shop">
      ${logo()}
      <h1>${shopName()}</h1>
      ${languages.length > 1 ? languageSwitch(act) : nothing}
    </header>
    ${settings.demo ? html`<p class="demo">${t("page.demo")}</p>` : nothing}
    <main class=${screen} data-screen=${screen}>
      ${state.order ? bill(state) : nothing}
      <section class="card">
        ${state.offline && !state.dead ? html`<p class="note warn" role="alert">${t("problem.offline")}</p>` : nothing}
        ${state.problem ? html`<p class="note bad" role="alert">${reason(state.problem)}</p>` : nothing}
        ${SCREENS[screen](state, act)}
        ${["loading", "seen", "paid", "problem"].includes(screen) ? nothing : html`
          <div class="else">
            ${claim(state, act)}
            ${["choose", "pay"].includes(screen) ? cancelling(state, act) : nothing}
          </div>`}
      </section>
    </main>
    ${help()}`;
}

function shopName() {
  if (settings.title && settings.title !== settings.name) return settings.title;
  return settings.name ? t("page.titleFor", { name: settings.name }) : t("page.title");
}

/// The shop's logo, or its first letter if there is none that loads.
function logo() {
  const letter = html`<span class="logo" aria-hidden="true">${[...(settings.name || settings.title || "€")][0]}</span>`;
  if (!/^(https?:\/\/|\/(?!\/))/i.test(settings.logo_url ?? "")) return letter;
  const hide = ({ target }) => target.remove();
  return html`<span class="logo image"><img src=${settings.logo_url} alt="" @error=${hide}></span>`;
}

const languageSwitch = (act) => html`
  <label class="language">
    <span class="unseen">${t("page.language")}</span>
    <select @change=${({ target }) => act.speak(target.value)}>
      ${languages.map((code) => html`<option value=${code} lang=${code} ?selected=${code === language}>${nameOf(code)}</option>`)}
    </select>
  </label>`;

function help() {
  if (!isWebLink(settings.support_url) && !/^mailto:/i.test(settings.support_url ?? "")) return nothing;
  return html`<footer><a href=${settings.support_url} target="_blank" rel="noopener noreferrer">${t("page.help")}</a></footer>`;
}

/// Once there is an exact amount, the page shows no other one.
function bill({ order, pairs, payment, left }) {
  const exact = order.payment ?? payment;
  const open = order.status === "pending" && !order.payment;
  const label = t(open ? "bill.label" : "receipt.amount");
  return html`
    <section class="bill" aria-label=${label}>
      <p class="label">${label}</p>
      <p class="amount"><bdi>${exact?.amount ?? order.amount}</bdi> ${exact ? html`<bdi class="unit">${exact.stablecoin}</bdi>` : nothing}</p>
      ${!exact && open && pairs.length ? html`<p class="soft">${anyCoin(pairs)}</p>` : nothing}
      ${order.description ? html`<p class="description"><bdi>${order.description}</bdi></p>` : nothing}
      <p class="soft reference">${t("bill.order", { id: order.merchant_order_id })}</p>
      ${open && left !== null && left > 0 ? html`
        <p class="left ${left < HURRY_BELOW_S ? "hurry" : ""}"><span class="soft">${t("bill.left")}</span> <bdi role="timer">${clock(left)}</bdi></p>` : nothing}
    </section>`;
}

/// An order expires only after the chain was read up to its end, so it can stay open a little longer.
function over({ pairs, payment, choice }) {
  // After a reload the server gives no deposit any more.
  const chosen = payment ?? (choice.ofThisOrder ? choice : null);
  return html`
    <span class="sign busy" aria-hidden="true"></span>
    <h2 tabindex="-1">${t("pay.overTitle")}</h2>
    <p>${t("pay.over")}</p>
    ${chosen ? degradedNote("pay.degraded", pairs, chosen.blockchain) : nothing}`;
}

function seen({ order, pairs }) {
  const { confirmations, confirmations_required: count, explorer_url, blockchain } = order.payment;
  // Where the chain's own finality decides, it can take a few more than usual.
  const done = Math.min(confirmations, count);
  // Nobody knows it of a network that is not seen.
  const remaining = isDegraded(pairs, blockchain) ? 0 : (count - done) * (network(blockchain).block_seconds ?? 0);
  return html`
    <span class="sign busy" aria-hidden="true"></span>
    <h2 tabindex="-1">${t("seen.title")}</h2>
    <p class="count" id="count">${t("seen.count", { confirmations: done, count })}</p>
    <progress max=${count} .value=${done} aria-labelledby="count"></progress>
    <p class="soft">${done === count ? t("seen.almost") : remaining ? t("seen.remaining", { time: duration(remaining) }) : nothing}</p>
    ${degradedNote("choose.degradedNote", pairs, blockchain)}
    <p class="soft">${t("seen.note")}</p>
    ${explorer(explorer_url)}`;
}

function paid(state, act) {
  const { order, returnIn } = state;
  return html`
    <span class="sign good" aria-hidden="true"></span>
    <h2 tabindex="-1">${t("paid.title")}</h2>
    <p>${t("paid.note")}</p>
    ${isWebLink(order.success_url) ? back(order.success_url, act) : nothing}
    ${returnIn === null ? nothing : html`
      <p class="returning soft">${t("paid.returning", { count: returnIn })}
        <button type="button" class="link" @click=${act.stay}>${t("paid.stay")}</button></p>`}
    ${receipt(order)}
    ${explorer(order.payment?.explorer_url)}`;
}

function receipt({ payment, amount, paid_at: paidAt, merchant_order_id: id }) {
  const rows = [
    ["receipt.shop", settings.name],
    ["receipt.order", id],
    ["receipt.amount", payment ? `${payment.amount} ${payment.stablecoin}` : amount],
    ["receipt.network", payment && network(payment.blockchain).label],
    ["receipt.date", paidAt && dateTime(paidAt)],
    ["receipt.transaction", payment?.txn_hash],
  ].filter(([, value]) => value);
  return html`<dl class="receipt">${rows.map(([key, value]) => html`<div><dt>${t(key)}</dt><dd><bdi>${value}</bdi></dd></div>`)}</dl>`;
}

function ended({ order }, act) {
  return html`
    <span class="sign bad" aria-hidden="true"></span>
    <h2 tabindex="-1">${t(`${order.status}.title`)}</h2>
    <p>${t(`${order.status}.note`)}</p>
    ${isWebLink(order.cancel_url) ? back(order.cancel_url, act) : nothing}`;
}

/// Inside a frame, the shop's own page is the one to leave.
const back = (url, act) => html`
  <a class="main" id="return" href=${url} target="_top" @click=${act.stay}>${t("receipt.return")}</a>`;

export function explorer(url) {
  if (!isWebLink(url)) return nothing;
  return html`<p><a href=${url} target="_blank" rel="noopener noreferrer">${t("receipt.explorer")} <span class="unseen">${t("receipt.newTab")}</span></a></p>`;
}

function problem({ dead }, act) {
  const again = dead.status === 0 || dead.status >= 429;
  const title = dead.status === 0 ? "problem.offlineTitle" : dead.message === "signature expired" ? "problem.tooOldTitle" : "problem.title";
  return html`
    <span class="sign bad" aria-hidden="true"></span>
    <h2 tabindex="-1">${t(title)}</h2>
    <p>${reason(dead)}</p>
    ${again ? html`<button type="button" class="main" @click=${act.retry}>${t("problem.again")}</button>` : nothing}`;
}

// The server's texts are for developers; these are the ones a shopper can meet.
const REASONS = {
  "incomplete": "problem.incomplete",
  "signature expired": "problem.tooOld",
  "signature verification failed": "problem.invalid",
  "invalid Ocrch-Signature header format": "problem.invalid",
  "invalid signature encoding": "problem.invalid",
  "signed url is for another order": "problem.invalid",
  "origin not allowed": "problem.invalid",
  "order not found": "problem.unknown",
  "order is not pending": "problem.closed",
  "a payment is already on its way": "problem.underway",
  "no payment slot free, try again later": "problem.full",
  "no wallet available for the selected chain and coin": "problem.unavailable",
  "invalid blockchain selection": "problem.unavailable",
};

/// What went wrong, for a shopper.
export function reason({ message, status }) {
  if (Object.hasOwn(REASONS, message)) return t(REASONS[message]);
  if (status === 429) return t("problem.busy");
  // No answer, or a part of the page that did not load.
  if (!status) return t("problem.unreachable");
  return t("problem.other", { reason: message || status });
}

function claim(state, act) {
  if (state.views.claim) return state.views.claim(state, act);
  return html`<button type="button" class="link" id="claim-open" @click=${act.openClaim}>${t("claim.open")}</button>`;
}

function cancelling({ busy }, act) {
  const dialog = () => document.getElementById("sure");
  const decide = ({ target }) => {
    if (target.returnValue === "cancel") act.cancel();
    target.returnValue = "";
  };
  return html`
    <button type="button" class="link" id="cancel" ?disabled=${busy} @click=${() => dialog().showModal()}>${t("cancel.open")}</button>
    <dialog id="sure" aria-labelledby="sure-title" @close=${decide}>
      <form method="dialog">
        <h2 id="sure-title">${t("cancel.title")}</h2>
        <p>${t("cancel.note")}</p>
        <div class="row">
          <button value="keep">${t("cancel.keep")}</button>
          <button value="cancel" class="danger">${t("cancel.sure")}</button>
        </div>
      </form>
    </dialog>`;
}
