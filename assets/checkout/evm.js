// Wallets of Ethereum and its relatives (EIP-1193): connect, be on the right chain, send the transfer.

import { toUnits, WalletProblem } from "./wallet.js";

const UNKNOWN_CHAIN = 4902;
// transfer(address,uint256)
const TRANSFER = "a9059cbb";

/// Asks the wallet for the exact transfer; gives the transaction's hash.
export async function send(provider, payment, chain, step) {
  step("connecting");
  const [from] = await provider.request({ method: "eth_requestAccounts" });
  if (!from) throw new WalletProblem("locked");
  await beOn(payment, chain, provider, step);
  step("confirming");
  const transaction = { from, to: payment.contract_address, value: "0x0", data: transferData(payment) };
  return provider.request({ method: "eth_sendTransaction", params: [transaction] });
}

/// A transfer on another chain would be lost, so the wallet's word that it switched is not enough.
async function beOn(payment, chain, provider, step) {
  const wanted = `0x${payment.chain_id.toString(16)}`;
  const current = () => provider.request({ method: "eth_chainId" });
  if (BigInt(await current()) === BigInt(wanted)) return;
  step("switching");
  try {
    await provider.request({ method: "wallet_switchEthereumChain", params: [{ chainId: wanted }] });
  } catch (error) {
    if (error?.code !== UNKNOWN_CHAIN && error?.data?.originalError?.code !== UNKNOWN_CHAIN) throw error;
    await add(wanted, chain, provider);
  }
  if (BigInt(await current()) !== BigInt(wanted)) throw new WalletProblem("wrongNetwork");
}

async function add(chainId, chain, provider) {
  if (!chain.rpc_url || !chain.native) throw new WalletProblem("unknownNetwork");
  const parameters = { chainId, chainName: chain.name, nativeCurrency: chain.native, rpcUrls: [chain.rpc_url] };
  const explorer = URL.canParse(chain.explorer_tx_url ?? "") && new URL(chain.explorer_tx_url).origin;
  if (explorer) parameters.blockExplorerUrls = [explorer];
  await provider.request({ method: "wallet_addEthereumChain", params: [parameters] });
}

/// The call that moves exactly this much to exactly this address.
export function transferData({ wallet_address: to, amount, decimals }) {
  const word = (hex) => hex.padStart(64, "0");
  return `0x${TRANSFER}${word(to.slice(2).toLowerCase())}${word(toUnits(amount, decimals).toString(16))}`;
}
