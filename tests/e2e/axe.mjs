// axe-core over a page: what it finds, in a line each.
import { readFileSync } from "node:fs";

const source = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/// `options` are those of `axe.run`.
export async function faults(page, options = {}) {
  if (!(await page.evaluate(() => Boolean(window.axe)))) await page.evaluate(source);
  const { violations } = await page.evaluate((options) => window.axe.run(document, options), options);
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target, html }) => `${id}: ${target} ${html.slice(0, 120)}`));
}
