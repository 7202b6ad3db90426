// Keeps Swagger UI's forms about the order at hand: its id in paths and bodies, and a way to pay that it has.

import { keys, onChange } from "./keys.js";
import { bodyExample, operations } from "./spec.js";

export function fillForms(system, spec) {
  let filled = "";
  onChange(() => {
    if (keys.order === filled) return;
    filled = keys.order;
    operations(spec).forEach((call) => fillForm(system, spec, call));
  });
}

/// The same for one form, which loses its body whenever it is opened.
export function fillForm(system, spec, { path, method, operation }) {
  if (keys.order && path.includes("/orders/{id}")) system.specActions.changeParam([path, method], "id", "path", keys.order);
  const fields = Object.keys(bodyExample(spec, operation) ?? {}).join();
  if (keys.order && fields === "order_id") setBody(system, path, method, { order_id: keys.order });
  if (wayToPay && fields === "blockchain,stablecoin") setBody(system, path, method, wayToPay);
}

let wayToPay;

/// After the ways to pay were listed, the first of them is the one to try.
export function offerWayToPay(system, spec, response) {
  const [first] = response.status === 200 && response.url.endsWith("/user/chains") ? (response.body ?? []) : [];
  if (!first) return;
  wayToPay = { blockchain: first.blockchain, stablecoin: first.stablecoin };
  operations(spec).forEach((call) => fillForm(system, spec, call));
}

function setBody(system, path, method, value) {
  system.oas3Actions.setRequestBodyValue({ value: JSON.stringify(value, null, 2), pathMethod: [path, method] });
}
