//! Whole, checked copies of a database file, put in their place in one step.

use std::fs::{self, File, Metadata, TryLockError};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::migrate;

/// The tables by which a file is known to be one of ours, whatever its version.
const OURS: &[&str] = &["orders", "deposits", "transfers", "cursors", "events"];

/// How SQLite's files begin: <https://www.sqlite.org/fileformat2.html#magic_header_string>.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// What a copy holds, for people who must decide about it.
#[derive(Clone, Debug)]
pub struct Contents {
    pub orders: u64,
    pub transfers: u64,
    /// When the last order was made, as "2026-11-23 01:43:07" in UTC.
    pub last_order_at: Option<String>,
    /// The file's size.
    pub bytes: u64,
}

/// Why there is no copy. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error("{}: no such file", .0.display())]
    Missing(PathBuf),
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    #[error("{} is the live database, or belongs to it: choose another name", .0.display())]
    Live(PathBuf),
    #[error("{} is the database of a server, or was: {} lies beside it. Choose another name", .0.display(), .1.display())]
    OfAServer(PathBuf, PathBuf),
    #[error("{} is no earlier backup, so it was left as it is: choose another name", .0.display())]
    NoBackup(PathBuf),
    #[error("{}: another ocrch is writing to it", .0.display())]
    Busy(PathBuf),
    #[error("{}: not a database of ocrch", .0.display())]
    Foreign(PathBuf),
    #[error("{}: damaged: {what}", .path.display())]
    Damaged { path: PathBuf, what: String },
    #[error("{}: written by a newer version (its schema is {found}, this version knows {known})", .path.display())]
    Newer {
        path: PathBuf,
        found: u32,
        known: u32,
    },
    #[error("{}: {}", .0.display(), .1)]
    File(PathBuf, std::io::Error),
    #[error("{}: {}", .0.display(), .1)]
    Sqlite(PathBuf, rusqlite::Error),
}

/// Copies a database, which may be in use, to a file that is its owner's only. The copy is as of one moment, checked,
/// on disk, and there entirely or not at all. An existing file is replaced only if `replace` says so.
pub fn copy(database: &Path, to: &Path, replace: bool) -> Result<Contents, CopyError> {
    copy_up_to(migrate::latest(), database, to, replace)
}

/// [`copy`] of a file whose schema is not above this one.
pub(super) fn copy_up_to(
    known: u32,
    database: &Path,
    to: &Path,
    replace: bool,
) -> Result<Contents, CopyError> {
    refuse_live(database, to)?;
    refuse_other_servers(to)?;
    refuse_foreign(to)?;
    let mut partial = Partial::create(to)?;
    if to.exists() && !replace {
        return Err(CopyError::Exists(to.to_owned()));
    }
    let contents = partial.fill(database, known)?;
    if to.exists() && !replace {
        return Err(CopyError::Exists(to.to_owned()));
    }
    partial.finish()?;
    Ok(contents)
}

/// What is written must not be a file of the database, under whatever name: a server may be working in it, and none of
/// them need exist for its name to be taken.
fn refuse_live(database: &Path, to: &Path) -> Result<(), CopyError> {
    let named = [database.to_owned(), real_path(database)];
    let suffixes = ["", "-wal", "-shm", "-journal", ".lock"];
    let live: Vec<PathBuf> = named
        .iter()
        .flat_map(|path| suffixes.map(|suffix| beside(path, suffix)))
        .collect();
    for written in [to.to_owned(), partial_of(to)] {
        let is_live =
            |path: &PathBuf| is_same_file(path, &written) || real_path(path) == real_path(&written);
        if live.iter().any(is_live) {
            return Err(CopyError::Live(to.to_owned()));
        }
    }
    Ok(())
}

