// Code in four languages behind tabs. The language chosen in one place is chosen everywhere.

import * as curl from "./code-curl.js";
import * as node from "./code-node.js";
import * as php from "./code-php.js";
import * as python from "./code-python.js";
import { codeBlock, element } from "./dom.js";

/// Every language: its label, `call(recipe)` and `webhook(event)`.
export const LANGUAGES = [curl, node, python, php];

let chosen = 0;
const blocks = new Set();
let made = 0;

/// Fills `place` with tabs over what `write(language)` gives. Returns what refreshes the code, and what takes it away.
export function showCode(place, title, write) {
  const id = `code-${++made}`;
  const panel = element("div", { id, role: "tabpanel" });
  const tabs = LANGUAGES.map(({ label }, index) => tab(label, index, id));
  const list = element("div", { role: "tablist", "aria-label": `${title}: language` }, ...tabs);
  list.addEventListener("keydown", (event) => moveFocus(event, tabs));
  let shown;
  const refresh = () => {
    tabs.forEach((button, index) => {
      button.ariaSelected = String(index === chosen);
      button.tabIndex = index === chosen ? 0 : -1;
    });
    panel.setAttribute("aria-labelledby", tabs[chosen].id);
    const code = write(LANGUAGES[chosen]);
    // A selection in the text survives a refresh that changes nothing.
    if (code !== shown) panel.replaceChildren(codeBlock(code, `${title} in ${LANGUAGES[chosen].label}`));
    shown = code;
  };
  blocks.add(refresh);
  place.replaceChildren(list, panel);
  refresh();
  return { refresh, remove: () => blocks.delete(refresh) };
}

function tab(label, index, panel) {
  const button = element("button", { type: "button", id: `${panel}-${index}`, role: "tab", textContent: label, "aria-controls": panel });
  button.addEventListener("click", () => choose(index));
  return button;
}

function choose(index) {
  chosen = index;
  blocks.forEach((refresh) => refresh());
}

function moveFocus(event, tabs) {
  const last = tabs.length - 1;
  const next = { ArrowRight: chosen === last ? 0 : chosen + 1, ArrowLeft: chosen === 0 ? last : chosen - 1, Home: 0, End: last }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  choose(next);
  tabs[next].focus();
}
