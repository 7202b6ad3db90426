// How each chain is doing: how far it has been read, through whom, and what stands in the way.

import { get } from "../api.js";
import { h } from "../dom.js";
import { count, moment, short } from "../format.js";
import { table } from "../table.js";

export async function load() {
  const chains = await get("chains");
  return {
    title: "Chains and wallets",
    content: chains.length ? chains.map(card) : h("p", { class: "card" }, "There is no wallet in the configuration, so nobody can pay: add one under [[wallets]] in ocrch.toml and reload."),
  };
}

/** What one word says about a chain. */
export function health(chain) {
  if (!chain.watched) return ["Not watched", "bad"];
  if (chain.degraded_since) return ["Cannot be read", "bad"];
  if (!chain.head) return ["Starting", "busy"];
  return ["Watched", "good"];
}

function card(chain) {
  const [text, mood] = health(chain);
  const lag = chain.lag_blocks;
  return h(
    "section",
    { class: "card flush" },
    h("header", { class: "row between" }, h("h2", {}, chain.name), h("span", { class: `badge ${mood}` }, text)),
    chain.degraded_since && h("p", { class: "problem" }, "No provider has answered since ", moment(chain.degraded_since), ". Orders on this chain do not expire until it has caught up."),
    h(
      "p",
      { class: "nothing" },
      chain.head ? `Newest block ${count(chain.head)}` : "No block seen yet",
      chain.scanned_to ? `, read up to ${count(chain.scanned_to)}` : null,
      lag ? ` (${count(lag)} behind)` : null,
      "."
    ),
    providers(chain.providers),
    h("p", { class: "nothing" }, "Wallets: ", chain.wallets.map((wallet, i) => [i ? ", " : null, short(wallet.address)]))
  );
}

function providers(rows) {
  if (!rows.length) return h("p", { class: "nothing" }, "No provider was asked yet.");
  return table(
    "Providers",
    [
      { name: "Provider", head: true, of: (p) => [p.label, p.in_use && [" ", h("span", { class: "badge good" }, "In use")]] },
      { name: "Head", number: true, of: (p) => (p.head ? count(p.head) : null) },
      { name: "State", of: state },
      { name: "Requests today", number: true, of: (p) => (p.daily_limit ? `${count(p.requests_today)} of ${count(p.daily_limit)}` : count(p.requests_today)) },
      { name: "Errors today", number: true, of: (p) => count(p.errors_today) },
    ],
    rows
  );
}

function state(provider) {
  if (provider.error) return [h("span", { class: "badge bad" }, "Failing"), " ", provider.failing_since && [moment(provider.failing_since), ": "], provider.error];
  return provider.lagging ? h("span", { class: "badge busy" }, "Lags behind") : h("span", { class: "badge good" }, "Well");
}
