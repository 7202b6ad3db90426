// What paying with any kind of wallet needs.

/// A failure with a text of ours: "wallet.{what}".
export class WalletProblem extends Error {
  constructor(what) {
    super(what);
    this.name = "WalletProblem";
    this.what = what;
  }
}

/// Base units of a decimal amount, exactly: a float would lose digits.
export function toUnits(amount, decimals) {
  const [whole, fraction = ""] = amount.split(".");
  return BigInt(whole + fraction.padEnd(decimals, "0"));
}
