// A complete small shop in front of Ocrch, in one file, with nothing but Node.js (20 or newer).
//
//   a customer orders  ->  create the order at Ocrch, send the customer to its page
//   Ocrch tells        ->  verify the webhook, note what happened, ship once
//
// Settings come from the environment; the README beside this file has them.
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";

const OCRCH = process.env.OCRCH ?? "http://127.0.0.1:8080";
const SHOP_URL = process.env.SHOP_URL ?? "http://127.0.0.1:3000"; // where customers and Ocrch reach this shop
const PORT = process.env.PORT ?? 3000;
const FILE = process.env.SHOP_FILE ?? "orders.json";
const PAGES = process.env.PAGES; // the origin of static pages that may order here, see ../static
const SECRET = process.env.MERCHANT_SECRET; // merchant.secret in ocrch.toml
if (!SECRET) throw new Error("set MERCHANT_SECRET to merchant.secret of ocrch.toml");

// Amounts are texts, never floats: 0.1 + 0.2 is not 0.3.
const PRODUCTS = { mug: { name: "A very good mug", price: "19.99" }, beans: { name: "A bag of beans", price: "12.50" } };

// ---- The books: one JSON file, written whole under another name and then renamed, so that a crash leaves the old or the new.

let books = existsSync(FILE) ? JSON.parse(readFileSync(FILE, "utf8")) : { orders: {}, webhooks: {}, strays: [] };

/// Gives a copy of the books to `make` and keeps it once it is on disk: what could not be saved has not happened.
function change(make) {
  const next = structuredClone(books);
  const result = make(next);
  writeFileSync(`${FILE}.new`, JSON.stringify(next, null, 2), { mode: 0o600, flush: true });
  renameSync(`${FILE}.new`, FILE);
  books = next;
  return result;
}

// ---- Ocrch's Service API: every body is signed.

