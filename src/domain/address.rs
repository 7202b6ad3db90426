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
    #[error("begins with white space: leave that out")]
    Space,
    #[error("0x is missing in front of the 40 hex digits")]
    NoPrefix,
    #[error("a name: write the address that it stands for")]
    Name,
    #[error("a Tron address in hex: write it as {0}")]
    TronHex(Address),
    #[error("a Tron address without its capital letters: copy it again, they count")]
    TronLowerCase,
    #[error("has {0} hex digits after 0x instead of 40")]
    EvmLength(usize),
    #[error("has {0:?} at position {1}, which is no hex digit (0-9, a-f){hint}", hint = digit_for(*.0))]
    EvmDigit(char, usize),
    #[error(
        "wrong EIP-55 checksum: only the case of {0:?} at position {1} is wrong; correct it, or write all letters in lower case"
    )]
    EvmCase(char, usize),
    #[error(
        "wrong EIP-55 checksum: {0} of {1} letters have the wrong case, so a character is mistyped; copy it again"
    )]
    EvmChecksum(usize, usize),
    #[error("has {0} characters instead of 34")]
    TronLength(usize),
    #[error(
        "has {0:?} at position {1}, which base58 does not use (0, O, I and l are never part of it)"
    )]
    TronCharacter(char, usize),
    #[error("wrong base58 checksum: a character is mistyped, or its case is wrong; copy it again")]
    TronChecksum,
}

/// The digit that a letter is often mistaken for.
fn digit_for(letter: char) -> &'static str {
    match letter {
        'o' | 'O' => "; the digit 0 is meant?",
        'l' | 'I' | 'i' => "; the digit 1 is meant?",
        _ => "",
    }
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
            Err(neither(text))
        }
    }
}

/// What a text is that begins like no address.
fn neither(text: &str) -> AddressError {
    let is_hex = !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
    let mut bytes = [0u8; 20];
    match text.strip_prefix("41") {
        Some(digits) if hex::decode_to_slice(digits, &mut bytes).is_ok() => {
            AddressError::TronHex(Address::new(Family::Tron, bytes))
        }
        _ if text.starts_with(char::is_whitespace) => AddressError::Space,
        _ if is_hex && text.len() == 40 => AddressError::NoPrefix,
        _ if text.starts_with('t') && text.len() == 34 => AddressError::TronLowerCase,
        _ if text.contains('.') => AddressError::Name,
        _ => AddressError::Unknown,
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
    if mixed {
        check_case(digits, &address.to_string()[2..])?;
    }
    Ok(address)
}

/// Compares the letters' case with that of the checksum. A mistyped character changes it for about half of them.
fn check_case(digits: &str, right: &str) -> Result<(), AddressError> {
    let pairs = digits.chars().zip(right.chars()).enumerate();
    let wrong: Vec<_> = pairs.filter(|(_, (is, should))| is != should).collect();
    match wrong[..] {
        [] => Ok(()),
        [(i, (c, _))] => Err(AddressError::EvmCase(c, i + 3)),
        _ => {
            let letters = digits.bytes().filter(u8::is_ascii_alphabetic).count();
            Err(AddressError::EvmChecksum(wrong.len(), letters))
        }
    }
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
        check(
            " 0xdAC17F958D2ee523a2206206994597C13D831ec7",
            AddressError::Space,
        );
        check("0x12", AddressError::EvmLength(2));
        check(
            "0xgAC17F958D2ee523a2206206994597C13D831ec7",
            AddressError::EvmDigit('g', 3),
        );
        // One letter's case, and a mistyped digit.
        check(
            "0xDAC17F958D2ee523a2206206994597C13D831ec7",
            AddressError::EvmCase('D', 3),
        );
        check(
            "0xdAC17F958D2ee523a2206206994597C13D831ec8",
            AddressError::EvmChecksum(6, 12),
        );
        check(
            "dAC17F958D2ee523a2206206994597C13D831ec7",
            AddressError::NoPrefix,
        );
        check("shop.eth", AddressError::Name);
        let usdt = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t";
        check(
            "41a614f803b6fd780986a42c78ec9c7f77e6ded13c",
            AddressError::TronHex(usdt.parse().unwrap()),
        );
        check(&usdt.to_lowercase(), AddressError::TronLowerCase);
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

    #[test]
    fn messages_name_what_is_wrong() {
        let check = |text: &str, expected: &str| {
            let message = text.parse::<Address>().unwrap_err().to_string();
            assert!(message.contains(expected), "{text}: {message}");
        };
        let after = "AC17F958D2ee523a2206206994597C13D831ec7";
        check(&format!("0xO{after}"), "'O' at position 3");
        check(&format!("0xO{after}"), "the digit 0 is meant?");
        check(&format!("0xl{after}"), "the digit 1 is meant?");
        check(&format!("0xD{after}"), "the case of 'D' at position 3");
        check(
            &format!("0xd{after}7"),
            "41 hex digits after 0x instead of 40",
        );
        check(&format!("0xd{} ", &after[1..]), "' ' at position 42");
        let tron = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6";
        check(&format!("{tron}l"), "'l' at position 34");
        check(&format!("{tron}O"), "0, O, I and l are never part of it");
        check(tron, "33 characters instead of 34");
        check(&format!("{tron}T"), "its case is wrong");
        check("41a614f803b6fd780986a42c78ec9c7f77e6ded13c", "as TR7NH");
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
