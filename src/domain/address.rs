//! Accounts and contracts of both families of chains, and how people write them.

use std::fmt;
use std::str::FromStr;

use sha3::{Digest, Keccak256};

/// The version byte that makes base58check addresses of Tron start with `T`.
const TRON_PREFIX: u8 = 0x41;

/// Chains of one family share their address format and their event format.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Family {
    Evm,
    Tron,
}

/// A 20-byte account or contract. Prints with its checksum: EIP-55, or base58check for Tron.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    family: Family,
    bytes: [u8; 20],
}

/// Why a text is no address; the message says what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error(
        "neither an EVM address (0x and 40 hex digits) nor a Tron address (34 characters, starting with T)"
    )]
    Unknown,
    #[error("has {0} hex digits after 0x instead of 40")]
    EvmLength(usize),
    #[error("has {0:?} at position {1}, which is no hex digit (0-9, a-f)")]
    EvmDigit(char, usize),
    #[error(
        "wrong EIP-55 checksum: the upper and lower case letters do not fit the digits; a character is mistyped, or write it all in lower case"
    )]
    EvmChecksum,
    #[error("has {0} characters instead of 34")]
    TronLength(usize),
    #[error(
        "has {0:?} at position {1}, which base58 does not use (0, O, I and l are never part of it)"
    )]
    TronCharacter(char, usize),
    #[error("wrong base58 checksum: a character is mistyped")]
    TronChecksum,
}

impl Address {
    pub const fn new(family: Family, bytes: [u8; 20]) -> Self {
        Self { family, bytes }
    }

    pub fn family(&self) -> Family {
        self.family
    }

    /// The 20 bytes, without Tron's version byte.
    pub fn bytes(&self) -> &[u8; 20] {
        &self.bytes
    }

    /// `0x` and 40 lower-case hex digits: what JSON-RPC takes, on Tron too.
    pub fn to_hex(&self) -> String {
        format!("0x{}", hex::encode(self.bytes))
    }
}

impl FromStr for Address {
    type Err = AddressError;

    /// Reads either family: the first characters tell which.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            parse_evm(digits)
        } else if text.starts_with('T') {
            parse_tron(text)
        } else {
            Err(AddressError::Unknown)
        }
    }
}

fn parse_evm(digits: &str) -> Result<Address, AddressError> {
    if let Some((i, c)) = digits
        .chars()
        .enumerate()
        .find(|(_, c)| !c.is_ascii_hexdigit())
    {
        return Err(AddressError::EvmDigit(c, i + 3));
    }
    let mut bytes = [0u8; 20];
    hex::decode_to_slice(digits, &mut bytes).map_err(|_| AddressError::EvmLength(digits.len()))?;
    let address = Address::new(Family::Evm, bytes);
    let mixed = digits.bytes().any(|b| b.is_ascii_lowercase())
        && digits.bytes().any(|b| b.is_ascii_uppercase());
    if mixed && address.to_string()[2..] != *digits {
        return Err(AddressError::EvmChecksum);
    }
    Ok(address)
}

fn parse_tron(text: &str) -> Result<Address, AddressError> {
    let strange = |c: char| !c.is_ascii_alphanumeric() || matches!(c, '0' | 'O' | 'I' | 'l');
    if let Some((i, c)) = text.chars().enumerate().find(|(_, c)| strange(*c)) {
        return Err(AddressError::TronCharacter(c, i + 1));
    }
    if text.len() != 34 {
        return Err(AddressError::TronLength(text.len()));
    }
    let decoded = bs58::decode(text)
        .with_check(Some(TRON_PREFIX))
        .into_vec()
        .map_err(|_| AddressError::TronChecksum)?;
    let bytes = decoded[1..]
        .try_into()
        .map_err(|_| AddressError::TronChecksum)?;
    Ok(Address::new(Family::Tron, bytes))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.family {
            Family::Evm => {
                let lower = hex::encode(self.bytes);
                let hash = Keccak256::digest(lower.as_bytes());
                f.write_str("0x")?;
                for (i, c) in lower.chars().enumerate() {
                    let nibble = (hash[i / 2] >> (4 * (1 - i % 2))) & 0xf;
                    let upper = nibble >= 8;
                    write!(f, "{}", if upper { c.to_ascii_uppercase() } else { c })?;
                }
                Ok(())
            }
            Family::Tron => f.write_str(
                &bs58::encode(self.bytes)
                    .with_check_version(TRON_PREFIX)
                    .into_string(),
            ),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_addresses_print_with_their_checksum() {
        for text in [
            "0xdAC17F958D2ee523a2206206994597C13D831ec7",
            "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
            "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
            let lower = text.to_lowercase();
            if text.starts_with("0x") {
                assert_eq!(lower.parse::<Address>().unwrap().to_string(), text);
            }
        }
        let usdt: Address = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t".parse().unwrap();
        assert_eq!(usdt.to_hex(), "0xa614f803b6fd780986a42c78ec9c7f77e6ded13c");
    }

    #[test]
    fn a_mistyped_address_is_told_why() {
        let check = |text: &str, expected: AddressError| {
            assert_eq!(text.parse::<Address>(), Err(expected), "{text}");
        };
        check("hello", AddressError::Unknown);
        check("", AddressError::Unknown);
        check("0x12", AddressError::EvmLength(2));
        check(
            "0xgAC17F958D2ee523a2206206994597C13D831ec7",
            AddressError::EvmDigit('g', 3),
        );
        check(
            "0xDac17F958D2ee523a2206206994597C13D831ec7",
            AddressError::EvmChecksum,
        );
        check("TR7NH", AddressError::TronLength(5));
        check(
            "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj60",
            AddressError::TronCharacter('0', 34),
        );
        check(
            "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u",
            AddressError::TronChecksum,
        );
    }

    proptest! {
        #[test]
        fn every_address_round_trips(bytes in any::<[u8; 20]>(), tron in any::<bool>()) {
            let family = if tron { Family::Tron } else { Family::Evm };
            let address = Address::new(family, bytes);
            prop_assert_eq!(address.to_string().parse::<Address>(), Ok(address));
        }

        #[test]
        fn no_text_panics(text in "(0x|T)?.{0,45}") {
            let _ = text.parse::<Address>();
        }
    }
}
