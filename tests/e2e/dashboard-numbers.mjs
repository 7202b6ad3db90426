// What the charts, the day at a glance and the inbox say.
import { dashboard, open } from "./dashboard.mjs";
import { hear, tell } from "./lines.mjs";

const { base, secret } = await hear();
const { browser, page, errors } = await dashboard({ base, secret });
const texts = (locator) => locator.allInnerTexts();
try {
  await page.getByText("Received today").waitFor();
  tell("today", { tiles: await texts(page.locator(".tile")), received: await texts(page.locator(".card", { hasText: "Received today" }).locator("dd")) });
  await open(page, "stats", "Charts");
  tell("charts", {
    tiles: await texts(page.locator(".tile")),
    bar: await page.locator(".bar-mark title").last().textContent(),
    height: Number(await page.locator(".bar-mark").last().getAttribute("height")),
    shares: await texts(page.locator(".shares li")),
    day: await texts(page.locator("tbody tr").first().locator("td")),
  });
  await open(page, "inbox", "Inbox");
  const claims = page.locator("article", { hasText: "Customers who say that it is theirs" });
  await claims.waitFor();
  tell("inbox", { claims: await texts(claims.locator(".guesses").last().locator("li")), errors });
} finally {
  await browser.close();
}
process.exit(0);
