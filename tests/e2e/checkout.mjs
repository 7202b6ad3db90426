// A shopper on the bundled checkout page.
import { launch, watchFor } from "./browser.mjs";
import { hear, tell } from "./lines.mjs";

const { url } = await hear();
const browser = await launch();
try {
  const page = await browser.newPage();
  const errors = watchFor(page);
  await page.goto(url);
  await page.getByText("USDT", { exact: true }).click();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.locator("#pay-amount").waitFor();
  tell("payment", {
    amount: await page.locator("#pay-amount").textContent(),
    address: await page.locator("#pay-address").textContent(),
  });
  await page.locator("[data-screen=seen]").waitFor();
  tell("seen");
  await page.locator("[data-screen=paid]").waitFor();
  tell("paid", { return: await page.locator("#return").getAttribute("href"), errors });
} finally {
  await browser.close();
}
process.exit(0);
