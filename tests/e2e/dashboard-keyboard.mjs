// The dashboard's whole job with a keyboard only: from a payment that came short to a shop that was told.
import { launch } from "./browser.mjs";
import { hear, tell } from "./lines.mjs";

const { base, secret, order } = await hear();
const browser = await launch();
const errors = [];
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    // The browser itself reports that nobody is signed in yet.
    if (message.type() === "error" && !message.text().includes("401")) errors.push(message.text());
  });
  await page.goto(`${base}/admin`);
  await page.getByLabel("Admin secret").waitFor();
  await page.keyboard.type(secret);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Today", level: 1 }).waitFor();
  await page.getByRole("link", { name: "Inbox 1 unmatched" }).waitFor();

  await reach("Inbox");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Inbox", level: 1 }).waitFor();
  const guess = page.getByRole("listitem").filter({ hasText: order });
  tell("why", { text: await guess.innerText() });

  await reach("Assign", guess);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: `Assign to order ${order}?` }).waitFor();
  await page.keyboard.type("the customer will not mind");
  await page.keyboard.press("Enter");
  await page.getByText("Every payment found its order.").waitFor();
  tell("assigned");

  await reach("Orders");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Orders", level: 1 }).waitFor();
  await reach(order);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: `Order ${order}`, level: 1 }).waitFor();
  // Nobody reloads the page: it hears by itself that the webhook arrived.
  await page.getByText("Your shop was told").first().waitFor();
  tell("told", { status: await page.locator(".facts dd").first().innerText(), history: await page.locator(".timeline").first().innerText() });

  await reach("Sign out");
  await page.keyboard.press("Enter");
  await page.getByLabel("Admin secret").waitFor();
  tell("out", { errors });

  /** Presses Tab until what has the focus is called that. */
  async function reach(name, within = page.locator("body")) {
    for (let pressed = 0; pressed < 150; pressed++) {
      await page.keyboard.press("Tab");
      const handle = await page.evaluateHandle(() => document.activeElement);
      const text = (await handle.evaluate((element) => element.innerText ?? "")).trim();
      const inside = await within.first().evaluate((place, element) => place.contains(element), handle);
      if (inside && (text === name || text.startsWith(`${name}\n`) || text.startsWith(`${name} `) || text.startsWith(name + "1"))) return;
    }
    throw new Error(`no Tab leads to ${name}`);
  }
} finally {
  await browser.close();
}
process.exit(0);