/// Nor must it be another shop's database, which looks like an earlier copy but for what a server leaves beside it.
fn refuse_other_servers(to: &Path) -> Result<(), CopyError> {
    let beside_it = [to.to_owned(), real_path(to)]
        .into_iter()
        .flat_map(|path| ["-wal", ".lock"].map(|suffix| beside(&path, suffix)));
    match beside_it.into_iter().find(|path| path.exists()) {
        Some(found) => Err(CopyError::OfAServer(to.to_owned(), found)),
        None => Ok(()),
    }
}

/// What is replaced must be an earlier copy, however damaged: a configuration, say, is not, whose name was given by mistake.
fn refuse_foreign(to: &Path) -> Result<(), CopyError> {
    let failed = |error| CopyError::File(to.to_owned(), error);
    let mut beginning = Vec::new();
    match File::open(to) {
        Ok(file) => file.take(SQLITE.len() as u64).read_to_end(&mut beginning),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => Err(error),
    }
    .map_err(failed)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let is_ours = || Connection::open_with_flags(to, flags).and_then(|c| has_our_tables(&c));
    match beginning.is_empty() || beginning == SQLITE && is_ours().unwrap_or(true) {
        true => Ok(()),
        false => Err(CopyError::NoBackup(to.to_owned())),
    }
}

/// A file under a name of its own beside the one it will become. Removed when dropped before it is finished; one that a
/// killed process left behind is taken over by the next.
pub(super) struct Partial {
    path: PathBuf,
    becomes: PathBuf,
    /// Held for the lock on it. Closed last: closing it would end SQLite's own locks on the file.
    file: File,
    finished: bool,
}

