// Step 1 of the frontend guide, as written there (but for a timestamp that tests may set back).
import { createHmac } from "node:crypto";

export function signCheckoutUrl(url, merchantSecret, secondsAgo = 0) {
  const timestamp = (Math.floor(Date.now() / 1000) - secondsAgo).toString();
  const message = `${url}.${timestamp}`;
  const sig = createHmac("sha256", merchantSecret)
    .update(message)
    .digest("base64");
  return `${timestamp}.${sig}`;
}
