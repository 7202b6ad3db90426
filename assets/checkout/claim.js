// "I paid, but nothing happens": the shopper names a transaction, the server says what became of it.
// Asking never pays an order. At most it puts the transaction before the shop's owner.

import { explorer, reason } from "./screens.js";
import { network } from "./settings.js";
import { knows, t } from "./text.js";
import { html, nothing } from "./vendor/lit-html.js";

const HASH = /^(0x)?[0-9a-f]{64}$/i;
// With these there is nothing left that the shop would have to do.
const SETTLED = ["paid", "confirming", "not_found", "unclear", "no_deposit", "reverted"];

const asked = { text: "", blockchain: null, busy: false, answer: null, problem: null };

export function view(state, act) {
  const networks = [...new Set(state.pairs.map((pair) => pair.blockchain))];
  const chosen = asked.blockchain ?? state.payment?.blockchain ?? "";
  return html`
    <form class="claim" novalidate aria-labelledby="claim-title" @submit=${(event) => check(event, chosen, act)}>
      <h3 id="claim-title">${t("claim.open")}</h3>
      <p class="soft" id="claim-intro">${t("claim.intro")}</p>
      <label class="input"><span class="label">${t("claim.hash")}</span>
        <input id="claim-hash" dir="ltr" autocomplete="off" autocapitalize="off" spellcheck="false" required
          aria-describedby="claim-intro claim-problem" aria-invalid=${asked.problem ? "true" : "false"}
          .value=${asked.text} @input=${({ target }) => (asked.text = target.value.trim())}></label>
      <label class="input"><span class="label">${t("claim.network")}</span>
        <select @change=${({ target }) => (asked.blockchain = target.value)}>
          ${networks.map((id) => html`<option value=${id} ?selected=${id === chosen}>${network(id).label}</option>`)}
          <option value="" ?selected=${chosen === ""}>${t("claim.anyNetwork")}</option>
        </select></label>
      <p class="problem" id="claim-problem" role="alert">${asked.problem ? explain(asked.problem) : nothing}</p>
      <button type="submit" ?disabled=${asked.busy}>${t(asked.busy ? "claim.checking" : "claim.check")}</button>
      <div id="claim-answer" aria-live="polite">${asked.answer ? finding(asked.answer) : nothing}</div>
    </form>`;
}

async function check(event, chosen, act) {
  event.preventDefault();
  Object.assign(asked, { answer: null, problem: null });
  const hash = hashIn(asked.text);
  if (!hash) {
    asked.problem = new Error("claim.badHash");
    document.getElementById("claim-hash").focus();
    return act.draw();
  }
  asked.text = hash;
  asked.busy = true;
  act.draw();
  try {
    asked.answer = await act.claimed(hash, chosen || null);
  } catch (error) {
    asked.problem = error;
  }
  asked.busy = false;
  act.draw();
}

/// The one hash in a text, which may be an explorer's link; null where there is none, or where it is not clear which.
function hashIn(text) {
  const digits = (word) => word.slice(-64).toLowerCase();
  const [first, ...others] = text.split(/[^0-9a-z]+/i).filter((word) => HASH.test(word));
  return first && others.every((word) => digits(word) === digits(first)) ? first : null;
}

const explain = (error) => (error.message === "claim.badHash" ? t(error.message) : reason(error));

function finding(answer) {
  // Only here it is the same coin that was expected and sent.
  const coin = ["short", "over"].includes(answer.finding) && answer.stablecoin;
  const rows = [
    ["claim.sent", answer.amount && sum(answer.amount, answer.stablecoin)],
    ["claim.expected", answer.expected && sum(answer.expected, coin)],
    ["claim.difference", answer.difference && sum(answer.difference, coin)],
    ["receipt.network", answer.blockchain && network(answer.blockchain).label],
  ].filter(([, value]) => value);
  return html`
    <div class="note ${["paid", "confirming"].includes(answer.finding) ? "good" : "warn"}">
      <p>${headline(answer)}</p>
      ${rows.length ? html`<dl>${rows.map(([key, value]) => html`<div><dt>${t(key)}</dt><dd><bdi>${value}</bdi></dd></div>`)}</dl>` : nothing}
      ${explorer(answer.explorer_url)}
      ${answer.reported ? html`<p>${t("claim.reported")}</p>` : SETTLED.includes(answer.finding) ? nothing : html`<p>${t("claim.contact")}</p>`}
    </div>`;
}

function headline({ finding, confirmations, confirmations_required: count }) {
  if (finding === "confirming") {
    return count === undefined ? t("claim.confirmingPlain") : t("claim.confirming", { confirmations: confirmations ?? 0, count });
  }
  // A newer server may know more kinds.
  return t(knows(`claim.${finding}`) ? `claim.${finding}` : "claim.unclear");
}

const sum = (amount, coin) => (coin ? `${amount} ${coin}` : amount);
