// A shopper on the bundled checkout page: chooses, scans, copies, pays (the test does), waits, and is brought back.
import { createServer } from "node:http";
import { launch, watchFor } from "./browser.mjs";
import { hear, tell } from "./lines.mjs";
import { readCode } from "./qr.mjs";

const { url, shop_port } = await hear();
const shop = createServer((_, response) => response.end("<!doctype html><link rel=icon href=data:,><title>Thank you</title>"));
await new Promise((resolve) => shop.listen(shop_port, "127.0.0.1", resolve));

const browser = await launch();
try {
  const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"] });
  const page = await context.newPage();
  const errors = watchFor(page);
  await page.goto(url);
  await page.getByText("USDT", { exact: true }).click();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.locator("[data-screen=pay]").waitFor();
  tell("payment", {
    amount: await page.locator("#pay-amount").textContent(),
    address: await page.locator("#pay-address").textContent(),
    code: await readCode(page.locator("#qr")),
    copied: [await copied(page, "Copy the amount"), await copied(page, "Copy the address")],
    link_code: await linkCode(page),
  });
  // A second tab of the same order, and one that is reloaded.
  const second = await context.newPage();
  const more = watchFor(second);
  await second.goto(url);
  await second.locator("[data-screen=choose]").waitFor();
  await page.reload();
  await page.locator("[data-screen=pay]").waitFor();
  tell("ready");
  await page.locator("[data-screen=seen] #count").waitFor();
  tell("seen", { count: await page.locator("#count").textContent(), second: await screen(second, "seen") });
  await page.bringToFront();
  await page.locator("[data-screen=paid] .returning").waitFor();
  const transaction = page.getByRole("link", { name: "See the transaction" });
  tell("paid", {
    second: await screen(second, "paid"),
    return: await page.locator("#return").getAttribute("href"),
    explorer: await transaction.getAttribute("href"),
    receipt: await page.locator(".receipt").innerText(),
  });
  await page.waitForURL(`http://127.0.0.1:${shop_port}/**`);
  // Who comes back wants to read, and is not sent away again.
  await page.goBack();
  await page.locator("[data-screen=paid]").waitFor();
  tell("returned", { returning: await page.locator(".returning").count(), errors: [...errors, ...more] });
} finally {
  await browser.close();
  shop.close();
}
process.exit(0);

async function copied(page, name) {
  await page.getByRole("button", { name }).click();
  await page.locator(".copied").first().waitFor();
  return page.evaluate(() => navigator.clipboard.readText());
}

async function linkCode(page) {
  await page.getByRole("button", { name: "Wallet link" }).click();
  await page.locator("#open-wallet").waitFor();
  return readCode(page.locator("#qr"));
}

async function screen(page, name) {
  await page.locator(`[data-screen=${name}]`).waitFor();
  return page.locator("main").getAttribute("data-screen");
}
