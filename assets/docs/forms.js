// Keeps Swagger UI's forms about the order at hand: its id in paths and bodies, and a way to pay that it has.

import { keys, onChange } from "./keys.js";
import { bodyExample, operations } from "./spec.js";

export function fillForms(ui, spec) {
  let filled = "";
  onChange(() => {
    if (keys.order === filled) return;
    filled = keys.order;
    for (const { path, method, operation } of operations(spec)) {
      if (path.includes("/orders/{id}")) ui.specActions.changeParam([path, method], "id", "path", keys.order);
      if (Object.keys(bodyExample(spec, operation) ?? {}).join() === "order_id") setBody(ui, path, method, { order_id: keys.order });
    }
  });
}

/// After the ways to pay were listed, the first of them is the one to try.
export function offerWayToPay(ui, response) {
  const [first] = response.status === 200 && response.url.endsWith("/user/chains") ? (response.body ?? []) : [];
  if (!first) return;
  const { blockchain, stablecoin } = first;
  setBody(ui, "/api/v1/user/orders/{id}/payment", "post", { blockchain, stablecoin });
}

function setBody(ui, path, method, value) {
  ui.oas3Actions.setRequestBodyValue({ value: JSON.stringify(value, null, 2), pathMethod: [path, method] });
}
