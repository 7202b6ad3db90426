// What the server (or whoever hosts this page) says about the shop and its chains, and the shop's colour.

const root = document.documentElement;

const DEFAULTS = { name: "", title: "", languages: null, demo: false, chains: {} };

/// The settings in the page; a copy on the shop's own host may have none.
export const settings = { ...DEFAULTS, ...read() };

function read() {
  try {
    return JSON.parse(document.getElementById("settings").textContent);
  } catch {
    return {};
  }
}

/// Where the User API is: beside this page, or where `<html data-ocrch="https://pay.example.com">` says.
export const apiBase = root.dataset.ocrch
  ? new URL("api/v1/user/", root.dataset.ocrch.replace(/\/?$/, "/"))
  : new URL("../api/v1/user/", import.meta.url);

/// Asks the shop to sign this page's address anew, where `<html data-refresh="…">` names an address of its for that.
/// It is POSTed {"url"} and answers {"signature"}.
export const refresh = root.dataset.refresh && (async (url) => {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(root.dataset.refresh, { method: "POST", headers, body: JSON.stringify({ url }) });
  if (!response.ok) throw new Error(`refresh: ${response.status}`);
  return (await response.json()).signature;
});

// Networks as people know them from their wallets and exchanges.
const NAMES = {
  eth: "Ethereum (ERC-20)",
  bsc: "BNB Chain (BEP-20)",
  tron: "Tron (TRC-20)",
  polygon: "Polygon",
  base: "Base",
  arb: "Arbitrum One",
  op: "OP Mainnet",
  linea: "Linea",
  avaxc: "Avalanche C-Chain",
  sepolia: "Sepolia",
  nile: "Nile (Tron)",
};

/// A chain by its name in the API, with what is known of it.
export function network(blockchain) {
  const chain = Object.hasOwn(settings.chains, blockchain) ? settings.chains[blockchain] : {};
  const label = Object.hasOwn(NAMES, blockchain) ? NAMES[blockchain] : (chain.name ?? blockchain);
  // In the middle of "TRC-20" no line ends.
  return { ...chain, id: blockchain, label: label.replaceAll("-", "\u2011") };
}

/// Links from outside: the rest could be scripts.
export const isWebLink = (url) => /^https?:\/\//i.test(url ?? "");
