// Short messages at the foot of the page, which screen readers speak.

import { h } from "./dom.js";

const place = document.getElementById("toast");
let timer;

export function toast(...text) {
  clearTimeout(timer);
  place.replaceChildren(h("p", {}, text));
  timer = setTimeout(() => place.replaceChildren(), 6000);
}
