// A button that puts a text on the clipboard and says so.

import { h } from "./dom.js";
import { toast } from "./toast.js";

export function copyButton(text, label) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      toast("Copied.");
    } catch {
      // Plain http on another host than this one has no clipboard.
      prompt("Copy this:", text);
    }
  };
  return h("button", { type: "button", onclick: copy }, label);
}
