// Somebody who has read only the README's first screen: buys, pays, and is told.
import { launch, watchFor } from "./browser.mjs";
import { hear, tell } from "./lines.mjs";

const { base } = await hear();
const start = Date.now();
const browser = await launch();
try {
  const page = await browser.newPage();
  const errors = watchFor(page);
  await page.goto(base);
  await page.getByRole("button", { name: "Buy" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("button", { name: "Pay with the demo wallet" }).click();
  await page.locator("[data-screen=paid]").waitFor();
  tell("paid", { milliseconds: Date.now() - start });
  await page.goto(base);
  await page.locator("#orders .paid").waitFor();
  await page.getByText("signature verified").waitFor();
  const secret = await page.locator("footer code").innerText();
  await page.getByRole("link", { name: "dashboard" }).click();
  await page.getByLabel("Admin secret").fill(secret);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Today", exact: true }).waitFor();
  // That nobody is signed in yet, the browser reports like an error.
  tell("told", { errors: errors.filter((error) => !error.includes("401")) });
} finally {
  await browser.close();
}
process.exit(0);