async function ocrch(path, body, headers = {}) {
  const text = JSON.stringify(body); // what is signed must be what is sent, to the byte
  const ts = Math.floor(Date.now() / 1000);
  const mac = createHmac("sha256", SECRET).update(`${ts}.${text}`).digest("base64");
  const answer = await fetch(`${OCRCH}/api/v1/service${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Ocrch-Signature": `${ts}.${mac}`, ...headers },
    body: text,
    signal: AbortSignal.timeout(10_000),
  });
  if (!answer.ok) throw new Error(`Ocrch answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

async function order(product) {
  const id = `${product}-${randomUUID()}`; // nobody can guess it, so its page needs no login
  const noted = { product, amount: PRODUCTS[product].price, status: "pending", created_at: new Date().toISOString() };
  change((books) => (books.orders[id] = noted));
  const ask = {
    order_id: id,
    amount: PRODUCTS[product].price,
    description: PRODUCTS[product].name,
    webhook_url: `${SHOP_URL}/ocrch-webhook`,
    success_url: `${SHOP_URL}/orders/${id}`,
    cancel_url: `${SHOP_URL}/orders/${id}`,
  };
  // With the key, asking again never makes a second order: a lost answer is no reason to give up.
  const create = () => ocrch("/orders", ask, { "Idempotency-Key": id });
  const created = await create().catch(create);
  change((books) => Object.assign(books.orders[id], { ocrch_id: created.order_id, checkout_url: created.checkout_url }));
  return { id, checkout_url: created.checkout_url };
}

// ---- Webhooks: nothing is believed before the signature is verified.

const MAX_AGE = 300; // seconds: what is older may be somebody's recording

function isGenuine(header, body) {
  const [, ts, mac] = /^(\d{1,12})\.([\w+/-]+=*)$/.exec(header ?? "") ?? [];
  if (!ts || Math.abs(Date.now() / 1000 - ts) > MAX_AGE) return false;
  const expected = createHmac("sha256", SECRET).update(`${ts}.`).update(body).digest();
  const given = Buffer.from(mac, "base64");
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/// Notes an event and what follows from it, in one write, and acts only then: if it cannot be saved, Ocrch is not answered
/// 200 and tells it again. The same event can come twice: the second time changes nothing.
function receive(id, event) {
  if (books.webhooks[id]) return;
  const toDo = change((books) => {
    books.webhooks[id] = event.timestamp;
    if (event.event_type === "order_status_changed") return statusChanged(books, event);
    if (event.event_type !== "unknown_transfer") return [];
    books.strays.push(event);
    return [`money that belongs to no order: transfer ${event.transfer_id} on ${event.blockchain}; Ocrch's dashboard shows it`];
  });
  for (const line of toDo) console.log(line); // here goes your own work, such as shipping
}

/// Changes the books, and gives what is to be done about it.
function statusChanged(books, { order_id, merchant_order_id, status, amount }) {
  const order = books.orders[merchant_order_id];
  if (!order || order.amount !== amount || (order.ocrch_id ?? order_id) !== order_id) {
    return [`an event about an order that is not ours: ${merchant_order_id}`];
  }
  if (order.status === "paid") return []; // paid stays paid
  order.status = status;
  const said = [`${merchant_order_id} ${status}`];
  return status === "paid" ? [...said, `ship ${merchant_order_id}: ${PRODUCTS[order.product].name}`] : said;
}

// ---- Pages.

const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

const page = (title, content, refresh = "") => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">${refresh}
<title>${escape(title)}</title>
<style>
  :root { color-scheme: light dark; font: 1.0625rem/1.5 system-ui, sans-serif; }
  body { max-width: 34rem; margin: 2rem auto; padding: 0 1rem; }
  li { display: flex; justify-content: space-between; align-items: center; gap: 1rem; margin: 1rem 0; }
  ul { padding: 0; } button { font: inherit; padding: .5rem 1.25rem; }
</style>
<h1>${escape(title)}</h1>
${content}
</html>`;

const shopPage = () => {
  const items = Object.entries(PRODUCTS).map(([key, { name, price }]) =>
    `<li>${escape(name)}, ${escape(price)} <form method="post" action="/buy"><button name="product" value="${key}" aria-label="Buy ${escape(name)}">Buy</button></form></li>`);
  return page("The corner shop", `<ul>${items.join("")}</ul><p>Paid in USDT, USDC or DAI.</p>`);
};

const STATUS = {
  pending: "We are waiting for your payment. This page looks again every few seconds.",
  paid: "Paid. Thank you! We are packing it.",
  expired: "The time to pay is over. If you did pay, write to us: we see it.",
  cancelled: "Cancelled. Nothing was charged.",
};

function orderPage(id) {
  const order = books.orders[id];
  const pending = order.status === "pending";
  const pay = pending && order.checkout_url ? `<p><a href="${escape(order.checkout_url)}">Pay now</a></p>` : "";
  const content = `<p>${escape(PRODUCTS[order.product].name)}, ${escape(order.amount)}</p>
<p role="status"><strong>${order.status}</strong>: ${STATUS[order.status]}</p>${pay}<p><a href="/">Back to the shop</a></p>`;
  return page(`Order ${id}`, content, pending ? '\n<meta http-equiv="refresh" content="3">' : "");
}

// ---- Requests.

async function read(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    if ((size += chunk.length) > 64 * 1024) throw Object.assign(new Error("too large"), { status: 413 });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks); // the bytes as they came: parsed and written anew they would not fit their signature
}

async function answer(request, send) {
  const { pathname } = new URL(request.url, SHOP_URL);
  const id = pathname.match(/^\/orders\/([\w-]+)$/)?.[1];
  if (request.method === "GET" && pathname === "/") return send(200, shopPage());
  if (request.method === "GET" && id && Object.hasOwn(books.orders, id)) return send(200, orderPage(id));
  if (request.method === "POST" && pathname === "/buy") {
    const product = new URLSearchParams(String(await read(request))).get("product");
    if (!Object.hasOwn(PRODUCTS, product)) return send(400, page("We do not sell that", ""));
    const { id, checkout_url } = await order(product);
    // A page with ocrch.js wants the address, a form wants to be sent there.
    if (request.headers.accept?.includes("application/json")) {
      const readers = PAGES ? { "Access-Control-Allow-Origin": PAGES } : {};
      return send(201, JSON.stringify({ id, checkout_url }), { "Content-Type": "application/json", ...readers });
    }
    return send(303, "", { Location: checkout_url });
  }
  if (request.method === "POST" && pathname === "/ocrch-webhook") {
    const body = await read(request);
    if (!isGenuine(request.headers["ocrch-signature"], body)) return send(401, "");
    receive(request.headers["webhook-id"], JSON.parse(body));
    return send(200, ""); // exactly 200: anything else, and it comes again
  }
  send(404, page("There is nothing here", ""));
}

createServer((request, response) => {
  const send = (status, text, headers = {}) => response.writeHead(status, { "Content-Type": "text/html; charset=utf-8", ...headers }).end(text);
  answer(request, send).catch((error) => {
    console.error(error);
    send(error.status ?? 502, page("That did not work", "<p>Nothing was charged. Please try again in a minute.</p>"));
  });
}).listen(PORT, "127.0.0.1", () => console.log(`the shop is open: ${SHOP_URL}`));
