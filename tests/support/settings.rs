//! The commented example `ocrch.toml`, read as a reference of the settings.

/// A table of the file.
#[derive(Debug, Default)]
pub struct Section {
    /// As it is written: `[server]`, `[[wallets]]`.
    pub name: String,
    pub about: String,
    /// Its values are nobody's defaults.
    pub is_example: bool,
    pub settings: Vec<Setting>,
}

/// A key, with the comment before it.
#[derive(Debug)]
pub struct Setting {
    pub name: String,
    /// In TOML's notation.
    pub value: String,
    /// Whether that is an example only, and not what counts without the setting.
    pub is_example: bool,
    pub about: String,
}

/// What `ocrch init` puts secrets in the place of.
pub const PLACEHOLDER: &str = "\"change me\"";

/// How a comment ends where what follows is no default.
const FOR_EXAMPLE: &str = "For example:";

/// A comment without that ending, and whether it had it.
fn without_ending(about: String) -> (String, bool) {
    match about.strip_suffix(FOR_EXAMPLE) {
        Some(rest) => (rest.trim_end().to_owned(), true),
        None => (about, false),
    }
}

/// All sections, in order; a second example of the same one is left out.
pub fn sections(text: &str) -> Vec<Section> {
    let mut reader = Reader::default();
    text.lines().for_each(|line| reader.read(line));
    reader.done.retain(|section| !section.settings.is_empty());
    reader.done
}

#[derive(Default)]
struct Reader {
    done: Vec<Section>,
    comment: Vec<String>,
    /// Empty lines since the comment: after one a section may still take it.
    empty_lines: usize,
    /// A setting has taken the comment. The next one may share it.
    comment_is_taken: bool,
    /// In the second example of a section, or in a list over several lines.
    skipping: bool,
    in_list: bool,
}

impl Reader {
    fn read(&mut self, line: &str) {
        let bare = line.strip_prefix('#').unwrap_or(line);
        if self.in_list {
            self.in_list = !bare.starts_with(']');
        } else if line.is_empty() {
            self.empty_lines += 1;
        } else if line == "#" || line.starts_with("# ") {
            if self.empty_lines > 0 || self.comment_is_taken {
                self.comment.clear();
            }
            (self.empty_lines, self.comment_is_taken) = (0, false);
            self.comment
                .push(bare.strip_prefix(' ').unwrap_or(bare).to_owned());
        } else if bare.starts_with('[') {
            self.open(bare);
        } else if let Some((name, value)) = bare.split_once(" = ") {
            self.setting(name, value);
        }
    }

    fn open(&mut self, name: &str) {
        self.skipping = self.done.iter().any(|section| section.name == name);
        if self.skipping {
            return;
        }
        if self.comment_is_taken || self.empty_lines > 1 {
            self.comment.clear();
        }
        let (indented, about): (Vec<_>, Vec<_>) = self
            .comment
            .drain(..)
            .partition(|line| line.starts_with("  "));
        let (about, ends_so) = without_ending(about.join(" "));
        // Of a block that there can be several of, none is there by itself.
        let is_example = ends_so || name.starts_with("[[");
        let mut section = Section {
            name: name.to_owned(),
            about,
            is_example,
            settings: Vec::new(),
        };
        // "  key   what it is", and lines that go on below the text.
        for line in indented {
            match (line.trim().split_once("  "), section.settings.last_mut()) {
                (Some((key, about)), _) if !line.starts_with("    ") => {
                    section.settings.push(Setting {
                        name: key.to_owned(),
                        value: String::new(),
                        is_example: section.is_example,
                        about: about.trim().to_owned(),
                    })
                }
                (_, Some(last)) => last.about = format!("{} {}", last.about, line.trim()),
                (_, None) => section.about = format!("{} {}", section.about, line.trim()),
            }
        }
        self.done.push(section);
    }

    fn setting(&mut self, name: &str, value: &str) {
        self.in_list = value == "[";
        let Some(section) = self.done.last_mut().filter(|_| !self.skipping) else {
            return;
        };
        let value = if self.in_list { "[…]" } else { value };
        if let Some(known) = section.settings.iter_mut().find(|s| s.name == name) {
            if known.value.is_empty() {
                value.clone_into(&mut known.value);
            }
            return;
        }
        // Keys below each other share a comment.
        self.comment_is_taken = true;
        let (about, is_example) = match self.comment.is_empty() {
            true => (section.about.clone(), section.is_example),
            false => without_ending(self.comment.join(" ")),
        };
        section.settings.push(Setting {
            name: name.to_owned(),
            value: value.to_owned(),
            is_example: is_example || section.is_example,
            about,
        });
    }
}

#[test]
fn comments_become_a_reference() {
    let text = "# Intro.\n\n\n[s]\n# Three. For\n# example:\nc = 3\n\n[e]\nd = 4\n\n# All of it.\n#   a  one,\n#      and more\n#[[t]]\n#a = 1\n# Two.\n#b = \"x\"\n\n#[[t]]\n#a = 2\n";
    let found = sections(text);
    let [s, e, t] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!((s.about.as_str(), e.about.as_str()), ("", ""));
    assert_eq!(s.settings[0].about, "Three.");
    assert!(s.settings[0].is_example && !e.settings[0].is_example);
    assert_eq!((t.name.as_str(), t.about.as_str()), ("[[t]]", "All of it."));
    let said: Vec<_> = t
        .settings
        .iter()
        .map(|s| (&*s.name, &*s.value, &*s.about))
        .collect();
    assert_eq!(said, [("a", "1", "one, and more"), ("b", "\"x\"", "Two.")]);
}
