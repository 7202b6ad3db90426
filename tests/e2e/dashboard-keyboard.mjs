// The dashboard's whole job with a keyboard only: from a payment that came short to a shop that was told.
import { dashboard, dialog, heading, press, signOut } from "./dashboard.mjs";
import { hear, tell } from "./lines.mjs";

const { base, secret, order } = await hear();
const { browser, page, errors } = await dashboard({ base, secret });
try {
  await page.getByRole("link", { name: "Inbox 1 unmatched" }).waitFor();
  await press(page, "Inbox");
  await heading(page, "Inbox");
  const guess = page.getByRole("listitem").filter({ hasText: order });
  tell("why", { text: await guess.innerText() });

  await press(page, "Assign", guess);
  await dialog(page, `Assign to order ${order}?`).waitFor();
  await page.keyboard.type("the customer will not mind");
  await page.keyboard.press("Enter");
  await page.getByText("Every payment found its order.").waitFor();
  tell("assigned");

  await press(page, "Orders");
  await heading(page, "Orders");
  await press(page, order);
  await heading(page, `Order ${order}`);
  // Nobody reloads the page: it hears by itself that the webhook arrived.
  await page.getByText("Your shop was told").first().waitFor();
  tell("told", { status: await page.locator(".facts dd").first().innerText(), history: await page.locator(".timeline").first().innerText() });

  await signOut(page);
  tell("out", { errors });
} finally {
  await browser.close();
}
process.exit(0);
