// A signature, step by step, as a list: the time, the text that is signed, its MAC, the headers.

import { codeBlock, element } from "./dom.js";

const step = (title, text, what) => element("li", {}, element("p", { textContent: title }), codeBlock(text, what));

/// `signed` as `hmac.js` makes it; `recipe` is the pattern of the signed text, `url` the page's, if that was signed.
export function steps({ recipe, url, ts, message, mac, signature }) {
  const headers = `${url ? `Ocrch-Signed-Url: ${url}\n` : ""}Ocrch-Signature: ${signature}`;
  return [
    step("The time, in Unix seconds", String(ts), "the time"),
    step(`The exact text that is signed, ${recipe}`, message, "the signed text"),
    step("Its HMAC-SHA256 with the merchant secret as the key, in base64", mac, "the MAC"),
    step(url ? "The two headers" : "The header, {ts}.{base64}", headers, url ? "the headers" : "the header"),
  ];
}
