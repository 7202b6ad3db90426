// What stays right in the dashboard where ids, addresses and moments are odd.
import { dashboard, dialog, heading, open } from "./dashboard.mjs";
import { hear, tell } from "./lines.mjs";

const { base, secret, orders } = await hear();
const { browser, page, errors } = await dashboard({ base, secret });
try {
  await open(page, "inbox", "Inbox");
  tell("guess", { forwards: await readsForwards("asked for 20") });
  await ask();
  tell("asked", { forwards: await readsForwards("(20.00)") });
  await page.goBack();
  await heading(page, "Today");
  tell("back", { dialogs: await page.locator("dialog").count() });

  await open(page, `orders/${orders.turned}`, `Order ${orders.shown}`);
  await page.getByRole("button", { name: "Mark as paid" }).click();
  tell("marking", { forwards: await readsForwards("(20.00)") });
  await page.keyboard.press("Escape");

  await open(page, "orders", "Orders");
  for (const [width, name] of [[1280, "wide"], [390, "narrow"]]) {
    await page.setViewportSize({ width, height: 800 });
    tell(name, { edges: await edges(), width });
  }
  await page.setViewportSize({ width: 1280, height: 800 });

  for (const address of ["orders/%", "orders/%E0%A4%A", "orders/..%2Fstats"]) {
    await open(page, address, "Order");
    tell("unknown", { said: await page.getByRole("alert").innerText() });
    await open(page, "", "Today");
  }
  await open(page, "stats?days=100000000", "Charts");
  tell("charts", { bars: await page.locator(".bar-mark").count() });

  tell("corrected", { complaints: await complaints() });

  await open(page, "webhooks", "Webhooks");
  tell("refused", { said: await page.locator("main").innerText() });
  await giveUpWebhooks();
  await open(page, "", "Today");
  await open(page, "webhooks", "Webhooks");
  tell("given up", { badge: await page.locator("article .badge").first().innerText() });
  await page.unrouteAll({ behavior: "ignoreErrors" });

  tell("networks", { offered: await networks() });

  await open(page, "inbox", "Inbox");
  await ask();
  await endSession();
  await dialog(page).getByRole("button", { name: "Assign" }).click();
  await page.getByLabel("Admin secret").waitFor();
  tell("ended", { dialogs: await page.locator("dialog").count(), said: await page.locator("main").innerText(), errors });

  await page.getByLabel("Admin secret").fill("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$aGFzaA");
  await page.keyboard.press("Enter");
  await page.locator(".problem").waitFor();
  tell("hash", { said: await page.locator(".problem").innerText() });
  await page.getByLabel("Admin secret").fill("");

  tell("typed", { kept: await typedBeforeTheEnd() });
} finally {
  await browser.close();
}
process.exit(0);

function endSession() {
  return page.evaluate(() => fetch("api/v1/admin/session", { method: "DELETE", headers: { "Ocrch-Admin-Page": "1" } }));
}

async function signIn() {
  await page.getByLabel("Admin secret").waitFor();
  await page.keyboard.type(secret);
  await page.keyboard.press("Enter");
}

/// From now on, the server's webhooks look like those that failed for three days.
function giveUpWebhooks() {
  return page.route("**/api/v1/admin/webhooks?*", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: (await answer.json()).map((event) => ({ ...event, state: "given_up" })) });
  });
}

/// How many complaints the form for an order shows after an amount that is none, and once it was corrected.
async function complaints() {
  await open(page, "new", "New order");
  await page.getByLabel("Your order or invoice number").fill("INV-6");
  await page.getByLabel("Amount").fill("0");
  await page.getByRole("button", { name: "Create payment link" }).click();
  await page.locator("form .problem").waitFor();
  await page.getByLabel("Amount").fill("1");
  return page.locator("form .problem").count();
}

/// What the form for an order has after a session that ended before it was sent, and after it was sent.
async function typedBeforeTheEnd() {
  await signIn();
  await open(page, "new", "New order");
  await page.getByLabel("Your order or invoice number").fill("INV-7");
  await page.getByLabel("Amount").fill("19.99");
  await page.getByLabel("Coin").selectOption("DAI");
  await endSession();
  await page.getByRole("button", { name: "Create payment link" }).click();
  await signIn();
  await heading(page, "New order");
  const fields = () => page.locator("form :is(input, select)").evaluateAll((all) => all.map((field) => field.value));
  const kept = [await fields()];
  await page.getByLabel("Coin").selectOption("USDT");
  await page.getByRole("button", { name: "Create payment link" }).click();
  await heading(page, "Payment link");
  await page.getByRole("button", { name: "Another one" }).click();
  await heading(page, "New order");
  return [...kept, await fields()];
}

async function ask() {
  await page.getByRole("button", { name: "Assign", exact: true }).first().click();
  await dialog(page).waitFor();
}

/// Whether the last text that contains this stands from left to right, letter by letter.
function readsForwards(text) {
  return page.waitForFunction((text) => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    let last = null;
    while (walker.nextNode()) if (walker.currentNode.data.includes(text)) last = walker.currentNode;
    if (!last) return null;
    const start = last.data.indexOf(text);
    const left = (place) => {
      const range = document.createRange();
      range.setStart(last, start + place);
      range.setEnd(last, start + place + 1);
      return range.getBoundingClientRect().left;
    };
    const places = Array.from(text, (_, i) => left(i));
    return { forwards: places.every((x, i) => i === 0 || x > places[i - 1]) };
  }, text).then((found) => found.jsonValue()).then(({ forwards }) => forwards);
}

/// Where each amount and status ends.
function edges() {
  return page.locator("td[data-label=Amount] .wrap, td[data-label=Status] .wrap").evaluateAll((cells) => cells.map((cell) => cell.getBoundingClientRect().right));
}

/// What the form offers for each coin, with wallets that do not take the same.
async function networks() {
  const wallets = [
    { blockchain: "eth", address: "0x1", enabled_coins: ["USDT", "DAI"] },
    { blockchain: "tron", address: "T1", enabled_coins: ["USDT"] },
  ];
  await page.route("**/admin/wallets", (route) => route.fulfill({ json: wallets }));
  await open(page, "new", "New order");
  const network = page.getByLabel("Network");
  await network.selectOption("tron");
  const offered = {};
  for (const coin of ["USDT", "DAI", ""]) {
    await page.getByLabel("Coin").selectOption(coin);
    offered[coin] = [await network.inputValue(), ...(await network.locator("option").allInnerTexts())];
  }
  return offered;
}
