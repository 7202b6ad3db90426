// Questions before something is done. The browser's own dialog keeps the keyboard inside and gives it back afterwards.

import { h, replace } from "./dom.js";

let open = null;

/** Declines the question that is open, if there is one: what it was about is no longer in view. */
export const decline = () => open?.close();

/**
 * Asks, and does it: resolves to what `act` answered, or to null if the question was declined. What goes wrong is said in
 * the dialog, which stays open.
 */
export function ask({ title, text, fields = [], confirm, danger = false, act }) {
  return new Promise((resolve) => {
    const problem = h("p", { role: "alert" });
    const yes = h("button", { class: danger ? "danger" : "main", value: "yes" }, confirm);
    const no = h("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
    const form = h("form", { onsubmit: submit }, h("h2", { id: "dialog-title" }, title), text, fields, problem, h("div", { class: "row" }, yes, no));
    const dialog = h("dialog", { "aria-labelledby": "dialog-title" }, form);
    let result = null;

    async function submit(event) {
      event.preventDefault();
      yes.disabled = true;
      try {
        result = (await act(Object.fromEntries(new FormData(form)))) ?? true;
        dialog.close();
      } catch (error) {
        problem.className = "problem";
        replace(problem, error.message);
        yes.disabled = false;
      }
    }

    dialog.addEventListener("close", () => {
      dialog.remove();
      if (open === dialog) open = null;
      resolve(result);
    });
    open = dialog;
    document.body.append(dialog);
    dialog.showModal();
    (form.querySelector("input, textarea, select") ?? yes).focus();
  });
}
