// The page at the bare address, light and dark, and where it leads.
import { faults } from "./axe.mjs";
import { launch } from "./browser.mjs";
import { hear, tell } from "./lines.mjs";

const { base } = await hear();
const browser = await launch();
const found = [];
const grounds = [];
try {
  for (const colorScheme of ["light", "dark"]) {
    const page = await (await browser.newContext({ colorScheme, viewport: { width: 320, height: 640 } })).newPage();
    const note = (what) => found.push(`${colorScheme}: ${what}`);
    page.on("pageerror", (error) => note(String(error)));
    page.on("console", (message) => message.type() === "error" && !message.text().includes("401") && note(message.text()));
    await page.goto(base);
    for (const fault of await faults(page)) note(fault);
    if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) note("wider than the screen");
    grounds.push(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
    await page.getByRole("link", { name: "API" }).click();
    await page.getByRole("heading", { name: "Ocrch API" }).waitFor();
    await page.goBack();
    await page.getByRole("link", { name: "dashboard" }).click();
    await page.getByLabel("Admin secret").waitFor();
  }
  tell("seen", { found, grounds });
} finally {
  await browser.close();
}
process.exit(0);
