// The checkout page in every state: no barrier for anybody (axe), nothing clipped on a small screen, no complaint of the browser,
// and no request to anybody else.
import { faults } from "./axe.mjs";
import { launch } from "./browser.mjs";
import { hear, tell } from "./lines.mjs";
import { enter, STATES } from "./states.mjs";

const { base, languages } = await hear();
const RULES = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] };

const browser = await launch();
const problems = [];
try {
  for (const name of Object.keys(STATES)) {
    const before = problems.length;
    await look(name, (where, found) => problems.push(...found.map((problem) => `${name}, ${where}: ${problem}`)));
    if (problems.length > before) process.stderr.write(`${problems.slice(before).join("\n")}\n`);
  }
  tell("looked", { states: Object.keys(STATES).length, problems });
} finally {
  await browser.close();
}
process.exit(0);

async function look(name, report) {
  const options = { viewport: { width: 320, height: 640 }, locale: "en", colorScheme: "light", reducedMotion: "reduce" };
  const { context, page, complaints } = await enter(browser, base, name, options);
  const foreign = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(base) && !request.url().startsWith("data:")) foreign.push(request.url());
  });
  try {
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      report(colorScheme, await faults(page, RULES));
    }
    for (const language of languages) {
      await speak(page, language);
      report(language, [...(await page.evaluate(misfits)), ...(await page.evaluate(keysShown))]);
    }
    report("in all", [...complaints(), ...foreign]);
  } catch (error) {
    report("in all", [String(error)]);
  }
  await context.close();
}

/// As the switch in the page's head does, also where a dialog is before it.
async function speak(page, language) {
  await page.evaluate((code) => {
    const choice = document.querySelector(".language select");
    choice.value = code;
    choice.dispatchEvent(new Event("change"));
  }, language);
  await page.locator(`html[lang="${language}"]`).waitFor({ state: "attached" });
  await page.waitForFunction(() => !document.querySelector("form .main:disabled"));
}

/// What is wider than the screen or cut off.
function misfits() {
  const found = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) found.push(`the page is ${document.documentElement.scrollWidth} wide`);
  for (const element of document.querySelectorAll("#page *")) {
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    if (!box.width || element.closest(".unseen, svg, option")) continue;
    const name = `${element.tagName}.${element.className} "${element.textContent.trim().slice(0, 40)}"`;
    if (box.left < -1 || box.right > width + 1) found.push(`sticks out: ${name}`);
    const scrolls = ["INPUT", "SELECT", "PROGRESS"].includes(element.tagName) || style.display === "inline";
    if (!scrolls && element.scrollWidth > element.clientWidth + 1) found.push(`overflows: ${name}`);
    if (!scrolls && style.overflow === "hidden" && element.scrollHeight > element.clientHeight + 1) found.push(`is cut off: ${name}`);
  }
  return found;
}

/// A text that is missing shows its key; a place that is not filled shows its braces.
function keysShown() {
  const text = document.body.innerText;
  return [...text.matchAll(/\b(?:page|bill|choose|pay|wallet|seen|paid|expired|cancelled|receipt|cancel|claim|problem)\.[a-z]\w*|\{\w+\}/g)].map(([key]) => `untranslated: ${key}`);
}
