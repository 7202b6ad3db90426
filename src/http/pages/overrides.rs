//! A shop's own files, which take the place of the embedded ones: `checkout.override_dir`.

use std::collections::HashSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

/// A file of a page beyond this many bytes is a mistake.
const LARGEST: u64 = 4 * 1024 * 1024;

/// The file of that name below `dir`, read anew each time; `None` if there is none. Nothing outside of `dir` is ever
/// read, through links neither. One that cannot be read is logged once.
pub fn read(dir: &Path, name: &str) -> Option<Vec<u8>> {
    if !is_plain(name) {
        return None;
    }
    let path = dir.join(name);
    match read_below(dir, &path) {
        Ok(content) => Some(content),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            None
        }
        Err(error) => {
            complain_once(path, &error);
            None
        }
    }
}

/// No way up, no hidden files, nothing that means something else to some system.
fn is_plain(name: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && !part
                .chars()
                .any(|c| c.is_control() || matches!(c, '\\' | ':'))
    };
    name.split('/').all(plain)
}

fn read_below(dir: &Path, path: &Path) -> io::Result<Vec<u8>> {
    let (root, path) = (dir.canonicalize()?, path.canonicalize()?);
    if !path.starts_with(&root) {
        return Err(io::Error::other(
            "it links to a place outside of checkout.override_dir",
        ));
    }
    let file = fs::metadata(&path)?;
    if file.is_dir() {
        return Err(ErrorKind::NotFound.into());
    }
    if !file.is_file() || file.len() > LARGEST {
        return Err(io::Error::other("it is no file of at most 4 MB"));
    }
    fs::read(path)
}

fn complain_once(path: PathBuf, error: &io::Error) {
    static KNOWN: LazyLock<Mutex<HashSet<PathBuf>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    // Only files that exist get here, so there are not many.
    if known.insert(path.clone()) {
        let path = path.display();
        tracing::warn!(%path, %error, "a file of the checkout page cannot be used; the built-in one is shown, if there is one");
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_files_below_the_directory_are_read() {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("checkout");
        fs::create_dir_all(dir.join("lang")).unwrap();
        for name in ["style.css", "lang/de.json", ".env", "my logo.svg"] {
            fs::write(dir.join(name), name).unwrap();
        }
        fs::write(place.path().join("ocrch.toml"), "secret").unwrap();
        symlink("style.css", dir.join("same.css")).unwrap();
        symlink("../ocrch.toml", dir.join("out.css")).unwrap();
        symlink("..", dir.join("up")).unwrap();
        symlink("gone.css", dir.join("dangling.css")).unwrap();
        for (name, found) in [
            ("style.css", Some("style.css")),
            ("lang/de.json", Some("lang/de.json")),
            ("my logo.svg", Some("my logo.svg")),
            ("same.css", Some("style.css")),
            ("other.css", None),
            ("lang", None),
            ("", None),
            ("lang/", None),
            ("style.css/x", None),
            (".env", None),
            ("out.css", None),
            ("up/ocrch.toml", None),
            ("dangling.css", None),
            ("../ocrch.toml", None),
            ("lang/../../ocrch.toml", None),
            ("./style.css", None),
            ("/etc/passwd", None),
            ("a\0b", None),
        ] {
            let content = read(&dir, name).map(|bytes| String::from_utf8(bytes).unwrap());
            assert_eq!(content.as_deref(), found, "{name}");
        }
        assert_eq!(read(&place.path().join("gone"), "style.css"), None);
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("big.js"), vec![b' '; LARGEST as usize + 1]).unwrap();
        assert_eq!(read(dir.path(), "big.js"), None);
    }
}
