// "Pay with …": wallets that live in the browser. They are asked for the exact transfer, and the shopper confirms it there.
// What a wallet answers is a hint only: an order is paid by what the server finds on the chain.

import { isWebLink, network } from "./settings.js";
import { t } from "./text.js";
import { html, nothing } from "./vendor/lit-html.js";

const REJECTED = 4001;
const ASKED_ALREADY = -32002;
const LONGEST_NAME = 30;

// What was found, what is going on, and what was sent for the payment on the page.
const found = [];
const now = { payment: null, step: null, problem: null, name: "", sent: null };
let redraw = () => {};

/// Wallets announce themselves when asked (EIP-6963), some of them late.
window.addEventListener("eip6963:announceProvider", ({ detail }) => {
  if (!detail?.provider || found.some((wallet) => wallet.uuid === detail.info.uuid)) return;
  const { uuid, name, icon } = detail.info;
  found.push({ uuid, name: String(name).slice(0, LONGEST_NAME), icon: safeIcon(icon), provider: detail.provider, family: "evm" });
  redraw();
});

// Whatever a wallet says is its icon may only be a picture that it brings along.
const safeIcon = (icon) => (/^data:image\//i.test(icon ?? "") ? icon : null);

/// All wallets that can pay on this kind of chain.
function usable(family) {
  if (family === "tron") return window.tron || window.tronLink ? [{ name: "TronLink", family: "tron" }] : [];
  if (found.length || !window.ethereum?.request) return found;
  // From before wallets announced themselves: the one that came last sits here.
  return [{ name: window.ethereum.isMetaMask ? "MetaMask" : t("wallet.browser"), provider: window.ethereum, family: "evm" }];
}

const familyOf = (payment) => (payment.contract_address?.startsWith("0x") ? "evm" : "tron");

async function pay(wallet) {
  const { payment } = now;
  Object.assign(now, { name: wallet.name, problem: null, sent: null });
  const step = (text) => {
    now.step = text;
    redraw();
  };
  try {
    const driver = wallet.family === "tron" ? await import("./tronlink.js") : await import("./evm.js");
    const hash = await driver.send(wallet.provider, payment, network(payment.blockchain), step);
    now.sent = { hash };
  } catch (error) {
    now.problem = error;
  }
  step(null);
}

function explain(error, names) {
  // A problem that a driver found; its class is loaded with it.
  if (error?.name === "WalletProblem") return t(`wallet.${error.what}`, names);
  const code = error?.code ?? error?.data?.originalError?.code;
  if (code === REJECTED) return t("wallet.rejected", names);
  if (code === ASKED_ALREADY) return t("wallet.busy", names);
  return t("wallet.failed", { ...names, reason: String(error?.message ?? error).slice(0, 200) });
}

function view(payment) {
  const list = usable(familyOf(payment));
  if (!list.length) return nothing;
  const names = { name: now.name, network: network(payment.blockchain).label };
  return html`
    <div class="wallets">
      <h3>${t("wallet.title")}</h3>
      <div aria-live="polite">
        ${now.step ? html`<p class="note">${t(`wallet.${now.step}`, names)}</p>` : nothing}
        ${now.problem ? html`<p class="note bad">${explain(now.problem, names)}</p>` : nothing}
        ${now.sent ? html`<p class="note good">${t("wallet.sent", names)} ${transaction(payment, now.sent.hash)}</p>` : nothing}
      </div>
      ${now.sent
        ? html`<button type="button" class="link" @click=${again}>${t("wallet.again")}</button>`
        : list.map((wallet) => button(wallet))}
      <p class="or"><span>${t("wallet.manual")}</span></p>
    </div>`;
}

const button = (wallet) => html`
  <button type="button" class="main wallet" ?disabled=${Boolean(now.step)} @click=${() => pay(wallet)}>
    ${wallet.icon ? html`<img src=${wallet.icon} alt="" width="24" height="24">` : nothing}
    <span>${t("wallet.pay", { name: wallet.name })}</span>
  </button>`;

function again() {
  now.sent = null;
  redraw();
}

function transaction({ blockchain }, hash) {
  const url = network(blockchain).explorer_tx_url?.replace("{hash}", encodeURIComponent(hash));
  if (!isWebLink(url)) return nothing;
  return html`<a href=${url} target="_blank" rel="noopener noreferrer">${t("receipt.explorer")} <span class="unseen">${t("receipt.newTab")}</span></a>`;
}

export const wallets = {
  view,

  /// Another payment starts anew; the same one keeps what was sent for it.
  prepare(payment, act) {
    redraw = () => act.draw();
    const same = now.payment?.blockchain === payment.blockchain && now.payment?.stablecoin === payment.stablecoin;
    if (!same) Object.assign(now, { step: null, problem: null, sent: null });
    now.payment = payment;
    window.dispatchEvent(new Event("eip6963:requestProvider"));
  },
};
