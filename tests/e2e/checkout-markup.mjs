// Everything that comes from outside is full of markup; the page shows it as text, or not at all.
import { launch, watchFor } from "./browser.mjs";
import { hear, tell } from "./lines.mjs";
import { order, pageOn, payment, play, SETTINGS, stage } from "./stage.mjs";

const { base } = await hear();
const EVIL = `"><img src=x onerror="pwned()"><script>pwned()</script>{{settings}}`;
const SCRIPT = "javascript:pwned()";

const settings = {
  ...SETTINGS, name: EVIL, title: EVIL, logo_url: SCRIPT, support_url: SCRIPT, accent: `red;}${EVIL}`,
  chains: { eth: { ...SETTINGS.chains.eth, explorer_tx_url: `${SCRIPT}//{hash}` }, [EVIL]: { ...SETTINGS.chains.base, name: EVIL, explorer_tx_url: `${SCRIPT}//{hash}` } },
};
const pairs = [{ blockchain: EVIL, stablecoin: EVIL, wallet_address: EVIL }, { blockchain: "eth", stablecoin: EVIL, wallet_address: EVIL, degraded: true }];
const evilOrder = (changes) => order({ merchant_order_id: EVIL, description: EVIL, success_url: SCRIPT, cancel_url: SCRIPT, ...changes });
const evilPayment = payment({ blockchain: EVIL, stablecoin: EVIL, txn_hash: EVIL, from_address: EVIL, amount: EVIL, explorer_url: SCRIPT });
const examined = { finding: EVIL, blockchain: EVIL, stablecoin: EVIL, amount: EVIL, expected: EVIL, difference: EVIL, explorer_url: SCRIPT, reported: false };
const WALLET = `addEventListener("eip6963:requestProvider", () => {
  const evil = ${JSON.stringify(EVIL)};
  for (const icon of ["https://evil.example.com/i.png", "javascript:pwned()", "data:text/html,<script>pwned()</script>", evil, "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='pwned()'/>"]) {
    const provider = { request: () => Promise.reject(new Error(evil)) };
    dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: { info: { uuid: icon, name: evil, icon, rdns: evil }, provider } }));
  }
});`;

const browser = await launch();
const problems = [];
let screens = 0;
try {
  const context = await browser.newContext({ viewport: { width: 320, height: 640 } });
  const answers = play({ settings, pairs, order: evilOrder(), claim: { status: 200, body: examined } });
  await stage(context, answers, base);
  const page = await context.newPage();
  const complaints = watchFor(page);
  await page.exposeFunction("pwned", () => problems.push("a script from outside ran"));
  await page.addInitScript(WALLET);
  await page.goto(pageOn(base));

  await see(page, "choose");
  await page.getByRole("button", { name: "Continue" }).click();
  await see(page, "pay");
  await page.locator(".wallet").first().click();
  await page.locator(".wallets .bad").waitFor();
  await see(page, "pay");
  await page.locator("#claim-open").click();
  await page.locator("#claim-hash").fill("ab".repeat(32));
  await page.locator(".claim [type=submit]").click();
  await page.locator("#claim-answer .note").waitFor();
  await see(page, "pay");
  Object.assign(answers, { order: evilOrder({ payment: evilPayment }) });
  await answers.push();
  await see(page, "seen");
  Object.assign(answers, { order: evilOrder({ status: "paid", payment: evilPayment, paid_at: 1795393139 }) });
  await answers.push();
  await see(page, "paid");
  for (const status of ["expired", "cancelled"]) {
    Object.assign(answers, { order: evilOrder({ status }) });
    await page.reload();
    await see(page, status);
  }
  Object.assign(answers, { fails: { status: 400, text: EVIL } });
  await page.reload();
  await see(page, "problem");
  // A support link is only followed; what it contains stays inside of it.
  Object.assign(answers, { fails: null, order: evilOrder(), settings: { ...settings, support_url: `https://help.example.com/?q=${EVIL}` } });
  await page.reload();
  await see(page, "pay");
  const help = await page.locator("footer a").evaluate((link) => [link.getAttribute("href"), link.host, link.textContent, link.childElementCount]);
  if (JSON.stringify(help) !== JSON.stringify([`https://help.example.com/?q=${EVIL}`, "help.example.com", "Get help", 0])) problems.push(`the support link is ${help}`);
  if (!(await page.title()).includes(EVIL)) problems.push(`the title is ${await page.title()}`);
  problems.push(...complaints.filter((text) => !/status of 400/.test(text)));
  tell("shown", { screens, problems });
} finally {
  await browser.close();
}
process.exit(0);

async function see(page, screen) {
  await page.locator(`[data-screen=${screen}]`).waitFor();
  screens += 1;
  const found = await page.evaluate((evil) => {
    const found = [];
    if (!document.body.innerText.includes(evil)) found.push("the text is not shown as it is");
    for (const image of document.querySelectorAll("#page img")) {
      if (!image.src.startsWith("data:image/")) found.push(`image ${image.src}`);
    }
    for (const link of document.querySelectorAll("#page a[href]")) {
      if (!/^(https?|mailto|ethereum):/.test(link.href)) found.push(`link ${link.href}`);
    }
    if (document.querySelector("#page script, #page [onerror], #page [onload], #page iframe")) found.push("an element from outside");
    if (document.documentElement.scrollWidth > document.documentElement.clientWidth) found.push("it sticks out");
    return found;
  }, EVIL);
  problems.push(...found.map((problem) => `${screen}: ${problem}`));
}
