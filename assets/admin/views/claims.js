// What shoppers say they paid with. A claim proves nothing: wallets are public, and anybody can paste a stranger's transaction.

import { to } from "../address.js";
import { h } from "../dom.js";
import { foreign } from "../foreign.js";
import { moment, short } from "../format.js";

export function claimsList(claims) {
  const item = (claim) =>
    h(
      "li",
      {},
      h(
        "p",
        {},
        "Order ",
        h("a", { href: to(`orders/${claim.order_id}`) }, foreign(claim.merchant_order_id)),
        " claims transaction ",
        short(claim.txn_hash),
        ", ",
        moment(claim.claimed_at),
        ". ",
        h("span", { class: "soft" }, claim.before_public ? "Whether this customer sent it is not proven; but it was claimed before it was in a block, when few others could know of it." : "Whether this customer sent it is not proven: it was claimed when it was in a block already, where anybody can find it.")
      )
    );
  return h("ul", { class: "guesses" }, claims.map(item));
}
