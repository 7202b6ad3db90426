// Making elements. Text only: part of it comes over the network.

export const $ = (id) => document.getElementById(id);

/// An element with properties (`aria-…`, `role` and `data-…` as attributes) and children.
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/// A button that copies what `text` gives.
export function copyButton(text, what) {
  const button = element("button", { type: "button", className: "copy", textContent: "Copy", "aria-label": `Copy ${what}` });
  button.addEventListener("click", async () => {
    button.textContent = (await copy(text())) ? "Copied" : "Select it and copy";
    setTimeout(() => (button.textContent = "Copy"), 2_000);
  });
  return button;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // No clipboard on plain http, or no permission.
    return false;
  }
}

/// A block of code with its button.
export function codeBlock(text, what) {
  const code = element("code", { textContent: text });
  const pre = element("pre", { tabIndex: 0, role: "group", "aria-label": what }, code);
  return element("div", { className: "code" }, pre, copyButton(() => code.textContent, what));
}
