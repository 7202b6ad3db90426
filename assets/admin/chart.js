// Bars by day, drawn from sums. The exact numbers are in the table that goes with each chart.

import { h, s } from "./dom.js";

const WIDTH = 720;
const HEIGHT = 200;
const FOOT = 22;
const SIDE = 56;

/** `bars` are `{ label, value, title }`, oldest first; values are numbers for drawing only. */
export function barChart(bars, description) {
  const top = ceiling(Math.max(0, ...bars.map((bar) => bar.value)));
  const step = (WIDTH - SIDE) / Math.max(bars.length, 1);
  const height = (value) => (top ? (value / top) * (HEIGHT - FOOT - 8) : 0);
  const y = (value) => HEIGHT - FOOT - height(value);
  const lines = [0, 0.5, 1].map((part) => [
    s("line", { class: "grid", x1: SIDE, x2: WIDTH, y1: y(top * part), y2: y(top * part) }),
    s("text", { x: SIDE - 8, y: y(top * part) + 4, "text-anchor": "end" }, compact(top * part)),
  ]);
  const every = Math.ceil(bars.length / 10);
  const marks = bars.map((bar, i) => [
    s("rect", { class: "bar-mark", x: SIDE + i * step + step * 0.15, y: y(bar.value), width: step * 0.7, height: height(bar.value), rx: 2 }, s("title", {}, bar.title)),
    i % every === 0 && s("text", { x: SIDE + (i + 0.5) * step, y: HEIGHT - 5, "text-anchor": "middle" }, bar.label),
  ]);
  return h("figure", { class: "chart" }, s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": description }, lines, marks));
}

/** The shares of a whole: `parts` are `{ name, value, text }`. */
export function shares(parts) {
  const whole = parts.reduce((sum, part) => sum + part.value, 0) || 1;
  const item = ({ name, value, text }) =>
    h("li", {}, h("span", {}, name), h("span", { class: "money" }, text), h("meter", { min: 0, max: whole, value, "aria-label": `${name}: share of all` }));
  return h("ul", { class: "shares" }, parts.map(item));
}

/** The next number up that reads well: 1, 2, 2.5 or 5 times a power of ten. */
function ceiling(value) {
  if (value <= 0) return 0;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 2, 2.5, 5, 10].find((factor) => factor * power >= value);
}

const compact = (value) => new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 }).format(value);
