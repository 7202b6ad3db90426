// The choice: coin first, then the networks that it travels on here.

import { network } from "./settings.js";
import { anyOf, duration, t } from "./text.js";
import { html, nothing } from "./vendor/lit-html.js";

const LAST = "ocrch choice";

const unique = (values) => [...new Set(values)];
const coinsOf = (pairs) => unique(pairs.map((pair) => pair.stablecoin));
const networksOf = (pairs, coin) => unique(pairs.filter((pair) => pair.stablecoin === coin).map((pair) => pair.blockchain));

/// What this order was to be paid with before a reload, else what the shopper chose last, else the first.
export function firstChoice(pairs, orderId) {
  const before = read(() => sessionStorage, `ocrch ${orderId}`);
  if (isOffered(pairs, before)) return { ...before, ofThisOrder: true };
  const last = read(() => localStorage, LAST);
  if (isOffered(pairs, last)) return last;
  const coin = coinsOf(pairs).includes(last?.stablecoin) ? last.stablecoin : pairs[0]?.stablecoin;
  return { stablecoin: coin, blockchain: bestNetwork(pairs, coin, last?.blockchain) };
}

/// Whether an order can be paid like this.
export const isOffered = (pairs, choice) =>
  pairs.some((pair) => pair.stablecoin === choice?.stablecoin && pair.blockchain === choice?.blockchain);

export function rememberChoice(orderId, { stablecoin, blockchain }) {
  const text = JSON.stringify({ stablecoin, blockchain });
  try {
    sessionStorage.setItem(`ocrch ${orderId}`, text);
    localStorage.setItem(LAST, text);
  } catch {
    // Storage can be forbidden; the shopper then chooses again.
  }
}

function read(storage, key) {
  try {
    return JSON.parse(storage().getItem(key));
  } catch {
    return null;
  }
}

/// The wanted one where the coin travels on it, else the first that is in good health.
function bestNetwork(pairs, coin, wanted) {
  const networks = networksOf(pairs, coin);
  if (networks.includes(wanted)) return wanted;
  return networks.find((id) => !isDegraded(pairs, id)) ?? networks[0];
}

/// Whether the server has trouble to see this network.
export const isDegraded = (pairs, blockchain) => pairs.some((pair) => pair.blockchain === blockchain && pair.degraded);

/// "in USDT, USDC or DAI".
export const anyCoin = (pairs) => t("bill.coins", { coins: anyOf(coinsOf(pairs)) });

export function choose({ pairs, choice, busy }, act) {
  const coins = coinsOf(pairs);
  if (!coins.length) return html`<h2 tabindex="-1">${t("problem.title")}</h2><p>${t("choose.nothing")}</p>`;
  const networks = networksOf(pairs, choice.stablecoin);
  const mark = (stablecoin, wanted) => act.mark({ stablecoin, blockchain: bestNetwork(pairs, stablecoin, wanted) });
  return html`
    <h2 tabindex="-1">${t("choose.title")}</h2>
    <form @submit=${(event) => submit(event, () => act.choose(choice))}>
      <fieldset class="coins">
        <legend>${t("choose.coin")}</legend>
        ${coins.map((coin) => coinOption(coin, coin === choice.stablecoin, () => mark(coin, choice.blockchain)))}
      </fieldset>
      <fieldset class="networks">
        <legend>${t("choose.network")}</legend>
        <p class="hint">${t("choose.networkHint")}</p>
        ${networks.map((id) => networkOption(pairs, id, id === choice.blockchain, () => mark(choice.stablecoin, id)))}
      </fieldset>
      ${degradedNote("choose.degradedNote", pairs, choice.blockchain)}
      ${testNote(choice.blockchain)}
      <button class="main" type="submit" ?disabled=${busy}>${t("choose.next")}</button>
    </form>`;
}

function submit(event, action) {
  event.preventDefault();
  action();
}

const coinOption = (coin, checked, mark) => html`
  <label class="option">
    <input type="radio" name="stablecoin" value=${coin} .checked=${checked} @change=${mark}>
    ${coinMark(coin)}<span class="name">${coin}</span>
  </label>`;

function networkOption(pairs, id, checked, mark) {
  const { label, typical_seconds: typical, test } = network(id);
  return html`
    <label class="option">
      <input type="radio" name="blockchain" value=${id} .checked=${checked} @change=${mark}>
      <span class="name">${label}</span>
      <span class="tags">
        ${isDegraded(pairs, id) ? html`<span class="tag warn">${t("choose.degraded")}</span>` : nothing}
        ${test ? html`<span class="tag">${t("choose.test")}</span>` : nothing}
        ${typical ? html`<span class="time">${t("choose.typical", { time: duration(typical) })}</span>` : nothing}
      </span>
    </label>`;
}

/// What a shopper should know while the server has trouble to see a network.
export const degradedNote = (key, pairs, blockchain) =>
  isDegraded(pairs, blockchain) ? html`<p class="note warn degraded">${t(key, { network: network(blockchain).label })}</p>` : nothing;

export function testNote(blockchain) {
  const { label, test } = network(blockchain);
  return test ? html`<p class="note">${t("choose.testNote", { network: label })}</p>` : nothing;
}

const SIGNS = { USDT: "₮", USDC: "$", DAI: "◈" };

/// A coin's round mark; the style sheet knows the colours of some.
const coinMark = (coin) =>
  html`<span class="coin" data-coin=${coin} aria-hidden="true">${Object.hasOwn(SIGNS, coin) ? SIGNS[coin] : coin.charAt(0)}</span>`;
