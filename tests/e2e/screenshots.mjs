// Takes the README's pictures of the checkout page anew, for screenshots.sh. The page is the real one, its order made up
// (stage.mjs). With a folder behind the program, each state goes there as a picture of its own, to be looked at.
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { launch } from "./browser.mjs";
import { startDemo } from "./demo-server.mjs";
import { enter, STATES } from "./states.mjs";

const IMAGES = fileURLToPath(new URL("../../docs/images/", import.meta.url));
const PHONE = { width: 390, height: 844 };
const DESKTOP = { width: 1200, height: 760 };
const ON_PHONES = ["choose", "pay-tron", "seen", "paid"];

const [program = "target/debug/ocrch", folder] = process.argv.slice(2);
const demo = await startDemo(program);
const browser = await launch();
try {
  for (const theme of ["light", "dark"]) await (folder ? all(theme) : forReadme(theme));
} finally {
  await browser.close();
  demo.stop();
}
process.exit(0);

async function forReadme(theme) {
  for (const [locale, suffix] of [["en", ""], ["ar", "-arabic"]]) {
    const phones = [];
    for (const state of ON_PHONES) phones.push(await picture(state, PHONE, theme, { locale }));
    await strip(phones, `${IMAGES}checkout-phone${suffix}-${theme}.png`);
  }
  await picture("wallet", DESKTOP, theme, { path: `${IMAGES}checkout-desktop-${theme}.png` });
}

async function all(theme) {
  mkdirSync(folder, { recursive: true });
  for (const state of Object.keys(STATES)) {
    for (const [device, viewport] of [["phone", PHONE], ["desktop", DESKTOP]]) {
      await picture(state, viewport, theme, { path: `${folder}/${state}-${device}-${theme}.png`, fullPage: true });
    }
    await picture(state, PHONE, theme, { locale: "ar", path: `${folder}/${state}-arabic-${theme}.png`, fullPage: true });
  }
}

async function picture(state, viewport, colorScheme, { locale = "en", ...where }) {
  const options = { viewport, colorScheme, locale, reducedMotion: "reduce" };
  const { context, page } = await enter(browser, demo.base, state, options);
  await page.evaluate(() => document.activeElement.blur());
  const image = await page.screenshot(where);
  await context.close();
  return image;
}

/// Several phones side by side.
async function strip(images, path) {
  const page = await browser.newPage({ viewport: { width: images.length * (PHONE.width + 24) - 24, height: PHONE.height } });
  const phones = images.map((image) => `<img src="data:image/png;base64,${image.toString("base64")}">`).join("");
  await page.setContent(`<style>body { margin: 0; display: flex; gap: 24px } img { border-radius: 24px; outline: 1px solid #8886 }</style>${phones}`);
  await page.screenshot({ path, omitBackground: true });
  await page.close();
}
