// The demo's simulated wallet, on the checkout page: it sends what that page asks the shopper to send.
// The demo's server adds this script to the page; a real server neither has nor serves it.

const wallets = document.getElementById("wallets");
const button = Object.assign(document.createElement("button"), { type: "button", className: "main" });
const note = Object.assign(document.createElement("p"), { className: "note" });
note.setAttribute("role", "status");
let payment = null;

document.addEventListener("ocrch:payment", ({ detail }) => {
  payment = detail;
  ready();
  wallets.replaceChildren(button, note);
});

button.addEventListener("click", async () => {
  button.disabled = true;
  note.textContent = "Sending…";
  try {
    const response = await fetch(new URL("pay", import.meta.url), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(payment),
    });
    if (!response.ok) throw new Error(await response.text());
    button.textContent = "Sent";
    note.textContent = `In the next block: ${(await response.json()).txn_hash}`;
  } catch (error) {
    ready();
    note.textContent = `It wasn’t sent: ${error.message}`;
  }
});

function ready() {
  button.disabled = false;
  button.textContent = "Send the simulated payment";
  note.textContent = "";
}

// Back to the shop, unless the page has a link of its own for that.
document.addEventListener("ocrch:order", ({ detail: order }) => {
  const over = order.status !== "pending";
  if (!over || document.getElementById("demo-shop") || !document.getElementById("return").hidden) return;
  const link = Object.assign(document.createElement("a"), { id: "demo-shop", className: "main", textContent: "Back to the demo shop" });
  link.href = new URL("../", import.meta.url).href;
  document.getElementById("done").append(link);
});
