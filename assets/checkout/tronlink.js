// TronLink, and wallets that look like it.

import { toUnits, WalletProblem } from "./wallet.js";

const MAINNET = 728126428;
// In sun. A USDT transfer burns 13 to 27 TRX where the sender has no energy; what is not needed is not taken.
const FEE_LIMIT = 100_000_000;

/// Asks the wallet for the exact transfer; gives the transaction's id.
export async function send(_, payment, chain, step) {
  step("connecting");
  const tronWeb = await connect();
  if (!isOn(payment.chain_id, tronWeb.fullNode?.host)) throw new WalletProblem("wrongNetwork");
  step("confirming");
  const from = tronWeb.defaultAddress.base58;
  const units = toUnits(payment.amount, payment.decimals).toString();
  const parameters = [{ type: "address", value: payment.wallet_address }, { type: "uint256", value: units }];
  const options = { feeLimit: FEE_LIMIT, callValue: 0 };
  const { transaction } = await tronWeb.transactionBuilder.triggerSmartContract(
    payment.contract_address, "transfer(address,uint256)", options, parameters, from);
  const signed = await tronWeb.trx.sign(transaction).catch(declined);
  const sent = await tronWeb.trx.sendRawTransaction(signed);
  if (sent.result === false || sent.code) throw new Error(sent.message ?? sent.code);
  return sent.txid ?? signed.txID;
}

/// Newer versions are asked like wallets of Ethereum (TIP-1102), older ones in a way of their own.
async function connect() {
  if (window.tron?.request) await window.tron.request({ method: "eth_requestAccounts" });
  else {
    const answer = await window.tronLink.request({ method: "tron_requestAccounts" });
    if (answer?.code === 4001) throw new WalletProblem("rejected");
  }
  const tronWeb = window.tron?.tronWeb || window.tronLink?.tronWeb;
  if (!tronWeb?.defaultAddress?.base58) throw new WalletProblem("locked");
  return tronWeb;
}

/// TronLink does not name its chain; the node that it asks does.
function isOn(chainId, host = "") {
  const test = /nile|shasta/i.exec(host)?.[0].toLowerCase();
  return chainId === MAINNET ? !test : test === "nile";
}

/// A refusal is a bare text there.
function declined(error) {
  if (/declin|reject|cancel/i.test(String(error?.message ?? error))) throw new WalletProblem("rejected");
  throw error;
}
