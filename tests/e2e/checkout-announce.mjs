// What a screen reader says by itself: each change of the order reaches a live region that was there before.
import { launch, watchFor } from "./browser.mjs";
import { hear, tell } from "./lines.mjs";
import { order, pageOn, PAIRS, payment, play, stage } from "./stage.mjs";
import { choose } from "./states.mjs";

const { base } = await hear();
const now = () => Math.floor(Date.now() / 1000);
const browser = await launch();
const said = {};
const problems = [];
try {
  await paying();
  await running();
  for (const status of ["expired", "cancelled"]) await ending(status);
  tell("said", { said, problems });
} finally {
  await browser.close();
}
process.exit(0);

/// From the choice to the receipt, with a payment that is dropped once.
async function paying() {
  const { page, answers, close } = await open();
  await choose(page);
  await page.getByRole("button", { name: "Copy the address" }).click();
  said.copied = await next(page);
  const steps = {
    seen: order({ payment: payment() }),
    confirmed: order({ payment: payment({ confirmations: 4 }) }),
    dropped: order(),
    back: order({ payment: payment({ confirmations: 1 }) }),
    paid: order({ status: "paid", paid_at: now(), payment: payment({ confirmations: 12 }) }),
  };
  for (const [name, state] of Object.entries(steps)) {
    answers.order = state;
    await answers.push();
    said[name] = await next(page);
  }
  await close();
}

/// The time, the connection and the network, while the shopper waits.
async function running() {
  const expires = now() + 500;
  const { page, answers, close } = await open({ order: order({ expires_at: expires }) });
  await choose(page);
  const left = expires - (await page.evaluate(() => Date.now())) / 1000;
  await page.clock.fastForward((left - 297) * 1000);
  said.time = await next(page);
  answers.pairs = PAIRS.map((pair) => (pair.blockchain === "eth" ? { ...pair, degraded: true } : pair));
  await page.clock.fastForward(31_000);
  said.degraded = await next(page);
  await page.context().setOffline(true);
  said.offline = await page.getByRole("alert").first().textContent();
  await close();
}

async function ending(status) {
  const { page, answers, close } = await open();
  await choose(page);
  answers.order = order({ status });
  await answers.push();
  said[status] = await next(page);
  await close();
}

/// The page with a list of all that its status region said.
async function open(changes) {
  const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"] });
  const answers = play(changes);
  await stage(context, answers, base);
  const page = await context.newPage();
  const errors = watchFor(page);
  await page.clock.install();
  await page.goto(pageOn(base));
  await page.locator("[data-screen=choose]").waitFor();
  if (await page.locator("[aria-busy=true]").count()) problems.push("a part of the page says that it is not ready");
  await page.getByRole("status").first().evaluate((region) => {
    window.said = [];
    new MutationObserver(() => window.said.push(region.textContent)).observe(region, { childList: true, characterData: true, subtree: true });
  });
  const close = async () => {
    problems.push(...errors.filter((text) => !/ERR_INTERNET_DISCONNECTED/.test(text)));
    await context.close();
  };
  return { page, answers, close };
}

async function next(page) {
  await page.waitForFunction(() => window.said.length);
  return page.evaluate(() => window.said.shift());
}
