//! What the example file tells of a setting: under which heading it belongs, for those that stand under another, and whether
//! it is a switch.

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

/// Whether the example has this setting as true or false.
pub(super) fn is_switch(setting: &str) -> bool {
    EXAMPLE.lines().any(|line| {
        let line = line.strip_prefix('#').unwrap_or(line);
        matches!(line.split_once(" = "), Some((name, "true" | "false")) if name == setting)
    })
}

#[cfg(test)]
mod tests {
    use super::{home_of, is_switch};

    #[test]
    fn a_setting_has_one_home_or_none_is_named() {
        assert_eq!(home_of("public_url"), Some("[server]"));
        assert_eq!(home_of("enabled_coins"), Some("[[wallets]]"));
        assert_eq!(home_of("secret"), None, "the admin's or the merchant's");
        assert_eq!(home_of("nonsense"), None);
    }

    #[test]
    fn switches_are_told_from_other_settings() {
        assert!(is_switch("accept_late") && is_switch("unique_amounts"));
        assert!(!is_switch("expires_after") && !is_switch("nonsense"));
    }
}
