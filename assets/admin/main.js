// The dashboard's frame: who is signed in, which view is open, and what is told while it is.

import { ApiError, get, signOut, whenSignedOut } from "./api.js";
import { decline } from "./dialog.js";
import { h, replace } from "./dom.js";
import { whenReleased } from "./in_use.js";
import { follow } from "./live.js";
import { mount } from "./mounted.js";
import { signInForm } from "./sign_in.js";
import { toast } from "./toast.js";
import { VIEWS, viewFor } from "./routes.js";

const app = document.getElementById("app");
let stop = () => {};

whenSignedOut(ended);
start();

async function start() {
  try {
    showShell(await get("session"));
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return;
    replace(app, h("p", { class: "problem" }, `Ocrch cannot be reached: ${error.message}`));
    setTimeout(start, 3000);
  }
}

/** Nobody is signed in, or no longer. Several answers may say so. */
function ended() {
  if (app.querySelector(".sign-in")) return;
  showSignIn(app.querySelector(".shell") && "Your session has ended. Sign in again.");
}

function showSignIn(why) {
  stop();
  decline();
  document.title = "Sign in – Ocrch";
  replace(app, signInForm(showShell, why));
  app.querySelector("input").focus();
}

function showShell(session) {
  stop();
  const main = h("main", { id: "main" });
  const news = h("span", { class: "live", "data-live": "yes" }, "Live");
  const nav = h("nav", { "aria-label": "Views" });
  const held = h("div", { class: "held", role: "status", hidden: true }, "Not refreshed while you are busy here.", h("button", { type: "button" }, "Refresh"));
  replace(app, h("a", { class: "skip", href: "#main", onclick: skip }, "Skip to content"), h("div", { class: "shell" }, bar(session, nav, news), main), held);
  stop = run(main, nav, news, held);
}

function skip(event) {
  event.preventDefault();
  document.querySelector("main h1")?.focus();
}

function bar(session, nav, news) {
  const out = h("button", { class: "quiet", onclick: leave }, "Sign out");
  return h(
    "header",
    { class: "bar" },
    h("div", { class: "brand" }, h("img", { src: "admin/icon.svg", alt: "" }), h("span", {}, session.name)),
    nav,
    h("div", { class: "foot" }, news, out)
  );
}

async function leave() {
  await signOut().catch((error) => toast(error.message));
  showSignIn();
}

/** Shows the view that the address names, again whenever there is news, until it is stopped. */
function run(main, nav, news, held) {
  const leaving = new AbortController();
  const { signal } = leaving;
  let current = null;
  let shown = null;

  const open = async () => {
    decline();
    current?.leave();
    const { view, parameters, query } = viewFor(location.hash);
    // Who goes through the choices of a filter by keyboard stays there.
    const filtering = view === shown && document.activeElement?.tagName === "SELECT";
    const opened = (current = mount(main, view, parameters, query, (waits) => (held.hidden = !waits)));
    shown = view;
    showWhere(nav, view);
    await opened.refresh();
    if (signal.aborted || opened !== current || filtering) return;
    main.querySelector("h1")?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  };
  held.querySelector("button").addEventListener("click", () => current.refresh(), { signal });
  window.addEventListener("hashchange", open, { signal });
  whenReleased(() => current.release(), signal);
  follow({ signal, onNews: () => (current.hear(), countInbox(nav)), onState: (live) => (news.dataset.live = live ? "yes" : "no", news.textContent = live ? "Live" : "Offline") });
  countInbox(nav);
  open();
  return () => {
    current.leave();
    leaving.abort();
  };
}

function showWhere(nav, open) {
  const link = (view) =>
    h("li", {}, h("a", { href: `#/${view.path}`, "aria-current": view === open || view.also?.includes(open.path) ? "page" : null, "data-view": view.path }, view.name));
  const inbox = nav.querySelector(".number");
  replace(nav, h("ul", {}, VIEWS.filter((view) => view.inMenu).map(link)));
  if (inbox) nav.querySelector('[data-view="inbox"]').append(inbox);
  // On a phone the menu is wider than the screen.
  nav.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
}

/** How much money waits for somebody to decide, beside the inbox's name. */
export async function countInbox(nav = document.querySelector(".bar nav")) {
  const { now } = await get("stats").catch(() => ({}));
  const link = nav?.querySelector('[data-view="inbox"]');
  if (!link || !now) return;
  link.querySelector(".number")?.remove();
  const unmatched = now.unmatched_transfers;
  if (unmatched) link.append(h("span", { class: "number" }, unmatched, h("span", { class: "hidden-text" }, " unmatched")));
}
