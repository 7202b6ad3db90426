//! `ocrch init`: write a commented config with fresh secrets.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::ConfigArg;
use super::print::print;

/// The example, with a placeholder for each of the two secrets.
const TEMPLATE: &str = include_str!("../../ocrch.toml");
const PLACEHOLDER: &str = "\"change me\"";

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArg,
}

/// Writes the file and says what to do next; asks nothing, overwrites nothing.
pub fn run(args: Args) -> Result<(), String> {
    let path = &args.config.config;
    write(path)?;
    let file = path.display();
    let option = match path == Path::new("ocrch.toml") {
        true => String::new(),
        false => format!(" -c {file}"),
    };
    print(format!(
        "Wrote {file} with fresh secrets; only you can read it. Next:

  1. Put your wallet's address under [[wallets]] in it.
  2. ocrch check{option}    looks at everything, and says what is wrong
  3. ocrch serve{option}    runs the server

Keep the admin's secret (under [admin]) somewhere safe: at its first start the server
replaces it by a hash. Your shop needs the merchant's secret (under [merchant])."
    ))
}

fn write(path: &Path) -> Result<(), String> {
    let shown = path.display();
    let explain = |e: io::Error| match e.kind() {
        io::ErrorKind::AlreadyExists => format!("{shown} exists already: left as it is"),
        _ => format!("cannot write {shown}: {e}"),
    };
    let text = with_fresh_secrets()?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(explain)?;
    file.write_all(text.as_bytes()).map_err(explain)?;
    file.sync_all().map_err(explain)
}

fn with_fresh_secrets() -> Result<String, String> {
    let mut text = TEMPLATE.to_owned();
    while text.contains(PLACEHOLDER) {
        text = text.replacen(PLACEHOLDER, &format!("\"{}\"", fresh_secret()?), 1);
    }
    Ok(text)
}

/// 32 random bytes, in characters that need no quoting anywhere.
fn fresh_secret() -> Result<String, String> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).map_err(|e| format!("no randomness: {e}"))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::config::load;

    #[test]
    fn what_is_written_loads_has_secrets_and_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (dir.path().join("one.toml"), dir.path().join("other.toml"));
        write(&one).unwrap();
        write(&other).unwrap();
        let (loaded, other) = (load(&one).unwrap(), load(&other).unwrap());
        assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
        let secret = loaded.config.merchant.secret;
        assert_eq!(secret.expose().len(), 43);
        assert_ne!(secret, other.config.merchant.secret);
        let mode = std::fs::metadata(&one).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let text = std::fs::read_to_string(&one).unwrap();
        assert_eq!(
            text.matches(secret.expose()).count(),
            1,
            "the admin has another"
        );
    }

    #[test]
    fn nothing_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ocrch.toml");
        std::fs::write(&path, "mine").unwrap();
        assert!(
            write(&path)
                .unwrap_err()
                .ends_with("exists already: left as it is")
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
        let nowhere = dir.path().join("no/such/ocrch.toml");
        assert!(write(&nowhere).unwrap_err().starts_with("cannot write "));
    }
}
