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
  await page.getByLabel("Transaction hash").fill(`${hash} or 0x${"12".repeat(32)}`);
  await page.getByRole("button", { name: "Check" }).click();
  await page.getByText("That is not a transaction hash.").waitFor();
  const asked = [];
  for (const text of [
    `https://explorer.example.com/tx/${hash}`,
    `https://tronscan.org/#/transaction/${hash.slice(2)}?lang=en`,
    `See https://example.com/en/tx/${hash}#eventlog, block 7 (${hash}).`,
    `  ${hash.toUpperCase().replace("0X", "0x")}  `,
  ]) {
    const call = page.waitForRequest(/\/claim$/);
    await page.getByLabel("Transaction hash").fill(text);
    await page.getByRole("button", { name: "Check" }).click();
    asked.push((await call).postDataJSON().txn_hash);
    await page.locator("#claim-answer .note").waitFor();
    if ((await page.getByLabel("Transaction hash").inputValue()) !== asked.at(-1)) errors.push(`the form does not show what was asked: ${text}`);
  }
  tell("answered", { answer: await page.locator("#claim-answer").innerText(), asked, errors });
} finally {
  await browser.close();
}
process.exit(0);
