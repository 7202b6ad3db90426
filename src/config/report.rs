//! What is wrong with a file: everything at once, each with its line.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;

/// One thing that is wrong with the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    /// Counted from 1; `None` for what concerns the file as a whole.
    pub line: Option<usize>,
    /// Dotted, such as `wallets[1].address`; empty where the file is no TOML.
    pub key: String,
    /// What was found and what is expected, in words. Carries no secret.
    pub message: String,
}

/// Everything that is wrong with the file, in the order of its lines; never empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigErrors {
    /// The file as the user named it.
    pub file: String,
    pub errors: Vec<ConfigError>,
}

impl fmt::Display for ConfigErrors {
    /// One line each: `ocrch.toml:12: wallets[1].address: found "0x12", expected …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.errors.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{}:", self.file)?;
            if let Some(line) = error.line {
                write!(f, "{line}:")?;
            }
            if !error.key.is_empty() {
                write!(f, " {}:", error.key)?;
            }
            write!(f, " {}", error.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// Collects while a file is read. Shared by all sections, hence the cells.
pub(super) struct Report<'a> {
    text: &'a str,
    errors: RefCell<Vec<ConfigError>>,
    warnings: RefCell<Vec<String>>,
}

impl<'a> Report<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            errors: RefCell::default(),
            warnings: RefCell::default(),
        }
    }

    /// Notes an error at a byte range of the text.
    pub(super) fn error(&self, at: Option<Range<usize>>, key: &str, message: String) {
        self.errors.borrow_mut().push(ConfigError {
            line: at.map(|span| self.line(span.start)),
            key: key.to_owned(),
            message,
        });
    }

    /// Whether an error was noted about what lies under a path.
    pub(super) fn has_error_under(&self, path: &str) -> bool {
        let is_under = |key: &str| {
            key.strip_prefix(path)
                .is_some_and(|rest| rest.starts_with('.'))
        };
        self.errors.borrow().iter().any(|e| is_under(&e.key))
    }

    /// After a mistake the parser stumbles over the rest of its line, too.
    pub(super) fn keep_first_of_each_line(&self) {
        let mut errors = self.errors.borrow_mut();
        errors.sort_by_key(|e| e.line);
        errors.dedup_by_key(|e| e.line);
    }

    /// Notes something that works but is probably not meant.
    pub(super) fn warn(&self, message: String) {
        self.warnings.borrow_mut().push(message);
    }

    /// The warnings, or the errors sorted by line.
    pub(super) fn finish(self, file: &str) -> Result<Vec<String>, ConfigErrors> {
        let mut errors = self.errors.into_inner();
        if errors.is_empty() {
            return Ok(self.warnings.into_inner());
        }
        errors.sort_by_key(|e| e.line);
        Err(ConfigErrors {
            file: file.to_owned(),
            errors,
        })
    }

    fn line(&self, offset: usize) -> usize {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        before.iter().filter(|b| **b == b'\n').count() + 1
    }
}

/// The candidate that a mistyped word most likely means, if one is near.
pub(super) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let word = word.to_lowercase();
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(&word, &c.to_lowercase()), c))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c)
}

/// What people call a chain, and its name here.
const OTHER_NAMES: [(&str, &str); 12] = [
    ("ethereum", "eth"),
    ("mainnet", "eth"),
    ("erc20", "eth"),
    ("matic", "polygon"),
    ("pol", "polygon"),
    ("arbitrum", "arb"),
    ("optimism", "op"),
    ("avalanche", "avaxc"),
    ("bnb", "bsc"),
    ("bep20", "bsc"),
    ("trx", "tron"),
    ("trc20", "tron"),
];

/// The chain that a word most likely means: by another name of it, or mistyped.
pub(super) fn nearest_chain<'c>(
    word: &str,
    names: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let lower = word.to_lowercase();
    let other = OTHER_NAMES.iter().find(|(known, _)| *known == lower);
    other
        .map(|(_, name)| *name)
        .or_else(|| nearest(word, names))
}
