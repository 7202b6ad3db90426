// Whatever colour the shop has: all texts can be read on it and in it, in light and dark, and the main button is seen.
import { faults } from "./axe.mjs";
import { launch, watchFor } from "./browser.mjs";
import { hear, tell } from "./lines.mjs";
import { pageOn, play, SETTINGS, stage } from "./stage.mjs";
import { choose, METAMASK } from "./states.mjs";

const { base } = await hear();
const ACCENTS = ["#ffff00", "#000000", "#ffffff", "#ff6600", "#00aa77", "#777777", "#f0f", "#1a1aff"];
const browser = await launch();
const problems = [];
const used = new Set();
try {
  for (const accent of ACCENTS) await look(accent);
  tell("looked", { accents: ACCENTS.length, used: used.size, problems });
} finally {
  await browser.close();
}
process.exit(0);

async function look(accent) {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, reducedMotion: "reduce" });
  await stage(context, play({ settings: { ...SETTINGS, accent } }), base);
  const page = await context.newPage();
  const errors = watchFor(page);
  await page.addInitScript(METAMASK);
  await page.goto(pageOn(base));
  await page.locator("[data-screen=choose]").waitFor();
  used.add(await page.locator("form .main").evaluate((button) => getComputedStyle(button).backgroundColor));
  await examine(page, accent, "choose");
  await choose(page);
  await examine(page, accent, "pay");
  problems.push(...errors.map((error) => `${accent}: ${error}`));
  await context.close();
}

async function examine(page, accent, screen) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    // The page hears of the change with the next frame.
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    const found = await faults(page, { runOnly: ["color-contrast"] });
    const edge = await page.locator(".main").first().evaluate(edgeContrast);
    if (edge < 1.5) found.push(`the main button cannot be told from what is around it: ${edge}`);
    problems.push(...found.map((fault) => `${accent}, ${screen}, ${colorScheme}: ${fault}`));
  }
}

/// In the page: the contrast of a button's ground or border to what is behind it, whichever is more.
function edgeContrast(button) {
  const rgb = (colour) => colour.match(/[\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = rgb(colour).map((part) => part / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const behind = getComputedStyle(button.closest(".card")).backgroundColor;
  const { backgroundColor, borderTopColor } = getComputedStyle(button);
  const border = rgb(borderTopColor)[3] === 0 ? behind : borderTopColor;
  return Math.max(contrast(backgroundColor, behind), contrast(border, behind));
}
