// What the developer gave this page: secrets and the order to talk about. In memory only, and forgotten when the page is left.

const state = { merchant: "", admin: "", order: "", page: "" };
const listeners = [];

/// The present values; `page` is the checkout page whose URL gets signed.
export const keys = state;

/// Calls `listener` after each change.
export function onChange(listener) {
  listeners.push(listener);
}

export function change(values) {
  const before = { ...state };
  Object.assign(state, values);
  if (Object.keys(values).some((name) => before[name] !== state[name])) listeners.forEach((listener) => listener(state));
}

export function forget() {
  change({ merchant: "", admin: "" });
}

// Also a page that the browser keeps for its "back" button.
addEventListener("pagehide", forget);
