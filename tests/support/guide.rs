//! docs/operations.md, as somebody follows it.

use super::markdown::{blocks, read};

const GUIDE: &str = "docs/operations.md";

/// A fresh configuration with the guide's lines where they belong.
pub struct Edited(Vec<String>);

impl Edited {
    /// `moved` is what becomes of the guide's paths and addresses.
    pub fn as_told(config: &str, hash: &str, moved: impl Fn(&str) -> String) -> Self {
        let told = moved(&blocks(&read(GUIDE), "toml").concat());
        let mut edited = Self(config.lines().map(str::to_owned).collect());
        let mut heading = String::new();
        for line in told.lines().filter(|line| !line.is_empty()) {
            match line.split_once(" = ") {
                None => heading = line.to_owned(),
                Some((key, _)) => {
                    let line = line.replace("$argon2id$…", hash);
                    edited.put(&heading, key, Some(&line));
                }
            }
        }
        edited.put("[merchant]", "secret", None);
        edited
    }

    /// Puts a setting in the place of the one under a heading, switched off or not; `None` removes it.
    #[track_caller]
    pub fn put(&mut self, heading: &str, key: &str, line: Option<&str>) {
        let at = self.0.iter().position(|l| l == heading);
        let at = at.unwrap_or_else(|| panic!("the file has no {heading}"));
        let is_it = |l: &String| l.trim_start_matches('#').split(" = ").next() == Some(key);
        let found = self.0[at..].iter().position(is_it);
        let found = at + found.unwrap_or_else(|| panic!("{heading} has no {key}"));
        match line {
            Some(line) => self.0[found] = line.to_owned(),
            None => drop(self.0.remove(found)),
        }
    }

    pub fn text(&self) -> String {
        self.0.join("\n") + "\n"
    }
}
