// /docs as different people see it: small and large, light and dark, by keyboard, and over plain http from afar.
import { faults } from "./axe.mjs";
import { launch } from "./browser.mjs";
import { hear, tell } from "./lines.mjs";

const { base, secret } = await hear();
const browser = await launch();
try {
  for (const [width, colorScheme] of [[390, "dark"], [1280, "light"]]) {
    const page = await visit(browser, `${base}/docs`, { viewport: { width, height: 900 }, colorScheme });
    await page.getByLabel("Merchant secret").fill(secret);
    // One of each kind: bodies, paths, queries, lists. All of them at once make axe slow, and show nothing more.
    for (const call of ["createOrder", "choosePayment", "pollOrder", "adminWalletTransfers", "adminAssignTransfer"]) {
      await page.locator(`.opblock[id$='-${call}'] .opblock-summary-control`).click();
    }
    await page.locator(".opblock[id$='-createOrder'] .execute").click();
    await page.locator(".opblock[id$='-createOrder'] .live-responses-table").waitFor();
    await page.locator(".trace summary").first().click();
    for (const tab of await page.locator("button.tablinks[data-name=model]").all()) await tab.click();
    await page.getByRole("button", { name: "Sign now" }).click();
    await page.locator("#steps li").first().waitFor();
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    tell("view", { width, colorScheme, overflow, faults: await faults(page) });
    await page.context().close();
  }
  await byKeyboard();
} finally {
  await browser.close();
}
await fromAfar();
process.exit(0);

/// Creates an order, then signs a page's URL for it, with nothing but keys.
async function byKeyboard() {
  const page = await visit(browser, `${base}/docs`, {});
  await tabTo(page, "#merchant-secret");
  await page.keyboard.type(secret);
  await tabTo(page, ".opblock[id$='-createOrder'] .opblock-summary-control");
  await page.keyboard.press("Enter");
  await page.locator(".opblock[id$='-createOrder'] .execute").waitFor();
  await tabTo(page, ".opblock[id$='-createOrder'] .execute");
  await page.keyboard.press("Enter");
  const status = page.locator(".live-responses-table .response .response-col_status");
  tell("keyboard", { status: (await status.first().innerText()).trim() });
  await page.locator("#skip, .skip").focus();
  await tabTo(page, "#sign-now");
  await page.keyboard.press("Enter");
  await page.locator("#steps li").first().waitFor();
  const [ts, message, , headers, redirect] = await page.locator("#steps code").allInnerTexts();
  const answer = await page.request.get(redirect);
  const [, id] = redirect.match(/order_id=([^&]+)/);
  const opened = await page.request.get(`${base}/api/v1/user/orders/${id}/status`, {
    headers: Object.fromEntries(headers.split("\n").map((line) => line.split(": "))),
  });
  tell("signed-by-hand", {
    ts,
    url: message.slice(0, -ts.length - 1),
    signature: headers.match(/Ocrch-Signature: (.*)/)[1],
    opened: answer.ok() && opened.ok(),
  });
}

async function tabTo(page, selector) {
  for (let presses = 0; presses < 200; presses += 1) {
    if (await page.evaluate((s) => document.activeElement.matches(s), selector)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`cannot reach ${selector} by keyboard`);
}

/// A name that is not this machine's own: browsers offer no cryptography there.
async function fromAfar() {
  const { port } = new URL(base);
  const far = await launch(["--host-resolver-rules=MAP shop.test 127.0.0.1"]);
  try {
    const page = await visit(far, `http://shop.test:${port}/docs`, {});
    await page.locator("#insecure:not([hidden])").waitFor();
    tell("insecure", { says: await page.locator("#insecure").innerText() });
  } finally {
    await far.close();
  }
}

async function visit(browser, url, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  await page.goto(url);
  await page.locator(".opblock").first().waitFor();
  return page;
}
