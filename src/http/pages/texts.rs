//! The page's texts, for what the server writes itself.

use std::collections::BTreeMap;

use serde_json::Value;

use super::template::escape;

/// One language's texts; what it lacks is said in English.
pub struct Texts(BTreeMap<String, Value>);

impl Texts {
    /// Of the language files, the later ones win. A file that is no JSON adds nothing.
    pub fn read<T: AsRef<[u8]>>(files: impl IntoIterator<Item = T>) -> Self {
        let texts = files.into_iter().filter_map(|file| {
            serde_json::from_slice::<BTreeMap<String, Value>>(file.as_ref()).ok()
        });
        Self(texts.flatten().collect())
    }

    /// A text as HTML, with its `{places}` filled by what is HTML already. A key that nobody has shows as itself.
    pub fn html(&self, key: &str, values: &[(&str, &str)]) -> String {
        let text = self.0.get(key).and_then(Value::as_str).unwrap_or(key);
        let mut html = escape(text);
        for (name, value) in values {
            html = html.replace(&format!("{{{name}}}"), value);
        }
        html
    }

    /// All of them as JSON that can stand in a script element; the same texts give the same JSON.
    pub fn json(&self) -> String {
        // Texts only: this cannot fail.
        let json = serde_json::to_string(&self.0).unwrap_or_else(|_| "{}".to_owned());
        json.replace('<', "\\u003c")
    }

    /// The direction that the language's file names.
    pub fn direction(&self) -> &'static str {
        match self.0.get("dir").and_then(Value::as_str) {
            Some("rtl") => "rtl",
            _ => "ltr",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_language_lacks_is_said_in_english() {
        let english: &[u8] = br#"{"dir": "ltr", "a": "A <b> {x}", "b": "B"}"#;
        let own: &[u8] = br#"{"dir": "rtl", "b": "Be", "c": {"one": "1"}}"#;
        let texts = Texts::read([english, own, b"no JSON"]);
        assert_eq!(
            texts.html("a", &[("x", "<i>1</i>")]),
            "A &lt;b&gt; <i>1</i>"
        );
        assert_eq!(texts.html("b", &[]), "Be");
        assert_eq!(
            (texts.html("c", &[]), texts.html("d", &[])),
            ("c".into(), "d".into())
        );
        assert_eq!(texts.direction(), "rtl");
        let json = texts.json();
        assert!(json.contains("A \\u003cb> {x}"), "{json}");
        assert!(serde_json::from_str::<Value>(&json).is_ok(), "{json}");
    }
}
