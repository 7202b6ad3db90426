// The demo's wallet, on the checkout page: it announces itself like any other (EIP-6963), and what it is asked to send
// goes to the simulated chain. The demo's server adds this script to the page; a real server neither has nor serves it.

const ACCOUNT = `0x${"5b".repeat(20)}`;
const ICON = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E%3Crect width='24' height='24' rx='6' fill='%23fff'/%3E%3Cpath d='M5 8h14v10H5zm0 0l9-3v3m1 5h4' fill='none' stroke='%230b6e4f' stroke-width='2' stroke-linejoin='round'/%3E%3C/svg%3E";

// A wallet knows the tokens it shows; this one hears about the only one that it needs.
let payment = null;
document.addEventListener("ocrch:payment", ({ detail }) => (payment = detail));

const METHODS = {
  eth_requestAccounts: () => [ACCOUNT],
  eth_chainId: () => `0x${payment.chain_id.toString(16)}`,
  eth_sendTransaction: ([transaction]) => send(transaction),
};

async function request({ method, params }) {
  if (!Object.hasOwn(METHODS, method)) throw Object.assign(new Error(`${method} is unknown`), { code: 4200 });
  return METHODS[method](params);
}

/// The demo's chain sends tokens only, so it takes nothing but a call of transfer(address,uint256).
async function send({ to, data }) {
  const call = /^0xa9059cbb0{24}([0-9a-f]{40})([0-9a-f]{64})$/.exec(data);
  if (!call || to !== payment.contract_address) throw new Error("only a transfer of the coin can be simulated");
  const transfer = { ...payment, wallet_address: `0x${call[1]}`, amount: decimal(BigInt(`0x${call[2]}`), payment.decimals) };
  const response = await fetch(new URL("pay", import.meta.url), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(transfer),
  });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()).txn_hash;
}

function decimal(units, decimals) {
  const digits = String(units).padStart(decimals + 1, "0");
  const fraction = digits.slice(-decimals).replace(/0+$/, "");
  return digits.slice(0, -decimals) + (fraction && `.${fraction}`);
}

const info = Object.freeze({ uuid: "5b5b5b5b-0000-4000-8000-000000000de0", name: "the demo wallet", icon: ICON, rdns: "demo.ocrch" });
const announce = () => {
  window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: Object.freeze({ info, provider: { request } }) }));
};
window.addEventListener("eip6963:requestProvider", announce);
announce();
