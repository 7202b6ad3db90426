//! Under which heading a setting belongs, by the example file: for settings that stand under another.

const EXAMPLE: &str = include_str!("../../ocrch.toml");

/// The one heading under which the example has this setting.
pub(super) fn home_of(setting: &str) -> Option<&'static str> {
    let mut heading = "";
    let mut homes = Vec::new();
    for line in EXAMPLE.lines() {
        // Switched off or not; a comment has a space there.
        let line = line.strip_prefix('#').unwrap_or(line);
        if line.starts_with('[') {
            heading = line;
        } else if line.split(" = ").next() == Some(setting) {
            homes.push(heading);
        }
    }
    homes.dedup();
    match homes.as_slice() {
        [one] => Some(one),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::home_of;

    #[test]
    fn a_setting_has_one_home_or_none_is_named() {
        assert_eq!(home_of("public_url"), Some("[server]"));
        assert_eq!(home_of("enabled_coins"), Some("[[wallets]]"));
        assert_eq!(home_of("secret"), None, "the admin's or the merchant's");
        assert_eq!(home_of("nonsense"), None);
    }
}
