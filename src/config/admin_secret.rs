//! The admin's secret: hashed, and replaced in the file by its hash.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

/// The Argon2id hash of a secret with a fresh salt, as a PHC string. Secrets travel in a header: those that none can carry, or
/// that browsers and other clients write there in different ways, would never be right.
pub fn hash_admin_secret(plain: &str) -> Result<String, String> {
    if !plain.bytes().all(|b| b.is_ascii_graphic() || b == b' ') || plain.trim() != plain {
        return Err(
            "found a secret that does not fit into a header, expected one of letters without accents, digits \
             and signs such as - . ! ?, without a space at either end"
                .to_owned(),
        );
    }
    let hash = Argon2::default().hash_password(plain.as_bytes());
    let hash = hash.map_err(|e| format!("cannot be hashed: {e}"))?;
    Ok(hash.to_string())
}

/// What is to be said of a plain secret that is taken but weak, as it goes on after the secret's name.
pub fn weakness_of_admin_secret(plain: &str) -> Option<&'static str> {
    let is_short = plain.chars().count() < 12;
    is_short.then_some("has fewer than 12 characters: who guesses it can mark orders paid")
}

/// Whether a hash is that of a secret. Takes as long as the hash's parameters ask for, right or wrong.
pub fn verify_admin_secret(secret: &[u8], hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(secret, &hash).is_ok())
}

/// Says what is wrong with what looks like a PHC string.
pub(super) fn check_hash(hash: &str) -> Result<(), String> {
    let reason = match PasswordHash::new(hash) {
        Ok(parsed) if parsed.hash.is_some() => return Ok(()),
        Ok(_) => "it ends early".to_owned(),
        Err(e) => e.to_string(),
    };
    Err(format!(
        "found a broken Argon2 hash ({reason}), expected a whole one (`ocrch hash-secret` makes one) or a plain secret"
    ))
}

/// Puts the hash in the place of the quoted text at a byte offset of a file and leaves every other byte as
/// it is. Atomic: a crash leaves the old file or the new one. Mode is kept, owner where we may.
pub(super) fn replace(path: &Path, start: usize, quoted: &str, hash: &str) -> io::Result<()> {
    // A link stays a link: the file it leads to is the one to change.
    let path = fs::canonicalize(path)?;
    let metadata = fs::metadata(&path)?;
    if metadata.permissions().readonly() {
        return Err(io::Error::other("it is read-only"));
    }
    // Renaming needs only the directory's permission, but who may not write the file shall not replace it.
    OpenOptions::new().write(true).open(&path)?;
    let text = fs::read_to_string(&path)?;
    let (before, rest) = text.split_at_checked(start).ok_or_else(changed)?;
    let after = rest.strip_prefix(quoted).ok_or_else(changed)?;
    let dir = path.parent().unwrap_or(Path::new("/"));
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    // No character of a PHC string needs escaping.
    write!(file, "{before}\"{hash}\"{after}")?;
    // The owner first: changing it can clear bits of the mode.
    keep_owner(file.as_file(), &metadata);
    file.as_file().set_permissions(metadata.permissions())?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|e| e.error)?;
    // The rename itself is on disk only with its directory.
    File::open(dir)?.sync_all()
}

fn changed() -> io::Error {
    io::Error::other("it has changed meanwhile")
}

/// Only root may give a file away: without that right the file is ours, as if we had written it.
fn keep_owner(file: &File, old: &fs::Metadata) {
    use std::os::unix::fs::{MetadataExt, fchown};
    let _ = fchown(file, Some(old.uid()), Some(old.gid()));
}
