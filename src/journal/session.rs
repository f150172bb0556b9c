//! Keeping a session while it runs.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};

use super::{AnswerId, InputKind, Journal, JournalError, SessionState, TakeId, now, stored_time, to_json};
use crate::assessment::ENGINE;
use crate::loops::Loop;

/// A session that runs in this process. Dropping it without [`finish`](Self::finish) leaves it
/// interrupted.
#[derive(Debug)]
pub struct SessionHandle {
    journal: Journal,
    id: String,
    folder: PathBuf,
    _lock: File,
}

/// A new spoken take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Take {
    /// The take's row.
    pub id: TakeId,
    /// Counted from 1 for each answer.
    pub number: u32,
    /// Where to record it: `POSITION-LOOP-QUESTION-NUMBER.wav` in the session's folder.
    pub path: PathBuf,
}

impl Journal {
    /// Begins a session over `loops`, in the order they will be asked.
    ///
    /// # Errors
    /// Its folder or its row cannot be written; then neither is there.
    pub fn begin_session(
        &self,
        loops: &[Loop],
        input: InputKind,
        model: Option<&str>,
    ) -> Result<SessionHandle, JournalError> {
        let started = Timestamp::now();
        let (id, folder) = self.new_folder(started, loops)?;
        // The lock comes before the row, so that nobody takes a session that is just beginning for
        // one that was cut off.
        let kept = lock(&folder).and_then(|lock| {
            self.write(|connection| {
                connection.execute(
                    "INSERT INTO sessions (id, started_at, state, engine, model, input)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![id, stored_time(started), SessionState::Running, ENGINE, model, input],
                )?;
                for (position, asked) in loops.iter().enumerate() {
                    connection.execute(
                        "INSERT INTO session_loops (session, position, loop_id, loop_hash, loop_json)
                         VALUES (?1, ?2, ?3, ?4, ?5)",
                        params![id, position as i64, asked.id, asked.hash(), to_json(asked)?],
                    )?;
                }
                Ok(())
            })?;
            Ok(lock)
        });
        match kept {
            Ok(Some(lock)) => Ok(SessionHandle { journal: self.clone(), id, folder, _lock: lock }),
            Ok(None) => Err(JournalError::Running { id }),
            Err(error) => {
                // Nothing but the lock file can be in it.
                _ = fs::remove_dir_all(&folder);
                Err(error)
            }
        }
    }

    /// Goes on with a session that was cut off or left.
    ///
    /// # Errors
    /// There is no such session, it runs in another process, or it cannot be written.
    pub fn resume_session(&self, id: &str) -> Result<SessionHandle, JournalError> {
        if !self.knows(id)? {
            return Err(self.unknown(id)?);
        }
        let folder = self.session_folder(id);
        super::schema::private_folder(&folder)
            .map_err(|source| JournalError::Folder { path: folder.clone(), source })?;
        let Some(lock) = lock(&folder)? else {
            return Err(JournalError::Running { id: id.to_owned() });
        };
        self.write(|connection| {
            connection.execute(
                "UPDATE sessions SET state = ?2, finished_at = NULL WHERE id = ?1",
                params![id, SessionState::Running],
            )
        })?;
        Ok(SessionHandle { journal: self.clone(), id: id.to_owned(), folder, _lock: lock })
    }

    /// An id that nobody has yet, and its folder: `20261124-0713-theory`, local time.
    fn new_folder(&self, started: Timestamp, loops: &[Loop]) -> Result<(String, PathBuf), JournalError> {
        let time = started.to_zoned_datetime(jiff::tz::TimeZone::system());
        let base = format!("{}-{}", time.strftime("%Y%m%d-%H%M"), subject(loops));
        let mut number = 1;
        loop {
            let id = if number == 1 { base.clone() } else { format!("{base}-{number}") };
            let folder = self.session_folder(&id);
            match create_private(&folder) {
                // Somebody may have removed the folder of a session that the journal still knows.
                Ok(()) if self.knows(&id)? => {}
                Ok(()) => return Ok((id, folder)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(JournalError::Folder { path: folder, source }),
            }
            number += 1;
        }
    }

    fn knows(&self, id: &str) -> Result<bool, JournalError> {
        let row = self.read(|connection| {
            connection.query_row("SELECT 1 FROM sessions WHERE id = ?1", [id], |_| Ok(())).optional()
        })?;
        Ok(row.is_some())
    }
}

impl SessionHandle {
    /// The session's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The folder of the session's recordings.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The journal that it is kept in.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// A question is being asked. `loop_position` is the loop's index among those that the session
    /// began with. Asking again (after a crash) gives the same answer back.
    ///
    /// # Errors
    /// It could not be written; nothing has changed.
    pub fn ask(&self, loop_position: usize, question_id: &str) -> Result<AnswerId, JournalError> {
        self.journal.write(|connection| {
            connection.query_row(
                "INSERT INTO answers (session, position, question, asked_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (session, position, question) DO UPDATE SET asked_at = excluded.asked_at, skipped_at = NULL
                 RETURNING id",
                params![self.id, loop_position as i64, question_id, now()],
                |row| row.get(0).map(AnswerId),
            )
        })
    }

