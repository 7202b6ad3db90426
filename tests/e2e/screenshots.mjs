// Takes the README's pictures of the checkout page anew:
//
//   cargo build && node tests/e2e/screenshots.mjs target/debug/ocrch
//
// The page is the real one, its order made up (stage.mjs). Needs what tests/run.sh installs.
import { fileURLToPath } from "node:url";
import { launch } from "./browser.mjs";
import { startDemo } from "./demo-server.mjs";
import { enter } from "./states.mjs";

const IMAGES = fileURLToPath(new URL("../../docs/images/", import.meta.url));
const PHONE = { width: 390, height: 844 };
const DESKTOP = { width: 1200, height: 760 };
const ON_PHONES = ["choose", "pay-tron", "seen", "paid"];

const demo = await startDemo(process.argv[2] ?? "target/debug/ocrch");
const browser = await launch();
try {
  for (const theme of ["light", "dark"]) {
    const phones = [];
    for (const state of ON_PHONES) phones.push(await picture(state, PHONE, theme));
    await strip(phones, theme);
    await picture("wallet", DESKTOP, theme, `${IMAGES}checkout-desktop-${theme}.png`);
  }
} finally {
  await browser.close();
  demo.stop();
}
process.exit(0);

async function picture(state, viewport, colorScheme, path) {
  const options = { viewport, colorScheme, locale: "en", reducedMotion: "reduce" };
  const { context, page } = await enter(browser, demo.base, state, options);
  await page.evaluate(() => document.activeElement.blur());
  const image = await page.screenshot({ path });
  await context.close();
  return image;
}

/// Several phones side by side.
async function strip(images, theme) {
  const page = await browser.newPage({ viewport: { width: images.length * (PHONE.width + 24) - 24, height: PHONE.height } });
  const phones = images.map((image) => `<img src="data:image/png;base64,${image.toString("base64")}">`).join("");
  await page.setContent(`<style>body { margin: 0; display: flex; gap: 24px } img { border-radius: 24px; outline: 1px solid #8886 }</style>${phones}`);
  await page.screenshot({ path: `${IMAGES}checkout-phone-${theme}.png`, omitBackground: true });
  await page.close();
}
