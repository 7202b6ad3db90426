// Scripted wallets: two that really send, on the test's chain, and others that refuse, are elsewhere, or lie.
import { launch, watchFor } from "./browser.mjs";
import { hear, tell } from "./lines.mjs";
import { CONTRACTS, pageOn, play, SETTINGS, stage } from "./stage.mjs";
import { choose } from "./states.mjs";

const { base, rpc, announced, legacy } = await hear();
const browser = await launch();
try {
  await sends("announced", announced, wallet({ announces: "Test wallet" }));
  // From before wallets announced themselves; it starts on another chain and switches.
  await sends("legacy", legacy, wallet({ chain: "0x1" }));
  tell("refused", { problems: [...(await evm()), ...(await tron())] });
} finally {
  await browser.close();
}
process.exit(0);

/// The script of a wallet whose calls end up in `window.calls`.
function wallet(options) {
  return `(${install})(${JSON.stringify(options)});`;
}

function install({ announces, chain, answers = {}, switches = true, metamask = true }) {
  window.calls = [];
  let current = chain;
  const fail = (code) => Promise.reject(Object.assign(new Error(`code ${code}`), { code }));
  async function request({ method, params }) {
    window.calls.push({ method, params });
    if (method in answers) {
      const [first, ...rest] = answers[method];
      if (rest.length) answers[method] = rest;
      return first?.code ? fail(first.code) : first;
    }
    if (method === "eth_requestAccounts") return window.node("eth_accounts", []);
    if (method === "eth_chainId") return current ?? window.node(method, []);
    if (method === "wallet_switchEthereumChain") {
      if (switches) current = params[0].chainId;
      return null;
    }
    if (method === "wallet_addEthereumChain") return (current = params[0].chainId) && null;
    return window.node(method, params);
  }
  if (!announces) {
    window.ethereum = { request, isMetaMask: metamask };
    return;
  }
  const info = { uuid: "u", name: announces, icon: "https://wallet.example.com/icon.png", rdns: "com.example.wallet" };
  addEventListener("eip6963:requestProvider", () => {
    dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: { info, provider: { request } } }));
  });
}