    /// Opens a spoken take; call it before the recorder starts.
    ///
    /// # Errors
    /// It could not be written; nothing has changed.
    pub fn begin_take(&self, answer: AnswerId) -> Result<Take, JournalError> {
        self.journal.write(|connection| {
            let (stem, number): (String, u32) = connection.query_row(
                "SELECT (answers.position + 1) || '-' || loop_id || '-' || question,
                        (SELECT coalesce(max(number), 0) + 1 FROM takes WHERE answer = answers.id)
                 FROM answers JOIN session_loops USING (session, position) WHERE answers.id = ?1",
                [answer.0],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            let file = format!("{stem}-{number}.wav");
            connection.execute(
                "INSERT INTO takes (answer, number, started_at, file) VALUES (?1, ?2, ?3, ?4)",
                params![answer.0, number, now(), file],
            )?;
            Ok(Take { id: TakeId(connection.last_insert_rowid()), number, path: self.folder.join(file) })
        })
    }

    /// The recording of a take is whole and stands under its name. A take without a sample has zero
    /// seconds and does not count as an answer.
    ///
    /// # Errors
    /// It could not be written; nothing has changed, and recovery finds the recording by itself.
    pub fn finish_take(&self, take: TakeId, seconds: f64) -> Result<(), JournalError> {
        self.journal.set_seconds(take, seconds)
    }

    /// Opens a typed take.
    ///
    /// # Errors
    /// It could not be written; nothing has changed.
    pub fn begin_typed_take(&self, answer: AnswerId) -> Result<TakeId, JournalError> {
        self.typed_take(answer, "")
    }

    /// Keeps what has been typed after what was kept of this take before.
    ///
    /// # Errors
    /// It could not be written; nothing has changed.
    pub fn append_text(&self, take: TakeId, text: &str) -> Result<(), JournalError> {
        self.journal.write(|connection| {
            connection.execute(
                "UPDATE takes SET typed_text = typed_text || ?2 WHERE id = ?1",
                params![take.0, text],
            )
        })?;
        Ok(())
    }

    /// Keeps a typed take as a whole.
    ///
    /// # Errors
    /// It could not be written; nothing has changed.
    pub fn typed_take(&self, answer: AnswerId, text: &str) -> Result<TakeId, JournalError> {
        self.journal.write(|connection| {
            connection.query_row(
                "INSERT INTO takes (answer, number, started_at, typed_text)
                 SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3 FROM takes WHERE answer = ?1
                 RETURNING id",
                params![answer.0, now(), text],
                |row| row.get(0).map(TakeId),
            )
        })
    }

    /// The question was not answered. Takes that were begun are kept.
    ///
    /// # Errors
    /// It could not be written; nothing has changed.
    pub fn skip(&self, answer: AnswerId) -> Result<(), JournalError> {
        self.journal.write(|connection| {
            connection.execute("UPDATE answers SET skipped_at = ?2 WHERE id = ?1", params![answer.0, now()])
        })?;
        Ok(())
    }

    /// The session is over. The lock is held until the handle is dropped, so that a failure can be
    /// mended and this called again.
    ///
    /// # Errors
    /// It could not be written; the session would be listed as interrupted.
    pub fn finish(&self, state: SessionState) -> Result<(), JournalError> {
        self.journal.write(|connection| {
            connection.execute(
                "UPDATE sessions SET state = ?2, finished_at = ?3 WHERE id = ?1",
                params![self.id, state, now()],
            )
        })?;
        Ok(())
    }
}

impl Journal {
    /// Notes the length of a whole recording.
    pub(super) fn set_seconds(&self, take: TakeId, seconds: f64) -> Result<(), JournalError> {
        self.write(|connection| {
            connection.execute("UPDATE takes SET seconds = ?2 WHERE id = ?1", params![take.0, seconds])
        })?;
        Ok(())
    }
}

/// Takes the lock of a session's folder; `None` where another process holds it.
pub(super) fn lock(folder: &Path) -> Result<Option<File>, JournalError> {
    let path = folder.join("lock");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let locked = options.open(&path).and_then(|file| match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    });
    locked.map_err(|source| JournalError::Folder { path, source })
}

fn create_private(folder: &Path) -> io::Result<()> {
    #[allow(unused_mut)] // only Unix has modes
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// What a session is about, for its id.
fn subject(loops: &[Loop]) -> String {
    match loops {
        [only] => only.id.clone(),
        _ => format!("{}-loops", loops.len()),
    }
}
