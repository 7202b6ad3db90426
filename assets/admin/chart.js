// Bars by day, drawn from sums. The exact numbers are in the table that goes with each chart.

import { h, s } from "./dom.js";

/** What a drawing is measured in. It is stretched to the place it has, and its texts, which are none of it, are not. */
const WIDTH = 720;
const HEIGHT = 180;

/** `bars` are `{ label, value, title }`, oldest first; values are numbers for drawing only. */
export function barChart(bars, description) {
  const top = ceiling(Math.max(0, ...bars.map((bar) => bar.value)));
  const step = WIDTH / Math.max(bars.length, 1);
  const height = (value) => (top ? (value / top) * HEIGHT : 0);
  const line = (part) => s("line", { class: "grid", x1: 0, x2: WIDTH, y1: HEIGHT * part, y2: HEIGHT * part, "vector-effect": "non-scaling-stroke" });
  const mark = ({ value, title }, i) => s("rect", { class: "bar-mark", x: (i + 0.15) * step, y: HEIGHT - height(value), width: step * 0.7, height: height(value) }, s("title", {}, title));
  const drawing = s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": description }, [0, 0.5, 1].map(line), bars.map(mark));
  return h("figure", { class: "chart" }, scale(top), drawing, days(bars));
}

/** The numbers beside the lines, from the top. */
const scale = (top) => h("div", { class: "scale", "aria-hidden": "true" }, (top ? [top, top / 2, 0] : [0]).map((value) => h("span", {}, compact(value))));

/** About ten labels below the bars, and where there is little room every third of them: a place for each bar, most of them empty. */
function days(bars) {
  const every = Math.ceil(bars.length / 10);
  const day = ({ label }, i) => h("span", {}, i % every === 0 && h("span", { class: i % (every * 3) ? "extra" : null }, label));
  return h("div", { class: "days", "aria-hidden": "true" }, bars.map(day));
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
