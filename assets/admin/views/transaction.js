// A transaction's hash, linked to its explorer where there is one.

import { h, webAddress } from "../dom.js";
import { short } from "../format.js";

export function transaction({ txn_hash: hash, explorer_url: explorer }) {
  const url = explorer && webAddress(explorer);
  return url ? h("a", { href: url, target: "_blank", rel: "noreferrer" }, short(hash)) : short(hash);
}
