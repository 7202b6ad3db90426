//! A page with places to fill in: `{{name}}`.

/// Fills in the values once: what a value contains is not looked at again. A name that is unknown stays as it is.
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len() + 4096);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        let named = after.split_once("}}").and_then(|(name, behind)| {
            let value = values.iter().find(|(known, _)| *known == name.trim())?;
            Some((value.1, behind))
        });
        rest = match named {
            Some((value, behind)) => {
                filled.push_str(value);
                behind
            }
            None => {
                filled.push_str("{{");
                after
            }
        };
    }
    filled.push_str(rest);
    filled
}

/// A text as HTML shows it, in elements and in quoted attributes.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_places_are_filled_once() {
        let values = [("a", "{{b}} {{a}}"), ("b", "B")];
        assert_eq!(fill("1{{a}}2{{ b }}3", &values), "1{{b}} {{a}}2B3");
        assert_eq!(fill("{{c}} {{ {{b}} }}", &values), "{{c}} {{ B }}");
        assert_eq!(fill("{{", &values), "{{");
        assert_eq!(fill("{{a", &values), "{{a");
        assert_eq!(fill("", &values), "");
    }

    #[test]
    fn markup_becomes_text() {
        assert_eq!(
            escape("<a href=\"x\" title='y'>&amp;"),
            "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;"
        );
    }
}
