//! What can go wrong with the journal, in terms of what the user can do about it.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// What can go wrong with the journal. Every message says what to do next, and nothing that was kept
/// is lost by any of these: a call that failed has changed nothing and can be made again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// A folder or file of the journal cannot be made, opened or locked.
    #[error("cannot keep sessions in `{}`: {source}; mend that, or name another folder with `--data-dir`", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The journal cannot be written.
    #[error("the journal `{}` cannot be opened for writing ({source}); make it and its folder writable, or name another folder with `--data-dir`", path.display())]
    NotWritable {
        /// The journal.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// No space is left, or the disk failed.
    #[error("cannot write the journal `{}` ({source}): the disk is full or failing; what was kept so far is safe; free some space and try again", path.display())]
    Disk {
        /// The journal.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// Another process writes the journal and does not come to an end.
    #[error("another program holds the journal `{}`; close it, or try again in a moment", path.display())]
    Busy {
        /// The journal.
        path: PathBuf,
    },
    /// The journal is damaged.
    #[error("the journal `{}` is damaged ({source}); it was left as it is, and the recordings beside it are whole; move it away to start a new one (`sqlite3 {} .recover` saves what can be read)", path.display(), path.display())]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A database of another program stands where the journal should be.
    #[error("`{}` is a database of another program; it was left as it is; move it away, or name another folder with `--data-dir`", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The journal was written by a newer viva.
    #[error("the journal `{}` was written by a newer viva (version {found}; this one knows version {known}); it was left as it is; update viva, or name another folder with `--data-dir`", path.display())]
    Newer {
        /// The journal.
        path: PathBuf,
        /// The journal's version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// Something in the journal is not what this program would have written there.
    #[error(
        "the journal `{}` holds something that this viva cannot read ({source}); it was left as it is; update viva, or report this",
        path.display()
    )]
    Unreadable {
        /// The journal.
        path: PathBuf,
        /// What was wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no such session.
    #[error("there is no session `{asked}`{}", hint(nearest.as_deref()))]
    UnknownSession {
        /// What was asked for.
        asked: String,
        /// The session whose id is most like it.
        nearest: Option<String>,
    },
    /// Several sessions begin like that.
    #[error("`{asked}` is the beginning of several sessions ({}); give more of the one you mean", candidates.join(", "))]
    AmbiguousSession {
        /// What was asked for.
        asked: String,
        /// The sessions that begin like that, newest first.
        candidates: Vec<String>,
    },
    /// The session is running in another process.
    #[error("session `{id}` is still running in another terminal; go on there, or end it first")]
    Running {
        /// The session.
        id: String,
    },
    /// A fault of ours.
    #[error("the journal `{}` refused what viva asked of it: {source}", path.display())]
    Fault {
        /// The journal.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

impl JournalError {
    /// Sorts what SQLite says into what can be done about it.
    pub(super) fn of(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        if let rusqlite::Error::FromSqlConversionFailure(_, _, source) = source {
            return Self::Unreadable { path, source };
        }
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure) => Self::Disk { path, source },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::NotWritable { path, source }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { path, source },
            _ => Self::Fault { path, source },
        }
    }

    /// Whether this is a mistake of the program, which the user cannot mend.
    pub fn is_fault(&self) -> bool {
        matches!(self, Self::Fault { .. })
    }
}

fn hint(nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("; did you mean `{nearest}`? `viva review` lists all sessions"),
        None => "; nothing has been practised yet: begin with `viva practice`".to_owned(),
    }
}
