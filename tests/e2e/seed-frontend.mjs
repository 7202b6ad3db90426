// The frontend guide's steps 1 to 6 in Node. The functions are the guide's own, without their types;
// `WebSocket` is undici's, which sends the headers that the guide passes.
import { WebSocket } from "undici";
import { hear, tell } from "./lines.mjs";
import { signCheckoutUrl } from "./sign-checkout-url.mjs";

const { base: OCRCH_BASE, secret, page, order_id, stale_by = 0, cancel = false } = await hear();

// Step 1: the backend builds the URL.
const checkoutUrl = `${page}?order_id=${order_id}`;
const redirectUrl = `${checkoutUrl}&sig=${encodeURIComponent(signCheckoutUrl(checkoutUrl, secret, stale_by))}`;

// Step 2: the page reads it.
const window = { location: new URL(redirectUrl) };
const params = new URLSearchParams(window.location.search);
const orderId = params.get("order_id");
let signature = params.get("sig");
const signedUrl = window.location.href.replace(/&sig=[^&]*/, "");

// Step 3.
async function getChains(signedUrl, signature) {
  const res = await fetch(`${OCRCH_BASE}/api/v1/user/chains`, {
    headers: {
      "Ocrch-Signed-Url": signedUrl,
      "Ocrch-Signature": signature,
    },
  });
  if (!res.ok) throw Object.assign(new Error(await res.text()), { status: res.status });
  return res.json();
}

// Step 4.
async function selectPaymentMethod(orderId, blockchain, stablecoin, signedUrl, signature) {
  const res = await fetch(
    `${OCRCH_BASE}/api/v1/user/orders/${orderId}/payment`,
    {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "Ocrch-Signed-Url": signedUrl,
        "Ocrch-Signature": signature,
      },
      body: JSON.stringify({ blockchain, stablecoin }),
    }
  );

  if (!res.ok) throw new Error(await res.text());
  return res.json();
}

// Step 5.
function connectOrderWebSocket(orderId, signedUrl, signature, onStatus, onClose) {
  const ws = new WebSocket(`${OCRCH_BASE.replace("https", "wss")}/api/v1/user/orders/${orderId}/ws`, {
    headers: {
      "Ocrch-Signed-Url": signedUrl,
      "Ocrch-Signature": signature,
    },
  });

  ws.onmessage = (event) => {
    const msg = JSON.parse(event.data);
    if (msg.type === "status_update") {
      onStatus(msg.order);
      if (["paid", "expired", "cancelled"].includes(msg.order.status)) {
        ws.close();
      }
    }
  };

  ws.onclose = onClose;
  return ws;
}

// Cancelling an order.
async function cancelOrder(orderId, signedUrl, signature) {
  await fetch(`${OCRCH_BASE}/api/v1/user/orders/${orderId}/cancel`, {
    method: "POST",
    headers: {
      "Ocrch-Signed-Url": signedUrl,
      "Ocrch-Signature": signature,
    },
  });
}

// Step 6, with notes instead of a page.
const end = {};
function handleOrderStatus(order) {
  switch (order.status) {
    case "paid":
      end.redirect = `/success?order=${order.merchant_order_id}`;
      break;
    case "cancelled":
      end.message = "Order was cancelled.";
      break;
    case "expired":
      end.message = "Order expired. Please try again.";
      break;
  }
}

let chains;
try {
  chains = await getChains(signedUrl, signature);
} catch (error) {
  tell("expired", { status: error.status, text: error.message });
  signature = signCheckoutUrl(signedUrl, secret);
  chains = await getChains(signedUrl, signature);
}
tell("chains", { chains });

const { blockchain, stablecoin } = chains[0];
tell("payment", await selectPaymentMethod(orderId, blockchain, stablecoin, signedUrl, signature));

const statuses = [];
await new Promise((resolve, reject) => {
  let watching = false;
  const ws = connectOrderWebSocket(
    orderId,
    signedUrl,
    signature,
    (order) => {
      if (order.status !== statuses.at(-1)) statuses.push(order.status);
      handleOrderStatus(order);
      if (!watching) {
        watching = true;
        tell("watching");
        if (cancel) cancelOrder(orderId, signedUrl, signature);
      }
    },
    resolve
  );
  ws.onerror = (event) => reject(event.error ?? new Error("the WebSocket failed"));
});
tell("closed", { statuses, ...end });
process.exit(0);
