// The shop's page: buys through the shop's own backend, and shows what that backend knows.

const REFRESH_MS = 1_000;
const $ = (id) => document.getElementById(id);
const url = (path) => new URL(path, import.meta.url);
let shown = "";

$("buy").addEventListener("click", async () => {
  $("buy").disabled = true;
  $("problem").textContent = "";
  try {
    const response = await fetch(url("orders"), { method: "POST" });
    if (!response.ok) throw new Error(await response.text());
    location.assign((await response.json()).checkout_url);
  } catch (error) {
    $("problem").textContent = `The order wasn’t created: ${error.message}`;
    $("buy").disabled = false;
  }
});

// A browser that comes back with its Back button shows the page as it was left, with the button off.
window.addEventListener("pageshow", () => ($("buy").disabled = false));

async function refresh() {
  try {
    const response = await fetch(url("state"), { cache: "no-store" });
    const text = await response.text();
    if (response.ok && text !== shown) {
      shown = text;
      render(JSON.parse(text));
    }
  } catch {
    // The server was stopped; the next round asks again.
  }
  setTimeout(refresh, REFRESH_MS);
}

function render({ orders, deliveries }) {
  $("no-orders").hidden = orders.length > 0;
  $("no-deliveries").hidden = deliveries.length > 0;
  $("orders").replaceChildren(...orders.map(orderRow));
  $("deliveries").replaceChildren(...deliveries.map(deliveryRow));
}

function orderRow(order) {
  const open = element("a", "", order.status === "pending" ? "Pay" : "See");
  open.href = order.checkout_url;
  open.setAttribute("aria-label", `${open.textContent} order ${order.merchant_order_id}`);
  return row(
    element("strong", "", order.merchant_order_id),
    element("span", "", order.amount),
    element("span", `badge ${order.status}`, order.status),
    element("time", "", clock(order.created_at)),
    open,
  );
}

function deliveryRow(delivery) {
  const what = delivery.status ? `${delivery.merchant_order_id} ${delivery.status}` : (delivery.event_type ?? "Refused");
  return row(
    element("strong", "", what),
    element("span", delivery.verified ? "badge paid" : "badge bad", delivery.verified ? "✓ signature verified" : delivery.problem),
    element("time", "", clock(delivery.received_at)),
    element("small", "", `${delivery.event_type ?? "unknown event"} · webhook-id ${delivery.webhook_id ?? "missing"}`),
  );
}

function row(...cells) {
  const item = document.createElement("li");
  item.append(...cells);
  return item;
}

// Text only: part of it came over the network.
function element(name, className, text) {
  return Object.assign(document.createElement(name), { className, textContent: text });
}

const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString();

refresh();
