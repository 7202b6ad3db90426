// The panel that signs by hand.

import { $, codeBlock, element } from "./dom.js";
import { signBody, signUrl, urlForOrder } from "./hmac.js";
import { change, keys, onChange } from "./keys.js";
import { steps } from "./steps.js";

const chosen = () => document.querySelector("input[name=what]:checked").value;

export function startSigner() {
  $("page-url").value = keys.page;
  $("page-url").addEventListener("input", () => change({ page: $("page-url").value.trim() }));
  document.querySelectorAll("input[name=what]").forEach((input) => input.addEventListener("change", showFields));
  $("sign-now").addEventListener("click", sign);
  onChange(({ page, merchant }) => {
    if (page !== $("page-url").value.trim()) $("page-url").value = page;
    if (!merchant) showSteps([]);
  });
}

function showFields() {
  $("page-field").hidden = chosen() !== "url";
  $("body-field").hidden = chosen() !== "body";
  showSteps([]);
}

async function sign() {
  $("sign-problem").textContent = "";
  try {
    if (!keys.merchant) throw new Error("Paste the merchant secret above first.");
    showSteps(await (chosen() === "url" ? checkoutUrl() : body()));
  } catch (error) {
    showSteps([]);
    $("sign-problem").textContent = error.message;
  }
}

async function checkoutUrl() {
  const url = urlForOrder(checked(keys.page), keys.order);
  const signed = await signUrl(keys.merchant, url);
  const redirect = `${url}${url.includes("?") ? "&" : "?"}sig=${encodeURIComponent(signed.signature)}`;
  const to = keys.order
    ? element("p", {}, element("a", { href: redirect, target: "_blank", rel: "noreferrer", textContent: "Open the page" }))
    : element("p", { textContent: "No order is named above, so this URL opens none: put the order’s id into the field “Order”." });
  const last = element("li", {}, element("p", { textContent: "Where to send the customer: the URL with the signature appended" }), codeBlock(redirect, "the checkout URL"), to);
  return [...steps({ recipe: "{url}.{ts}", url, ...signed }), last];
}

async function body() {
  return steps({ recipe: "{ts}.{body}", ...(await signBody(keys.merchant, $("body-text").value)) });
}

function checked(page) {
  if (!/^https?:\/\//.test(page) || !URL.canParse(page)) throw new Error("The page must be a whole URL, such as https://shop.example.com/pay.");
  if (page.includes("#")) throw new Error("Leave out the fragment (# and what follows): browsers do not send it to servers.");
  return page;
}

function showSteps(items) {
  $("steps").replaceChildren(...items);
  $("steps").hidden = items.length === 0;
}
