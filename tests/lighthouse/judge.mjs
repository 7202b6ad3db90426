// Lighthouse's opinion of the checkout page; fails below what is promised.
import lighthouse, { desktopConfig } from "lighthouse";
import { launch } from "../e2e/browser.mjs";
import { freePort, startDemo } from "../e2e/demo-server.mjs";

const PROMISED = { accessibility: 100, "best-practices": 100 };
const demo = await startDemo(process.argv[2]);
const port = await freePort();
const browser = await launch([`--remote-debugging-port=${port}`]);
const failures = [];
try {
  const order = await fetch(`${demo.base}/demo/orders`, { method: "POST" });
  const { checkout_url: url } = await order.json();
  for (const [device, config] of [["phone", undefined], ["desktop", desktopConfig]]) {
    const { lhr } = await lighthouse(url, { port, logLevel: "error", onlyCategories: ["performance", ...Object.keys(PROMISED)] }, config);
    const scores = Object.fromEntries(Object.entries(lhr.categories).map(([name, { score }]) => [name, Math.round(score * 100)]));
    console.log(device, JSON.stringify(scores), figures(lhr.audits));
    for (const [name, promised] of Object.entries(PROMISED)) {
      if (scores[name] < promised) failures.push(`${device}: ${name} is ${scores[name]}: ${faults(lhr, name)}`);
    }
  }
} finally {
  await browser.close();
  demo.stop();
}
for (const failure of failures) console.error(failure);
process.exit(failures.length ? 1 : 0);

function figures(audits) {
  const names = ["first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "cumulative-layout-shift"];
  return names.map((name) => `${name} ${audits[name]?.displayValue}`).join(", ");
}

function faults(lhr, category) {
  const references = lhr.categories[category].auditRefs.filter(({ id, weight }) => weight && lhr.audits[id].score !== null && lhr.audits[id].score < 1);
  return references.map(({ id }) => `${id} (${lhr.audits[id].title}) ${JSON.stringify(lhr.audits[id].details?.items ?? []).slice(0, 600)}`).join("; ");
}
