// Lighthouse's opinion of the checkout page; fails below what is promised. The performance depends on what else the machine
// does, so it is the median of several runs, told with the load.
import { loadavg } from "node:os";
import lighthouse, { desktopConfig } from "lighthouse";
import { launch } from "../e2e/browser.mjs";
import { freePort, startDemo } from "../e2e/demo-server.mjs";

const [binary, runs = "5"] = process.argv.slice(2);
const PROMISED = { accessibility: 100, "best-practices": 100 };
const AIM = 95;
const TIMES = ["first-contentful-paint", "largest-contentful-paint", "speed-index", "total-blocking-time"];
const demo = await startDemo(binary);
const port = await freePort();
const browser = await launch([`--remote-debugging-port=${port}`]);
const failures = new Set();
try {
  const order = await fetch(`${demo.base}/demo/orders`, { method: "POST" });
  const { checkout_url: url } = await order.json();
  for (const [device, config] of [["phone", undefined], ["desktop", desktopConfig]]) {
    const loads = [];
    const results = [];
    for (let run = 0; run < Number(runs); run += 1) {
      loads.push(loadavg()[0]);
      results.push(await judge(url, device, config));
    }
    report(device, results, loads);
  }
} finally {
  await browser.close();
  demo.stop();
}
for (const failure of failures) console.error(failure);
process.exit(failures.size ? 1 : 0);

async function judge(url, device, config) {
  const flags = { port, logLevel: "error", onlyCategories: ["performance", ...Object.keys(PROMISED)] };
  const { lhr } = await lighthouse(url, flags, config);
  for (const [name, promised] of Object.entries(PROMISED)) {
    const score = score100(lhr, name);
    if (score < promised) failures.add(`${device}: ${name} is ${score}: ${faults(lhr, name)}`);
  }
  return lhr;
}

/// The medians of all runs. A machine that is busy misses the aim by itself, so that is said, and is no failure.
function report(device, results, loads) {
  const middle = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
  const of = (read) => middle(results.map(read));
  const performance = results.map((lhr) => score100(lhr, "performance"));
  const promised = Object.keys(PROMISED).map((name) => `${name} ${Math.min(...results.map((lhr) => score100(lhr, name)))}`);
  const times = TIMES.map((name) => `${name} ${Math.round(of((lhr) => lhr.audits[name].numericValue))} ms`);
  const shift = `layout shift ${of((lhr) => lhr.audits["cumulative-layout-shift"].numericValue).toFixed(3)}`;
  console.log(`${device}, medians of ${results.length}, load ${middle(loads).toFixed(1)}:`);
  console.log(`  performance ${middle(performance)} (${Math.min(...performance)} to ${Math.max(...performance)}), ${promised.join(", ")}`);
  console.log(`  ${[...times, shift].join(", ")}`);
  if (middle(performance) < AIM) console.log(`  below the aim of ${AIM}: compare on a machine with nothing else to do`);
}

function score100(lhr, category) {
  return Math.round(lhr.categories[category].score * 100);
}

function faults(lhr, category) {
  const references = lhr.categories[category].auditRefs.filter(({ id, weight }) => weight && lhr.audits[id].score !== null && lhr.audits[id].score < 1);
  return references.map(({ id }) => `${id} (${lhr.audits[id].title}) ${JSON.stringify(lhr.audits[id].details?.items ?? []).slice(0, 600)}`).join("; ");
}