impl Partial {
    pub fn create(becomes: &Path) -> Result<Self, CopyError> {
        let path = partial_of(becomes);
        let failed = |error| CopyError::File(path.clone(), error);
        loop {
            let file = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .mode(0o600)
                .open(&path)
                .map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(CopyError::Busy(becomes.to_owned())),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
            // Its last user may have finished or removed it between the two calls.
            if is_still(&file, &path) {
                file.set_len(0).map_err(failed)?;
                return Ok(Self {
                    path,
                    becomes: becomes.to_owned(),
                    file,
                    finished: false,
                });
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Copies the database's committed state into this file, as of one moment, and checks that the copy is whole, and
    /// its schema not above the known one.
    pub fn fill(&mut self, database: &Path, known: u32) -> Result<Contents, CopyError> {
        if !database.is_file() {
            return Err(CopyError::Missing(database.to_owned()));
        }
        copy_pages(database, &self.path).map_err(|error| match error.sqlite_error_code() {
            // It is the copy that finds no room.
            Some(ErrorCode::DiskFull) => explain(&self.becomes, error),
            _ => explain(database, error),
        })?;
        let copy = Connection::open(&self.path).map_err(|error| explain(database, error))?;
        check(&copy, known, database)?;
        let bytes = fs::metadata(&self.path).map_or(0, |m| m.len());
        contents(&copy, bytes).map_err(|error| explain(database, error))
    }

    /// Puts the file on disk and in its place.
    pub fn finish(self) -> Result<(), CopyError> {
        let becomes = self.becomes.clone();
        let placed = self.sync().and_then(|()| self.place());
        placed
            .and_then(|()| sync_dir(&becomes))
            .map_err(|error| CopyError::File(becomes, error))
    }

    /// Puts the file on disk.
    pub fn sync(&self) -> std::io::Result<()> {
        self.file.sync_all()
    }

    /// Gives the file its name, in the place of the one that has it.
    pub fn place(mut self) -> std::io::Result<()> {
        fs::rename(&self.path, &self.becomes)?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.finished {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn partial_of(becomes: &Path) -> PathBuf {
    beside(becomes, ".partial")
}

/// The path with something appended to its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Makes a rename or removal in the file's directory last.
pub(super) fn sync_dir(path: &Path) -> std::io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    File::open(dir.unwrap_or(Path::new(".")))?.sync_all()
}

/// What an error of SQLite means for the file it came from.
pub(super) fn explain(path: &Path, error: rusqlite::Error) -> CopyError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => CopyError::Foreign(path.to_owned()),
        Some(ErrorCode::DatabaseCorrupt) => CopyError::Damaged {
            path: path.to_owned(),
            what: error.to_string(),
        },
        _ => CopyError::Sqlite(path.to_owned(), error),
    }
}

/// Where a path leads: links followed as far as there is something, also one to a file that is yet to be made.
pub(super) fn real_path(path: &Path) -> PathBuf {
    let there = path.canonicalize().or_else(|error| {
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
        let dir = dir.unwrap_or(Path::new(".")).canonicalize()?;
        match path.read_link() {
            // Links in a circle would be followed for ever, but are another error.
            Ok(to) if error.kind() == std::io::ErrorKind::NotFound => Ok(real_path(&dir.join(to))),
            _ => Ok::<_, std::io::Error>(dir.join(path.file_name().unwrap_or_default())),
        }
    });
    there.unwrap_or_else(|_| path.to_owned())
}

/// Whether two names, links included, are of one file.
pub(super) fn is_same_file(a: &Path, b: &Path) -> bool {
    is_one(fs::metadata(a), fs::metadata(b))
}

fn is_still(file: &File, path: &Path) -> bool {
    is_one(file.metadata(), fs::metadata(path))
}

fn is_one(a: std::io::Result<Metadata>, b: std::io::Result<Metadata>) -> bool {
    matches!((a, b), (Ok(a), Ok(b)) if (a.dev(), a.ino()) == (b.dev(), b.ino()))
}

/// All pages in one step: that is one read transaction, which no writer waits for and no write disturbs.
fn copy_pages(from: &Path, to: &Path) -> Result<(), rusqlite::Error> {
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    source.busy_timeout(Duration::from_secs(10))?;
    let mut copy = Connection::open(to)?;
    // Until it is finished the file is worth nothing, so it needs no journal, and one sync at the end.
    copy.pragma_update(None, "journal_mode", "OFF")?;
    copy.pragma_update(None, "synchronous", "OFF")?;
    match Backup::new(&source, &mut copy)?.step(-1)? {
        StepResult::Done => {}
        _ => return Err(locked()),
    }
    // The source's journal mode came with it; the copy is to be one file, readable also where nothing can be written.
    copy.pragma_update(None, "journal_mode", "DELETE")
}

fn locked() -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
    rusqlite::Error::SqliteFailure(code, Some("locked by another program".to_owned()))
}

/// That the file is ours, of no newer version, and whole.
fn check(copy: &Connection, known: u32, named: &Path) -> Result<(), CopyError> {
    let failed = |error| explain(named, error);
    let found = migrate::schema(copy).map_err(failed)?;
    if found == 0 || !has_our_tables(copy).map_err(failed)? {
        return Err(CopyError::Foreign(named.to_owned()));
    }
    if found > known {
        return Err(CopyError::Newer {
            path: named.to_owned(),
            found,
            known,
        });
    }
    match damage(copy).map_err(failed)? {
        Some(what) => Err(CopyError::Damaged {
            path: named.to_owned(),
            what,
        }),
        None => Ok(()),
    }
}

pub(super) fn has_our_tables(copy: &Connection) -> Result<bool, rusqlite::Error> {
    let mut find =
        copy.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1")?;
    for table in OURS {
        if !find.exists([table])? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn damage(copy: &Connection) -> Result<Option<String>, rusqlite::Error> {
    let found: String = copy.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        return Ok(Some(found));
    }
    let orphans = copy.prepare("PRAGMA foreign_key_check")?.exists([])?;
    Ok(orphans.then(|| "rows refer to rows that are not there".to_owned()))
}

fn contents(copy: &Connection, bytes: u64) -> Result<Contents, rusqlite::Error> {
    copy.query_row(
        "SELECT count(*), (SELECT count(*) FROM transfers), datetime(max(created_at), 'unixepoch') FROM orders",
        [],
        |row| {
            Ok(Contents {
                orders: row.get(0)?,
                transfers: row.get(1)?,
                last_order_at: row.get(2)?,
                bytes,
            })
        },
    )
}
