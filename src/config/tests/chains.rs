//! Chains and wallets.

use super::*;
use crate::domain::registry::ConfirmationRule;

#[test]
fn wallets_are_checked_hard() {
    let wallet = |blockchain: &str, address: &str, coins: &str| {
        format!(
            "[[wallets]]\nblockchain = \"{blockchain}\"\naddress = \"{address}\"\nenabled_coins = [{coins}]\n"
        )
    };
    let check = |blockchain, address, coins, expected: &str| {
        let found = error(&wallet(blockchain, address, coins));
        assert!(found.starts_with(expected), "{found}\n{expected}");
    };
    config(&wallet("eth", &WALLET.to_lowercase(), "\"DAI\""));
    check(
        "etj",
        WALLET,
        "\"USDT\"",
        "4: wallets[0].blockchain: found \"etj\", did you mean \"eth\"?",
    );
    check(
        "solana",
        WALLET,
        "\"USDT\"",
        "4: wallets[0].blockchain: found \"solana\", expected one of: arb, ",
    );
    check(
        "eth",
        "0x12",
        "\"USDT\"",
        "5: wallets[0].address: found \"0x12\", expected a valid address: has 2 hex digits after 0x instead of 40",
    );
    check(
        "eth",
        "0xf39fd6e51aad88F6F4ce6aB8827279cffFb92266",
        "\"USDT\"",
        "5: wallets[0].address: found \"0xf39fd6e51aad88F6F4ce6aB8827279cffFb92266\", expected a valid address: wrong EIP-55 checksum",
    );
    check(
        "eth",
        TRON_WALLET,
        "\"USDT\"",
        "5: wallets[0].address: found TWer2Ygk5TEheHp3TPuYeqxmB6SsGZmaL6, which is of another kind of chain than Ethereum",
    );
    check(
        "tron",
        WALLET,
        "\"USDT\"",
        "5: wallets[0].address: found 0xf39F",
    );
    check(
        "eth",
        "0xdAC17F958D2ee523a2206206994597C13D831ec7",
        "\"USDT\"",
        "5: wallets[0].address: found the contract of USDT itself",
    );
    check(
        "eth",
        "0x0000000000000000000000000000000000000000",
        "\"USDT\"",
        "5: wallets[0].address: found the zero address",
    );
    check(
        "eth",
        WALLET,
        "\"usdt\"",
        "6: wallets[0].enabled_coins[0]: found \"usdt\", did you mean \"USDT\"?",
    );
    check(
        "eth",
        WALLET,
        "\"USDT\", \"PYUSD\"",
        "6: wallets[0].enabled_coins[1]: found \"PYUSD\", expected one of: USDT, USDC, DAI",
    );
    check(
        "tron",
        TRON_WALLET,
        "\"USDC\"",
        "6: wallets[0].enabled_coins[0]: USDC on tron is known but not accepted (discontinued)",
    );
    check(
        "eth",
        WALLET,
        "\"USDT\", \"USDT\"",
        "6: wallets[0].enabled_coins[1]: USDT is listed twice",
    );
    check(
        "eth",
        WALLET,
        "",
        "6: wallets[0].enabled_coins: found none, expected at least one coin",
    );
    check(
        "eth",
        WALLET,
        "\"USDT\"]\nstarting_tx = [\"0x12\"",
        "7: wallets[0].starting_tx: found a list, expected a transaction hash",
    );
    let twice =
        wallet("eth", WALLET, "\"USDT\"") + &wallet("eth", &WALLET.to_lowercase(), "\"USDC\"");
    assert!(
        error(&twice).starts_with("9: wallets[1].address: 0xf39F"),
        "{}",
        error(&twice)
    );
    let both = wallet("eth", WALLET, "\"USDT\"") + &wallet("base", WALLET, "\"USDC\"");
    assert_eq!(config(&both).wallets.len(), 2);
}

/// TronGrid answers without a key, too, though more slowly; Etherscan and Tronscan do not.
#[test]
fn explorers_are_asked_as_far_as_their_keys_reach() {
    let providers = |keys: &str, chain: &str| {
        let config = config(&format!("[api_keys]\n{keys}"));
        let chain = &config.chains[&Blockchain::new(chain)];
        let explorers = chain
            .providers
            .iter()
            .filter(|p| p.kind != ProviderKind::Rpc);
        let summary = |p: &ProviderConfig| (p.kind, p.api_key.is_some(), p.max_per_second);
        explorers.map(summary).collect::<Vec<_>>()
    };
    let slow = (ProviderKind::Trongrid, false, Some(2.0));
    assert_eq!(providers("", "tron"), [slow]);
    assert_eq!(providers("", "eth"), []);
    let fast = (ProviderKind::Trongrid, true, Some(10.0));
    assert_eq!(providers("trongrid_api_key = \"k\"", "tron"), [fast]);
    let tronscan = (ProviderKind::Tronscan, true, Some(3.0));
    let keys = "tronscan_api_key = \"k\"";
    assert_eq!(providers(keys, "tron"), [slow, tronscan]);
}

