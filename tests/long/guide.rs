//! The commands of docs/operations.md.

use crate::support::markdown::{blocks, read};

const GUIDE: &str = "docs/operations.md";

/// The block of commands that has this in it.
#[track_caller]
pub fn block(with: &str) -> String {
    let mut found = blocks(&read(GUIDE), "sh").into_iter();
    let found = found.find(|block| block.contains(with));
    found.unwrap_or_else(|| panic!("{GUIDE} has no {with}"))
}
