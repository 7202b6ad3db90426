// One opened view: loaded and drawn when it is opened, when somebody did something in it, and when there is news. News wait
// while somebody is in the middle of something: nothing that is typed is lost, and no button moves away under a finger.

import { h, replace, update } from "./dom.js";
import { foreign, isolated } from "./foreign.js";
import { inUse } from "./in_use.js";

/**
 * Opens a view. Its `load` is given `kept`, where it can leave what it must know when it is drawn again, and `refresh`, which
 * draws it at once; with its parts it may say what that is `about` by a name that somebody else chose, and in how many seconds it wants to be
 * drawn `again`. `onHeld` is told whether news are waiting.
 */
export function mount(main, view, parameters, query, onHeld) {
  const kept = {};
  let [left, drawn, held, failed] = [false, false, false, false];
  let running = null;
  let next = null;
  let timer;

  function refresh(gently = false) {
    if (running) {
      next = { gently: next?.gently !== false && gently };
      return running;
    }
    running = draw(gently).finally(() => {
      running = null;
      const again = next;
      next = null;
      if (again && !left) refresh(again.gently);
    });
    return running;
  }

  async function draw(gently) {
    let parts;
    failed = false;
    try {
      parts = frame(await view.load({ parameters, query, kept, refresh: () => refresh() }));
    } catch (error) {
      if (error.status === 401) return;
      console.debug(error);
      failed = true;
      parts = frame({ title: view.name, content: h("p", { class: "problem", role: "alert" }, error.message) });
    }
    if (left) return;
    // Somebody may have begun to type while it was loading.
    if (gently && inUse(main)) return hold(true);
    hold(false);
    show(parts);
    clearTimeout(timer);
    if (parts.again) timer = setTimeout(hear, parts.again * 1000);
  }

  function show({ tab, header, content }) {
    const focused = main.contains(document.activeElement);
    document.title = `${tab} – Ocrch`;
    if (drawn) {
      update(main.querySelector(":scope > header"), header);
      update(main.querySelector(":scope > .view"), content);
    } else {
      replace(main, h("header", {}, header), h("div", { class: "view" }, content));
    }
    drawn = true;
    // What had the focus is gone: the keyboard goes on from the top of the view instead of the page's.
    if (focused && !main.contains(document.activeElement)) main.querySelector("h1").focus({ preventScroll: true });
  }

  /** There is news. */
  function hear() {
    if ((view.still && !failed) || left) return;
    if (inUse(main)) hold(true);
    else refresh(true);
  }

  function hold(now) {
    if (held !== now && !left) onHeld((held = now));
  }

  return {
    refresh,
    hear,
    /** Somebody may be done with what was in the middle. */
    release() {
      if (held && !inUse(main)) refresh(true);
    },
    leave() {
      hold(false);
      left = true;
    },
  };
}

const frame = ({ title, about, actions, content, again }) => ({
  tab: about ? `${title} ${isolated(about)}` : title,
  again,
  header: [h("h1", { tabindex: "-1" }, title, about && [" ", foreign(about)]), h("div", { class: "row" }, actions)],
  content: [content],
});
