//! A file on disk to a checked [`Config`].

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::parse::{parse, parse_database};
use super::report::{ConfigError, ConfigErrors};
use super::{Config, Secret, admin_secret};

/// A file that was read and is right.
#[derive(Debug)]
pub struct Loaded {
    pub config: Config,
    /// What works but is probably not meant, for the log.
    pub warnings: Vec<String>,
    plain: Option<PlainSecret>,
}

/// An admin secret that stands plain in a file.
#[derive(Debug)]
struct PlainSecret {
    path: PathBuf,
    at: Range<usize>,
    /// As it is written, quotes included.
    quoted: Secret,
}

/// Reads and checks a file. Changes nothing on disk: see [`Loaded::seal`].
pub fn load(path: &Path) -> Result<Loaded, ConfigErrors> {
    let File { text, name, path } = File::read(path)?;
    let parsed = parse(&text, &name, directory(&path))?;
    let plain = |at: Range<usize>| PlainSecret {
        path: path.clone(),
        quoted: Secret::new(&text[at.clone()]),
        at,
    };
    Ok(Loaded {
        plain: parsed.plain_admin_secret.map(plain),
        config: parsed.config,
        warnings: parsed.warnings,
    })
}

/// Where a file says the database is; nothing else of it is looked at. So a database can be backed up by who may not read
/// the secrets, and restored before the rest of the file is right again.
pub fn database_path(path: &Path) -> Result<PathBuf, ConfigErrors> {
    let File { text, name, path } = File::read(path)?;
    Ok(parse_database(&text, &name, directory(&path))?.path)
}

struct File {
    text: String,
    /// As the user named it.
    name: String,
    /// Absolute.
    path: PathBuf,
}

impl File {
    fn read(path: &Path) -> Result<Self, ConfigErrors> {
        let name = path.display().to_string();
        let wrong = |line: Option<usize>, message: String| ConfigErrors {
            file: name.clone(),
            errors: vec![ConfigError {
                line,
                key: String::new(),
                message,
            }],
        };
        let unreadable = |message: String| wrong(None, message);
        let bytes = std::fs::read(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => {
                unreadable("no such file (`ocrch init` writes one)".to_owned())
            }
            _ => unreadable(format!("cannot be read: {e}")),
        })?;
        let text = String::from_utf8(bytes).map_err(|e| {
            let read = &e.as_bytes()[..e.utf8_error().valid_up_to()];
            let line = 1 + read.iter().filter(|byte| **byte == b'\n').count();
            let message = "found a letter in another encoding, expected UTF-8: choose it in your editor where it saves";
            wrong(Some(line), message.to_owned())
        })?;
        let path = std::path::absolute(path).map_err(|e| unreadable(e.to_string()))?;
        Ok(Self { text, name, path })
    }
}

/// What relative paths in a file are relative to.
fn directory(file: &Path) -> &Path {
    file.parent().unwrap_or(file)
}

