//! The test token (`tests/chain/Token.sol`): a stablecoin of which there is as much as one wants.

use serde_json::Value;
use sha3::{Digest, Keccak256};

use super::anvil::Anvil;
use super::{node, units};

/// A deployed token.
#[derive(Clone, Debug)]
pub struct Token {
    pub contract: String,
    pub decimals: u8,
}

impl Token {
    /// Deploys it from the node's first account, which then owns the whole supply.
    pub fn deploy(anvil: &Anvil, symbol: &str, decimals: u8) -> Self {
        let file = node::tests_dir().join("chain/TestToken.json");
        let text = std::fs::read_to_string(file).expect("the artifact");
        let artifact: Value = serde_json::from_str(&text).expect("JSON");
        let code = artifact["bytecode"].as_str().expect("bytecode");
        // name and symbol are the third and fourth chunk; their texts follow the four heads.
        let arguments = [
            word(128),
            word(192),
            word(decimals.into()),
            word(units::to_units("1000000000000000", decimals)),
            text_words(symbol),
            text_words(symbol),
        ];
        let owner = anvil.account(0);
        let hash = anvil.submit(&owner, None, &format!("{code}{}", arguments.concat()));
        let contract = anvil.receipt(&hash)["contractAddress"]
            .as_str()
            .expect("deployed")
            .to_owned();
        Self { contract, decimals }
    }

    /// Base units of a decimal amount.
    pub fn units(&self, amount: &str) -> u128 {
        units::to_units(amount, self.decimals)
    }

    /// Sends a decimal amount from the owner and waits until it is mined.
    pub fn transfer(&self, anvil: &Anvil, to: &str, amount: &str) -> String {
        self.transfer_units(anvil, &anvil.account(0), to, self.units(amount))
    }

    pub fn transfer_units(&self, anvil: &Anvil, from: &str, to: &str, units: u128) -> String {
        let hash = self.submit(anvil, from, to, units);
        anvil.receipt(&hash);
        hash
    }

    /// Sends without waiting for a block.
    pub fn submit(&self, anvil: &Anvil, from: &str, to: &str, units: u128) -> String {
        anvil.submit(from, Some(&self.contract), &self.transfer_data(to, units))
    }

    /// What a wallet signs to send.
    pub fn transfer_data(&self, to: &str, units: u128) -> String {
        call("transfer(address,uint256)", &[address(to), word(units)])
    }

    /// `count` equal transfers in one transaction.
    pub fn multi(&self, anvil: &Anvil, to: &str, units: u128, count: u128) -> String {
        self.run(anvil, &anvil.account(0), &self.multi_data(to, units, count))
    }

    /// The call that does it.
    pub fn multi_data(&self, to: &str, units: u128, count: u128) -> String {
        let arguments = [address(to), word(units), word(count)];
        call("multi(address,uint256,uint256)", &arguments)
    }

    /// A Transfer event that says anything, sender included.
    pub fn fake_event(&self, anvil: &Anvil, from: &str, to: &str, units: u128) -> String {
        self.fake_event_of_any_value(anvil, from, to, &word(units))
    }

    /// The same with a value of 64 hex digits.
    pub fn fake_event_of_any_value(
        &self,
        anvil: &Anvil,
        from: &str,
        to: &str,
        value: &str,
    ) -> String {
        let arguments = [address(from), address(to), value.to_owned()];
        let data = call("fakeEvent(address,address,uint256)", &arguments);
        self.run(anvil, &anvil.account(0), &data)
    }

    /// A transfer by a third party, as contracts and exchanges do it: approved, then drawn.
    pub fn transfer_by_other(&self, anvil: &Anvil, owner: &str, to: &str, units: u128) -> String {
        let spender = anvil.account(9);
        let approve = call(
            "approve(address,uint256)",
            &[address(&spender), word(units)],
        );
        self.run(anvil, owner, &approve);
        let draw = [address(owner), address(to), word(units)];
        self.run(
            anvil,
            &spender,
            &call("transferFrom(address,address,uint256)", &draw),
        )
    }

    fn run(&self, anvil: &Anvil, from: &str, data: &str) -> String {
        let hash = anvil.submit(from, Some(&self.contract), data);
        anvil.receipt(&hash);
        hash
    }
}

fn call(signature: &str, arguments: &[String]) -> String {
    let selector = hex::encode(&Keccak256::digest(signature.as_bytes())[..4]);
    format!("0x{selector}{}", arguments.concat())
}

fn word(value: u128) -> String {
    format!("{value:064x}")
}

fn address(address: &str) -> String {
    format!("{:0>64}", address.trim_start_matches("0x").to_lowercase())
}

/// A text of at most 32 bytes: its length and itself.
fn text_words(text: &str) -> String {
    format!("{}{:0<64}", word(text.len() as u128), hex::encode(text))
}
