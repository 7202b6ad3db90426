// What loading the page costs, and whom it asks. The first screen counts with all calls of the API; the whole way until the
// shopper can pay and ask for help counts in files.
import { launch, watchFor } from "./browser.mjs";
import { hear, tell } from "./lines.mjs";

const { base, url } = await hear();
const browser = await launch();
try {
  const page = await browser.newPage();
  const errors = watchFor(page);
  const requests = [];
  let bytes = 0;
  const network = await page.context().newCDPSession(page);
  await network.send("Network.enable");
  network.on("Network.requestWillBeSent", ({ request }) => requests.push(request.url));
  network.on("Network.webSocketCreated", ({ url }) => requests.push(url.replace(/^ws/, "http")));
  network.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
  await page.addInitScript(() => {
    window.broken = [];
    addEventListener("securitypolicyviolation", ({ blockedURI, violatedDirective }) => window.broken.push(`${violatedDirective}: ${blockedURI}`));
  });
  const open = page.waitForEvent("websocket");
  await page.goto(url);
  await page.locator("[data-screen=choose]").waitFor();
  await open;
  await page.waitForLoadState("networkidle");
  // A slow machine polls the status once more before its socket is open; a file that is fetched twice does count twice.
  const shown = outside(requests);
  const first_screen = shown.filter((url, i) => !url.endsWith("/status") || shown.indexOf(url) === i).length;
  await page.getByText("USDT", { exact: true }).click();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.locator("[data-screen=pay]").waitFor();
  await page.locator("#claim-open").click();
  await page.locator("#claim-hash").waitFor();
  errors.push(...(await page.evaluate(() => window.broken)));
  const all = outside(requests);
  const foreign = all.filter((request) => !request.startsWith(base));
  const files = all.filter((request) => !request.includes("/api/")).length;
  tell("weighed", { first_screen, files, calls: all.length - files, bytes, foreign, errors });
} finally {
  await browser.close();
}
process.exit(0);

function outside(requests) {
  return requests.filter((request) => !request.startsWith("data:"));
}
