// Every view of the dashboard, on a desk and on a phone, light and dark: no barrier (axe), nothing wider than the screen, no
// complaint of the browser, nothing from another host, and no markup out of what others wrote.
import { faults } from "./axe.mjs";
import { launch } from "./browser.mjs";
import { hear, tell } from "./lines.mjs";

const { base, secret, order } = await hear();
const VIEWS = ["", "orders", `orders/${order}`, "new", "inbox", "transfers", "webhooks", "chains", "stats", "audit"];
const browser = await launch();
const found = [];
try {
  for (const [width, height, colorScheme] of [
    [1280, 900, "light"],
    [390, 844, "dark"],
    [320, 640, "light"],
  ]) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme });
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    let where = "sign in";
    const note = (what) => found.push(`${where} ${width}: ${what}`);
    page.on("pageerror", (error) => note(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().includes("401")) note(message.text());
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(base) && !request.url().startsWith("data:")) note(`asked ${request.url()}`);
    });
    const look = async () => {
      for (const fault of await faults(page)) note(fault);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wider > 0) note(`${wider} pixels wider than the screen`);
      for (const fault of await page.evaluate(hardToSee)) note(fault);
      if (await page.locator("b.injected, img.injected").count()) note("markup out of somebody's text");
      if (await page.locator(".problem").count()) note(await page.locator(".problem").first().innerText());
    };
    await page.goto(`${base}/admin`);
    const field = page.getByLabel("Admin secret");
    await field.waitFor();
    await look();
    await field.fill(secret);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator(".shell main h1").waitFor();
    for (where of VIEWS) {
      // The first is open already.
      if (where !== "") {
        const shown = await page.locator("main h1").innerText();
        await page.evaluate((hash) => (location.hash = hash), `#/${where}`);
        await page.waitForFunction((before) => ![undefined, before].includes(document.querySelector("main h1")?.innerText), shown);
      }
      await look();
    }
    where = "new order";
    await page.evaluate(() => (location.hash = "#/new"));
    await page.getByLabel("Your order or invoice number").fill("<b class=injected>1</b>");
    await page.getByLabel("Amount").fill("12.50");
    await page.getByRole("button", { name: "Create payment link" }).click();
    await page.getByRole("heading", { name: "Payment link" }).waitFor();
    await page.getByRole("img", { name: "QR code of the payment link" }).waitFor();
    await look();
    await context.close();
  }
  tell("looked", { found });
} finally {
  await browser.close();
}
process.exit(0);

/// Runs in the page: an entry of the menu that is open and cut off, a chart's labels that nobody can read.
function hardToSee() {
  const faults = [];
  const nav = document.querySelector(".bar nav")?.getBoundingClientRect();
  const open = document.querySelector(".bar nav [aria-current]")?.getBoundingClientRect();
  if (open && (open.left < nav.left || open.right > Math.min(nav.right, innerWidth))) faults.push("the menu does not show which view is open");
  const labels = [...document.querySelectorAll(".chart text, .chart .scale span, .chart .days span span")].map((label) => label.getBoundingClientRect().height);
  if (Math.min(...labels) < 12) faults.push(`labels ${Math.min(...labels)} pixels high`);
  return faults;
}
