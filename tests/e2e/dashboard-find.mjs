// Finding orders and transfers, and taking what was found away as a file.
import { readFile } from "node:fs/promises";
import { dashboard, open, press } from "./dashboard.mjs";
import { hear, tell } from "./lines.mjs";

const { base, secret, order, hash } = await hear();
const { browser, page, errors } = await dashboard({ base, secret });
const found = () => page.locator("tbody th").allInnerTexts();
const more = page.getByRole("button", { name: "Show more" });
try {
  await open(page, "orders", "Orders");
  await page.getByLabel("Search").fill("INV-");
  await page.getByRole("button", { name: "Search" }).click();
  // Its row is the newest of the list that is shown until the search has answered.
  await gone("OTHER-1");
  await more.waitFor();
  const first = (await found()).length;
  await more.click();
  await more.waitFor({ state: "detached" });
  tell("search", { first, all: await found() });

  // The search stays while the status is chosen with the keyboard, and the focus stays on the choice.
  await page.getByLabel("Status").focus();
  await page.keyboard.press("c");
  await page.waitForFunction(() => location.hash.includes("cancelled"));
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length < 10);
  tell("cancelled", { found: await found(), q: await page.getByLabel("Search").inputValue(), focus: await page.evaluate(() => document.activeElement.id), csv: await csv() });

  const tomorrow = new Date(Date.now() + 86_400_000).toLocaleDateString("sv");
  await page.getByLabel("From").fill(tomorrow);
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByText("Nothing fits this search.").waitFor();
  tell("tomorrow", { csv: await csv() });

  await open(page, `orders?q=${order}`, "Orders");
  await page.locator("tbody tr").waitFor();
  const byId = await found();
  await open(page, `orders?q=${hash}`, "Orders");
  await gone("OTHER-1");
  await page.locator("tbody tr").waitFor();
  tell("exact", { byId, byHash: await found() });

  await open(page, "transfers", "Transfers");
  await page.locator("tbody tr").nth(1).waitFor();
  const all = (await found()).length;
  await page.getByLabel("Transaction").fill(hash);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
  tell("transfers", { all, csv: await csv(), errors });
} finally {
  await browser.close();
}
process.exit(0);

/// Waits until no row is called so.
async function gone(name) {
  await page.waitForFunction((name) => ![...document.querySelectorAll("tbody th")].some((th) => th.innerText === name), name);
}

/// What "Export CSV" downloads.
async function csv() {
  const download = page.waitForEvent("download");
  await press(page, "Export CSV");
  return readFile(await (await download).path(), "utf8");
}
