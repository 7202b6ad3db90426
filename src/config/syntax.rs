//! Where a file is no TOML: what was probably meant, in words for people who do not know TOML.

use std::ops::Range;

use super::homes::is_switch;

const SWITCH: &str = "expected true or false, in small letters and without quotes";

/// What is wrong at a place of the text, and what would be right. `said` is the parser's own message.
pub(super) fn explain(text: &str, at: Option<Range<usize>>, said: &str) -> String {
    let start = at.map_or(0, |span| span.start).min(text.len());
    let before = text.get(..start).unwrap_or_default();
    let number = before.lines().count() + usize::from(before.is_empty() || before.ends_with('\n'));
    let line = text.lines().nth(number - 1).unwrap_or_default().trim();
    if line.contains(['“', '”', '„', '‘', '’', '«', '»']) {
        return "found curly quotes, expected straight ones: \"…\"".to_owned();
    }
    if line.ends_with('=') {
        return "expected a value after =".to_owned();
    }
    if said.contains("duplicate key") {
        return twice(text, line, number);
    }
    let setting = line.split('=').next().unwrap_or(line).trim();
    // `accept_late = yes`: in quotes it would be wrong, too.
    if said.contains("string values must be quoted") && is_switch(last_part(setting)) {
        return SWITCH.to_owned();
    }
    for (part, meaning) in [
        (
            "string values must be quoted",
            "found a text without quotes, expected it in quotes: \"…\"",
        ),
        (
            "key with no value",
            "expected = and a value after the name of the setting",
        ),
        (
            "invalid basic string",
            "expected a quote (\") at the end of the text",
        ),
        ("invalid boolean", SWITCH),
        ("unclosed table", "expected ] at the end of the heading"),
        (
            "missing comma",
            "expected a comma between the items of the list",
        ),
    ] {
        if said.contains(part) {
            return meaning.to_owned();
        }
    }
    format!("this is no TOML: {said}")
}

/// The name of a setting that is written with its heading, as in `orders.accept_late`.
fn last_part(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name).trim()
}

/// A heading or a setting that stands there for the second time, and where the first one is.
fn twice(text: &str, line: &str, number: usize) -> String {
    let is_heading = line.starts_with('[');
    let name = match is_heading {
        true => line.split_inclusive(']').next().unwrap_or(line),
        false => line.split('=').next().unwrap_or(line).trim(),
    };
    let is_same = |other: &str| match other.trim().strip_prefix(name) {
        Some(rest) => is_heading || rest.trim_start().starts_with('='),
        None => false,
    };
    // Of a setting, the nearest one above: others of its name may stand under other headings.
    let mut above = text.lines().take(number - 1).enumerate();
    let first = match is_heading {
        true => above.find(|(_, other)| is_same(other)),
        false => above.filter(|(_, other)| is_same(other)).last(),
    };
    let first = first.map_or(String::new(), |(i, _)| format!(", first in line {}", i + 1));
    let advice = match is_heading {
        true => "put all its lines under one heading",
        false => "keep one of them",
    };
    format!("{name} stands here for the second time{first}: {advice}")
}