async function node(method, params) {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const response = await fetch(rpc, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  const { result, error } = await response.json();
  if (error) throw new Error(error.message);
  return result;
}

async function sends(step, url, script) {
  const page = await browser.newPage();
  const errors = watchFor(page);
  await page.exposeFunction("node", node);
  await page.addInitScript(script);
  await page.goto(url);
  await page.getByText("USDT", { exact: true }).click();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.locator(".wallet").first().waitFor();
  const buttons = await page.locator(".wallet").allInnerTexts();
  const amount = await page.locator("#pay-amount").textContent();
  await page.locator(".wallet").click();
  await page.locator(".wallets .good, [data-screen=seen]").first().waitFor();
  const calls = await page.evaluate(() => window.calls);
  const sent = calls.filter(({ method }) => method === "eth_sendTransaction");
  if (sent.length !== 1 || errors.length) throw new Error(JSON.stringify({ calls, errors }));
  tell(step, { buttons: buttons.map((text) => text.trim()), amount, transaction: sent[0].params[0] });
  await hear();
  await page.locator("[data-screen=paid]").waitFor();
  tell("paid");
  await page.close();
}

/// On the stage, so that the chains are known ones.
async function ask(script, coin, network) {
  const context = await browser.newContext();
  await stage(context, play(), base);
  const page = await context.newPage();
  const errors = watchFor(page);
  await page.exposeFunction("node", () => ["0x1111111111111111111111111111111111111111"]);
  await page.addInitScript(script);
  await page.goto(pageOn(base));
  await choose(page, coin, network);
  const button = (await page.locator(".wallet").innerText()).trim();
  await page.locator(".wallet").click();
  const note = page.locator(".wallets .bad, .wallets .good").first();
  await note.waitFor();
  const again = await page.locator(".wallet:enabled").count();
  const result = { button, note: await note.innerText(), again, calls: await page.evaluate(() => window.calls), errors };
  await context.close();
  return result;
}

async function evm() {
  const problems = [];
  const check = (name, right, result) => right || problems.push(`${name}: ${JSON.stringify(result)}`);
  const sent = ({ calls }) => calls.some(({ method }) => method === "eth_sendTransaction");
  const unsent = (text) => (result) => result.note.includes(text) && !sent(result) && result.again === 1 && !result.errors.length;
  const base = { chain: "0x2105" };

  for (const [name, options, right] of [
    ["refuses to connect", { answers: { eth_requestAccounts: [{ code: 4001 }] } }, unsent("You declined in MetaMask.")],
    ["is asked already", { answers: { eth_requestAccounts: [{ code: -32002 }] } }, unsent("already waiting for your answer")],
    ["is locked", { answers: { eth_requestAccounts: [[]] } }, unsent("gave no account")],
    ["refuses to switch", { chain: "0x1", answers: { wallet_switchEthereumChain: [{ code: 4001 }] } }, unsent("You declined")],
    ["says it switched, but did not", { chain: "0x1", switches: false }, unsent("is on another network. Switch it to Base")],
    ["has no name", { metamask: false, answers: { eth_requestAccounts: [{ code: 4001 }] } }, unsent("You declined in browser wallet")],
    ["refuses to send", { answers: { eth_sendTransaction: [{ code: 4001 }] } }, (r) => r.note.includes("Nothing was sent") && r.again === 1],
    ["fails", { answers: { eth_sendTransaction: [{ code: -32000 }] } }, (r) => r.note.includes("could not send the payment: code -32000")],
  ]) {
    const result = await ask(wallet({ ...base, ...options }), "USDC", "base");
    check(name, right(result), result);
  }

  const unknown = { chain: "0x1", answers: { wallet_switchEthereumChain: [{ code: 4902 }], eth_sendTransaction: ["0xabc"] } };
  const added = await ask(wallet(unknown), "USDC", "base");
  const add = added.calls.find(({ method }) => method === "wallet_addEthereumChain")?.params[0];
  const chain = { chainId: "0x2105", chainName: "Base", nativeCurrency: SETTINGS.chains.base.native, rpcUrls: ["https://base.example.com"], blockExplorerUrls: ["https://basescan.org"] };
  check("adds the chain", same(add, chain) && sent(added), added);
  const nowhere = await ask(wallet(unknown), "USDC", "sepolia");
  check("cannot add it", unsent("does not know Sepolia")(nowhere), nowhere);
  return problems;
}

async function tron() {
  const problems = [];
  const check = (name, right, result) => right || problems.push(`TronLink ${name}: ${JSON.stringify(result)}`);
  const link = (options) => `(${installTronLink})(${JSON.stringify(options)});`;
  const host = "https://api.trongrid.io";

  const ok = await ask(link({ host }), "USDT", "tron");
  const call = ok.calls.find(({ method }) => method === "triggerSmartContract");
  const expected = [
    CONTRACTS.tron.USDT, "transfer(address,uint256)", { feeLimit: 100_000_000, callValue: 0 },
    [{ type: "address", value: "TWer2Ygk5TEheHp3TPuYeqxmB6SsGZmaL6" }, { type: "uint256", value: "24900137" }],
    "TPjjvMwjPoDC32V2dGDYTkLH4E5LAtBZ6C",
  ];
  check("is asked as TIP-1102 says", ok.calls[0].method === "eth_requestAccounts" && ok.button === "Pay with TronLink", ok);
  check("sends", same(call?.params, expected) && ok.note.includes("TronLink has sent the payment") && ok.calls.at(-1).method === "sendRawTransaction", ok);
  for (const [name, options, text] of [
    ["refuses to connect", { host, code: 4001 }, "You declined in TronLink"],
    ["is asked already", { host, code: -32002 }, "TronLink is already waiting for your answer"],
    ["of an older kind refuses to connect", { host, legacy: true, code: 4001 }, "You declined in TronLink"],
    ["is locked", { host, locked: true }, "gave no account"],
    ["is on Nile", { host: "https://nile.trongrid.io" }, "is on another network. Switch it to Tron (TRC\u{2011}20)"],
    ["refuses to sign", { host, declines: true }, "You declined in TronLink"],
  ]) {
    const result = await ask(link(options), "USDT", "tron");
    const sent = result.calls.some(({ method }) => method === "sendRawTransaction");
    check(name, result.note.includes(text) && !sent && result.again === 1 && !result.errors.length, result);
  }
  return problems;
}

function installTronLink({ host, legacy, code = 200, locked, declines }) {
  window.calls = [];
  const note = (method, answer) => async (...params) => {
    window.calls.push({ method, params });
    return answer(...params);
  };
  const tronWeb = {
    fullNode: { host },
    defaultAddress: { base58: locked ? false : "TPjjvMwjPoDC32V2dGDYTkLH4E5LAtBZ6C" },
    transactionBuilder: { triggerSmartContract: note("triggerSmartContract", () => ({ transaction: { txID: "ab" } })) },
    trx: {
      sign: note("sign", (transaction) => (declines ? Promise.reject("Confirmation declined by user") : { ...transaction, signature: ["00"] })),
      sendRawTransaction: note("sendRawTransaction", () => ({ result: true, txid: "ab" })),
    },
  };
  if (legacy) window.tronLink = { tronWeb, request: note("tron_requestAccounts", () => ({ code })) };
  else {
    // Its newer kind has no tronWeb until the shopper agrees, and answers a refusal with an error.
    window.tron = { tronWeb: false };
    window.tron.request = async ({ method }) => {
      window.calls.push({ method });
      if (code !== 200) throw Object.assign(new Error("no"), { code });
      window.tron.tronWeb = tronWeb;
      return [tronWeb.defaultAddress.base58];
    };
  }
}

function same(a, b) {
  return JSON.stringify(a) === JSON.stringify(b);
}
