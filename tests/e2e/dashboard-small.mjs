// The inbox without the dust, and the dust by itself.
import { faults } from "./axe.mjs";
import { dashboard, heading, open, press } from "./dashboard.mjs";
import { hear, tell } from "./lines.mjs";

const { base, secret } = await hear();
const { browser, page, errors } = await dashboard({ base, secret });
const shown = async () => ({ money: await page.locator("article h2").allInnerTexts(), faults: await faults(page) });
const badge = () => page.locator('nav [data-view="inbox"]').innerText();
try {
  await open(page, "inbox", "Inbox");
  await page.locator("article").waitFor();
  tell("inbox", { ...(await shown()), badge: await badge() });
  await press(page, "Small transfers: 2");
  await heading(page, "Small transfers");
  await page.locator("article").nth(1).waitFor();
  tell("small", await shown());
  await press(page, "Back to the inbox");
  await heading(page, "Inbox");
  await press(page, "Transfers");
  await heading(page, "Transfers");
  await press(page, "Back to small transfers");
  const toast = page.locator("#toast").getByText("It is ");
  await toast.waitFor();
  tell("back", { toast: await toast.innerText(), errors });
} finally {
  await browser.close();
}
process.exit(0);
