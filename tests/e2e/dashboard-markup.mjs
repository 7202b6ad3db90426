// Markup in what others wrote is shown as text: what the server has of it for real, and then, over the server's real answers,
// in every text that is neither an id nor one of a fixed few.
import { dashboard } from "./dashboard.mjs";
import { hear, tell } from "./lines.mjs";

const { base, secret, order } = await hear();
const { browser, page, errors } = await dashboard({ base, secret });
const INJECTED = '<img class="injected" src="x" onerror="document.title=\'injected\'"><b class="injected">';
const VIEWS = { "": "Today", orders: "Orders", [`orders/${order}`]: null, new: "New order", inbox: "Inbox", transfers: "Transfers", webhooks: "Webhooks", chains: "Chains and wallets", stats: "Charts", audit: "Audit trail" };
/// Texts that decide what is shown; all others are replaced.
const FIXED = /^(id|order_id|status|order_status|state|kind|action|finding|amount|value|order_amount|webhook_id|checkout_url)$/;
const found = [];
try {
  for (const view of Object.keys(VIEWS)) await look(view, VIEWS[view]);
  const real = { order: await textOf(`orders/${order}`), webhooks: await textOf("webhooks"), audit: await textOf("audit") };
  await page.route("**/api/v1/admin/**", async (route) => {
    const answer = await route.fetch();
    const json = answer.headers()["content-type"]?.includes("json");
    await (json ? route.fulfill({ response: answer, json: poisoned(await answer.json()) }) : route.fulfill({ response: answer }));
  });
  await page.reload();
  for (const view of Object.keys(VIEWS)) await look(view, VIEWS[view], true);
  await page.unrouteAll({ behavior: "ignoreErrors" });
  tell("looked", { found, real, errors });
} finally {
  await browser.close();
}
process.exit(0);

async function look(view, name, poisonous = false) {
  await page.evaluate((hash) => (location.hash = hash), `#/${view}`);
  await page.waitForFunction(([hash, name]) => location.hash === `#/${hash}` && (!name || document.querySelector("h1")?.textContent === name), [view, name]);
  if (!name) await page.locator("h2", { hasText: "What happened" }).waitFor();
  const seen = await page.evaluate(() => ({
    markup: document.querySelectorAll(".injected").length,
    title: document.title,
    links: [...document.querySelectorAll("a[href]")].map((a) => a.href).filter((href) => !/^https?:/.test(href)),
    text: document.querySelector("main").innerText,
  }));
  if (seen.markup || seen.links.length || seen.title === "injected") found.push({ view, ...seen });
  // What is replaced must be seen somewhere, or nothing was tested.
  if (poisonous && view !== "new" && !seen.text.includes("<img")) found.push({ view, missing: true });
}

async function textOf(view) {
  await look(view, VIEWS[view]);
  return page.locator("main").innerText();
}

function poisoned(value, name = "") {
  if (Array.isArray(value)) return value.map((item) => poisoned(item, name));
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, poisoned(inner, key)]));
  if (name === "body") return JSON.stringify(poisoned(JSON.parse(value)));
  if (name === "explorer_url") return "javascript:document.title='injected'";
  return typeof value !== "string" || FIXED.test(name) ? value : `${INJECTED}${name}`;
}
