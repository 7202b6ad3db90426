// A tab that sleeps for longer than its signature lives: its clock stands still and no message reaches it. Meanwhile the test
// lets the signature grow old and pays. The page is on the shop's own host: links to the bundled one do not grow old.
import { launch } from "./browser.mjs";
import { hear, tell } from "./lines.mjs";
import { ownPage, signedAddress } from "./own-page.mjs";

const { base, secret, port, refreshable, stale, bundled } = await hear();
const shop = await ownPage(port, base, secret);
const browser = await launch();
try {
  const refreshing = await fallAsleep(signedAddress(port, "pay.html", refreshable, secret));
  const failing = await fallAsleep(signedAddress(port, "plain.html", stale, secret));
  const ageless = await fallAsleep(bundled);
  tell("asleep", { amount: await refreshing.page.locator("#pay-amount").textContent(), bundled_amount: await ageless.page.locator("#pay-amount").textContent() });
  await hear();
  for (const sleeper of [refreshing, failing, ageless]) await wake(sleeper);
  await failing.page.locator("[data-screen=problem]").waitFor();
  const failed = await failing.page.locator("h2").first().textContent();
  for (const { page } of [refreshing, ageless]) await page.locator("[data-screen=paid]").waitFor();
  tell("awake", { failed, refreshed: shop.counts.refreshed, errors: [refreshing, failing, ageless].flatMap(({ errors }) => errors) });
} finally {
  await browser.close();
  shop.close();
}
process.exit(0);

async function fallAsleep(url) {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  const sleeper = { page, asleep: false, errors: [] };
  page.on("pageerror", (error) => sleeper.errors.push(String(error)));
  await page.clock.install();
  await page.routeWebSocket(/\/ws\?/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((message) => sleeper.asleep || socket.send(message));
  });
  // The server closes the socket of a paid order; a page that sleeps cannot ask why.
  await page.route(/\/api\/v1\/user\//, (route) => (sleeper.asleep ? route.abort() : route.continue()));
  await page.goto(url);
  await page.getByText("USDT", { exact: true }).click();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.locator("[data-screen=pay]").waitFor();
  sleeper.asleep = true;
  await page.clock.pauseAt(Date.now() + 60_000);
  return sleeper;
}

async function wake(sleeper) {
  sleeper.asleep = false;
  await sleeper.page.clock.fastForward("02:00:00");
  await sleeper.page.clock.resume();
  await sleeper.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
}
