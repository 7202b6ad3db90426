// Which view an address opens: `#/orders?status=pending`, `#/orders/01a2…`.

import * as audit from "./views/audit.js";
import * as chains from "./views/chains.js";
import * as inbox from "./views/inbox.js";
import * as newOrder from "./views/new_order.js";
import * as order from "./views/order.js";
import * as orders from "./views/orders.js";
import * as overview from "./views/overview.js";
import * as stats from "./views/stats.js";
import * as transfers from "./views/transfers.js";
import * as webhooks from "./views/webhooks.js";

/** All views; those in the menu in its order. `also` names views that belong to one in the menu; a `still` one takes no notice of news. */
export const VIEWS = [
  { path: "", name: "Today", inMenu: true, load: overview.load },
  { path: "orders", name: "Orders", inMenu: true, also: ["orders/:id", "new"], load: orders.load },
  { path: "orders/:id", name: "Order", load: order.load },
  { path: "new", name: "New order", still: true, load: newOrder.load },
  { path: "inbox", name: "Inbox", inMenu: true, load: inbox.load },
  { path: "transfers", name: "Transfers", inMenu: true, load: transfers.load },
  { path: "webhooks", name: "Webhooks", inMenu: true, load: webhooks.load },
  { path: "chains", name: "Chains", inMenu: true, load: chains.load },
  { path: "stats", name: "Charts", inMenu: true, load: stats.load },
  { path: "audit", name: "Audit", inMenu: true, load: audit.load },
];

export function viewFor(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/");
  for (const view of VIEWS) {
    const pattern = view.path.split("/");
    if (pattern.length !== parts.length) continue;
    if (!pattern.every((part, i) => part.startsWith(":") || part === parts[i])) continue;
    const named = pattern.flatMap((part, i) => (part.startsWith(":") ? [[part.slice(1), decoded(parts[i])]] : []));
    return { view, parameters: Object.fromEntries(named), query: Object.fromEntries(new URLSearchParams(query)) };
  }
  return { view: VIEWS[0], parameters: {}, query: {} };
}

/** What no address says, stays as it is: nothing is called so, and the view will say that. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
