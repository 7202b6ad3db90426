// Tables whose rows are records. On a phone each row is a card, with the columns' names beside the values.

import { h } from "./dom.js";

/** `columns` are `{ name, of: (row) => child, number?, head? }`; `head` marks the column that names the row. */
export function table(caption, columns, rows) {
  const head = h("thead", {}, h("tr", {}, columns.map((c) => h("th", { scope: "col", class: c.number ? "number" : null }, c.name))));
  const cell = (column, row) => {
    const value = column.of(row);
    const content = value && h("span", { class: "wrap" }, value);
    return column.head
      ? h("th", { scope: "row", "data-label": column.name }, content)
      : h("td", { "data-label": column.name, class: column.number ? "number" : null }, content);
  };
  const body = h("tbody", {}, rows.map((row) => h("tr", {}, columns.map((column) => cell(column, row)))));
  return h("div", { class: "table", tabindex: "0", role: "region", "aria-label": caption }, h("table", {}, h("caption", { class: "hidden-text" }, caption), head, body));
}
