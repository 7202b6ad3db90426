// A shopper with JavaScript switched off.
import { launch, watchFor } from "./browser.mjs";
import { hear, tell } from "./lines.mjs";

const { url } = await hear();
const browser = await launch();
try {
  const context = await browser.newContext({ javaScriptEnabled: false, locale: "en-GB", viewport: { width: 320, height: 640 } });
  const page = await context.newPage();
  const errors = watchFor(page);
  await page.goto(url);
  await page.getByRole("button", { name: "USDT" }).click();
  const picture = page.locator(".fallback-qr");
  await picture.waitFor();
  tell("payment", {
    amount: await page.locator(".fallback-amount").textContent(),
    address: await page.locator(".fallback-address").textContent(),
    picture: await picture.evaluate((image) => image.complete && image.naturalWidth > 100),
  });
  await hear();
  await page.getByRole("link", { name: "Refresh" }).click();
  await picture.waitFor({ state: "detached" });
  tell("end", { text: await page.locator(".fallback").textContent(), errors });
} finally {
  await browser.close();
}
process.exit(0);
