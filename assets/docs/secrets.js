// The panel with the secrets.

import { $ } from "./dom.js";
import { INSECURE, canSign } from "./hmac.js";
import { change, forget, keys, onChange } from "./keys.js";

const FIELDS = { "merchant-secret": "merchant", "admin-secret": "admin", "order-id": "order" };

export function startSecrets() {
  for (const [id, name] of Object.entries(FIELDS)) {
    // Secrets may have spaces at their ends; a pasted order id never means them.
    $(id).addEventListener("input", () => change({ [name]: name === "order" ? $(id).value.trim() : $(id).value }));
  }
  $("forget").addEventListener("click", forget);
  if (!canSign()) {
    $("insecure").textContent = INSECURE;
    $("insecure").hidden = false;
  }
  onChange(show);
  // What a browser put back into the fields after a reload.
  Object.keys(FIELDS).forEach((id) => ($(id).value = ""));
}

function show() {
  for (const [id, name] of Object.entries(FIELDS)) {
    if (keys[name] !== $(id).value.trim() && keys[name] !== $(id).value) $(id).value = keys[name];
  }
  const known = [keys.merchant && canSign() && "the Service API and the User API", keys.admin && "the Admin API"].filter(Boolean);
  $("ready").textContent = known.length ? `Calls of ${known.join(" and ")} are signed.` : "";
}
