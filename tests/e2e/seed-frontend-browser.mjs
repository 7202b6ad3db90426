// The frontend guide's steps 1 to 6 in a real browser. Browsers cannot send headers with a WebSocket:
// the page fetches a ticket instead; all else is the guide's.
import { createServer } from "node:http";
import { launch } from "./browser.mjs";
import { hear, tell } from "./lines.mjs";
import { signCheckoutUrl } from "./sign-checkout-url.mjs";

const { base, secret, port, order_id } = await hear();

const page_html = `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Checkout</title><link rel="icon" href="data:,"></head>
<body>
<ul id="chains"></ul>
<p id="payment"></p>
<p id="message"></p>
<script type="module">
const OCRCH_BASE = ${JSON.stringify(base)};
const params = new URLSearchParams(window.location.search);
const orderId = params.get("order_id");
const signature = params.get("sig");
const signedUrl = window.location.href
  .replace(/&sig=[^&]*/, "");
const headers = { "Ocrch-Signed-Url": signedUrl, "Ocrch-Signature": signature };

const chains = await (await fetch(OCRCH_BASE + "/api/v1/user/chains", { headers })).json();
for (const { blockchain, stablecoin } of chains) {
  const button = document.createElement("button");
  button.textContent = stablecoin + " on " + blockchain;
  button.onclick = () => choose(blockchain, stablecoin);
  document.getElementById("chains").append(button);
}

async function choose(blockchain, stablecoin) {
  const res = await fetch(OCRCH_BASE + "/api/v1/user/orders/" + orderId + "/payment", {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify({ blockchain, stablecoin }),
  });
  if (!res.ok) throw new Error(await res.text());
  document.getElementById("payment").textContent = JSON.stringify(await res.json());
  await watch();
}

async function watch() {
  const res = await fetch(OCRCH_BASE + "/api/v1/user/orders/" + orderId + "/ws-ticket", {
    method: "POST",
    headers,
  });
  if (!res.ok) throw new Error(await res.text());
  const { ticket } = await res.json();
  const url = OCRCH_BASE.replace("http", "ws") + "/api/v1/user/orders/" + orderId + "/ws?ticket=" + ticket;
  const ws = new WebSocket(url);
  ws.onmessage = (event) => {
    const msg = JSON.parse(event.data);
    if (msg.type !== "status_update") return;
    document.getElementById("message").textContent = msg.order.status;
    if (["paid", "expired", "cancelled"].includes(msg.order.status)) ws.close();
    handleOrderStatus(msg.order);
  };
}

function handleOrderStatus(order) {
  switch (order.status) {
    case "paid":
      window.location.href = "/success?order=" + order.merchant_order_id;
      break;
    case "cancelled":
      document.getElementById("message").textContent = "Order was cancelled.";
      break;
    case "expired":
      document.getElementById("message").textContent = "Order expired. Please try again.";
      break;
  }
}
</script>
</body>
</html>`;

const server = createServer((request, response) => {
  response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" });
  response.end(request.url.startsWith("/success") ? "<!DOCTYPE html><title>Thank you</title>" : page_html);
});
await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));

const checkoutUrl = `http://127.0.0.1:${port}/pay?order_id=${order_id}`;
const signature = signCheckoutUrl(checkoutUrl, secret);

const browser = await launch();
const errors = [];
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(30_000);
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  await page.goto(`${checkoutUrl}&sig=${encodeURIComponent(signature)}`);
  await page.getByRole("button", { name: "USDT" }).first().click();
  const shown = page.locator("#payment:not(:empty)");
  tell("payment", JSON.parse(await shown.textContent()));
  await page.locator("#message", { hasText: "pending" }).waitFor();
  tell("watching");
  await page.waitForURL("**/success?**");
  const reached = new URL(page.url());
  tell("redirected", { path: reached.pathname + reached.search, errors });
} finally {
  await browser.close();
  server.close();
}
process.exit(0);
