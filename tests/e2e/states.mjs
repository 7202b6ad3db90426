// Every state that the checkout page can be in: what the server answers, and what a shopper does to get there.
import { watchFor } from "./browser.mjs";
import { order, pageOn, payment, play, stage } from "./stage.mjs";

const now = () => Math.floor(Date.now() / 1000);

/// A wallet that says no.
export const METAMASK = `addEventListener("eip6963:requestProvider", () => dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: {
  info: { uuid: "1", name: "MetaMask", rdns: "io.metamask", icon: "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E%3Crect width='8' height='8' rx='2' fill='%23f6851b'/%3E%3C/svg%3E" },
  provider: { request: async () => { throw Object.assign(new Error("denied"), { code: 4001 }); } },
} })));`;

export async function choose(page, coin = "USDT", network = "eth") {
  await page.locator(`input[value="${coin}"]`).check();
  await page.locator(`input[value="${network}"]`).check();
  await page.locator("form .main").click();
  await page.locator("[data-screen=pay]").waitFor();
}

async function claim(page) {
  await page.locator("#claim-open").click();
  await page.locator("#claim-hash").fill(`0x${"ab".repeat(32)}`);
  await page.locator(".claim [type=submit]").click();
  await page.locator("#claim-answer .note, #claim-problem:not(:empty)").waitFor();
}

const short = { finding: "short", amount: "24.80", stablecoin: "USDT", expected: "24.900137", difference: "0.100137", blockchain: "eth", reported: true };

export const STATES = {
  choose: {},
  "choose-warned": { act: async (page) => { await page.locator('input[value="USDC"]').check(); await page.locator('input[value="sepolia"]').check(); } },
  "choose-degraded": { act: (page) => page.locator('input[value="bsc"]').check() },
  nothing: { answers: { pairs: [] } },
  pay: { act: (page) => choose(page) },
  "pay-tron": { act: (page) => choose(page, "USDT", "tron") },
  "pay-link": { act: async (page) => { await choose(page); await page.locator(".tabs button").nth(1).click(); await page.locator("#open-wallet").waitFor(); } },
  "pay-tail": { act: async (page) => { await choose(page); await page.locator("summary").click(); } },
  "pay-copied": { act: async (page) => { await choose(page); await page.locator(".copy").first().click(); await page.locator(".copied").waitFor(); } },
  "pay-hurry": { answers: { order: () => order({ expires_at: now() + 100 }) }, act: (page) => choose(page) },
  "pay-dropped": { act: async (page, answers) => {
    await choose(page);
    Object.assign(answers, { order: order({ payment: payment() }) });
    await answers.push();
    await page.locator("[data-screen=seen]").waitFor();
    Object.assign(answers, { order: order() });
    await answers.push();
    await page.locator("[data-screen=pay]").waitFor();
  } },
  "pay-degraded": { act: (page) => choose(page, "USDT", "bsc") },
  "pay-offline": { act: async (page) => { await choose(page); await page.context().setOffline(true); await page.locator("[role=alert].note").waitFor(); await page.context().setOffline(false); } },
  wallet: { wallet: METAMASK, act: (page) => choose(page) },
  "wallet-rejected": { wallet: METAMASK, act: async (page) => { await choose(page); await page.locator(".wallet").click(); await page.locator(".wallets .bad").waitFor(); } },
  "wallet-sent": { wallet: METAMASK.replace(/request: async.*/, `request: async ({ method }) => ({ eth_requestAccounts: ["0x${"1".repeat(40)}"], eth_chainId: "0x1" })[method] ?? "0x${"5f".repeat(32)}" },`), act: async (page) => { await choose(page); await page.locator(".wallet").click(); await page.locator(".wallets .good").waitFor(); } },
  over: { answers: { order: () => order({ expires_at: now() - 5 }) } },
  "over-degraded": { act: async (page, answers) => {
    await choose(page, "USDT", "bsc");
    // A server that cannot see the chain holds the order open, and asks for nothing more.
    answers.order = order({ expires_at: now() - 5 });
    await page.reload({ waitUntil: "networkidle" });
    await page.locator("[data-screen=over] .degraded").waitFor();
    if (await page.locator(".note.bad").count()) throw new Error("says that something went wrong");
  } },
  cancelling: { act: async (page) => { await choose(page); await page.locator("#cancel").click(); await page.locator("dialog[open]").waitFor(); } },
  refused: { act: async (page, answers) => { answers.fails = { status: 503, text: "no payment slot free, try again later" }; await page.locator("form .main").click(); await page.locator(".note.bad").waitFor(); } },
  "claim-short": { answers: { claim: { status: 200, body: short } }, act: async (page) => { await choose(page); await claim(page); } },
  "claim-bad": { act: async (page) => { await choose(page); await page.locator("#claim-open").click(); await page.locator("#claim-hash").fill("0x12"); await page.locator(".claim [type=submit]").click(); } },
  "claim-confirming": { answers: { claim: { status: 200, body: { finding: "confirming", blockchain: "eth", confirmations: 2, confirmations_required: 12, reported: false } } }, act: claim },
  "claim-busy": { answers: { claim: { status: 429, body: "too many look-ups, try again later" } }, act: claim },
  seen: { answers: { order: () => order({ payment: payment() }) } },
  "seen-degraded": { answers: { order: () => order({ payment: payment({ blockchain: "bsc" }) }) } },
  "seen-almost": { answers: { order: () => order({ payment: payment({ confirmations: 12 }) }) } },
  paid: { act: async (page, answers) => {
    Object.assign(answers, { order: order({ status: "paid", paid_at: now(), payment: payment({ confirmations: 12 }) }) });
    await answers.push();
    await page.locator(".returning").waitFor();
    // In the background it does not go back to the shop.
    await page.evaluate(() => Object.defineProperty(document, "visibilityState", { value: "hidden" }));
  } },
  "paid-before": { answers: { order: () => order({ status: "paid", paid_at: now() }) } },
  expired: { answers: { order: () => order({ status: "expired" }) } },
  cancelled: { answers: { order: () => order({ status: "cancelled" }) } },
  "too-old": { answers: { fails: { status: 401, text: "signature expired" } } },
  "not-valid": { answers: { fails: { status: 401, text: "signature verification failed" } } },
  broken: { answers: { fails: { status: 500, text: "internal server error" } } },
};

/// What the browser says about answers that are errors on purpose is no news.
const EXPECTED_NOISE = /Failed to load resource: the server responded with a status of \d+/;

/// Opens the page in a state, in a context of its own, with its list of complaints.
export async function enter(browser, base, name, options) {
  const { answers = {}, wallet, act } = STATES[name];
  const made = play({ ...answers, ...(answers.order && { order: answers.order() }) });
  const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"], ...options });
  await stage(context, made, base);
  const page = await context.newPage();
  const complaints = watchFor(page);
  if (wallet) await page.addInitScript(wallet);
  await page.goto(pageOn(base));
  await page.locator("[data-screen]:not([data-screen=loading])").waitFor();
  await act?.(page, made);
  return { context, page, complaints: () => complaints.filter((text) => !EXPECTED_NOISE.test(text)) };
}
