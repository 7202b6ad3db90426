// A dashboard written for the compatible Admin API: it knows the table in the protocol, and checks that every answer is
// exactly of that shape. Reads {base, secret, paid, pending, cancelled, wallet, unmatched} and writes {step: "done"}.
import assert from "node:assert/strict";
import { hear, tell } from "./lines.mjs";


const world = await hear();

async function call(method, path, { headers = { "Ocrch-Admin-Authorization": world.secret }, body } = {}) {
  const response = await fetch(`${world.base}/api/v1/admin${path}`, { method, headers, body });
  const text = await response.text();
  const type = response.headers.get("content-type") ?? "";
  return { status: response.status, text, type, json: type.includes("application/json") ? JSON.parse(text) : undefined, headers: response.headers };
}

async function read(path) {
  const { status, json, text } = await call("GET", path);
  assert.equal(status, 200, `GET ${path}: ${text}`);
  return json;
}

async function refused(method, path, status, text, options) {
  const answer = await call(method, path, options);
  assert.deepEqual([answer.status, answer.text], [status, text], `${method} ${path}`);
  assert.match(answer.type, /^text\/plain/);
}

const string = (value) => typeof value === "string";
const integer = (value) => Number.isInteger(value);
const boolean = (value) => typeof value === "boolean";
const decimal = (value) => string(value) && /^\d+(\.\d+)?$/.test(value);
const oneOf = (...values) => (value) => values.includes(value);
const orNull = (check) => (value) => value === null || check(value);
const uuid = (value) => string(value) && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value);

const order = {
  order_id: uuid,
  merchant_order_id: string,
  amount: decimal,
  status: oneOf("pending", "paid", "expired", "cancelled"),
  created_at: integer,
  webhook_url: string,
  webhook_retry_count: integer,
  webhook_success_at: orNull(integer),
  webhook_last_tried_at: orNull(integer),
};
const deposit = {
  id: integer,
  order_id: uuid,
  blockchain: string,
  token: string,
  user_address: orNull(string),
  wallet_address: string,
  value: decimal,
  started_at: integer,
  last_scanned_at: integer,
};
const transfer = {
  id: integer,
  blockchain: string,
  token: string,
  from_address: string,
  to_address: string,
  txn_hash: string,
  value: decimal,
  block_number: integer,
  block_timestamp: integer,
  blockchain_confirmed: boolean,
  created_at: integer,
  status: oneOf("waiting_for_confirmation", "failed_to_confirm", "waiting_for_match", "no_matched_deposit", "matched"),
  fulfillment_id: orNull(integer),
};
const wallet = { blockchain: string, address: string, enabled_coins: Array.isArray };

function shaped(value, shape) {
  for (const [field, check] of Object.entries(shape)) {
    assert.ok(field in value, `${field} is missing in ${JSON.stringify(value)}`);
    assert.ok(check(value[field]), `${field} is ${JSON.stringify(value[field])}`);
  }
  return value;
}

const all = (rows, shape) => rows.map((row) => shaped(row, shape));
const ids = (rows) => rows.map((row) => row.order_id);
const newestFirst = (rows) => rows.every((row, i) => i === 0 || rows[i - 1].created_at >= row.created_at);

// Who may ask.
for (const path of ["/orders", "/deposits", `/wallets/${world.wallet}/transfers`, "/wallets"]) {
  await refused("GET", path, 401, "missing Ocrch-Admin-Authorization header", { headers: {} });
}
for (const path of [`/orders/${world.paid}/mark-paid`, `/orders/${world.paid}/resend-webhook`, "/transfers/1/resend-webhook"]) {
  await refused("POST", path, 401, "missing Ocrch-Admin-Authorization header", { headers: {} });
}
await refused("GET", "/orders", 401, "invalid admin secret", { headers: { "Ocrch-Admin-Authorization": "wrong" } });
await refused("GET", "/orders", 400, "invalid authorization header", { headers: { "Ocrch-Admin-Authorization": "sch\u00e4\u00e4" } });

