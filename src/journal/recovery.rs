//! What happens to sessions that were cut off.

use std::path::{Path, PathBuf};

use super::{Journal, JournalError, SessionState, TakeId, session};
use crate::audio::{self, Repaired};

/// A session that was cut off, and what could be saved of it.
#[derive(Debug)]
pub struct Recovered {
    /// The session.
    pub session: String,
    /// Recordings that are whole now, with their length in seconds.
    pub recordings: Vec<(PathBuf, f64)>,
    /// What is wrong with recordings that could not be mended; they are left as they are and tried
    /// again next time.
    pub problems: Vec<String>,
}

/// Keeps a session from being run or mended by others for as long as it lives.
#[derive(Debug)]
pub struct Hold {
    _lock: Option<std::fs::File>,
}

impl Journal {
    /// Marks sessions that were cut off as interrupted and makes their recordings whole. Sessions that
    /// run in other processes are left alone. Returns what there was to do.
    ///
    /// # Errors
    /// The journal cannot be read or written.
    pub fn recover(&self) -> Result<Vec<Recovered>, JournalError> {
        let candidates: Vec<String> = self.read(|connection| {
            connection
                .prepare(
                    "SELECT id FROM sessions WHERE state = 'running' OR EXISTS (
                         SELECT 1 FROM answers JOIN takes ON answer = answers.id
                         WHERE session = sessions.id AND file IS NOT NULL AND seconds IS NULL)
                     ORDER BY started_at",
                )?
                .query_map([], |row| row.get(0))?
                .collect()
        })?;
        let mut recovered = Vec::new();
        for id in candidates {
            match self.hold(&id) {
                Ok(Some(_hold)) => recovered.extend(self.recover_session(id)?),
                Ok(None) => {}
                Err(error) => recovered.push(Recovered {
                    session: id,
                    recordings: Vec::new(),
                    problems: vec![error.to_string()],
                }),
            }
        }
        Ok(recovered)
    }

    /// Reserves a session; `None` where another process runs it or mends it.
    ///
    /// # Errors
    /// The lock file cannot be made.
    pub fn hold(&self, id: &str) -> Result<Option<Hold>, JournalError> {
        let folder = self.session_folder(id);
        if !folder.is_dir() {
            // Somebody removed the recordings: nobody can be writing them.
            return Ok(Some(Hold { _lock: None }));
        }
        Ok(session::lock(&folder)?.map(|lock| Hold { _lock: Some(lock) }))
    }

    /// The session must be held.
    fn recover_session(&self, id: String) -> Result<Option<Recovered>, JournalError> {
        let interrupted = self.write(|connection| {
            connection.execute(
                "UPDATE sessions SET state = ?2 WHERE id = ?1 AND state = 'running'",
                rusqlite::params![id, SessionState::Interrupted],
            )
        })? > 0;
        let unfinished: Vec<(TakeId, String)> = self.read(|connection| {
            connection
                .prepare(
                    "SELECT takes.id, file FROM takes JOIN answers ON answers.id = answer
                     WHERE session = ?1 AND file IS NOT NULL AND seconds IS NULL ORDER BY takes.id",
                )?
                .query_map([&id], |row| Ok((TakeId(row.get(0)?), row.get(1)?)))?
                .collect()
        })?;
        let folder = self.session_folder(&id);
        let mut found = Recovered { session: id, recordings: Vec::new(), problems: Vec::new() };
        for (take, file) in unfinished {
            let path = folder.join(file);
            match make_whole(&path) {
                Ok(Some(seconds)) => {
                    self.set_seconds(take, seconds)?;
                    if seconds > 0.0 {
                        found.recordings.push((path, seconds));
                    }
                }
                Ok(None) => {}
                Err(problem) => found.problems.push(problem),
            }
        }
        let something = interrupted || !found.recordings.is_empty() || !found.problems.is_empty();
        Ok(something.then_some(found))
    }
}

/// The length in seconds of a recording that was begun under that name, made whole if need be;
/// `None` where the folder itself is gone.
fn make_whole(path: &Path) -> Result<Option<f64>, String> {
    if path.exists() {
        // It was whole, and the program ended before its length was noted down.
        let reader = hound::WavReader::open(path)
            .map_err(|error| format!("cannot read the recording `{}`: {error}", path.display()))?;
        return Ok(Some(f64::from(reader.duration()) / f64::from(reader.spec().sample_rate)));
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    if part.exists() {
        return match audio::repair(&part) {
            Ok(Repaired::Whole { seconds, .. }) => Ok(Some(seconds)),
            Ok(Repaired::Empty) => Ok(Some(0.0)),
            Err(error) => Err(error.to_string()),
        };
    }
    Ok(path.parent().is_some_and(Path::is_dir).then_some(0.0))
}
