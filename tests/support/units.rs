//! Decimal text to base units and back, by text alone.

/// "19.99" with 6 decimals is 19990000.
pub fn to_units(amount: &str, decimals: u8) -> u128 {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    let width = usize::from(decimals);
    assert!(
        fraction.len() <= width,
        "{amount} does not fit {decimals} decimals"
    );
    format!("{whole}{fraction:0<width$}")
        .parse()
        .unwrap_or_else(|_| panic!("not an amount: {amount}"))
}

/// 19990000 with 6 decimals is "19.99".
pub fn to_text(units: u128, decimals: u8) -> String {
    let width = usize::from(decimals) + 1;
    let digits = format!("{units:0>width$}");
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(decimals));
    match fraction.trim_end_matches('0') {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    }
}

/// Any number of hex digits in decimal ones: events can claim more than any integer of ours holds.
pub fn decimal(hex: &str) -> String {
    // The decimal digits so far, the last one first.
    let mut decimal = vec![0u32];
    for digit in hex.chars().map(|c| c.to_digit(16).expect("hex")) {
        let mut carry = digit;
        for place in &mut decimal {
            carry += *place * 16;
            *place = carry % 10;
            carry /= 10;
        }
        while carry > 0 {
            decimal.push(carry % 10);
            carry /= 10;
        }
    }
    let digits = decimal.iter().rev().map(|d| char::from(b'0' + *d as u8));
    digits.collect()
}

#[test]
fn units_and_text() {
    assert_eq!(decimal("0"), "0");
    assert_eq!(decimal("00ff"), "255");
    assert_eq!(decimal(&"f".repeat(32)), u128::MAX.to_string());
    assert_eq!(to_units("19.99", 6), 19_990_000);
    assert_eq!(to_units("20", 18), 20_000_000_000_000_000_000);
    assert_eq!(to_text(19_990_000, 6), "19.99");
    assert_eq!(to_text(1, 6), "0.000001");
    assert_eq!(to_text(20_000_000, 6), "20");
}
