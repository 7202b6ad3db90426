// A customer on a static page: the checkout opens over it, takes the payment, and leads to the order in the shop.
import { launch, watchFor } from "./browser.mjs";
import { hear, tell } from "./lines.mjs";

const { page: home, shop } = await hear();
const browser = await launch();
try {
  const page = await browser.newPage();
  const errors = watchFor(page);
  await page.goto(home);
  await page.getByRole("button", { name: "Buy" }).click();
  const checkout = page.frameLocator("dialog iframe");
  await checkout.getByRole("button", { name: "Continue" }).click();
  await checkout.getByRole("button", { name: "Pay with the demo wallet" }).click();
  await page.waitForURL(`${shop}/orders/**`);
  await page.getByText("Paid. Thank you!").waitFor();
  tell("paid", { id: new URL(page.url()).pathname.split("/").pop(), errors });
} finally {
  await browser.close();
}
process.exit(0);
