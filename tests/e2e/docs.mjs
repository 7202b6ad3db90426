// A merchant's developer on /docs: tries every call, and every piece of code.
import { launch } from "./browser.mjs";
import { faults } from "./axe.mjs";
import { hear, tell } from "./lines.mjs";
import { run } from "./snippets.mjs";

const { base, secret, admin_secret } = await hear();
const browser = await launch();
const problems = [];
let leaks = 0;
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  page.on("pageerror", (error) => problems.push(String(error)));
  // A refusal is an answer; what the policy forbids is a fault.
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) problems.push(message.text());
  });
  page.on("request", (request) => {
    const sent = JSON.stringify([request.url(), request.headers(), request.postData()]);
    if (sent.includes(secret) || (sent.includes(admin_secret) && !request.url().includes("/api/v1/admin/"))) leaks += 1;
  });
  // The examples' webhooks go to this machine: tests call nobody else.
  await page.route("**/openapi.json", async (route) => {
    const text = await (await route.fetch()).text();
    await route.fulfill({ contentType: "application/json", body: text.replaceAll("https://shop.example.com/ocrch-webhook", `${base}/nobody-here`) });
  });
  await page.goto(`${base}/docs`);
  const spec = await (await fetch(`${base}/openapi.json`)).json();
  await page.locator(".opblock").first().waitFor();

  // Without a secret it says so, and the server refuses.
  const create = block(page, "createOrder");
  await open(create);
  const unsigned = await execute(page, create);
  await create.getByText("Sent without a signature").waitFor();
  tell("unsigned", { status: unsigned });

  await page.getByLabel("Merchant secret").fill(secret);
  await page.getByLabel("Admin secret").fill(admin_secret);
  // One call after the other, open only while it is looked at: with all of them open the page is slow.
  const ran = [];
  for (const operation of inOrder(spec)) {
    const { operationId, path } = operation;
    const call = block(page, operationId);
    await open(call);
    await fillRequired(call, operation);
    const status = await execute(page, call);
    tell("tried", { operation: operationId, path, status, traced: (await call.locator(".trace").count()) === 1 });
    // Every piece of code, as it would be copied. An order that is over ends its WebSocket.
    for (const language of ["curl", "Node.js", "Python", "PHP"]) {
      if (/cancel/i.test(operationId)) await newOrder(page);
      await call.getByRole("tab", { name: language }).click();
      const code = await call.locator(".snippets code").innerText();
      ran.push({ operation: operationId, path, language, secret: code.includes(secret), ...run(language, code, { secret, admin_secret }) });
    }
    if (operationId === "createOrder") problems.push(...(await faults(page)));
    else await call.locator(".opblock-summary-control").click();
  }
  ran.forEach((code) => tell("ran", code));
  const kept = await page.evaluate(() => JSON.stringify([localStorage, sessionStorage, document.cookie]));
  const receivers = {};
  for (const language of ["curl", "Node.js", "Python", "PHP"]) {
    await page.locator("#webhooks").getByRole("tab", { name: language }).click();
    receivers[language] = await page.locator("#webhook-code code").innerText();
  }
  tell("receivers", { receivers });

  // Forgotten on demand, and with the page.
  await page.getByRole("button", { name: "Forget secrets" }).click();
  const forgotten = await page.getByLabel("Merchant secret").inputValue();
  await page.getByLabel("Merchant secret").fill(secret);
  await page.reload();
  await page.locator(".opblock").first().waitFor();
  const reloaded = await page.getByLabel("Merchant secret").inputValue();
  tell("end", { kept: kept.includes(secret), forgotten, reloaded, leaks, problems });
} finally {
  await browser.close();
}
process.exit(0);

function block(page, operationId) {
  return page.locator(`.opblock[id$="-${operationId}"]`);
}

async function open(call) {
  if (!(await call.locator(".execute").count())) await call.locator(".opblock-summary-control").click();
  await call.locator(".execute").waitFor();
}

/// Tries the call, waits until its answer is shown, and gives the status.
async function execute(page, call) {
  const answered = page.waitForResponse((response) => response.url().includes("/api/v1/"));
  await call.locator(".execute").click();
  const status = (await answered).status();
  await call.locator(".live-responses-table .response .response-col_status", { hasText: String(status) }).first().waitFor();
  return status;
}

/// Ids that the page cannot know: those of things that are not there will do.
async function fillRequired(call, { parameters = [] }) {
  for (const { name, required, in: place } of parameters) {
    if (!required || place !== "path") continue;
    const input = call.locator(`tr[data-param-name="${name}"] input`);
    if ((await input.inputValue()) === "") await input.fill(name === "address" ? "0x70997970C51812dc3A010C7d01b50e0d17dc79C8" : "1");
  }
}

/// Within a second the same body has the same signature, and is the same order.
async function newOrder(page) {
  const order = page.getByLabel("Order its id");
  const before = await order.inputValue();
  while ((await order.inputValue()) === before) await execute(page, block(page, "createOrder"));
}

/// The document's calls: first what makes an order, then what ends one, then what its merchant may do all the same.
function inOrder(spec) {
  const methods = ["get", "post", "put", "patch", "delete"];
  const all = Object.entries(spec.paths).flatMap(([path, item]) =>
    methods.filter((method) => item[method]).map((method) => ({ path, method, ...item[method] })),
  );
  const first = ["createOrder", "listChains"];
  const rank = ({ operationId, path }) => {
    if (first.includes(operationId)) return first.indexOf(operationId);
    if (path.includes("/admin/")) return 9;
    if (operationId === "followOrder") return 5;
    return /cancel/i.test(operationId) ? 4 : 3;
  };
  return all.sort((a, b) => rank(a) - rank(b));
}
