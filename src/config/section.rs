//! Reads a table of the file key by key, noting every error and every key that nobody asked for.

use std::cell::RefCell;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::homes::home_of;
use super::report::{Report, nearest};
use super::value::HttpUrl;

/// A value reader: the value, or what would have been expected instead, as it continues "found …, expected ".
pub(super) type Read<T> = fn(&DeValue<'_>) -> Result<T, String>;

/// One table of the file. An absent table reads as an empty one, so that defaults live in one place.
pub(super) struct Section<'a> {
    report: &'a Report<'a>,
    table: Option<&'a DeTable<'a>>,
    /// Dotted path with indexes and names, for people.
    path: String,
    span: Option<Range<usize>>,
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    pub(super) fn root(report: &'a Report<'a>, table: &'a DeTable<'a>) -> Self {
        Self::new(report, Some(table), String::new(), None)
    }

    fn new(
        report: &'a Report<'a>,
        table: Option<&'a DeTable<'a>>,
        path: String,
        span: Option<Range<usize>>,
    ) -> Self {
        Self {
            report,
            table,
            path,
            span,
            asked: RefCell::default(),
        }
    }

    /// Whether the file has this table.
    pub(super) fn is_present(&self) -> bool {
        self.table.is_some()
    }

    /// Whether the table has this key, whatever its value.
    pub(super) fn has(&self, key: &'static str) -> bool {
        self.find(key).is_some()
    }

    /// The value of a key, if it is there and right.
    pub(super) fn get<T>(&self, key: &'static str, read: Read<T>) -> Option<T> {
        let (span, value) = self.find(key)?;
        self.read(&self.key(key), span, value, read)
    }

    /// The value of a key that must be there; says so if it is not.
    pub(super) fn require<T>(&self, key: &'static str, expected: &str, read: Read<T>) -> Option<T> {
        if !self.has(key) {
            self.missing(key, expected);
        }
        self.get(key, read)
    }

    /// The values of an array, with those that are wrong left out and noted.
    pub(super) fn list<T>(&self, key: &'static str, read: Read<T>) -> Option<Vec<T>> {
        let (span, value) = self.find(key)?;
        let path = self.key(key);
        let Some(array) = value.as_array() else {
            self.wrong(&path, span, value, "a list such as [\"…\", \"…\"]");
            return None;
        };
        let read_item = |(i, item): (usize, &toml::Spanned<DeValue<'_>>)| {
            self.read(&format!("{path}[{i}]"), item.span(), item.get_ref(), read)
        };
        Some(array.iter().enumerate().filter_map(read_item).collect())
    }

    /// The table under a key; an absent or wrong one is empty.
    pub(super) fn section(&self, key: &'static str) -> Section<'a> {
        let found = self.find(key).and_then(|(span, value)| {
            let table = value.as_table();
            if table.is_none() {
                self.wrong(&self.key(key), span.clone(), value, "a table");
            }
            table.map(|table| (span, table))
        });
        self.child(self.key(key), found)
    }

    /// How many values the list under a key has, right or wrong; `None` where there is no list.
    pub(super) fn length(&self, key: &'static str) -> Option<usize> {
        let (_, value) = self.find(key)?;
        value.as_array().map(|list| list.len())
    }

    /// The tables of an array of tables; `expected` is what one looks like.
    pub(super) fn sections(&self, key: &'static str, expected: &str) -> Vec<Section<'a>> {
        let Some((span, value)) = self.find(key) else {
            return Vec::new();
        };
        let Some(array) = value.as_array() else {
            self.wrong(&self.key(key), span, value, expected);
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (i, item) in array.iter().enumerate() {
            let path = format!("{}[{i}]", self.key(key));
            match item.get_ref().as_table() {
                Some(table) => sections.push(self.child(path, Some((item.span(), table)))),
                None => self.wrong(&path, item.span(), item.get_ref(), expected),
            }
        }
        sections
    }

    /// The tables under this one by the names that the user gave them, in the order of the file.
    pub(super) fn named(&self) -> Vec<(&'a str, Section<'a>)> {
        let mut sections = Vec::new();
        for (name, value) in self.table.into_iter().flat_map(DeTable::iter) {
            let path = format!("{}.{}", self.path, name.get_ref());
            match value.get_ref().as_table() {
                Some(table) => sections.push((
                    name.get_ref().as_ref(),
                    self.child(path, Some((name.span(), table))),
                )),
                None => self.wrong(&path, name.span(), value.get_ref(), "a table"),
            }
        }
        sections.sort_by_key(|(_, section)| section.span.as_ref().map(|s| s.start));
        sections
    }

    /// Notes an error about a key of this table, at the key's value if it is there.
    pub(super) fn error(&self, key: &'static str, message: impl Into<String>) {
        let span = self.find(key).map(|(span, _)| span);
        let at = span.or_else(|| self.span.clone());
        self.report.error(at, &self.key(key), message.into());
    }

    /// Notes an error about one value of the array under a key.
    pub(super) fn item_error(&self, key: &'static str, index: usize, message: impl Into<String>) {
        let item = self
            .find(key)
            .and_then(|(_, value)| value.as_array()?.get(index))
            .map(toml::Spanned::span);
        let path = format!("{}[{index}]", self.key(key));
        self.report.error(item, &path, message.into());
    }

    /// Notes an error about the table itself.
    pub(super) fn error_here(&self, message: impl Into<String>) {
        self.report
            .error(self.span.clone(), &self.path, message.into());
    }

    /// Notes that a key must be there and is not.
    pub(super) fn missing(&self, key: &'static str, expected: &str) {
        self.error(key, format!("missing, expected {expected}"));
    }

    /// Notes something that works but is probably not meant.
    pub(super) fn warn(&self, message: impl Into<String>) {
        self.report.warn(message.into());
    }

    /// Whether an error was noted about what lies under a path of the whole file.
    pub(super) fn has_error_under(&self, path: &str) -> bool {
        self.report.has_error_under(path)
    }

    /// Where the value of a key stands in the text.
    pub(super) fn span_of(&self, key: &'static str) -> Option<Range<usize>> {
        self.find(key).map(|(span, _)| span)
    }

    /// The dotted path of a key.
    pub(super) fn key(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    /// Notes every key that was never asked for. To be called last.
    pub(super) fn done(&self) {
        let asked = self.asked.borrow();
        for key in self.table.into_iter().flat_map(DeTable::keys) {
            let name: &str = key.get_ref();
            if asked.contains(&name) {
                continue;
            }
            let message = match (home_of(name), nearest(name, asked.iter().copied())) {
                (Some(home), _) => format!("unknown key here, it belongs under {home}"),
                (None, Some(near)) => format!("unknown key, did you mean {near:?}?"),
                (None, None) => format!("unknown key, expected one of: {}", asked.join(", ")),
            };
            self.report
                .error(Some(key.span()), &self.key(name), message);
        }
    }

    fn find(&self, key: &'static str) -> Option<(Range<usize>, &'a DeValue<'a>)> {
        if !self.asked.borrow().contains(&key) {
            self.asked.borrow_mut().push(key);
        }
        let value = self.table?.get(key)?;
        Some((value.span(), value.get_ref()))
    }

    fn read<T>(
        &self,
        path: &str,
        span: Range<usize>,
        value: &DeValue<'_>,
        read: Read<T>,
    ) -> Option<T> {
        read(value)
            .map_err(|expected| self.wrong(path, span, value, &expected))
            .ok()
    }

    fn wrong(&self, path: &str, span: Range<usize>, value: &DeValue<'_>, expected: &str) {
        let found = match path.rsplit('.').next().unwrap_or(path) {
            key if is_secret(key) => hidden(value),
            key if key.ends_with("url") && value.as_str().is_some_and(HttpUrl::names_user) => {
                hidden(value)
            }
            // Addresses of providers and chat rooms often carry a key: the beginning is enough to find it.
            "url" => shown(value, 20),
            _ => shown(value, 100),
        };
        let message = format!("found {found}, expected {expected}");
        self.report.error(Some(span), path, message);
    }

    fn child(&self, path: String, found: Option<(Range<usize>, &'a DeTable<'a>)>) -> Section<'a> {
        let (span, table) = found.unzip();
        Section::new(self.report, table, path, span)
    }
}

/// Errors end up in logs: the values of these keys must not.
fn is_secret(key: &str) -> bool {
    (key.contains("secret") && key != "secret_file") || key.ends_with("api_key")
}

fn hidden(value: &DeValue<'_>) -> String {
    match value.as_str() {
        Some("") => "an empty text".to_owned(),
        Some(text) => format!("a text of {} characters", text.chars().count()),
        None => format!("a value of type {}", value.type_str()),
    }
}

fn shown(value: &DeValue<'_>, most: usize) -> String {
    match value {
        DeValue::String(text) if text.chars().count() > most => {
            format!("{:?}…", text.chars().take(most).collect::<String>())
        }
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(yes) => yes.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
