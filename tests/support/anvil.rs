//! A real EVM node of one's own.

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{http, net, node, wait};

/// An anvil process; it ends when dropped.
///
/// Every transaction is mined at once in a block of its own, unless [`Anvil::hold`] says otherwise.
pub struct Anvil {
    process: Child,
    pub url: String,
    pub chain_id: u64,
    /// Of two at once the node may give both the same nonce, and refuse one.
    sending: Mutex<()>,
    _home: TempDir,
}

impl Anvil {
    pub fn start(chain_id: u64) -> Self {
        Self::start_with(chain_id, &[])
    }

    pub fn start_with(chain_id: u64, options: &[&str]) -> Self {
        let address = net::free_address();
        let home = tempfile::tempdir().expect("a temporary directory");
        let log = File::create(home.path().join("anvil.log")).expect("a log");
        let process = Command::new(node::installed("@foundry-rs/anvil-linux-amd64/bin/anvil"))
            .args([
                "--port",
                &address.port().to_string(),
                "--chain-id",
                &chain_id.to_string(),
            ])
            .args(["--threads", "1", "--quiet"])
            .args(options)
            .env("HOME", home.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("anvil starts");
        let anvil = Self {
            process,
            url: format!("http://{address}"),
            chain_id,
            sending: Mutex::new(()),
            _home: home,
        };
        wait::until("anvil to answer", || {
            anvil.try_call("eth_chainId", &json!([])).ok()
        });
        anvil
    }

    /// A JSON-RPC call that must succeed.
    pub fn call(&self, method: &str, params: &Value) -> Value {
        self.try_call(method, params)
            .unwrap_or_else(|e| panic!("{method} {params}: {e}"))
    }

    pub fn try_call(&self, method: &str, params: &Value) -> Result<Value, String> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let headers = [("content-type", "application/json")];
        let reply = http::try_send("POST", &self.url, &headers, body.to_string().as_bytes())
            .map_err(|e| e.to_string())?;
        let answer = reply.json();
        match answer.get("error") {
            Some(error) => Err(error.to_string()),
            None => Ok(answer["result"].clone()),
        }
    }

    /// One of the ten funded accounts whose transactions the node signs.
    pub fn account(&self, index: usize) -> String {
        self.call("eth_accounts", &json!([]))[index]
            .as_str()
            .expect("an account")
            .to_owned()
    }

    /// Lets the node send for any address.
    pub fn impersonate(&self, address: &str) {
        self.call("anvil_impersonateAccount", &json!([address]));
        self.call("anvil_setBalance", &json!([address, "0xde0b6b3a7640000"]));
    }

    pub fn head(&self) -> u64 {
        number(&self.call("eth_blockNumber", &json!([])))
    }

    /// Adds empty blocks, or blocks with what was held.
    pub fn mine(&self, blocks: u64) {
        self.call("anvil_mine", &json!([format!("{blocks:#x}"), "0x0"]));
    }

    /// From now on transactions wait for [`Anvil::mine`].
    pub fn hold(&self) {
        self.call("evm_setAutomine", &json!([false]));
    }

    /// Ends [`Anvil::hold`].
    pub fn release(&self) {
        self.call("evm_setAutomine", &json!([true]));
    }

    /// Replaces the last `depth` blocks by others with only the given transactions in them: raw ones or
    /// requests, each with the block's offset.
    pub fn reorg(&self, depth: u64, transactions: &Value) {
        self.call("anvil_reorg", &json!([depth, transactions]));
    }

    /// Sends a transaction and gives its hash at once.
    pub fn submit(&self, from: &str, to: Option<&str>, data: &str) -> String {
        // The gas is given, so that the node also mines what will be reverted.
        let mut transaction = json!({"from": from, "data": data, "gas": "0x2dc6c0"});
        if let Some(to) = to {
            transaction["to"] = json!(to);
        }
        let _alone = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        self.call("eth_sendTransaction", &json!([transaction]))
            .as_str()
            .expect("a hash")
            .to_owned()
    }

    /// The receipt, once it is mined.
    pub fn receipt(&self, hash: &str) -> Value {
        wait::until("a receipt", || {
            Some(self.about("eth_getTransactionReceipt", hash)).filter(|r| !r.is_null())
        })
    }

    /// A call about a transaction, with or without 0x.
    pub fn about(&self, method: &str, hash: &str) -> Value {
        let digits = hash.trim_start_matches("0x");
        self.call(method, &json!([format!("0x{digits}")]))
    }

    /// The number of the block that holds a mined transaction.
    pub fn block_of(&self, hash: &str) -> u64 {
        number(&self.receipt(hash)["blockNumber"])
    }

    /// The signed bytes of a transaction, to be sent again.
    pub fn raw(&self, hash: &str) -> Value {
        self.about("eth_getRawTransactionByHash", hash)
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// "0x1f" or 31.
pub fn number(value: &Value) -> u64 {
    match value.as_str() {
        Some(text) => u64::from_str_radix(text.trim_start_matches("0x"), 16).expect("hex"),
        None => value
            .as_u64()
            .unwrap_or_else(|| panic!("not a number: {value}")),
    }
}