#[test]
fn a_known_chain_can_be_watched_otherwise() {
    let config = config(
        r#"
[api_keys]
etherscan_api_key = "mine"
trongrid_api_key = ""
[chains.eth]
confirmations = "finalized"
poll_interval = "200ms"
idle_poll_interval = "5m"
agreement = 2
providers = [
  { kind = "rpc", url = "https://node.example/rpc/", max_per_second = 0.5 },
  { kind = "etherscan", url = "https://api.etherscan.io/v2/api" },
  { kind = "etherscan", url = "https://lookalike.example/api" },
]
[chains.polygon]
confirmations = 3
[chains.tron]
providers = [{ kind = "trongrid", url = "https://api.trongrid.io/", api_key = "k" }]
[chains.tron.tokens.USDC]
contract = "TEkxiTehnzSmSe2XqrBj4w32RUN966rdz8"
decimals = 6
"#,
    );
    let chain = |name: &str| &config.chains[&Blockchain::new(name)];
    let eth = chain("eth");
    assert_eq!(
        eth.chain.confirmations,
        ConfirmationRule::Finalized { usual: 80 }
    );
    assert_eq!(eth.poll_interval, Duration::from_millis(200));
    assert_eq!(eth.agreement, 2);
    let keys: Vec<_> = eth
        .providers
        .iter()
        .map(|p| p.api_key.as_ref().map(Secret::expose))
        .collect();
    assert_eq!(
        keys,
        [None, Some("mine"), None],
        "a look-alike never gets Etherscan's key"
    );
    assert_eq!(eth.providers[0].url, "https://node.example/rpc/");
    assert_eq!(eth.providers[0].max_per_second, Some(0.5));
    assert_eq!(eth.chain.tokens.len(), 3);
    assert_eq!(
        chain("polygon").chain.confirmations,
        ConfirmationRule::Depth(3)
    );
    let tron = chain("tron");
    assert_eq!(tron.providers[0].url, "https://api.trongrid.io");
    assert_eq!(tron.providers.len(), 1);
    assert_eq!(tron.chain.payable(&Coin::new("USDC")).count(), 1);
    assert_eq!(tron.chain.payable(&Coin::new("USDT")).count(), 1);
    assert_eq!(tron.chain.tokens.len(), 2, "named again, not twice");
}

/// A shopper may send what the registry calls the coin: that is told to the merchant, and pays nothing.
#[test]
fn a_contract_that_is_replaced_is_known_still() {
    let registered = "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359";
    let bridged = "0x2791Bca1f2de4661ED88A30C99A7a9449Aa84174";
    let own = "0xdAC17F958D2ee523a2206206994597C13D831ec7";
    let usdc = |contract: &str, more: &str| {
        let config = config(&format!(
            "[chains.polygon.tokens.USDC]\ncontract = \"{contract}\"\ndecimals = 6\n{more}"
        ));
        let tokens = &config.chains[&Blockchain::new("polygon")].chain.tokens;
        let usdc = tokens.iter().filter(|t| t.coin == Coin::new("USDC"));
        usdc.map(|t| (t.contract.to_string(), t.enabled))
            .collect::<Vec<_>>()
    };
    let known = |contract: &str, enabled| (contract.to_owned(), enabled);
    assert_eq!(
        usdc(own, ""),
        [
            known(own, true),
            known(registered, false),
            known(bridged, false)
        ]
    );
    assert_eq!(
        usdc(bridged, ""),
        [known(bridged, true), known(registered, false)]
    );
    let under_another_name =
        format!("[chains.polygon.tokens.USDCE]\ncontract = \"{bridged}\"\ndecimals = 6\n");
    assert_eq!(
        usdc(own, &under_another_name),
        [known(own, true), known(registered, false)]
    );
}

#[test]
fn a_chain_of_ones_own_can_be_added() {
    let config = config(&format!(
        r#"
[chains.devnet]
kind = "evm"
name = "Local devnet"
chain_id = 31337
confirmations = 1
explorer_tx_url = "http://localhost/tx/{{hash}}"
providers = [{{ kind = "rpc", url = "http://127.0.0.1:8545" }}]
[chains.devnet.tokens.USDT]
contracts = ["0xdAC17F958D2ee523a2206206994597C13D831ec7", "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"]
decimals = 6
[[wallets]]
blockchain = "devnet"
address = "{WALLET}"
enabled_coins = ["USDT"]
"#
    ));
    let devnet = &config.chains[&Blockchain::new("devnet")];
    assert_eq!(devnet.chain.name, "Local devnet");
    assert_eq!(devnet.chain.chain_id, 31337);
    assert_eq!(devnet.chain.payable(&Coin::new("USDT")).count(), 2);
    assert_eq!(devnet.chain.confirmations, ConfirmationRule::Depth(1));
    assert_eq!(config.wallets.len(), 1);
}

