// Where to pay: amount, address and QR code, each easy to take along.

import { degradedNote, testNote } from "./choose.js";
import { network } from "./settings.js";
import { t } from "./text.js";
import { html, nothing, svg } from "./vendor/lit-html.js";
import { encode } from "./vendor/uqr.js";
import { wallets } from "./wallets.js";

const COPIED_MS = 2_000;

// What this screen remembers: which QR code it shows, and what was copied last.
const shown = { code: "address", copied: null };

/// To be called for each payment before it is shown.
export function prepare(payment, act) {
  shown.code = "address";
  shown.copied = null;
  wallets.prepare(payment, act);
}

export function view(state, act) {
  const { payment, order, pairs, busy } = state;
  const { label } = network(payment.blockchain);
  const names = { coin: payment.stablecoin, network: label };
  const more = pairs.some((pair) => pair.blockchain !== payment.blockchain || pair.stablecoin !== payment.stablecoin);
  return html`
    <h2 tabindex="-1">${t("pay.title", names)}</h2>
    ${more ? html`<button type="button" class="link" id="change" ?disabled=${busy} @click=${act.change}>${t("pay.change")}</button>` : nothing}
    ${state.dropped ? html`<p class="note warn">${t("pay.dropped")}</p>` : nothing}
    ${degradedNote("pay.degraded", pairs, payment.blockchain)}
    ${testNote(payment.blockchain)}
    ${wallets.view(payment)}
    <div class="transfer">
      <div class="fields">
        ${field("amount", payment.amount, payment.stablecoin, act)}
        ${tail(order, payment)}
        ${field("address", payment.wallet_address, null, act)}
        <p class="note warn" id="warning">${t("pay.warning", names)}</p>
        <p class="soft">${t("pay.fees")}</p>
      </div>
      ${code(payment, act)}
    </div>
    <p class="waiting"><span class="pulse" aria-hidden="true"></span><span><strong>${t("pay.waiting")}</strong><br>${t("pay.waitingNote")}</span></p>`;
}

const CAPTIONS = {
  amount: { label: "pay.amount", copy: "pay.copyAmount" },
  address: { label: "pay.address", copy: "pay.copyAddress" },
};

function field(name, value, unit, act) {
  const copied = shown.copied === name;
  return html`
    <div class="field">
      <span class="label" id="label-${name}">${t(CAPTIONS[name].label)}</span>
      <div class="value">
        <code id="pay-${name}" dir="ltr" aria-labelledby="label-${name}">${name === "address" ? emphasised(value) : value}</code>
        ${unit ? html`<bdi class="unit">${unit}</bdi>` : nothing}
        <button type="button" class="copy ${copied ? "copied" : ""}" aria-label=${copied ? nothing : t(CAPTIONS[name].copy)} @click=${() => copy(name, value, act)}>
          ${copied ? t("pay.copied") : t("pay.copy")}</button>
      </div>
    </div>`;
}

/// People compare the two ends of an address.
const emphasised = (address) => html`<b>${address.slice(0, 6)}</b>${address.slice(6, -6)}<b>${address.slice(-6)}</b>`;

/// The amount can be a little more than the order's, to be unlike all others.
function tail(order, payment) {
  if (Number(payment.amount) === Number(order.amount)) return nothing;
  return html`<details><summary>${t("pay.tailTitle", { amount: order.amount })}</summary><p>${t("pay.tail")}</p></details>`;
}

async function copy(name, value, act) {
  const done = (await toClipboard(value)) || selected(document.getElementById(`pay-${name}`));
  act.announce(t(done ? "pay.copied" : "pay.copyFailed"));
  if (!done) return;
  shown.copied = name;
  act.draw();
  setTimeout(() => {
    if (shown.copied !== name) return;
    shown.copied = null;
    act.draw();
  }, COPIED_MS);
}

const toClipboard = (text) => navigator.clipboard?.writeText(text).then(() => true, () => false);

/// Without https there is no clipboard API, and the old way needs a selection.
function selected(element) {
  getSelection().selectAllChildren(element);
  return document.execCommand("copy");
}

/// The bare address works in every wallet; a wallet link only in some, so it has to be asked for.
function code(payment, act) {
  const link = /^ethereum:/.test(payment.payment_uri ?? "") ? payment.payment_uri : null;
  const showsLink = Boolean(link) && shown.code === "link";
  const choose = (code) => () => {
    shown.code = code;
    act.draw();
  };
  const tab = (code, label) => html`
    <button type="button" aria-pressed=${shown.code === code ? "true" : "false"} @click=${choose(code)}>${t(label)}</button>`;
  return html`
    <figure class="code">
      ${qr(showsLink ? link : payment.wallet_address, t(showsLink ? "pay.qrLink" : "pay.qrAddress"))}
      ${link ? html`<div class="tabs">${tab("address", "pay.showAddress")}${tab("link", "pay.showLink")}</div>` : nothing}
      <figcaption class="soft">${t(showsLink ? "pay.scanLink" : "pay.scanAddress")}</figcaption>
      ${showsLink ? html`<a id="open-wallet" href=${link}>${t("pay.openWallet")}</a>` : nothing}
    </figure>`;
}

/// The page is drawn each second, the code only where it changes.
let squaresOf = {};

function squares(text) {
  if (squaresOf.text === text) return squaresOf;
  const { data, size } = encode(text, { ecc: "M", border: 3 });
  const path = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ""))).join("");
  return (squaresOf = { text, path, size });
}

function qr(text, label) {
  const { path, size } = squares(text);
  return html`
    <svg id="qr" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges" role="img" aria-label=${label}>
      ${svg`<path d=${path}/>`}
    </svg>`;
}
