// Whatever happens to the connection, the page ends up showing what is true. The test pays when it hears "waiting".
import { launch } from "./browser.mjs";
import { hear, tell } from "./lines.mjs";

const { url, trouble } = await hear();
const browser = await launch();
try {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  let sockets = 0;
  page.on("websocket", () => (sockets += 1));
  if (trouble === "blocked") await page.routeWebSocket(/\/ws\?/, (socket) => socket.close());
  await page.goto(url);
  await page.getByText("USDT", { exact: true }).click();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.locator("[data-screen=pay]").waitFor();
  if (trouble === "offline") {
    await context.setOffline(true);
    await page.getByText("No connection. Trying again…").waitFor();
  }
  tell("waiting", { amount: await page.locator("#pay-amount").textContent(), address: await page.locator("#pay-address").textContent() });
  if (trouble === "restart") {
    await page.getByText("No connection. Trying again…").waitFor();
    tell("noticed");
  }
  if (trouble === "offline") {
    await hear();
    await context.setOffline(false);
  } else {
    await page.locator("[data-screen=seen]").waitFor();
    tell("seen");
  }
  await page.locator("[data-screen=paid]").waitFor();
  tell("paid", { sockets, errors, notes: await page.locator("[role=alert].note").count() });
} finally {
  await browser.close();
}
process.exit(0);
