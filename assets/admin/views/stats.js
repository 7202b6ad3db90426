// What came in, by day, by coin and by chain.

import { to } from "../address.js";
import { get } from "../api.js";
import { barChart, shares } from "../chart.js";
import { h } from "../dom.js";
import { chainName, count, counted, money } from "../format.js";
import { table } from "../table.js";

const SPANS = [
  [7, "7 days"],
  [30, "30 days"],
  [90, "90 days"],
  [365, "A year"],
];
const DAY = 86_400;
/** The server sums up no more days at once. */
const LONGEST = 366;
const DATE = new Intl.DateTimeFormat("en", { timeZone: "UTC", day: "numeric", month: "short" });

export async function load({ query }) {
  const days = Math.min(LONGEST, Math.max(1, Math.trunc(query.days) || 30));
  const now = Math.floor(Date.now() / 1000);
  const stats = await get("stats", { from: now - (days - 1) * DAY, to: now });
  const all = everyDay(stats.days, days, now);
  return {
    title: "Charts",
    actions: h("nav", { class: "row", "aria-label": "Time" }, SPANS.map(([span, name]) => h("a", { class: span === days ? "button main" : "button", "aria-current": span === days ? "true" : null, href: to("stats", { days: span }) }, name))),
    content: [
      totals(stats.total),
      h("section", { class: "card" }, h("h2", {}, "Paid by day"), barChart(all.map(bar), `Money received by day, the last ${days} days; the table below has the numbers`)),
      h("div", { class: "columns" }, share("By coin", stats.total.payments, (p) => p.token ?? "Marked by hand"), share("By network", stats.total.payments, (p) => (p.blockchain ? chainName(p.blockchain) : "Marked by hand"))),
      h("section", { class: "card flush" }, h("h2", {}, "Days"), daysTable(stats.days)),
    ],
  };
}

function totals(total) {
  const tile = (label, figure) => h("div", { class: "tile" }, h("dt", {}, label), h("dd", { class: "figure" }, figure));
  return h("dl", { class: "tiles" }, tile("Orders created", count(total.created)), tile("Paid", count(total.paid)), tile("Expired", count(total.expired)), tile("Cancelled", count(total.cancelled)));
}

/** The days without anything, too: a gap in a chart would look like no time at all. */
function everyDay(days, number, now) {
  const known = new Map(days.map((day) => [day.day, day]));
  const today = Math.floor(now / DAY) * DAY;
  return Array.from({ length: number }, (_, i) => today - (number - 1 - i) * DAY).map((day) => known.get(day) ?? { day, payments: [], paid: 0 });
}

/** Coins are dollars each: one bar for all of them, and its parts in the title. Numbers are for drawing only. */
function bar(day) {
  const name = DATE.format(day.day * 1000);
  const value = day.payments.reduce((sum, payment) => sum + Number(payment.amount ?? 0), 0);
  return { label: name, value, title: `${name}: ${sums(day.payments) || "nothing"}, ${counted(day.paid, "order")}` };
}

const sums = (payments) => payments.map((p) => `${p.amount} ${p.token ?? "by hand"}${p.blockchain ? ` on ${chainName(p.blockchain)}` : ""}`).join(", ");

function share(title, payments, key) {
  const names = [...new Set(payments.map(key))];
  const parts = names.map((name) => {
    const rows = payments.filter((payment) => key(payment) === name);
    const value = rows.reduce((sum, row) => sum + Number(row.amount ?? 0), 0);
    const text = rows.length === 1 ? `${rows[0].amount}` : value.toFixed(2);
    return { name: `${name} (${counted(rows.reduce((sum, row) => sum + row.orders, 0), "order")})`, value, text };
  });
  parts.sort((a, b) => b.value - a.value);
  return h("section", { class: "card" }, h("h2", {}, title), parts.length ? shares(parts) : h("p", { class: "nothing" }, "Nothing in this time."));
}

function daysTable(days) {
  if (!days.length) return h("p", { class: "nothing" }, "Nothing happened in this time.");
  const columns = [
    { name: "Day (UTC)", head: true, of: (day) => DATE.format(day.day * 1000) },
    { name: "Created", number: true, of: (day) => count(day.created) },
    { name: "Paid", number: true, of: (day) => count(day.paid) },
    { name: "Expired", number: true, of: (day) => count(day.expired) },
    { name: "Cancelled", number: true, of: (day) => count(day.cancelled) },
    { name: "Received", of: (day) => day.payments.map((p) => h("div", {}, money(p.amount, p.token ?? ""), h("span", { class: "soft" }, p.blockchain ? ` on ${chainName(p.blockchain)}` : " by hand"))) },
  ];
  return table("Days", columns, [...days].reverse());
}
