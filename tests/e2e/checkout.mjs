// A shopper on the bundled checkout page.
import { launch } from "./browser.mjs";
import { hear, tell } from "./lines.mjs";

const { url } = await hear();
const browser = await launch();
const errors = [];
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(30_000);
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  await page.goto(url);
  await page.getByText("USDT", { exact: true }).click();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.locator("#pay-amount:not(:empty)").waitFor();
  tell("payment", {
    amount: await page.locator("#pay-amount").textContent(),
    address: await page.locator("#pay-address").textContent(),
  });
  await page.locator("#progress:not([hidden])").waitFor();
  tell("seen");
  await page.getByRole("status").filter({ hasText: "Paid" }).waitFor();
  tell("paid", { return: await page.locator("#return").getAttribute("href"), errors });
} finally {
  await browser.close();
}
process.exit(0);
