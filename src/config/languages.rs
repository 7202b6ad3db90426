//! The languages of the checkout page: one file `lang/<code>.json` each, embedded or of the shop's own.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rust_embed::RustEmbed;

use super::value::is_language;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/assets/checkout"]
#[metadata_only = true]
struct Page;

/// The codes of all languages there are: the embedded ones and those in `override_dir`, sorted.
pub fn languages(override_dir: Option<&Path>) -> Vec<String> {
    let embedded: Vec<String> = Page::iter()
        .filter_map(|path| Some(path.strip_prefix("lang/")?.to_owned()))
        .collect();
    let own = override_dir.map(|dir| files_in(&dir.join("lang")));
    let files = embedded.into_iter().chain(own.into_iter().flatten());
    let codes: BTreeSet<String> = files.filter_map(|file| code_of(&file)).collect();
    codes.into_iter().collect()
}

fn code_of(file: &str) -> Option<String> {
    let code = file.strip_suffix(".json")?;
    is_language(code).then(|| code.to_owned())
}

/// The names of a directory's files; none where it cannot be read.
fn files_in(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shop_can_add_languages() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(languages(Some(dir.path())), languages(None));
        fs::create_dir(dir.path().join("lang")).unwrap();
        for file in [
            "gsw.json",
            "pt-BR.json",
            "README.md",
            "notes.json",
            "xx.json~",
        ] {
            fs::write(dir.path().join("lang").join(file), "{}").unwrap();
        }
        let all = languages(Some(dir.path()));
        let own: Vec<_> = all
            .iter()
            .filter(|c| !languages(None).contains(c))
            .collect();
        assert!(own.contains(&&"gsw".to_owned()), "{all:?}");
        assert!(all.contains(&"pt-BR".to_owned()), "{all:?}");
        assert!(!all.iter().any(|c| c == "notes" || c.starts_with("xx")));
        assert!(all.is_sorted());
    }
}
