//! What is kept: SQLite beside the recordings, and recovery after a crash.
//!
//! The data folder holds `journal.sqlite3` and `recordings/SESSION/`, one folder a session with its
//! recordings and a lock file. Whoever runs a session, or mends one, holds that lock; it goes with
//! the process, so that a session that is `running` but not locked has been cut off.
//!
//! Everything is written the moment it exists, each in a transaction of its own. A call that fails has
//! changed nothing and can be made again.

/// Lets an enum stand in the database and in JSON by its variants' names.
macro_rules! stored_by_name {
    ($type:ty, $($variant:ident => $name:literal),+) => {
        impl $type {
            /// The name in the journal, in JSON and on the screen.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl rusqlite::types::ToSql for $type {
            fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
                Ok(self.name().into())
            }
        }

        impl rusqlite::types::FromSql for $type {
            fn column_result(
                value: rusqlite::types::ValueRef<'_>,
            ) -> rusqlite::types::FromSqlResult<Self> {
                match value.as_str()? {
                    $($name => Ok(Self::$variant),)+
                    _ => Err(rusqlite::types::FromSqlError::InvalidType),
                }
            }
        }
    };
}

mod error;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod fixtures;
mod read;
mod recovery;
mod schema;
mod session;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde::Serialize;
use tempfile::TempDir;

use crate::assessment::Assessment;
use crate::coverage::{PointVerdict, Verdict};
use crate::recognise::Recognised;

pub use error::JournalError;
pub use read::{
    AnswerState, Content, KeptAnswer, KeptAssessment, KeptCorrection, KeptSession, KeptTake, KeptTranscript,
    QuestionTally, Resumable, Summary, Waiting,
};
pub use recovery::{Hold, Recovered};
pub use session::{SessionHandle, Take};

/// Everything that was ever practised here. Cheap to clone; clones share one connection.
#[derive(Debug, Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    connection: Mutex<Connection>,
    /// The database, for messages.
    path: PathBuf,
    recordings: PathBuf,
    /// Holds the recordings of an in-memory journal.
    _temporary: Option<TempDir>,
}

/// An answer's row in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AnswerId(i64);

/// A take's row in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TakeId(i64);

/// How far a session came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionState {
    /// Somebody is practising right now (or it was cut off, and nobody has looked yet).
    Running,
    /// All questions were asked.
    Finished,
    /// The user left before the end.
    Left,
    /// It was cut off: Ctrl-C, a crash, the power.
    Interrupted,
}

/// Where a session's answers came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InputKind {
    /// Spoken into a microphone.
    Microphone,
    /// Read from recordings.
    Files,
    /// Typed.
    Typed,
}

/// A person's word on a verdict of viva's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ruling {
    /// The point was made.
    Covered,
    /// The point was not made.
    Missed,
    /// Viva's verdict holds again.
    Withdrawn,
}

impl Ruling {
    /// What a person has said about a point.
    pub fn of(point: &PointVerdict) -> Self {
        match (point.overruled, point.verdict) {
            (None, _) => Self::Withdrawn,
            (Some(_), Verdict::Covered) => Self::Covered,
            (Some(_), _) => Self::Missed,
        }
    }

    /// The verdict in place of viva's; `None` where viva's holds.
    pub fn verdict(self) -> Option<Verdict> {
        match self {
            Self::Covered => Some(Verdict::Covered),
            Self::Missed => Some(Verdict::Missed),
            Self::Withdrawn => None,
        }
    }
}

stored_by_name!(Ruling, Covered => "covered", Missed => "missed", Withdrawn => "withdrawn");
stored_by_name!(SessionState, Running => "running", Finished => "finished", Left => "left", Interrupted => "interrupted");
stored_by_name!(InputKind, Microphone => "microphone", Files => "files", Typed => "typed");

impl Journal {
    /// Opens the journal in a data folder, making both if they are not there (0700 and 0600).
    ///
    /// # Errors
    /// The folder cannot be made or written to, the disk is full, or the journal is damaged, foreign
    /// or from a newer viva. Whatever is there stays as it is.
    pub fn open(data_dir: &Path) -> Result<Self, JournalError> {
        let folder = |path: &Path| {
            let path = path.to_owned();
            move |source| JournalError::Folder { path, source }
        };
        // So that a recording's path means the same to whoever is given it.
        let data_dir = &std::path::absolute(data_dir).map_err(folder(data_dir))?;
        schema::private_data_folder(data_dir).map_err(folder(data_dir))?;
        let path = data_dir.join(schema::FILE_NAME);
        let connection = schema::open(&path)?;
        let recordings = data_dir.join("recordings");
        schema::private_folder(&recordings).map_err(folder(&recordings))?;
        Ok(Self::new(connection, path, recordings, None))
    }

