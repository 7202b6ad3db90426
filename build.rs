//! Compresses the large vendored files, so that the binary carries, and mostly serves, a quarter of them.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use flate2::{Compression, GzBuilder};

fn main() -> io::Result<()> {
    let variable = |name| std::env::var(name).map_err(io::Error::other);
    let source = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("assets/vendor");
    let target = Path::new(&variable("OUT_DIR")?).join("vendor");
    println!("cargo::rerun-if-changed={}", source.display());
    if target.exists() {
        fs::remove_dir_all(&target)?;
    }
    compress(&source, &target)
}

/// Each file of a folder under its own name in another. The same files give the same bytes: no time is written.
fn compress(source: &Path, target: &Path) -> io::Result<()> {
    fs::create_dir_all(target)?;
    for entry in fs::read_dir(source)? {
        let entry = entry?;
        let (from, to) = (entry.path(), target.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            compress(&from, &to)?;
        } else {
            let mut encoder = GzBuilder::new().write(File::create(to)?, Compression::best());
            io::copy(&mut File::open(from)?, &mut encoder)?;
            encoder.finish()?;
        }
    }
    Ok(())
}
