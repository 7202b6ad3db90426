// Who asks for less motion gets none: nothing runs, in any state that otherwise moves.
import { launch } from "./browser.mjs";
import { hear, tell } from "./lines.mjs";
import { pageOn, play, stage } from "./stage.mjs";
import { enter } from "./states.mjs";

const { base } = await hear();
const MOVING = ["choose", "pay", "seen", "over", "paid"];
const browser = await launch();
try {
  const running = {};
  for (const reducedMotion of ["no-preference", "reduce"]) {
    const found = (running[reducedMotion] = {});
    found.loading = await loading(reducedMotion);
    for (const state of MOVING) {
      const { context, page } = await enter(browser, base, state, { reducedMotion });
      found[state] = await page.evaluate(movement);
      await context.close();
    }
  }
  tell("looked", { running });
} finally {
  await browser.close();
}
process.exit(0);

/// The first moment, held: no answer of the API comes.
async function loading(reducedMotion) {
  const context = await browser.newContext({ reducedMotion });
  await stage(context, play(), base);
  await context.route(`${base}/api/**`, () => {});
  const page = await context.newPage();
  await page.goto(pageOn(base));
  await page.locator(".spinner").waitFor();
  const found = await page.evaluate(movement);
  await context.close();
  return found;
}

/// In the page: the names of all animations and transitions that styles ask for.
function movement() {
  const names = new Set();
  for (const element of document.querySelectorAll("*")) {
    for (const part of [null, "::before", "::after"]) {
      const { animationName, transitionDuration } = getComputedStyle(element, part);
      if (animationName !== "none") names.add(animationName);
      if (transitionDuration.split(", ").some((time) => parseFloat(time) > 0)) names.add("transition");
    }
  }
  return [...names].sort();
}
