// Lists that go on: as many rows as somebody asked for, also after news, and a button that brings more.

import { list } from "./api.js";
import { h } from "./dom.js";

/** The server gives no more than this at once. */
const MOST = 200;

/** The rows to show, and the button where there are more. The view's `kept` knows how many; `step` is how many more each time. */
export async function pages({ kept, refresh }, path, query, step) {
  kept.rows ??= step;
  const rows = [];
  let next = null;
  do {
    const page = await list(path, { ...query, limit: Math.min(MOST, kept.rows - rows.length), cursor: next });
    rows.push(...page.rows);
    next = page.next;
  } while (next && rows.length < kept.rows);
  const bring = () => {
    kept.rows += step;
    return refresh();
  };
  return { rows, more: next && h("p", { class: "row" }, h("button", { id: "more", onclick: bring }, "Show more")) };
}
