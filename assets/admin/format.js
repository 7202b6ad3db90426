// How values read. Amounts stay the exact texts that the server sent: nothing is rounded here.

import { h } from "./dom.js";

const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const AGO = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
const COUNT = new Intl.NumberFormat("en");

const STEPS = [
  [60, "second", 1],
  [3_600, "minute", 60],
  [86_400, "hour", 3_600],
  [30 * 86_400, "day", 86_400],
  [365 * 86_400, "month", 30 * 86_400],
  [Infinity, "year", 365 * 86_400],
];

/** "5 min. ago", or "in 5 min.", for a Unix time. */
export function ago(seconds, now = Date.now() / 1000) {
  const away = seconds - now;
  const [, unit, length] = STEPS.find(([below]) => Math.abs(away) < below);
  return AGO.format(Math.trunc(away / length), unit);
}

/** A moment as an element: how long ago, and on hovering exactly when. */
export function moment(seconds) {
  if (!seconds) return "–";
  const date = new Date(seconds * 1000);
  return h("time", { datetime: date.toISOString(), title: EXACT.format(date) }, ago(seconds));
}

/** A moment as an element: date and time of day. */
export function date(seconds) {
  if (!seconds) return "–";
  const when = new Date(seconds * 1000);
  return h("time", { datetime: when.toISOString(), title: EXACT.format(when) }, MOMENT.format(when));
}

export const count = (number) => COUNT.format(number);

/** Counting stops here on the server. */
const MOST = 10_000;

/** A number that the server counted up to its bound. */
export const upTo = (number) => (number >= MOST ? `${count(MOST)} or more` : count(number));

/** "1 order", "3 orders". */
export const counted = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

/** A length of time in seconds, roughly. */
export function duration(seconds) {
  const [, unit, length] = STEPS.find(([below]) => seconds < below);
  const amount = Math.trunc(seconds / length);
  return `${count(amount)} ${unit}${amount === 1 ? "" : "s"}`;
}

/** The ends of a long hash or address. The whole is in the element's title. */
export function short(text) {
  if (!text) return "–";
  const ends = text.length > 16 ? `${text.slice(0, 8)}…${text.slice(-6)}` : text;
  return h("code", { title: text }, ends);
}

export const money = (amount, coin) => h("span", { class: "money" }, amount, coin ? ` ${coin}` : null);

const NAMES = {
  eth: "Ethereum",
  polygon: "Polygon",
  base: "Base",
  arb: "Arbitrum",
  op: "OP Mainnet",
  linea: "Linea",
  avaxc: "Avalanche",
  bsc: "BNB Chain",
  tron: "Tron",
};

export const chainName = (id) => NAMES[id] ?? id;

const STATUSES = {
  pending: ["Pending", "busy"],
  paid: ["Paid", "good"],
  expired: ["Expired", "dull"],
  cancelled: ["Cancelled", "dull"],
  waiting_for_confirmation: ["Confirming", "busy"],
  waiting_for_match: ["Confirmed", "busy"],
  no_matched_deposit: ["Unmatched", "bad"],
  failed_to_confirm: ["Not on the chain", "dull"],
  matched: ["Matched", "good"],
  ignored: ["Ignored", "dull"],
  open: ["Open", "busy"],
  fulfilled: ["Paid", "good"],
  closed: ["Closed", "dull"],
  queued: ["Queued", "busy"],
  delivered: ["Delivered", "good"],
  superseded: ["Superseded", "dull"],
  given_up: ["Given up", "bad"],
};

/** A state as a small coloured label; the text says it, the colour only helps. */
export function badge(state) {
  const [text, mood] = STATUSES[state] ?? [state, "dull"];
  return h("span", { class: `badge ${mood}` }, text);
}

/** A webhook's state: that one failed is what its owner has to know first, whether or not it is tried again. */
export function webhookBadge(state, failures) {
  if (!failures || !["queued", "given_up"].includes(state)) return badge(state);
  return h("span", { class: "badge bad" }, `Failed ${count(failures)}×${state === "given_up" ? ", given up" : ""}`);
}