impl Loaded {
    /// Replaces a plain admin secret in the file by its hash; whether there was one to replace.
    /// The error is a warning for the log, with the hash to paste: the configuration is good without it.
    pub fn seal(&self) -> Result<bool, String> {
        let Some(plain) = &self.plain else {
            return Ok(false);
        };
        let hash = &self.config.admin.secret_hash;
        admin_secret::replace(&plain.path, plain.at.start, plain.quoted.expose(), hash).map_err(|e| {
            let path = plain.path.display();
            format!("admin.secret stands plain in {path}, which cannot be changed ({e}); replace it there by this hash: {hash}")
        })?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use argon2::password_hash::{PasswordVerifier, phc::PasswordHash};

    use super::*;

    const BEFORE: &str = "# My shop\r\n[admin]\n\tsecret =  ";
    const AFTER: &str =
        "  # keep me\n[merchant]\nsecret='0123456789abcdef'\n\n# end, no line break";

    fn file(dir: &Path, quoted: &str) -> PathBuf {
        let path = dir.join("ocrch.toml");
        fs::write(&path, format!("{BEFORE}{quoted}{AFTER}")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        path
    }

    fn hash_in(path: &Path) -> String {
        let text = fs::read_to_string(path).unwrap();
        let hash = text
            .strip_prefix(BEFORE)
            .and_then(|t| t.strip_suffix(AFTER));
        hash.unwrap_or_else(|| panic!("{text}"))
            .trim_matches('"')
            .to_owned()
    }

    fn verifies(plain: &str, hash: &str) -> bool {
        let hash = PasswordHash::new(hash).unwrap();
        argon2::Argon2::default()
            .verify_password(plain.as_bytes(), &hash)
            .is_ok()
    }

    #[test]
    fn a_plain_secret_is_replaced_by_its_hash_and_nothing_else_changes() {
        for quoted in [
            "\"pass \\\"word\\\" $\"",
            "'pass \"word\" $'",
            "\"\"\"\npass \"word\" $\"\"\"",
        ] {
            let dir = tempfile::tempdir().unwrap();
            let path = file(dir.path(), quoted);
            assert!(load(&path).unwrap().seal().unwrap());
            let hash = hash_in(&path);
            assert!(verifies("pass \"word\" $", &hash), "{quoted}");
            assert!(
                hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
                "{hash}"
            );
            assert_eq!(
                fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                0o640
            );
            assert_eq!(
                fs::read_dir(dir.path()).unwrap().count(),
                1,
                "nothing is left behind"
            );
            let again = load(&path).unwrap();
            assert_eq!(again.config.admin.secret_hash, hash);
            assert!(!again.seal().unwrap());
        }
    }

    #[test]
    fn a_linked_file_is_changed_where_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(dir.path(), "\"a plain secret\"");
        fs::create_dir(dir.path().join("etc")).unwrap();
        let link = dir.path().join("etc/ocrch.toml");
        symlink("../ocrch.toml", &link).unwrap();
        let loaded = load(&link).unwrap();
        assert_eq!(loaded.config.database.path, dir.path().join("etc/ocrch.db"));
        assert!(loaded.seal().unwrap());
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(verifies("a plain secret", &hash_in(&path)));
    }

    #[test]
    fn a_read_only_file_is_left_alone_and_the_hash_is_shown() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(dir.path(), "\"a plain secret\"");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        let loaded = load(&path).unwrap();
        let warning = loaded.seal().unwrap_err();
        assert!(warning.contains("it is read-only"), "{warning}");
        assert!(
            warning.ends_with(&loaded.config.admin.secret_hash),
            "{warning}"
        );
        assert!(!warning.contains("a plain secret"), "{warning}");
        assert_eq!(hash_in(&path), "a plain secret");
    }

    #[test]
    fn a_file_edited_meanwhile_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(dir.path(), "\"a plain secret\"");
        let loaded = load(&path).unwrap();
        file(dir.path(), "\"another secret\"");
        assert!(
            loaded
                .seal()
                .unwrap_err()
                .contains("it has changed meanwhile")
        );
        assert_eq!(hash_in(&path), "another secret");
    }

    #[test]
    fn where_the_database_is_can_be_read_from_half_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ocrch.toml");
        let check = |text: &str, expected: &str| {
            fs::write(&path, text).unwrap();
            assert_eq!(database_path(&path).unwrap(), dir.path().join(expected));
        };
        check("merchant.secret_file = \"/no/such\"", "ocrch.db");
        check("[database]\npath = \"data/shop.db\"", "data/shop.db");
        check(
            "[database]\npath = \"/var/lib/shop.db\"",
            "/var/lib/shop.db",
        );
        fs::write(&path, "[database]\npath = 5").unwrap();
        let error = database_path(&path).unwrap_err().to_string();
        assert!(
            error.contains("ocrch.toml:2: database.path: found 5, expected"),
            "{error}"
        );
        fs::write(&path, "[database").unwrap();
        let error = database_path(&path).unwrap_err().to_string();
        assert!(
            error.contains("expected ] at the end of the heading"),
            "{error}"
        );
    }

    #[test]
    fn a_missing_file_says_how_to_make_one() {
        let error = load(Path::new("no/such.toml")).unwrap_err().to_string();
        assert_eq!(
            error,
            "no/such.toml: no such file (`ocrch init` writes one)"
        );
    }

    #[test]
    fn errors_name_the_file_and_the_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("shop.toml");
        fs::write(&path, "[admin]\nsecret = 5\n").unwrap();
        let error = load(&path).unwrap_err().to_string();
        let lines: Vec<_> = error.lines().collect();
        assert!(
            lines[0].contains("shop.toml: merchant.secret: missing"),
            "{error}"
        );
        assert!(
            lines[1].contains("shop.toml:2: admin.secret: found a value of type integer"),
            "{error}"
        );
    }

    #[test]
    fn another_encoding_is_told_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ocrch.toml");
        fs::write(&path, b"[merchant]\nname = \"B\xe4ckerei\"\n").unwrap();
        let said = load(&path).unwrap_err().to_string();
        assert!(
            said.contains("ocrch.toml:2: found a letter in another encoding, expected UTF-8"),
            "{said}"
        );
    }
}
