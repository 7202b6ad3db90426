// What becomes of something that somebody is in the middle of when news come.
import { faults } from "./axe.mjs";
import { dashboard, heading, open, press, reach } from "./dashboard.mjs";
import { hear, tell } from "./lines.mjs";

const { base, secret } = await hear();
const { browser, page, errors } = await dashboard({ base, secret });
const held = page.getByText("Not refreshed while you are busy here.");
const row = (order) => page.getByRole("rowheader", { name: order, exact: true });
const rows = () => page.locator("tbody tr").count();
const search = page.getByRole("searchbox");
try {
  await rowsStay();
  await typingStays();
  await focusStays();
  await aFormStays();
  await aLinkIsNotShownAgain();
  tell("end", { errors });
} finally {
  await browser.close();
}
process.exit(0);

/// Has the shop make another order.
async function news() {
  tell("news");
  return (await hear()).order;
}

async function rowsStay() {
  await open(page, "orders", "Orders");
  const before = await rows();
  await press(page, "Show more");
  await page.waitForFunction((before) => document.querySelectorAll("tbody tr").length > before, before);
  const asked = await rows();
  await row(await news()).waitFor();
  tell("rows", { before, asked, after: await rows() });
}

async function typingStays() {
  await search.fill("half-typ");
  await page.locator("h1").click();
  const order = await news();
  await held.waitFor();
  const typed = await search.inputValue();
  const early = await row(order).count();
  const barriers = await faults(page);
  // Nothing is typed any more, and nobody is in the field.
  await search.fill("");
  await page.locator("h1").click();
  await row(order).waitFor();
  await held.waitFor({ state: "hidden" });

  await search.focus();
  const second = await news();
  await held.waitFor();
  await page.getByRole("button", { name: "Refresh" }).click();
  await row(second).waitFor();
  tell("typed", { typed, early, barriers });
}

/// On an element without an id, in a part of the view that changes.
async function focusStays() {
  await open(page, "transfers", "Transfers");
  await reach(page, "its order");
  const before = await rows();
  tell("transfer");
  await page.waitForFunction((before) => document.querySelectorAll("tbody tr").length > before, before);
  tell("focus", { focus: await page.evaluate(() => document.activeElement.textContent) });
}

async function aFormStays() {
  await open(page, "new", "New order");
  const asked = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname.split("/").pop()));
  await page.getByLabel("Your order or invoice number").fill("by hand");
  await page.getByLabel("Amount").fill("12.50");
  // The numbers of the menu are asked for at each news, after the view.
  const counted = page.waitForResponse((answer) => answer.url().endsWith("/stats"));
  await news();
  await counted;
  tell("form", {
    asked,
    held: await held.isVisible(),
    order: await page.getByLabel("Your order or invoice number").inputValue(),
    focus: await page.evaluate(() => document.activeElement.id),
  });
}

async function aLinkIsNotShownAgain() {
  await press(page, "Create payment link");
  await heading(page, "Payment link");
  await page.getByRole("link", { name: "by hand" }).click();
  await heading(page, "Order by hand");
  const webhook = await page.getByText("This order has no webhook").count();
  await page.getByRole("button", { name: "Mark as paid" }).click();
  const question = await page.getByRole("dialog").innerText();
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "Orders" }).click();
  await heading(page, "Orders");
  await page.getByRole("link", { name: "New order" }).click();
  await heading(page, "New order");
  tell("made", { webhook, question, order: await page.getByLabel("Your order or invoice number").inputValue() });
}
