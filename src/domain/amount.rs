//! Exact money: a decimal number of coins, never a float, never rounded.

use std::cmp::Ordering;
use std::fmt;

/// The most digits an amount can have in all: every number of 38 digits fits `u128`.
const MAX_DIGITS: u32 = 38;

/// An exact, non-negative decimal amount of a coin, kept without trailing zeros,
/// so that equal amounts are equal values whatever scale they were written with.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Amount {
    mantissa: u128,
    scale: u8,
}

/// Why a text or a number is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    #[error("expected digits, optionally with a point and up to 6 decimals, such as \"19.99\"")]
    NotDecimal,
    #[error("at most 12 digits before the point")]
    TooManyDigits,
    #[error("at most 6 digits after the point")]
    TooManyDecimals,
    #[error("must be greater than zero")]
    Zero,
    #[error("does not fit: the coin has only {0} decimals")]
    TooFine(u8),
    #[error("too large")]
    TooLarge,
}

impl Amount {
    pub const ZERO: Amount = Amount {
        mantissa: 0,
        scale: 0,
    };

    /// The amount `mantissa / 10^scale`, or [`AmountError::TooLarge`] beyond 38 decimals.
    pub fn new(mantissa: u128, scale: u8) -> Result<Self, AmountError> {
        let (mut mantissa, mut scale) = (mantissa, scale);
        while scale > 0 && mantissa.is_multiple_of(10) {
            mantissa /= 10;
            scale -= 1;
        }
        if u32::from(scale) > MAX_DIGITS {
            return Err(AmountError::TooLarge);
        }
        Ok(Self { mantissa, scale })
    }

    /// What `units` base units of a token with `decimals` decimals are worth.
    pub fn from_base_units(units: u128, decimals: u8) -> Result<Self, AmountError> {
        Self::new(units, decimals)
    }

    /// An amount in millionths of a coin, the finest step a deposit can have.
    pub fn from_micros(micros: u64) -> Self {
        // Six decimals are far below the limit of `new`.
        Self::new(u128::from(micros), 6).unwrap_or(Self::ZERO)
    }

    /// The amount in millionths, if it is a whole number of them that fits 63 bits.
    pub fn to_micros(self) -> Option<u64> {
        let micros = self.to_base_units(6).ok()?;
        u64::try_from(micros)
            .ok()
            .filter(|m| i64::try_from(*m).is_ok())
    }

    /// The amount in base units of a token with `decimals` decimals: exact, or an error.
    pub fn to_base_units(self, decimals: u8) -> Result<u128, AmountError> {
        let missing = decimals
            .checked_sub(self.scale)
            .ok_or(AmountError::TooFine(decimals))?;
        10u128
            .checked_pow(u32::from(missing))
            .and_then(|factor| self.mantissa.checked_mul(factor))
            .ok_or(AmountError::TooLarge)
    }

    /// The sum, if it can be held.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let (a, b) = (
            self.to_base_units(scale).ok()?,
            other.to_base_units(scale).ok()?,
        );
        Self::new(a.checked_add(b)?, scale).ok()
    }

    /// Reads a merchant's amount: `[0-9]{1,12}(\.[0-9]{1,6})?`, greater than zero (protocol: Service API).
    pub fn parse_order_amount(text: &str) -> Result<Self, AmountError> {
        let amount = Self::parse_limited(text, 12, 6)?;
        if amount == Self::ZERO {
            return Err(AmountError::Zero);
        }
        Ok(amount)
    }

    /// Reads any decimal that this type can hold, as stored or configured. Zero is allowed.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        Self::parse_limited(text, 38, 38)
    }

    fn parse_limited(
        text: &str,
        whole_max: usize,
        decimals_max: usize,
    ) -> Result<Self, AmountError> {
        let (whole, decimals) = match text.split_once('.') {
            Some((whole, decimals)) => (whole, Some(decimals)),
            None => (text, None),
        };
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !decimals.is_none_or(digits) {
            return Err(AmountError::NotDecimal);
        }
        let decimals = decimals.unwrap_or("");
        if whole.len() > whole_max {
            return Err(AmountError::TooManyDigits);
        }
        if decimals.len() > decimals_max {
            return Err(AmountError::TooManyDecimals);
        }
        let mantissa = whole
            .bytes()
            .chain(decimals.bytes())
            .try_fold(0u128, |sum, b| {
                sum.checked_mul(10)?.checked_add(u128::from(b - b'0'))
            })
            .ok_or(AmountError::TooLarge)?;
        let scale = u8::try_from(decimals.len()).map_err(|_| AmountError::TooLarge)?;
        Self::new(mantissa, scale)
    }

    /// The difference, exactly; `None` if `other` is larger or the digits do not fit.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let rest = self.to_base_units(scale).ok()?
            - other.to_base_units(scale).ok().filter(|_| other <= self)?;
        Self::new(rest, scale).ok()
    }

    /// How much this is of `whole`, in millionths, rounded up; `None` if the digits do not fit or the whole is zero.
    /// For comparing how far things are apart: no rule about money goes by it.
    pub fn millionths_of(self, whole: Self) -> Option<u128> {
        let scale = self.scale.max(whole.scale);
        let (part, whole) = (
            self.to_base_units(scale).ok()?,
            whole.to_base_units(scale).ok()?,
        );
        if whole == 0 {
            return None;
        }
        // What does not fit a million times over has digits enough to spare.
        Some(match part.checked_mul(1_000_000) {
            Some(scaled) => scaled.div_ceil(whole),
            None => part.div_ceil((whole / 1_000_000).max(1)),
        })
    }

    fn whole_and_fraction(self) -> (u128, u128) {
        let unit = 10u128.pow(u32::from(self.scale));
        let fraction = self.mantissa % unit;
        // A fraction has `scale` digits at most, so filled up to 38 digits it still fits.
        let filled = fraction * 10u128.pow(MAX_DIGITS - u32::from(self.scale));
        (self.mantissa / unit, filled)
    }
}

