// Each thing that the dashboard does, with the keyboard alone.
import { faults } from "./axe.mjs";
import { dashboard, dialog, heading, open, press, signOut } from "./dashboard.mjs";
import { hear, tell } from "./lines.mjs";

const { base, secret, shop, orders } = await hear();
const { browser, page, errors } = await dashboard({ base, secret });
try {
  await markPaid(orders.cash);
  await resend(orders.cash);
  await resendInWebhooks(orders.cash);
  await sendTest();
  await ignoreAndTakeBack();
  await assignToAnother();
  await copyLink(orders.cash);
  await leave();
} finally {
  await browser.close();
}
process.exit(0);

async function markPaid(order) {
  await press(page, "Orders");
  await heading(page, "Orders");
  await press(page, order);
  await heading(page, `Order ${order}`);
  await press(page, "Mark as paid");
  await dialog(page, "Mark this order as paid?").waitFor();
  await page.keyboard.type("paid in cash");
  await press(page, "Mark as paid", dialog(page));
  await page.getByText("Your shop was told").waitFor();
  tell("marked", { status: await page.locator(".facts dd").first().innerText(), history: await page.locator(".timeline").first().innerText() });
}

async function resend(order) {
  await press(page, "Resend webhook");
  await page.getByText("The webhook is on its way.").waitFor();
  // The attempts before and after it.
  await page.locator("main").getByText("Answered 200").nth(1).waitFor();
  tell("resent", { order });
}

async function resendInWebhooks(order) {
  await press(page, "Webhooks");
  await heading(page, "Webhooks");
  const card = page.locator("article").filter({ hasText: `Order ${order}` });
  await press(page, "Resend", card);
  await page.getByText("It is on its way again.").waitFor();
  await card.getByText("Answered 200").nth(2).waitFor();
  tell("resent");
}

async function sendTest() {
  await press(page, "Send a test");
  await dialog(page, "Send a test webhook").waitFor();
  await page.keyboard.type(shop);
  await page.keyboard.press("Enter");
  const toast = page.locator("#toast").getByText("It answered");
  await toast.waitFor();
  tell("tested", { toast: await toast.innerText(), focus: await focused() });
}

async function ignoreAndTakeBack() {
  await press(page, "Inbox");
  await heading(page, "Inbox");
  await press(page, "Ignore");
  await dialog(page, /^Ignore these/).waitFor();
  await page.keyboard.type("a test of my own");
  await page.keyboard.press("Enter");
  await page.getByText("Every payment found its order.").waitFor();
  // The button is gone: the keyboard goes on at the top of the view.
  tell("ignored", { focus: await focused() });
  await press(page, "Transfers");
  await heading(page, "Transfers");
  await press(page, "Back to inbox");
  await page.getByRole("link", { name: "Inbox 1 unmatched" }).waitFor();
  tell("back");
}

/// Typed short, the id of another order begins so; typed whole, two orders could be meant by their beginnings.
async function assignToAnother() {
  await press(page, "Inbox");
  await heading(page, "Inbox");
  await press(page, "Assign to another order");
  const which = dialog(page, "Assign to another order");
  await which.waitFor();
  await page.keyboard.type("A-1");
  await page.keyboard.press("Enter");
  const complaint = await which.getByRole("alert").filter({ hasText: "order" }).innerText();
  await page.keyboard.type("0");
  await page.keyboard.press("Enter");
  const confirm = dialog(page, "Assign to order A-10?");
  await confirm.waitFor();
  const shown = await confirm.innerText();
  tell("found", { complaint, shown, barriers: await faults(page) });
  await hear();
  await page.keyboard.type("they gave us their number");
  await page.keyboard.press("Enter");
  await page.getByText("Every payment found its order.").waitFor();
  tell("assigned");
}

async function copyLink(order) {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await open(page, `orders?q=${order}`, "Orders");
  await press(page, order);
  await heading(page, `Order ${order}`);
  await press(page, "Copy payment link");
  await page.getByText("Copied.").waitFor();
  tell("copied", { text: await page.evaluate(() => navigator.clipboard.readText()) });
}

/// What somebody is told whose browser drops the cookie.
async function withoutCookie() {
  const forgotten = { status: 401, contentType: "text/plain", body: "missing Ocrch-Admin-Authorization header" };
  await page.route("**/admin/session", (route) => (route.request().method() === "GET" ? route.fulfill(forgotten) : route.continue()));
  await page.keyboard.type(secret);
  await page.keyboard.press("Enter");
  const problem = page.getByRole("alert").filter({ hasText: "cookie" });
  return problem.innerText();
}

/// A copy of the cookie is worth nothing afterwards.
async function leave() {
  const [cookie] = await page.context().cookies();
  await signOut(page);
  const answer = await fetch(`${base}/api/v1/admin/session`, { headers: { cookie: `${cookie.name}=${cookie.value}` } });
  await page.reload();
  await page.getByLabel("Admin secret").waitFor();
  tell("out", { status: answer.status, secure: cookie.secure, dropped: await withoutCookie(), errors });
}

function focused() {
  return page.evaluate(() => document.activeElement.textContent);
}
