// The dashboard's frame: who is signed in, which view is open, and what is told while it is.

import { ApiError, get, signOut, whenSignedOut } from "./api.js";
import { h, replace } from "./dom.js";
import { follow } from "./live.js";
import { signInForm } from "./sign_in.js";
import { toast } from "./toast.js";
import { VIEWS, viewFor } from "./routes.js";

const app = document.getElementById("app");
let stop = () => {};

whenSignedOut(showSignIn);
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

function showSignIn() {
  stop();
  document.title = "Sign in – Ocrch";
  replace(app, signInForm(showShell));
  app.querySelector("input").focus();
}

function showShell(session) {
  stop();
  const main = h("main", { id: "main" });
  const news = h("span", { class: "live", "data-live": "yes" }, "Live");
  const nav = h("nav", { "aria-label": "Views" });
  replace(app, h("a", { class: "skip", href: "#main", onclick: skip }, "Skip to content"), h("div", { class: "shell" }, bar(session, nav, news), main));
  stop = run(main, nav, news);
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
function run(main, nav, news) {
  const leaving = new AbortController();
  const { signal } = leaving;
  let current = { refresh() {}, leave() {} };

  const open = async () => {
    current.leave();
    const { view, parameters, query } = viewFor(location.hash);
    const opened = (current = mount(main, view, parameters, query));
    showWhere(nav, view);
    await opened.refresh();
    if (!signal.aborted && opened === current) main.querySelector("h1")?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  };
  window.addEventListener("hashchange", open, { signal });
  follow({ signal, onNews: () => (current.refresh(), countInbox(nav)), onState: (live) => (news.dataset.live = live ? "yes" : "no", news.textContent = live ? "Live" : "Offline") });
  countInbox(nav);
  open();
  return () => {
    current.leave();
    leaving.abort();
  };
}

/** One opened view: asked for its content at once and at each refresh, one at a time. */
function mount(main, view, parameters, query) {
  let left = false;
  let running = null;
  let again = false;
  const refresh = () => {
    if (running) {
      again = true;
      return running;
    }
    running = draw().finally(() => {
      running = null;
      if (again && !left) {
        again = false;
        refresh();
      }
    });
    return running;
  };
  const draw = async () => {
    try {
      const { title, actions, content } = await view.load({ parameters, query, refresh });
      if (left) return;
      document.title = `${title} – Ocrch`;
      replace(main, h("header", {}, h("h1", { tabindex: "-1" }, title), h("div", { class: "row" }, actions)), h("div", { class: "view" }, content));
    } catch (error) {
      if (left || error.status === 401) return;
      console.debug(error);
      replace(main, h("header", {}, h("h1", { tabindex: "-1" }, view.name)), h("p", { class: "problem", role: "alert" }, error.message));
    }
  };
  return { refresh, leave: () => (left = true) };
}

function showWhere(nav, open) {
  const link = (view) =>
    h("li", {}, h("a", { href: `#/${view.path}`, "aria-current": view === open || view.also?.includes(open.path) ? "page" : null, "data-view": view.path }, view.name));
  const inbox = nav.querySelector(".number");
  replace(nav, h("ul", {}, VIEWS.filter((view) => view.inMenu).map(link)));
  if (inbox) nav.querySelector('[data-view="inbox"]').append(inbox);
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
