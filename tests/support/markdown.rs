//! Documents, as their readers use them.

use super::node::tests_dir;

/// A file of the repository, as text.
pub fn read(path: &str) -> String {
    let path = tests_dir().join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The fenced blocks of a language, in order.
pub fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<(bool, String)> = None;
    for line in text.lines() {
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (None, Some(info)) => open = Some((info == language, String::new())),
            (None, None) => {}
            (Some(_), Some(_)) => {
                found.extend(open.take().filter(|(wanted, _)| *wanted).map(|(_, b)| b));
            }
            (Some((_, block)), None) => {
                block.push_str(line);
                block.push('\n');
            }
        }
    }
    assert!(open.is_none(), "a block that does not end");
    found
}

/// A text without its fenced blocks.
pub fn prose(text: &str) -> String {
    let mut fenced = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        !fenced && !is_fence
    });
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn blocks_of_a_language() {
    let text = "a\n```sh\none\ntwo\n```\n```js\nthree\n```\n```sh\nfour\n```\n";
    assert_eq!(blocks(text, "sh"), ["one\ntwo\n", "four\n"]);
}
