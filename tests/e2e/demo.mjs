// Somebody who has read only the README's first screen: buys, pays, and is told.
import { launch } from "./browser.mjs";
import { hear, tell } from "./lines.mjs";

const { base } = await hear();
const start = Date.now();
const browser = await launch();
const errors = [];
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(30_000);
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  await page.goto(base);
  await page.getByRole("button", { name: "Buy" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("button", { name: "Send the simulated payment" }).click();
  await page.getByRole("status").filter({ hasText: "Paid" }).waitFor();
  tell("paid", { milliseconds: Date.now() - start });
  await page.goto(base);
  await page.locator("#orders .paid").waitFor();
  await page.getByText("signature verified").waitFor();
  tell("told", { errors });
} finally {
  await browser.close();
}
process.exit(0);
