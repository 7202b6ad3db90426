// Shops' pages around the checkout: one that may frame it, and a stranger's that may not.
import { createServer } from "node:http";
import { launch } from "./browser.mjs";
import { hear, tell } from "./lines.mjs";

const { base, url, port, stranger_port } = await hear();

const html = (lang) => `<!doctype html>
<html lang="${lang}"><head><meta charset="utf-8"><title>Shop</title><link rel="icon" href="data:,">
<script src="${base}/ocrch.js"></script></head>
<body><h1>Shop</h1><button id="buy">Buy</button><div id="inline"></div>
<script>
  window.heard = [];
  const options = { onStatus: (told) => heard.push(told), closeLabel: "Close the checkout" };
  const url = ${JSON.stringify(url)};
  document.getElementById("buy").onclick = async () => (window.result = await Ocrch.open(url, { ...options, onLeave: (to) => (window.left = to) }));
  window.unnamed = () => void Ocrch.open(url);
  window.mount = () => (window.mounted = Ocrch.mount("#inline", url, options));
</script></body></html>`;

const servers = [port, stranger_port].map((port) => {
  const server = createServer(({ url }, response) => response.writeHead(200, { "Content-Type": "text/html" }).end(html(url.slice(1) || "en")));
  return new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(server)));
});
await Promise.all(servers);

const browser = await launch();
try {
  await strange();
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await page.goto(`http://127.0.0.1:${port}/`);
  const problems = [...(await inline(page)), ...(await labels())];

  await page.locator("#buy").click();
  const checkout = page.frameLocator("dialog iframe");
  await checkout.getByText("USDT", { exact: true }).click();
  await checkout.getByRole("button", { name: "Continue" }).click();
  await checkout.locator("[data-screen=pay]").waitFor();
  problems.push(...(await closing(page)));
  await page.evaluate(() => delete window.result);
  await page.locator("#buy").click();
  await checkout.locator("[data-screen]:not([data-screen=loading])").waitFor();
  if (await checkout.locator("[data-screen=choose]").count()) await checkout.getByRole("button", { name: "Continue" }).click();
  // Somebody else's window says what only the checkout may say.
  await page.evaluate(() => {
    window.postMessage({ ocrch: "leave", url: "https://evil.example.com/" }, "*");
    window.postMessage({ ocrch: "status", status: "paid" }, "*");
  });
  tell("opened", { problems, amount: await checkout.locator("#pay-amount").textContent(), address: await checkout.locator("#pay-address").textContent() });
  await page.waitForFunction(() => window.heard.some(({ seen }) => seen));
  tell("seen");
  await page.waitForFunction(() => window.left, null, { timeout: 60_000 });
  const to = await page.evaluate(() => window.left);
  await page.getByRole("button", { name: "Close the checkout" }).click();
  await page.waitForFunction(() => window.result !== undefined);
  const heard = await page.evaluate(() => window.heard);
  const secrets = JSON.stringify(heard).includes("sig");
  if (secrets || heard.some(({ order_id }) => !order_id)) errors.push(JSON.stringify(heard));
  tell("left", { to, result: await page.evaluate(() => window.result), errors });
} finally {
  await browser.close();
  for (const server of await Promise.all(servers)) server.close();
}
process.exit(0);

/// Where it is not allowed, the browser does not show it, and nothing is told.
async function strange() {
  const page = await browser.newPage();
  const refused = page.waitForEvent("console", { predicate: (message) => /frame-ancestors/.test(message.text()), timeout: 60_000 });
  await page.goto(`http://127.0.0.1:${stranger_port}/`);
  await page.locator("#buy").click();
  await refused;
  tell("strange", { heard: await page.evaluate(() => window.heard) });
  await page.close();
}

/// In the page, the frame is as high as what it shows.
async function inline(page) {
  await page.evaluate(() => window.mount());
  const frame = page.frameLocator("#inline iframe");
  await frame.locator("[data-screen=choose]").waitFor();
  await page.waitForFunction(() => window.heard.some(({ status }) => status === "pending"));
  const inner = await frame.locator("body").evaluate((body) => Math.ceil(body.getBoundingClientRect().height));
  const fits = await page.waitForFunction((inner) => Math.abs(document.querySelector("#inline iframe").offsetHeight - inner) < 3, inner, { timeout: 10_000 }).catch(() => null);
  await page.evaluate(() => window.mounted.remove());
  const gone = (await page.locator("#inline iframe").count()) === 0;
  return [...(fits ? [] : ["the frame is not as high as its page"]), ...(gone ? [] : ["it was not removed"])];
}

/// Window and button are called what they are in the language of the shop's page; else in that of its reader; else in English.
async function labels() {
  const problems = [];
  for (const [lang, locale, title, close] of [
    ["de-AT", "fr", "Bezahlung", "Schließen"],
    ["pl", "tr-TR", "Ödeme", "Kapat"],
    ["pl", "sv", "Checkout", "Close"],
  ]) {
    const context = await browser.newContext({ locale });
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${port}/${lang}`);
    await page.evaluate(() => window.unnamed());
    const found = await page.locator("dialog").evaluate((dialog) => [
      dialog.getAttribute("aria-label"), dialog.querySelector("iframe").title, dialog.querySelector("button").getAttribute("aria-label"),
    ]);
    if (found.join() !== [title, title, close].join()) problems.push(`${lang} for ${locale}: ${found}`);
    await context.close();
  }
  return problems;
}

/// The keyboard stays in the window, Escape closes it, and the focus goes back to where it was.
async function closing(page) {
  const problems = [];
  for (let i = 0; i < 40; i += 1) {
    await page.keyboard.press("Tab");
    const inside = await page.evaluate(() => document.activeElement === document.body || document.activeElement.closest("dialog") !== null);
    if (!inside) problems.push(`Tab ${i + 1} left the window`);
  }
  await page.getByRole("button", { name: "Close the checkout" }).focus();
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => !document.querySelector("dialog"));
  if ((await page.evaluate(() => window.result)) !== "closed") problems.push("it was not told that it was closed");
  if ((await page.evaluate(() => document.activeElement.id)) !== "buy") problems.push("the focus did not go back");
  return problems;
}
