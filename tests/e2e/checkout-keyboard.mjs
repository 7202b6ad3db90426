// The whole way without a mouse: choose with Tab and arrows, copy the address, ask after a payment, and not cancel after all.
// Wherever the keyboard is, it can be seen.
import { launch, watchFor } from "./browser.mjs";
import { hear, tell } from "./lines.mjs";
import { pageOn, play, stage } from "./stage.mjs";

const { base } = await hear();
const HASH = `0x${"ab".repeat(32)}`;
const MOST_TABS = 25;

const browser = await launch();
const problems = [];
try {
  const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"] });
  const answers = play();
  await stage(context, answers, base);
  const page = await context.newPage();
  const errors = watchFor(page);
  await page.goto(pageOn(base));
  await page.locator("[data-screen=choose]").waitFor();

  await tabTo(page, "input[name=stablecoin]");
  await page.keyboard.press("ArrowRight");
  await expectChecked(page, "stablecoin", "USDC");
  await tabTo(page, "input[name=blockchain]");
  await page.keyboard.press("ArrowDown");
  await expectChecked(page, "blockchain", "base");
  await tabTo(page, "form .main");
  await page.keyboard.press("Enter");
  await page.locator("[data-screen=pay]").waitFor();
  await expectFocus(page, "h2", "the new screen's heading");

  const address = await page.locator("#pay-address").textContent();
  await tabTo(page, ".field:has(#pay-address) .copy");
  await page.keyboard.press("Enter");
  await page.locator(".copied").waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  if (copied !== address) problems.push(`copied is ${copied}`);
  await expectFocus(page, ".field:has(#pay-address) .copy", "the button that was pressed");
  await tabTo(page, ".tabs button:last-child");
  await page.keyboard.press("Space");
  await page.locator("#open-wallet").waitFor();

  await tabTo(page, "#claim-open");
  await page.keyboard.press("Enter");
  await page.locator("#claim-hash").waitFor();
  await expectFocus(page, "#claim-hash", "the form that was opened");
  await page.keyboard.type(HASH);
  await tabTo(page, ".claim select");
  await page.keyboard.press("ArrowDown");
  await tabTo(page, ".claim [type=submit]");
  await page.keyboard.press("Enter");
  await page.locator("#claim-answer .note").waitFor();
  const screen = await page.locator("main").getAttribute("data-screen");

  await tabTo(page, "#cancel");
  await page.keyboard.press("Enter");
  await page.locator("dialog[open]").waitFor();
  await tabTo(page, "dialog .danger");
  await page.keyboard.press("Escape");
  await page.locator("dialog[open]").waitFor({ state: "detached" });
  await expectFocus(page, "#cancel", "what opened the dialog");
  if (answers.order.status !== "pending") problems.push("Escape cancelled the order");
  tell("walked", { problems: [...problems, ...errors], copied, screen });
} finally {
  await browser.close();
}
process.exit(0);

/// Presses Tab until the keyboard is there. Each stop on the way must be seen to have it.
async function tabTo(page, selector) {
  for (let i = 0; i < MOST_TABS; i += 1) {
    await page.keyboard.press("Tab");
    const { matches, unseen } = await page.evaluate(look, selector);
    if (unseen) problems.push(`no mark of the focus at ${unseen}`);
    if (matches) return;
  }
  throw new Error(`${selector} is out of the keyboard's reach`);
}

/// In the page: where the focus is, and its name if there is no outline to see it by.
function look(selector) {
  const element = document.activeElement;
  if (element === document.body) return { matches: false, unseen: null };
  const marked = [element, element.closest(".option")].filter(Boolean).some((candidate) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(candidate);
    return outlineStyle === "solid" && parseFloat(outlineWidth) >= 2;
  });
  return { matches: element.matches(selector), unseen: marked ? null : element.outerHTML.slice(0, 80) };
}

async function expectChecked(page, name, value) {
  const checked = await page.locator(`input[name=${name}]:checked`).getAttribute("value");
  if (checked !== value) problems.push(`${name} is ${checked}, not ${value}`);
}

async function expectFocus(page, selector, what) {
  if (!(await page.evaluate((selector) => document.activeElement.matches(selector), selector))) {
    problems.push(`the focus is not on ${what}`);
  }
}