impl PartialOrd for Amount {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Amount {
    fn cmp(&self, other: &Self) -> Ordering {
        self.whole_and_fraction().cmp(&other.whole_and_fraction())
    }
}

/// Canonical decimal text: no trailing zeros, no exponent, "0.5" and not ".5".
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = 10u128.pow(u32::from(self.scale));
        let (whole, fraction) = (self.mantissa / unit, self.mantissa % unit);
        match self.scale {
            0 => write!(f, "{whole}"),
            scale => write!(f, "{whole}.{fraction:0width$}", width = usize::from(scale)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn order_amounts_are_read_by_the_letter_of_the_protocol() {
        let check = |text: &str, expected: Result<&str, AmountError>| {
            let found = Amount::parse_order_amount(text).map(|a| a.to_string());
            assert_eq!(found, expected.map(str::to_owned), "{text:?}");
        };
        check("19.99", Ok("19.99"));
        check("20.00", Ok("20"));
        check("007", Ok("7"));
        check("999999999999.999999", Ok("999999999999.999999"));
        check("0.000001", Ok("0.000001"));
        for bad in [
            "", "-1", "+1", "1e3", "NaN", ".5", "5.", "1,5", " 1", "1 ", "0x10", "1.2.3", "١",
        ] {
            check(bad, Err(AmountError::NotDecimal));
        }
        check("0", Err(AmountError::Zero));
        check("0.000000", Err(AmountError::Zero));
        check("19.9999999", Err(AmountError::TooManyDecimals));
        check("1234567890123", Err(AmountError::TooManyDigits));
        check(&"9".repeat(40), Err(AmountError::TooManyDigits));
    }

    #[test]
    fn base_units_are_exact_or_an_error() {
        let amount = Amount::parse("19.99").unwrap();
        assert_eq!(amount.to_base_units(6), Ok(19_990_000));
        assert_eq!(amount.to_base_units(18), Ok(19_990_000_000_000_000_000));
        assert_eq!(amount.to_base_units(1), Err(AmountError::TooFine(1)));
        let largest = Amount::new(u128::MAX, 0).unwrap();
        assert_eq!(largest.to_base_units(18), Err(AmountError::TooLarge));
        assert_eq!(Amount::new(1, 39), Err(AmountError::TooLarge));
    }

    proptest! {
        #[test]
        fn text_and_base_units_round_trip(units in any::<u128>(), decimals in 0u8..=24) {
            let amount = Amount::from_base_units(units, decimals).unwrap();
            prop_assert_eq!(amount.to_base_units(decimals), Ok(units));
            prop_assert_eq!(Amount::parse(&amount.to_string()).unwrap_or(amount), amount);
        }

        #[test]
        fn order_is_that_of_the_numbers(a in any::<u64>(), b in any::<u64>(), pad in 0u8..=12) {
            let fine = Amount::new(u128::from(a) * 10u128.pow(u32::from(pad)), pad + 3).unwrap();
            let plain = Amount::new(u128::from(b), 3).unwrap();
            prop_assert_eq!(fine.cmp(&plain), a.cmp(&b));
        }

        #[test]
        fn differences_are_exact(a in 0..u64::MAX / 2, b in 0..u64::MAX / 2, scale in 0u8..=12) {
            let (a, b) = (Amount::new(a.into(), scale).unwrap(), Amount::new(b.into(), 6).unwrap());
            let (small, large) = (a.min(b), a.max(b));
            let rest = large.checked_sub(small).unwrap();
            let units = |amount: Amount| amount.to_base_units(12).unwrap();
            prop_assert_eq!(units(rest) + units(small), units(large));
            prop_assert_eq!(small.checked_sub(large), (small == large).then_some(Amount::ZERO));
        }

        #[test]
        fn micros_round_trip(micros in 0..=i64::MAX as u64) {
            prop_assert_eq!(Amount::from_micros(micros).to_micros(), Some(micros));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = Amount::parse_order_amount(&text);
            let _ = Amount::parse(&text);
        }
    }
}
