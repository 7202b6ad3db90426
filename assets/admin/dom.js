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
  const focusAgain = rememberFocus(parent);
  parent.replaceChildren(...shown(children));
  focusAgain();
}

/** The same, leaving alone what would look as before: whoever uses it is not disturbed. */
export function update(parent, ...children) {
  const focusAgain = rememberFocus(parent);
  const old = [...parent.childNodes];
  const fresh = shown(children);
  fresh.forEach((child, i) => {
    if (!old[i]) parent.append(child);
    else if (!old[i].isEqualNode(child)) old[i].replaceWith(child);
  });
  old.slice(fresh.length).forEach((child) => child.remove());
  focusAgain();
}

/** What puts the focus on the element that took the place of the one that has it now. */
function rememberFocus(parent) {
  const focused = document.activeElement;
  if (focused === parent || !parent.contains(focused)) return () => {};
  const place = alike(parent, focused).indexOf(focused);
  const { selectionStart: start, selectionEnd: end } = focused;
  return () => {
    const again = alike(parent, focused)[place];
    if (!again || again === document.activeElement) return;
    again.focus({ preventScroll: true });
    if (typeof start === "number" && typeof again.selectionStart === "number") again.setSelectionRange(start, end);
  };
}

/** The elements that people would take for this one: of its id, or called like it. */
function alike(parent, element) {
  const called = (e) => [e.id || e.getAttribute("href") || e.getAttribute("aria-label"), e.matches("a, button") && e.textContent].join(" ");
  return [...parent.querySelectorAll(element.tagName)].filter((e) => called(e) === called(element));
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
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...shown(children));
  return element;
}

const isShown = (child) => child !== null && child !== undefined && child !== false;

const shown = (children) => children.flat(Infinity).filter(isShown);
