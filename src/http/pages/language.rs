//! Which language a page speaks.

use crate::config::{Config, languages};

/// The languages that the checkout offers, the default one first.
pub fn offered(config: &Config) -> Vec<String> {
    if !config.checkout.languages.is_empty() {
        return config.checkout.languages.clone();
    }
    let mut all = languages(config.checkout.override_dir.as_deref());
    match all.iter().position(|code| code == "en") {
        Some(english) => all[..=english].rotate_right(1),
        None => all.insert(0, "en".to_owned()),
    }
    all
}

/// The best of the offered languages: the one asked for, else what the browser likes most, else the first.
pub fn choose<'a>(offered: &'a [String], asked: Option<&str>, accept: Option<&str>) -> &'a str {
    let asked = asked.and_then(|tag| fitting(offered, tag));
    let best = asked.or_else(|| liked(offered, accept?));
    best.or_else(|| offered.first().map(String::as_str))
        .unwrap_or("en")
}

fn liked<'a>(offered: &'a [String], accept: &str) -> Option<&'a str> {
    let mut wishes: Vec<(&str, f32)> = accept.split(',').filter_map(wish).collect();
    // Stable: of equal wishes the first one counts.
    wishes.sort_by(|a, b| b.1.total_cmp(&a.1));
    wishes.iter().find_map(|(tag, _)| fitting(offered, tag))
}

/// One item of Accept-Language with its weight; none if it is a refusal.
fn wish(item: &str) -> Option<(&str, f32)> {
    let (tag, weight) = item.split_once(';').unwrap_or((item, ""));
    let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
    let weight: f32 = weight.parse().unwrap_or(0.0);
    (weight > 0.0).then_some((tag.trim(), weight))
}

/// The offered language for a tag: the very same, else another form of the same language.
fn fitting<'a>(offered: &'a [String], tag: &str) -> Option<&'a str> {
    let same = |code: &&String| code.eq_ignore_ascii_case(tag);
    let akin = |code: &&String| primary(code).eq_ignore_ascii_case(primary(tag));
    let found = offered.iter().find(same);
    let found = found.or_else(|| offered.iter().find(akin));
    found.map(String::as_str)
}

fn primary(code: &str) -> &str {
    code.split('-').next().unwrap_or(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_chooses_unless_the_address_does() {
        let offered = ["en", "de", "pt-BR", "ar"].map(str::to_owned);
        for (asked, accept, expected) in [
            (None, None, "en"),
            (None, Some("fr, *;q=0.1"), "en"),
            (None, Some("de-AT,de;q=0.9,en;q=0.8"), "de"),
            (None, Some("en;q=0.3, AR;q=0.7"), "ar"),
            (None, Some("pt"), "pt-BR"),
            (None, Some("de;q=0, pt-PT"), "pt-BR"),
            (None, Some("de;q=wrong, ar"), "ar"),
            (Some("ar"), Some("de"), "ar"),
            (Some("xx"), Some("de"), "de"),
            (Some("\"><script>"), None, "en"),
        ] {
            assert_eq!(
                choose(&offered, asked, accept),
                expected,
                "{asked:?} {accept:?}"
            );
        }
        assert_eq!(choose(&[], Some("de"), None), "en");
    }
}
