// Two shoppers while the server loses sight of a chain: one still chooses, the other was about to pay and looks again after a while.
import { launch } from "./browser.mjs";
import { hear, tell } from "./lines.mjs";

const { choosing, paying } = await hear();
const browser = await launch();
const errors = [];
try {
  const chooser = await open(choosing);
  const payer = await open(paying);
  await payer.locator('input[value="USDT"]').check();
  await payer.locator('input[value="devnet"]').check();
  await payer.getByRole("button", { name: "Continue" }).click();
  await payer.locator("[data-screen=pay]").waitFor();
  await chooser.locator('input[value="USDT"]').check();
  await chooser.locator('input[value="devnet"]').check();
  const before = (await chooser.locator(".degraded, .tag.warn").count()) + (await payer.locator(".degraded").count());
  // One tab is looked at all the time, the other one's computer sleeps.
  await payer.clock.pauseAt(Date.now() + 1_000);
  tell("open", { before });
  await hear();
  await payer.clock.fastForward("02:00");
  await payer.clock.resume();
  const notes = {};
  for (const [name, page] of Object.entries({ chooser, payer })) {
    notes[name] = await page.locator(".degraded").textContent();
    notes[`${name}_said`] = await page.getByRole("status").first().textContent();
  }
  const tags = await chooser.locator(".option:has(.tag.warn) input").evaluateAll((inputs) => inputs.map(({ value }) => value));
  tell("marked", { ...notes, tags });
  await hear();
  for (const page of [chooser, payer]) await page.locator(".degraded").waitFor({ state: "detached" });
  tell("well", { errors });
} finally {
  await browser.close();
}
process.exit(0);

async function open(url) {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.clock.install();
  await page.goto(url);
  await page.locator("[data-screen=choose]").waitFor();
  return page;
}