// Orders.
const orders = all(await read("/orders"), order);
assert.ok(newestFirst(orders));
assert.deepEqual(new Set(ids(orders)), new Set([world.paid, world.pending, world.cancelled]));
const byId = (id) => orders.find((row) => row.order_id === id);
assert.equal(byId(world.paid).status, "paid");
assert.ok(integer(byId(world.paid).webhook_success_at) && integer(byId(world.paid).webhook_last_tried_at));
assert.deepEqual(
  [byId(world.pending).webhook_success_at, byId(world.pending).webhook_last_tried_at, byId(world.pending).webhook_retry_count],
  [null, null, 0],
);
assert.deepEqual(ids(await read("/orders?status=pending")), [world.pending]);
assert.deepEqual(ids(await read("/orders?status=expired")), []);
assert.deepEqual(ids(await read(`/orders?merchant_order_id=${byId(world.cancelled).merchant_order_id}`)), [world.cancelled]);
assert.deepEqual(ids(await read(`/orders?status=paid&merchant_order_id=${byId(world.cancelled).merchant_order_id}`)), []);
assert.deepEqual(ids(await read("/orders?limit=1&offset=1")), ids(orders).slice(1, 2));
assert.equal((await read("/orders?limit=0")).length, 1);
assert.equal((await read("/orders?limit=1000")).length, 3);
assert.deepEqual(await read("/orders?offset=100001"), []);
assert.equal((await read("/orders?status=")).length, 3);

// Deposits: open ones only.
const deposits = all(await read("/deposits"), deposit);
assert.deepEqual(ids(deposits), [world.pending]);
assert.deepEqual(deposits[0].user_address, null);
assert.equal((await read(`/deposits?order_id=${world.pending}&blockchain=${deposits[0].blockchain}&token=${deposits[0].token}`)).length, 1);
assert.deepEqual(await read(`/deposits?order_id=${world.paid}`), []);
assert.deepEqual(await read("/deposits?blockchain=eth"), []);
assert.deepEqual(await read("/deposits?token=DAI"), []);

// Transfers of a wallet, however its address is written.
const transfers = all(await read(`/wallets/${world.wallet}/transfers`), transfer);
assert.ok(newestFirst(transfers));
const paying = transfers.filter((row) => row.status === "matched");
assert.equal(paying.length, 1);
assert.ok(integer(paying[0].fulfillment_id) && paying[0].blockchain_confirmed);
const unmatched = transfers.filter((row) => row.status === "no_matched_deposit");
assert.deepEqual(unmatched.map((row) => [row.txn_hash, row.fulfillment_id]), [[world.unmatched, null]]);
for (const written of [world.wallet.toLowerCase(), `0x${world.wallet.slice(2).toUpperCase()}`]) {
  assert.equal((await read(`/wallets/${written}/transfers`)).length, transfers.length);
}
assert.deepEqual(await read(`/wallets/${world.wallet}/transfers?status=matched`), paying);
assert.deepEqual(await read(`/wallets/${world.wallet}/transfers?blockchain=eth`), []);
assert.deepEqual(await read(`/wallets/${world.wallet}/transfers?token=DAI`), []);
assert.deepEqual(await read(`/wallets/0x${"11".repeat(20)}/transfers`), []);

// Wallets.
const wallets = all(await read("/wallets"), wallet);
assert.deepEqual(wallets.map((row) => [row.address.toLowerCase(), row.enabled_coins]), [[world.wallet.toLowerCase(), ["USDT", "DAI"]]]);

// What nobody knows.
const nobody = "00000000-0000-4000-8000-000000000000";
for (const path of [`/orders/${nobody}/mark-paid`, "/orders/nonsense/mark-paid", `/orders/${nobody}/resend-webhook`, "/transfers/999/resend-webhook", "/transfers/nonsense/resend-webhook"]) {
  await refused("POST", path, 404, "resource not found");
}

// Mending.
const again = await call("POST", `/orders/${world.paid}/mark-paid`);
assert.equal(again.status, 200);
assert.deepEqual(shaped(again.json, order), byId(world.paid), "a paid order stays as it is");
const marked = await call("POST", `/orders/${world.cancelled}/mark-paid`);
assert.equal(marked.status, 200);
assert.equal(shaped(marked.json, order).status, "paid");
assert.equal((await call("POST", `/orders/${world.pending}/resend-webhook`)).text, "order is pending");
await refused("POST", `/orders/${world.pending}/resend-webhook`, 409, "order is pending");
assert.equal((await call("POST", `/orders/${world.paid}/resend-webhook`)).status, 200);
assert.equal((await call("POST", `/transfers/${unmatched[0].id}/resend-webhook`)).status, 200);
await refused("POST", `/transfers/${paying[0].id}/resend-webhook`, 409, "transfer is not unmatched");
const pendingMarked = await call("POST", `/orders/${world.pending}/mark-paid`, { headers: { "Ocrch-Admin-Authorization": world.secret, "Content-Type": "application/json" }, body: JSON.stringify({ reason: "paid in cash" }) });
assert.equal(pendingMarked.json.status, "paid");
assert.deepEqual(await read("/deposits"), []);

// Not behind authentication, at the root.
const health = await (await fetch(`${world.base}/health`)).json();
assert.equal(health.status, "ok");
assert.match(health.version, /^\d+\.\d+\.\d+/);

tell("done");
process.exit(0);