    /// Opens the journal in a data folder if there is one; makes nothing.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_existing(data_dir: &Path) -> Result<Option<Self>, JournalError> {
        let path = data_dir.join(schema::FILE_NAME);
        match path.try_exists() {
            Ok(true) => Self::open(data_dir).map(Some),
            Ok(false) => Ok(None),
            Err(source) => Err(JournalError::Folder { path, source }),
        }
    }

    /// A journal that vanishes when its last clone is dropped, its recordings with it.
    ///
    /// # Errors
    /// There is no room for temporary files.
    pub fn in_memory() -> Result<Self, JournalError> {
        let folder =
            TempDir::new().map_err(|source| JournalError::Folder { path: std::env::temp_dir(), source })?;
        let recordings = folder.path().to_owned();
        Ok(Self::new(schema::open_in_memory()?, PathBuf::from(":memory:"), recordings, Some(folder)))
    }

    fn new(connection: Connection, path: PathBuf, recordings: PathBuf, temporary: Option<TempDir>) -> Self {
        let connection = Mutex::new(connection);
        Self { inner: Arc::new(Inner { connection, path, recordings, _temporary: temporary }) }
    }

    /// Keeps what the recogniser made of a take. Several can be kept; the last one counts.
    ///
    /// # Errors
    /// It could not be written; nothing has changed.
    pub fn save_transcript(
        &self,
        take: TakeId,
        model: &str,
        recognised: &Recognised,
    ) -> Result<(), JournalError> {
        self.write(|connection| {
            connection.execute(
                "INSERT INTO transcripts (take, model, speech, audio_seconds, transcribe_seconds, transcript_json, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    take.0,
                    model,
                    recognised.speech,
                    recognised.audio_seconds,
                    recognised.transcribe_seconds,
                    to_json(&recognised.transcript)?,
                    now()
                ],
            )
        })?;
        Ok(())
    }

    /// Keeps a judgement of a take, beside earlier ones. The last one counts.
    ///
    /// # Errors
    /// It could not be written; nothing has changed.
    pub fn save_assessment(&self, take: TakeId, assessment: &Assessment) -> Result<(), JournalError> {
        let tally = assessment.coverage;
        self.write(|connection| {
            connection.execute(
                "INSERT INTO assessments (take, engine, loop_hash, covered, partial, unheard, missed, total, assessment_json, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                params![
                    take.0,
                    assessment.engine,
                    assessment.loop_hash,
                    tally.covered as i64,
                    tally.partial as i64,
                    tally.unheard as i64,
                    tally.missed as i64,
                    tally.total as i64,
                    to_json(assessment)?,
                    now()
                ],
            )
        })?;
        Ok(())
    }

    /// Keeps what a person says against verdicts, beside the assessments: all of it or nothing. Each is
    /// of a point of a take, by its id; the last one of a point holds.
    ///
    /// # Errors
    /// It could not be written; nothing has changed.
    pub fn save_corrections(&self, corrections: &[(TakeId, String, Ruling)]) -> Result<(), JournalError> {
        self.write(|connection| {
            for (take, point, ruling) in corrections {
                connection.execute(
                    "INSERT INTO corrections (take, point, verdict, created_at) VALUES (?1, ?2, ?3, ?4)",
                    params![take.0, point, ruling, now()],
                )?;
            }
            Ok(())
        })
    }

    /// The folder of a session's recordings.
    pub(crate) fn session_folder(&self, id: &str) -> PathBuf {
        self.inner.recordings.join(id)
    }

    /// Runs statements on the connection.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, JournalError> {
        // SQLite rolls back what a panic interrupted, so that a poisoned connection is sound.
        let connection = self.inner.connection.lock().unwrap_or_else(PoisonError::into_inner);
        work(&connection).map_err(|source| JournalError::of(&self.inner.path, source))
    }

    /// Runs statements in one transaction, which is durable when this returns.
    fn write<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, JournalError> {
        self.read(|connection| {
            let transaction =
                rusqlite::Transaction::new_unchecked(connection, rusqlite::TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })
    }
}

/// The present moment as it is stored.
fn now() -> String {
    stored_time(Timestamp::now())
}

/// A time as it is kept and given to other programs: UTC, RFC 3339. Milliseconds always stand, so that
/// such times sort as text.
pub(crate) fn stored_time(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// What is kept are strings, numbers and lists of them, which always serialise; the error is there so
/// that a mistake of ours is no panic.
fn to_json<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