/// Read under two names, one payment would pay two orders.
#[test]
fn a_chain_has_its_wallets_under_one_name() {
    let own = |name: &str, kind: &str, id: u64| {
        format!(
            "[chains.{name}]\nkind = \"{kind}\"\nchain_id = {id}\n\
             providers = [{{ kind = \"rpc\", url = \"http://x\" }}]\n\
             tokens.USDT = {{ contract = \"{}\", decimals = 6 }}\n",
            match kind {
                "tron" => "TEkxiTehnzSmSe2XqrBj4w32RUN966rdz8",
                _ => "0xdAC17F958D2ee523a2206206994597C13D831ec7",
            }
        )
    };
    let wallet = |name: &str, address: &str| {
        format!(
            "[[wallets]]\nblockchain = \"{name}\"\naddress = \"{address}\"\nenabled_coins = [\"USDT\"]\n"
        )
    };
    let on = |name: &str| wallet(name, WALLET);
    let mybsc = own("mybsc", "evm", 56);
    let expected = "expected \"bsc\" for all wallets of that chain, with providers of yours under [chains.bsc]";
    for (first, second, line) in [("bsc", "mybsc", 8), ("mybsc", "bsc", 8)] {
        let found = error(&format!("{}{}{mybsc}", on(first), on(second)));
        let said = format!(
            "{line}: wallets[1].blockchain: found \"{second}\" beside a wallet on \"{first}\", both with chain id 56: \
             a payment would count on both; {expected}"
        );
        assert_eq!(found, said);
    }
    let two_own = format!(
        "{}{}{mybsc}{}",
        on("mybsc"),
        on("other"),
        own("other", "evm", 56)
    );
    assert!(error(&two_own).contains("expected \"mybsc\" for all"));
    // Under another name alone, and Tron's numbers, which are others.
    config(&(on("mybsc") + &mybsc));
    let tron = wallet("mytron", TRON_WALLET) + &own("mytron", "tron", 56);
    config(&(on("bsc") + &tron));
}

/// Corrected, the list may well be long enough.
#[test]
fn a_wrong_list_of_providers_is_not_called_too_short_for_the_agreement() {
    let check = |chain: &str, providers: &str, expected: &str| {
        let found = error(&format!("[chains.{chain}]\nagreement = 7\n{providers}"));
        assert!(found.contains(expected), "{found}");
    };
    check("eth", "providers = []", "expected at least one");
    check("eth", "providers = 5", "expected a list such as");
    check("eth", "providers = [\"https://x\"]", "providers[0]: found");
    let unknown = "providers = [{ kind = \"rcp\", url = \"https://x\" }]";
    check("eth", unknown, "providers[0].kind: found \"rcp\"");
    check("dev", "kind = \"evm\"\nchain_id = 5", "providers: missing");
}

