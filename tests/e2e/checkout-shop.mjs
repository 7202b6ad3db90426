// What a shop says of itself on its page, a choice that the shop made, and one that the shopper made before.
import { launch, watchFor } from "./browser.mjs";
import { hear, tell } from "./lines.mjs";
import { pageOn, play, stage } from "./stage.mjs";
import { choose } from "./states.mjs";

const { base, open, fixed } = await hear();
const browser = await launch();
try {
  tell("shop", await shop());
  tell("fixed", await fixedChoice());
  tell("remembered", await remembered());
} finally {
  await browser.close();
}
process.exit(0);

async function shop() {
  const page = await browser.newPage();
  const errors = watchFor(page);
  await page.goto(open);
  await page.locator("[data-screen=choose]").waitFor();
  const logo = page.locator(".logo img");
  await logo.evaluate((image) => image.decode());
  const shown = {
    heading: await page.locator("h1").textContent(),
    title: await page.title(),
    logo: await logo.evaluate((image) => new URL(image.src).pathname),
    support: await page.locator("footer a").getAttribute("href"),
    support_text: await page.locator("footer a").textContent(),
    times: await page.locator(".networks .time").allTextContents(),
    foreign_elements: await page.locator("h1 *, footer a *").count(),
    errors,
  };
  await page.close();
  return shown;
}

/// The order names coin and network: there is nothing to choose, at no moment, and no way to change it.
async function fixedChoice() {
  const page = await browser.newPage();
  const errors = watchFor(page);
  await page.addInitScript(() => {
    window.screens = [];
    new MutationObserver(() => {
      const screen = document.querySelector("[data-screen]")?.dataset.screen;
      if (screen && window.screens.at(-1) !== screen) window.screens.push(screen);
    }).observe(document, { childList: true, subtree: true, attributes: true });
  });
  await page.goto(fixed);
  await page.locator("[data-screen=pay]").waitFor();
  const shown = {
    screens: await page.evaluate(() => window.screens),
    title: await page.locator("h2").first().textContent(),
    change: await page.locator("#change").count(),
    errors,
  };
  await page.close();
  return shown;
}

/// Another order, another day: a new tab of the same browser.
async function remembered() {
  const context = await browser.newContext();
  await stage(context, play(), base);
  const first = await context.newPage();
  await first.goto(pageOn(base));
  await first.locator("[data-screen=choose]").waitFor();
  const before = await marked(first);
  await choose(first, "USDC", "base");
  await first.close();
  const second = await context.newPage();
  await second.goto(pageOn(base).replace("order_id=01", "order_id=02"));
  await second.locator("[data-screen=choose]").waitFor();
  const after = await marked(second);
  await context.close();
  return { before, after };
}

async function marked(page) {
  const values = page.locator("input:checked");
  return values.evaluateAll((inputs) => inputs.map(({ value }) => value));
}
