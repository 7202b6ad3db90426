// A signed-in dashboard in a real browser, and how somebody without a mouse gets around in it.
import { launch } from "./browser.mjs";

/// Opens the dashboard and signs in. `errors` is what the browser complains about.
export async function dashboard({ base, secret }, options = {}) {
  const browser = await launch();
  const page = await (await browser.newContext(options)).newPage();
  page.setDefaultTimeout(60_000);
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    // The browser itself reports each answer that is no success: that nobody is signed in yet, that an order is not known or
    // not one.
    if (message.type() === "error" && !/status of 40[0149]/.test(message.text())) errors.push(message.text());
  });
  await page.goto(`${base}/admin`);
  await page.getByLabel("Admin secret").waitFor();
  await page.keyboard.type(secret);
  await page.keyboard.press("Enter");
  await heading(page, "Today");
  return { browser, page, errors };
}

/// Waits until a view is open.
export const heading = (page, name) => page.getByRole("heading", { name, level: 1, exact: true }).waitFor();

/// Opens a view by its address, as a link does.
export async function open(page, address, name) {
  await page.evaluate((address) => (location.hash = address), `#/${address}`);
  await heading(page, name);
}

/// Presses Tab until what has the focus is called that, as sighted people or screen readers would call it. What the server
/// has yet to tell may take its time.
export async function reach(page, name, within = page.locator("body")) {
  const place = await within.first().elementHandle();
  const deadline = Date.now() + 30_000;
  for (let pressed = 0; pressed < 200 || Date.now() < deadline; pressed++) {
    await page.keyboard.press("Tab");
    const called = await page.evaluate((place) => {
      const focused = document.activeElement;
      if (!place.contains(focused)) return null;
      const own = focused.labels?.[0]?.firstChild ?? focused;
      // The number beside the inbox's name is told, too.
      return own.textContent.trim().replace(/\d+ unmatched$/, "");
    }, place);
    if (called === name) return;
  }
  throw new Error(`no Tab leads to ${name}`);
}

/// Does what a button or link promises, with the keyboard.
export async function press(page, name, within) {
  await reach(page, name, within);
  await page.keyboard.press("Enter");
}

/// A question that the dashboard asks before it does something.
export const dialog = (page, name) => page.getByRole("dialog", { name });

/// The dashboard's session ends.
export async function signOut(page) {
  await press(page, "Sign out");
  await page.getByLabel("Admin secret").waitFor();
}
