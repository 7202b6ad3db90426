//! A file on disk to a checked [`Config`].

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::parse::parse;
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
    let file = path.display().to_string();
    let unreadable = |message: String| ConfigErrors {
        file: file.clone(),
        errors: vec![ConfigError {
            line: None,
            key: String::new(),
            message,
        }],
    };
    let text = std::fs::read_to_string(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            unreadable("no such file (`ocrch init` writes one)".to_owned())
        }
        _ => unreadable(format!("cannot be read: {e}")),
    })?;
    let absolute = std::path::absolute(path).map_err(|e| unreadable(e.to_string()))?;
    let dir = absolute.parent().unwrap_or(&absolute);
    let parsed = parse(&text, &file, dir)?;
    let plain = |at: Range<usize>| PlainSecret {
        path: absolute.clone(),
        quoted: Secret::new(&text[at.clone()]),
        at,
    };
    Ok(Loaded {
        plain: parsed.plain_admin_secret.map(plain),
        config: parsed.config,
        warnings: parsed.warnings,
    })
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
