// Whether somebody is in the middle of something in a part of the page: typing, with something typed that is not sent yet,
// pressing a button, answering a question.

let pressed = null;
addEventListener("pointerdown", ({ target }) => (pressed = target), true);
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => (pressed = null), true);

export function inUse(part) {
  const focused = document.activeElement;
  const typing = part.contains(focused) && focused.matches("input, textarea");
  return typing || part.contains(pressed) || Boolean(document.querySelector("dialog[open]")) || [...part.querySelectorAll("input, select, textarea")].some(isChanged);
}

/** Calls back whenever something that was in use may no longer be. */
export function whenReleased(callback, signal) {
  // After the event: the focus moves on, and a click comes after the press.
  const soon = () => setTimeout(callback);
  for (const event of ["focusout", "input", "change", "reset", "pointerup", "pointercancel", "close"]) {
    document.addEventListener(event, soon, { capture: true, signal });
  }
}

function isChanged(field) {
  if (field.tagName !== "SELECT") return field.value !== field.defaultValue;
  const first = [...field.options].findIndex((option) => option.defaultSelected);
  return field.selectedIndex !== Math.max(0, first);
}
