// A stage for the checkout page: its real files from a real server, and answers of the API that a test makes up. So every
// state can be shown at once, without waiting for a chain.

const ORDER_ID = "01a205c5-3247-713b-90df-95f698ceacfd";

/// The page's address on a server.
export const pageOn = (base) => `${base}/checkout?order_id=${ORDER_ID}&sig=1795393139.c2lnbmF0dXJl`;

export const SETTINGS = {
  name: "Bean & Leaf",
  title: "",
  support_url: "mailto:help@shop.example.com",
  demo: false,
  chains: {
    tron: { name: "Tron", family: "tron", chain_id: 728126428, explorer_tx_url: "https://tronscan.org/#/transaction/{hash}", block_seconds: 3, typical_seconds: 60, native: { name: "Tronix", symbol: "TRX", decimals: 6 }, test: false },
    eth: { name: "Ethereum", family: "evm", chain_id: 1, explorer_tx_url: "https://etherscan.io/tx/{hash}", block_seconds: 12, typical_seconds: 144, native: { name: "Ether", symbol: "ETH", decimals: 18 }, rpc_url: "https://rpc.example.com", test: false },
    bsc: { name: "BNB Chain", family: "evm", chain_id: 56, block_seconds: 0.45, typical_seconds: 14, native: { name: "BNB", symbol: "BNB", decimals: 18 }, test: false },
    base: { name: "Base", family: "evm", chain_id: 8453, explorer_tx_url: "https://basescan.org/tx/{hash}", block_seconds: 2, typical_seconds: 40, native: { name: "Ether", symbol: "ETH", decimals: 18 }, rpc_url: "https://base.example.com", test: false },
    sepolia: { name: "Sepolia", family: "evm", chain_id: 11155111, block_seconds: 12, typical_seconds: 60, native: { name: "Sepolia Ether", symbol: "ETH", decimals: 18 }, test: true },
  },
};

const EVM_WALLET = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const TRON_WALLET = "TWer2Ygk5TEheHp3TPuYeqxmB6SsGZmaL6";
export const CONTRACTS = {
  tron: { USDT: "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t" },
  eth: { USDT: "0xdAC17F958D2ee523a2206206994597C13D831ec7", USDC: "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", DAI: "0x6B175474E89094C44Da98b954EedeAC495271d0F" },
  bsc: { USDT: "0x55d398326f99059fF775485246999027B3197955" },
  base: { USDC: "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913" },
  sepolia: { USDC: "0x1c7D4B196Cb0C7B01d743Fbc6116a902379C7238" },
};

const pair = (stablecoin, blockchain, more = {}) =>
  ({ blockchain, stablecoin, wallet_address: blockchain === "tron" ? TRON_WALLET : EVM_WALLET, ...more });

export const PAIRS = [
  pair("USDT", "tron"), pair("USDT", "eth"), pair("USDT", "bsc", { degraded: true }),
  pair("USDC", "eth"), pair("USDC", "base"), pair("USDC", "sepolia"), pair("DAI", "eth"),
];

/// The server's answers, to be changed while the page is open.
export function play(changes = {}) {
  let connect;
  const connected = new Promise((resolve) => (connect = resolve));
  return {
    connect,
    /// Sends the order, as it is now, to a page that listens.
    push: async () => (await connected)(),
    settings: SETTINGS,
    order: order(),
    pairs: PAIRS,
    amount: "24.900137",
    claim: { status: 200, body: { finding: "not_found", reported: false } },
    fails: null, // { status, text } for every call, or "offline"
    ...changes,
  };
}

export function order(changes = {}) {
  const now = Math.floor(Date.now() / 1000);
  return {
    order_id: ORDER_ID, merchant_order_id: "A-1042", amount: "24.90", status: "pending",
    created_at: now - 30, expires_at: now + 885, description: "Two bags of coffee, ground for espresso",
    success_url: "https://shop.example.com/thanks", cancel_url: "https://shop.example.com/cart",
    ...changes,
  };
}

export function payment(changes = {}) {
  return {
    blockchain: "eth", stablecoin: "USDT", txn_hash: `0x${"5f".repeat(32)}`, amount: "24.900137",
    from_address: EVM_WALLET, block_number: 23_000_000, block_timestamp: Math.floor(Date.now() / 1000),
    confirmations: 3, confirmations_required: 12, explorer_url: `https://etherscan.io/tx/0x${"5f".repeat(32)}`,
    ...changes,
  };
}

/// Puts these answers before a server, for a browser's context.
export async function stage(context, answers, base) {
  await context.routeWebSocket(/\/ws\?ticket=/, (socket) => {
    const send = () => socket.send(JSON.stringify({ type: "status_update", order: answers.order }));
    send();
    answers.connect(send);
  });
  await context.route(`${base}/api/**`, (route) => route.fulfill(...api(route, answers)));
  await context.route(`${base}/demo/wallet.js`, (route) => route.fulfill({ contentType: "text/javascript", body: "" }));
  await context.route(`${base}/checkout?*`, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: withSettings(await response.text(), answers.settings) });
  });
}

function withSettings(html, settings) {
  const place = /(<script type="application\/json" id="settings">)(.*?)(<\/script>)/s;
  const [, start, real, end] = place.exec(html);
  const json = JSON.stringify({ ...JSON.parse(real), ...settings }).replaceAll("<", "\\u003c");
  return html.replace(place, () => start + json + end);
}

function api(route, answers) {
  const call = new URL(route.request().url()).pathname.split("/").pop();
  const text = (status, body) => [{ status, contentType: "text/plain", body }];
  const json = (status, body) => [{ status, contentType: "application/json", body: JSON.stringify(body) }];
  if (answers.fails) return text(answers.fails.status, answers.fails.text);
  switch (call) {
    case "chains":
      return json(200, answers.pairs);
    case "status":
      return json(200, answers.order);
    case "ws-ticket":
      return json(201, { ticket: "ticket", expires_in: 30 });
    case "cancel":
      return json(200, (answers.order = { ...answers.order, status: "cancelled" }));
    case "claim":
      return typeof answers.claim.body === "string" ? text(answers.claim.status, answers.claim.body) : json(answers.claim.status, answers.claim.body);
    case "payment":
      if (answers.order.expires_at < Date.now() / 1000) return text(409, "order is not pending");
      return json(201, detail(route.request().postDataJSON(), answers));
    default:
      return text(404, "not found");
  }
}

function detail({ blockchain, stablecoin }, { amount, order, settings }) {
  const decimals = blockchain === "bsc" || stablecoin === "DAI" ? 18 : 6;
  const [whole, fraction = ""] = amount.split(".");
  const chainId = settings.chains[blockchain]?.chain_id ?? 1;
  const contract = CONTRACTS[blockchain]?.[stablecoin] ?? EVM_WALLET;
  const link = `ethereum:${contract}@${chainId}/transfer?address=${EVM_WALLET}&uint256=${BigInt(whole + fraction.padEnd(decimals, "0"))}`;
  return {
    order_id: order.order_id, wallet_address: blockchain === "tron" ? TRON_WALLET : EVM_WALLET, amount, blockchain, stablecoin,
    expires_at: order.expires_at, contract_address: contract, decimals, chain_id: chainId, confirmations_required: 12,
    ...(blockchain === "tron" ? {} : { payment_uri: link }),
  };
}
