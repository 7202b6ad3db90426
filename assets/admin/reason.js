// The field in which an admin says why.

import { h } from "./dom.js";

export const reasonField = () =>
  h("label", { for: "reason" }, "Reason", h("span", { class: "hint" }, "Kept in the audit trail."), h("input", { id: "reason", name: "reason", maxlength: 500, autocomplete: "off" }));
