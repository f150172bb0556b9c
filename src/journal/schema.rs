//! Opening the database: private files, durable settings, versioned migrations.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::JournalError;

/// Step `n` leads from version `n` (`user_version`) to `n + 1`. Steps are never changed once released.
const MIGRATIONS: &[&str] = &[include_str!("schema.sql")];

/// Marks a database as viva's ("viva" in ASCII), so that no other program's is migrated.
const APPLICATION_ID: i64 = 0x7669_7661;

/// The database's name in the data folder; SQLite adds `-wal` and `-shm` beside it.
pub(super) const FILE_NAME: &str = "journal.sqlite3";

/// How long to wait for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// What else may stand in a data folder that nobody but viva uses.
const OWN_ENTRIES: &[&str] = &["recordings", "models", "loops", "voice", "learned.toml"];

/// The newest version that this program knows.
pub(super) const fn known_version() -> i64 {
    MIGRATIONS.len() as i64
}

/// Makes a folder that only its owner can look into; one that exists already is left as it is.
pub(super) fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Makes the data folder, or closes an existing one to others if nothing but viva uses it: somebody
/// may have said `--data-dir ~`.
pub(super) fn private_data_folder(path: &Path) -> io::Result<()> {
    private_folder(path)?;
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        let own =
            name.to_str().is_some_and(|name| name.starts_with(FILE_NAME) || OWN_ENTRIES.contains(&name));
        if !own {
            return Ok(());
        }
    }
    only_for_owner(path, 0o700)
}

/// Opens the database, creating it if it is not there, and brings it to the newest version.
pub(super) fn open(path: &Path) -> Result<Connection, JournalError> {
    let folder = |source| JournalError::Folder { path: path.to_owned(), source };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // SQLite gives its own files the mode of this one, so that it must be right before SQLite sees it.
    drop(options.open(path).map_err(folder)?);
    only_for_owner(path, 0o600).map_err(folder)?;

    let failed = |source| JournalError::of(path, source);
    // Without the default flags, for which a name that begins with `file:` is a URI.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    // Not even the write-ahead log of a newer version is touched.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(failed)?;
    check_owner(&connection, path)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map_err(failed)?;
    write_ahead(&connection).map_err(failed)?;
    prepare(&mut connection).map_err(failed)?;
    Ok(connection)
}

/// A database that vanishes with the connection.
pub(super) fn open_in_memory() -> Result<Connection, JournalError> {
    let path = Path::new(":memory:");
    let mut connection = Connection::open_in_memory().map_err(|source| JournalError::of(path, source))?;
    prepare(&mut connection).map_err(|source| JournalError::of(path, source))?;
    Ok(connection)
}

fn only_for_owner(path: &Path, mode: u32) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let permissions = fs::metadata(path)?.permissions();
        if permissions.mode() & 0o077 != 0 {
            // Memory sticks have no modes; that is no reason not to keep sessions there.
            _ = fs::set_permissions(path, fs::Permissions::from_mode(mode));
        }
    }
    #[cfg(not(unix))]
    let _ = (path, mode);
    Ok(())
}

fn check_owner(connection: &Connection, path: &Path) -> Result<(), JournalError> {
    let failed = |source| JournalError::of(path, source);
    // One transaction, since another program may be making the journal at this moment.
    let transaction = connection.unchecked_transaction().map_err(failed)?;
    let application: i64 = transaction.pragma_query_one(None, "application_id").map_err(failed)?;
    let version: i64 = transaction.pragma_query_one(None, "user_version").map_err(failed)?;
    let tables: i64 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    drop(transaction);
    if application != APPLICATION_ID && (tables > 0 || version != 0) {
        return Err(JournalError::Foreign { path: path.to_owned() });
    }
    if version > known_version() {
        return Err(JournalError::Newer { path: path.to_owned(), found: version, known: known_version() });
    }
    Ok(())
}

/// Switching to the write-ahead log needs the database for itself and does not wait for it.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let mode: String = connection.pragma_query_one(None, "journal_mode")?;
    if mode == "wal" {
        return Ok(());
    }
    let mut attempts = 0;
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0)) {
            Ok(_) => return Ok(()),
            Err(error)
                if attempts < 100 && error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) =>
            {
                attempts += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) => return Err(error),
        }
    }
}

fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    let version: i64 = connection.pragma_query_one(None, "user_version")?;
    if version < known_version() {
        // Immediate: of two programs that start at once the second waits, and then finds nothing to do.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        migrate(&transaction)?;
        transaction.commit()?;
    }
    Ok(())
}

fn migrate(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let version: i64 = transaction.pragma_query_one(None, "user_version")?;
    for migration in MIGRATIONS.iter().skip(usize::try_from(version).unwrap_or(usize::MAX)) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", known_version())
}
