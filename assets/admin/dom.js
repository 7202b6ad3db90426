// Elements made from values. Texts become text nodes and nothing else, so that no name, address or description
// that somebody chose can ever become markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element: `h("a", { href, class: "quiet", onclick }, "text", child, …)`. Null and false children are left out. */
export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for drawings. */
export function s(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** Puts new children in place of the old ones, and the keyboard's focus back to where it was. */
export function replace(parent, ...children) {
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  const kept = focused?.id && { id: focused.id, start: focused.selectionStart, end: focused.selectionEnd };
  parent.replaceChildren(...children.flat(Infinity).filter(isShown));
  const again = kept && document.getElementById(kept.id);
  if (!again || again === document.activeElement) return;
  again.focus({ preventScroll: true });
  if (typeof kept.start === "number" && again.type === "text") again.setSelectionRange(kept.start, kept.end);
}

/** A link's address, if it is one that may be opened: an explorer's template could hold anything. */
export function webAddress(text) {
  try {
    const url = new URL(text);
    return ["http:", "https:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter(isShown));
  return element;
}

const isShown = (child) => child !== null && child !== undefined && child !== false;
