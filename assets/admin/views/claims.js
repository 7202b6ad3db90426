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
        h("span", { class: "soft" }, claim.before_public ? "Sender unproven, but the claim came before the transfer was in a block." : "Sender unproven: the transfer was in a block before the claim.")
      )
    );
  return h("ul", { class: "guesses" }, claims.map(item));
}
