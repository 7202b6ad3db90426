// A shopper whose payment does not show up asks after it.
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
  await page.getByRole("button", { name: "I paid, but nothing happens" }).click();
  tell("waiting");
  const { hash } = await hear();
  await page.getByLabel("Transaction hash").fill("0x123");
  await page.getByRole("button", { name: "Check" }).click();
  await page.getByText("That is not a transaction hash.").waitFor();
  await page.getByLabel("Transaction hash").fill(`https://explorer.example.com/tx/${hash}`);
  await page.getByRole("button", { name: "Check" }).click();
  await page.locator("#claim-answer .note").waitFor();
  tell("answered", { answer: await page.locator("#claim-answer").innerText(), errors });
} finally {
  await browser.close();
}
process.exit(0);