#[test]
fn chains_are_checked() {
    let check = |rest: &str, expected: &str| {
        let found = errors(&with(rest)).join("\n");
        assert!(found.contains(expected), "{found}");
    };
    let own = |rest: &str| {
        format!(
            "[chains.dev]\nkind = \"evm\"\nchain_id = 5\nproviders = [{{ kind = \"rpc\", url = \"http://x\" }}]\n{rest}"
        )
    };
    assert_eq!(errors(&with(&own(""))), [""; 0]);
    check(
        "[chains.polgon]\nconfirmations = 5",
        "3: chains.polgon.kind: missing, expected \"evm\" or \"tron\" for a chain of your own; or did you mean [chains.polygon]?",
    );
    check(
        "[chains.Dev]\nkind = \"evm\"",
        "chains.Dev: expected a name of at most 32 lower-case letters",
    );
    check(
        "[chains.dev]\nkind = \"evm\"\nchain_id = 5",
        "3: chains.dev.providers: missing, expected at least one",
    );
    check(
        "[chains.eth]\nchain_id = 5",
        "4: chains.eth.chain_id: eth is built in with chain id 1",
    );
    check(
        "[chains.eth]\nkind = \"tron\"",
        "4: chains.eth.kind: eth is built in and of another kind",
    );
    check(
        "[chains.eth]\nconfirmations = 0",
        "found 0, expected a whole number from 1 to 100000",
    );
    check(
        "[chains.eth]\nconfirmations = \"final\"",
        "or \"finalized\"",
    );
    check(
        "[chains.eth]\nagreement = 0",
        "found 0, expected a whole number from 1 to 10",
    );
    check(
        "[chains.tron]\nagreement = 3",
        "found 3, but the chain has only 2 providers",
    );
    check(
        "[chains.eth]\nproviders = []",
        "found none, expected at least one",
    );
    check(
        "[chains.eth]\nproviders = [\"https://x\"]",
        "chains.eth.providers[0]: found \"https://x\", expected a list such as [{",
    );
    check(
        "[chains.eth]\nproviders = [{ kind = \"simulated\", url = \"http://x\" }]",
        "found \"simulated\", expected \"rpc\"",
    );
    check(
        "[chains.eth]\nproviders = [{ kind = \"tronscan\", url = \"http://x\" }]",
        "providers[0].kind: does not fit, expected \"rpc\" or \"etherscan\"",
    );
    check(
        "[chains.eth]\nproviders = [{ kind = \"rpc\" }]",
        "providers[0].url: missing",
    );
    check(
        "[chains.eth]\nproviders = [{ kind = \"rpc\", url = \"ws://node.example/verysecretkey\" }]",
        "found \"ws://node.example/ve\"…, expected an http or https URL",
    );
    check(
        "[chains.eth]\nproviders = [{ kind = \"rpc\", url = \"http://x\", max_per_second = 0 }]",
        "a number above zero",
    );
    check(
        "[chains.eth]\nexplorer_tx_url = \"https://x/tx\"",
        "a URL with {hash} in it",
    );
    check(
        &own("tokens.X.decimals = 6"),
        "chains.dev.tokens.X.contract: missing",
    );
    check(
        &own("tokens.X.contract = \"0x12\""),
        "chains.dev.tokens.X.decimals: missing",
    );
    check(
        &own("tokens.X = { contract = \"TEkxiTehnzSmSe2XqrBj4w32RUN966rdz8\", decimals = 6 }"),
        "another kind of chain",
    );
    check(
        &own("tokens.X = { contracts = [], decimals = 6 }"),
        "found none, expected at least one",
    );
    check(
        &own("tokens.X = { decimals = 25 }"),
        "found 25, expected the token's decimals, a whole number from 0 to 24",
    );
    check(
        "[chains.eth.tokens.EURC]\ncontract = \"0xdAC17F958D2ee523a2206206994597C13D831ec7\"\ndecimals = 6",
        "is already a contract of USDT",
    );
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    let check = |rest: &str, expected: &str| {
        let warnings = good(rest).warnings.join("\n");
        assert!(warnings.contains(expected), "{warnings}");
    };
    let nile = format!(
        "[[wallets]]\nblockchain = \"nile\"\naddress = \"{TRON_WALLET}\"\nenabled_coins = [\"USDT\"]"
    );
    check(&nile, "wallets on nile: a test network");
    check(
        "server.trusted_proxies = [\"10.0.0.1\", \"0.0.0.0/0\"]",
        "server.trusted_proxies has 0.0.0.0/0, which is everybody",
    );
    check(
        &format!("payments.agree_from = \"500\"\n{nile}"),
        "payments.agree_from asks for 2 independent providers, nile has 1: larger payments there wait",
    );
    let one_host = "[chains.nile]\nagreement = 2\nproviders = [{ kind = \"rpc\", url = \"https://n.example/a\" }, \
                    { kind = \"trongrid\", url = \"https://n.example\" }]";
    check(
        &format!("{nile}\n{one_host}"),
        "chains.nile.agreement asks for 2 independent providers, nile has 1: payments there wait",
    );
    let two_hosts = one_host.replace("n.example/a", "m.example");
    let warnings = good(&format!(
        "payments.agree_from = \"500\"\n{nile}\n{two_hosts}"
    ))
    .warnings;
    assert!(!warnings.join("\n").contains("independent"), "{warnings:?}");
}

/// Advice that follows from another error would be wrong advice about money.
#[test]
fn a_wrong_token_gives_one_error_and_no_other_coin() {
    let wallet = |coin: &str| {
        format!(
            "[[wallets]]\nblockchain = \"eth\"\naddress = \"{WALLET}\"\nenabled_coins = [\"{coin}\"]\n"
        )
    };
    let token = "[chains.eth.tokens.USDC]\ncontract = \"0x12\"\ndecimals = 6\n";
    let found = error(&(wallet("USDC") + token));
    assert!(
        found.starts_with("8: chains.eth.tokens.USDC.contract: found \"0x12\""),
        "{found}"
    );
    let on_base = token.replace("eth", "base");
    let found = errors(&with(&(wallet("USDX") + &on_base)));
    assert!(found[0].contains("did you mean \"USD"), "{found:?}");
    assert_eq!(found.len(), 2, "{found:?}");
}
