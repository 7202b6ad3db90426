// A customer of an example's shop: buys a mug, pays it in the demo, and comes back to the order's page.
import { launch, watchFor } from "./browser.mjs";
import { hear, tell } from "./lines.mjs";

const { shop } = await hear();
const browser = await launch();
try {
  const page = await browser.newPage();
  const errors = watchFor(page);
  await page.goto(shop);
  await page.getByRole("button", { name: "Buy A very good mug" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("button", { name: "Pay with the demo wallet" }).click();
  await page.waitForURL(`${shop}/orders/**`);
  await page.getByText("Paid. Thank you!").waitFor();
  tell("paid", { id: new URL(page.url()).pathname.split("/").pop(), errors });
} finally {
  await browser.close();
}
process.exit(0);
