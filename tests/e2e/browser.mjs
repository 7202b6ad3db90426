// A real Chromium, Debian's, driven without a window.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

/// `more`: further options of Chromium's command line.
export async function launch(more = []) {
  const executablePath = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"].find(
    (path) => path && existsSync(path)
  );
  if (!executablePath) throw new Error("Chromium is missing: run tests/run.sh");
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...more,
    ],
  });
}

/// Gives the list to which everything goes that the browser complains about on the page, broken rules of its
/// Content-Security-Policy among it.
export function watchFor(page) {
  const errors = [];
  page.setDefaultTimeout(60_000);
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) errors.push(message.text());
  });
  return errors;
}
