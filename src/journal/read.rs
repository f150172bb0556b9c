//! Reading back what is kept.

use std::collections::HashMap;
use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{AnswerId, InputKind, Journal, JournalError, Ruling, SessionState, TakeId};
use crate::assessment::Assessment;
use crate::coverage::{Tally, Verdict};
use crate::loops::Loop;
use crate::recognise::Recognised;
use crate::transcript::Transcript;

/// Every answer with the take that counts (the last one that holds something), the transcript and the
/// assessment that count (the last ones of that take), and its state. A take that was cut off within a second holds
/// nothing: half of it is from before the go signal.
const ANSWERS: &str = "
    WITH counting AS (
        SELECT answers.*, (
            SELECT id FROM takes
            WHERE answer = answers.id AND (
                seconds >= 1
                OR trim(typed_text, ' ' || char(9, 10, 13)) <> ''
                OR EXISTS (SELECT 1 FROM assessments WHERE take = takes.id))
            ORDER BY number DESC LIMIT 1) AS take
        FROM answers
    ), latest AS (
        SELECT counting.*,
            (SELECT max(id) FROM transcripts WHERE take = counting.take) AS transcript,
            (SELECT max(id) FROM assessments WHERE take = counting.take) AS assessment
        FROM counting
    ), answers_now AS (
        SELECT latest.*, CASE
            WHEN skipped_at IS NOT NULL THEN 'skipped'
            WHEN take IS NULL THEN 'asked'
            WHEN assessment IS NOT NULL THEN 'assessed'
            WHEN transcript IS NOT NULL THEN 'transcribed'
            ELSE 'answered' END AS state
        FROM latest
    )";

/// What has become of a question that was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AnswerState {
    /// Nothing was said to it.
    Asked,
    /// An answer is kept, not transcribed yet (or typed and not judged yet).
    Answered,
    /// Transcribed, not judged yet.
    Transcribed,
    /// Judged.
    Assessed,
    /// Passed over.
    Skipped,
}

stored_by_name!(AnswerState, Asked => "asked", Answered => "answered", Transcribed => "transcribed", Assessed => "assessed", Skipped => "skipped");

/// A session in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The session's id.
    pub id: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `None` while it runs and where it was cut off.
    pub finished_at: Option<Timestamp>,
    /// How far it came.
    pub state: SessionState,
    /// Version of viva that ran it.
    pub engine: String,
    /// The recognition model it was begun with.
    pub model: Option<String>,
    /// Where the answers came from.
    pub input: InputKind,
    /// The loops as they were asked.
    pub loops: Vec<Loop>,
    /// The questions counted.
    pub questions: QuestionTally,
    /// The verdicts of all answers that count, all points of skipped questions missed; the total is
    /// of all questions, also of those that were not asked or wait to be judged.
    pub coverage: Tally,
}

/// Counts of a session's questions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct QuestionTally {
    /// All questions of the loops.
    pub total: usize,
    /// Those that were asked.
    pub asked: usize,
    /// Those that were answered.
    pub answered: usize,
    /// Those that were passed over.
    pub skipped: usize,
    /// Answers that still wait to be transcribed or judged.
    pub waiting: usize,
}

/// A session with everything that is kept of it.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptSession {
    /// The session as in a list.
    pub summary: Summary,
    /// What was asked and answered: of each loop, in the order of its questions.
    pub answers: Vec<KeptAnswer>,
}

/// A question that was asked, and what was said.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptAnswer {
    /// The answer's row.
    pub id: AnswerId,
    /// Index of the loop in the session.
    pub loop_position: usize,
    /// `prompt` or a follow-up's id.
    pub question: String,
    /// What has become of it.
    pub state: AnswerState,
    /// When it was asked (last, if more than once).
    pub asked_at: Timestamp,
    /// All attempts, first to last.
    pub takes: Vec<KeptTake>,
}

/// One attempt at an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptTake {
    /// The take's row.
    pub id: TakeId,
    /// Counted from 1.
    pub number: u32,
    /// Whether this is the take that counts.
    pub counts: bool,
    /// When it began.
    pub started_at: Timestamp,
    /// What was said.
    pub content: Content,
    /// What recognisers made of it, first to last; the last one counts.
    pub transcripts: Vec<KeptTranscript>,
    /// How it was judged, first to last; the last one counts, with the corrections.
    pub assessments: Vec<KeptAssessment>,
    /// What a person said against that, first to last; the last one of each point holds.
    pub corrections: Vec<KeptCorrection>,
}

/// What a take holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A recording.
    Audio {
        /// The file, whether or not it is there.
        path: PathBuf,
        /// Its length; `None` while it is being recorded or could not be repaired.
        seconds: Option<f64>,
    },
    /// A text.
    Typed {
        /// What was typed.
        text: String,
    },
}

/// A transcript with its origin.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptTranscript {
    /// The recognition model.
    pub model: String,
    /// What it made of the recording.
    pub recognised: Recognised,
    /// When.
    pub created_at: Timestamp,
}

/// An assessment with its time.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptAssessment {
    /// The judgement, engine version and loop hash with it.
    pub assessment: Assessment,
    /// When.
    pub created_at: Timestamp,
}

/// A person's word on the verdict of a point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCorrection {
    /// The point's id.
    pub point: String,
    /// What they said.
    pub ruling: Ruling,
    /// When.
    pub created_at: Timestamp,
}

/// A session that can go on.
#[derive(Debug, Clone, PartialEq)]
pub struct Resumable {
    /// The session's id, for [`Journal::resume_session`].
    pub id: String,
    /// When it began.
    pub started_at: Timestamp,
    /// Where the answers came from.
    pub input: InputKind,
    /// The recognition model it was begun with.
    pub model: Option<String>,
    /// The loops as they were asked.
    pub loops: Vec<Loop>,
    /// The answers so far.
    pub answers: Vec<KeptAnswer>,
    /// Where it goes on: index of the loop in the session, index of the question in
    /// [`Loop::questions`].
    pub next: (usize, usize),
}

/// An answer that waits to be transcribed or judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// The session.
    pub session: String,
    /// Index of the loop in the session.
    pub loop_position: usize,
    /// `prompt` or a follow-up's id.
    pub question: String,
    /// The take that counts.
    pub take: KeptTake,
}

impl Waiting {
    /// Whether it is speech that has not been written down yet.
    pub fn needs_transcript(&self) -> bool {
        matches!(self.take.content, Content::Audio { .. }) && self.take.transcripts.is_empty()
    }
}

impl QuestionTally {
    /// Questions that were not answered, and answers that are not judged yet.
    pub fn outstanding(&self) -> (usize, usize) {
        (self.total - self.answered, self.waiting)
    }
}

impl KeptTake {
    /// The judgement that counts: the last one, with what a person has overruled of it.
    pub fn assessment(&self) -> Option<Assessment> {
        let last = self.assessments.last()?.assessment.clone();
        Some(last.corrected(&in_force(&self.corrections)))
    }

    /// The transcript that counts, as the recogniser or the typist wrote it.
    pub fn transcript(&self) -> Option<Transcript> {
        match &self.content {
            Content::Audio { .. } => self.transcripts.last().map(|kept| kept.recognised.transcript.clone()),
            Content::Typed { text } => Some(Transcript::typed(text)),
        }
    }
}

impl KeptAnswer {
    /// The take that counts.
    pub fn take(&self) -> Option<&KeptTake> {
        self.takes.iter().find(|take| take.counts)
    }

    /// The judgement that counts.
    pub fn assessment(&self) -> Option<Assessment> {
        self.take()?.assessment()
    }
}

impl KeptSession {
    /// The answer to a question of the loop at a position.
    pub fn answer(&self, loop_position: usize, question: &str) -> Option<&KeptAnswer> {
        self.answers
            .iter()
            .find(|answer| answer.loop_position == loop_position && answer.question == question)
    }
}

impl Journal {
    /// All sessions, newest first.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn sessions(&self) -> Result<Vec<Summary>, JournalError> {
        self.read(|connection| {
            let mut sessions = connection
                .prepare("SELECT * FROM sessions ORDER BY started_at DESC, rowid DESC")?
                .query_map([], summary)?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            for session in &mut sessions {
                count(connection, session)?;
            }
            Ok(sessions)
        })
    }

    /// A session with everything that is kept of it.
    ///
    /// # Errors
    /// There is no session of that id, or the journal cannot be read.
    pub fn session(&self, id: &str) -> Result<KeptSession, JournalError> {
        let session = self.read(|connection| {
            let Some(mut summary) =
                connection.query_row("SELECT * FROM sessions WHERE id = ?1", [id], summary).optional()?
            else {
                return Ok(None);
            };
            count(connection, &mut summary)?;
            let mut answers = connection
                .prepare_cached(&format!("{ANSWERS} SELECT * FROM answers_now WHERE session = ?1"))?
                .query_map([id], |row| {
                    Ok((
                        KeptAnswer {
                            id: AnswerId(row.get("id")?),
                            loop_position: row.get::<_, u32>("position")? as usize,
                            question: row.get("question")?,
                            state: row.get("state")?,
                            asked_at: row.get::<_, Stored<Timestamp>>("asked_at")?.0,
                            takes: Vec::new(),
                        },
                        row.get::<_, Option<i64>>("take")?.map(TakeId),
                    ))
                })?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            for (answer, counting) in &mut answers {
                answer.takes = self.takes(connection, id, answer.id, *counting)?;
            }
            let mut answers: Vec<KeptAnswer> = answers.into_iter().map(|(answer, _)| answer).collect();
            answers.sort_by_key(|answer| {
                let asked = summary.loops.get(answer.loop_position);
                let index = asked
                    .and_then(|asked| asked.questions().position(|question| question.id == answer.question));
                (answer.loop_position, index)
            });
            Ok(Some(KeptSession { summary, answers }))
        })?;
        match session {
            Some(session) => Ok(session),
            None => Err(self.unknown(id)?),
        }
    }

    fn takes(
        &self,
        connection: &Connection,
        session: &str,
        answer: AnswerId,
        counting: Option<TakeId>,
    ) -> rusqlite::Result<Vec<KeptTake>> {
        let mut takes = connection
            .prepare_cached("SELECT * FROM takes WHERE answer = ?1 ORDER BY number")?
            .query_map([answer.0], |row| {
                let id = TakeId(row.get("id")?);
                let content = match row.get::<_, Option<String>>("file")? {
                    Some(file) => Content::Audio {
                        path: self.session_folder(session).join(file),
                        seconds: row.get("seconds")?,
                    },
                    None => Content::Typed { text: row.get("typed_text")? },
                };
                Ok(KeptTake {
                    id,
                    number: row.get("number")?,
                    counts: counting == Some(id),
                    started_at: row.get::<_, Stored<Timestamp>>("started_at")?.0,
                    content,
                    transcripts: Vec::new(),
                    assessments: Vec::new(),
                    corrections: Vec::new(),
                })
            })?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        for take in &mut takes {
            take.transcripts = connection
                .prepare_cached("SELECT * FROM transcripts WHERE take = ?1 ORDER BY id")?
                .query_map([take.id.0], |row| {
                    Ok(KeptTranscript {
                        model: row.get("model")?,
                        recognised: Recognised {
                            transcript: row.get::<_, Json<Transcript>>("transcript_json")?.0,
                            speech: row.get("speech")?,
                            audio_seconds: row.get("audio_seconds")?,
                            transcribe_seconds: row.get("transcribe_seconds")?,
                        },
                        created_at: row.get::<_, Stored<Timestamp>>("created_at")?.0,
                    })
                })?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            take.assessments = connection
                .prepare_cached(
                    "SELECT assessment_json, created_at FROM assessments WHERE take = ?1 ORDER BY id",
                )?
                .query_map([take.id.0], |row| {
                    Ok(KeptAssessment {
                        assessment: row.get::<_, Json<Assessment>>("assessment_json")?.0,
                        created_at: row.get::<_, Stored<Timestamp>>("created_at")?.0,
                    })
                })?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            take.corrections = corrections(connection, take.id)?;
        }
        Ok(takes)
    }

    /// The id of the session that `asked` means: an id, the beginning of exactly one, or `last`.
    ///
    /// # Errors
    /// No session or several begin like that, or the journal cannot be read.
    pub fn find(&self, asked: &str) -> Result<String, JournalError> {
        let ids = self.ids()?;
        if asked == "last"
            && let Some(newest) = ids.first()
        {
            return Ok(newest.clone());
        }
        if ids.iter().any(|id| id == asked) {
            return Ok(asked.to_owned());
        }
        let mut candidates: Vec<String> =
            ids.iter().filter(|id| !asked.is_empty() && id.starts_with(asked)).cloned().collect();
        match candidates.len() {
            0 => Err(self.unknown(asked)?),
            1 => Ok(candidates.remove(0)),
            _ => Err(JournalError::AmbiguousSession { asked: asked.to_owned(), candidates }),
        }
    }

    /// All ids, newest first.
    fn ids(&self) -> Result<Vec<String>, JournalError> {
        self.read(|connection| {
            connection
                .prepare("SELECT id FROM sessions ORDER BY started_at DESC, rowid DESC")?
                .query_map([], |row| row.get(0))?
                .collect()
        })
    }

    /// The error for an id that is not there.
    pub(super) fn unknown(&self, asked: &str) -> Result<JournalError, JournalError> {
        let likeness = |id: &String| strsim::jaro_winkler(id, asked);
        let nearest = self.ids()?.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        Ok(JournalError::UnknownSession { asked: asked.to_owned(), nearest })
    }

    /// Answers that are not transcribed or not judged, oldest first, of sessions that are over: of all
    /// or of one. Skipped questions and earlier takes do not wait for anything.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn waiting(&self, session: Option<&str>) -> Result<Vec<Waiting>, JournalError> {
        self.read(|connection| {
            let found = connection
                .prepare(&format!(
                    "{ANSWERS} SELECT answers_now.* FROM answers_now JOIN sessions ON sessions.id = session
                     WHERE answers_now.state IN ('answered', 'transcribed') AND sessions.state <> 'running'
                     AND session = coalesce(?1, session) ORDER BY answers_now.id"
                ))?
                .query_map([session], |row| {
                    Ok((
                        AnswerId(row.get("id")?),
                        row.get::<_, String>("session")?,
                        row.get::<_, u32>("position")? as usize,
                        row.get::<_, String>("question")?,
                        TakeId(row.get("take")?),
                    ))
                })?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            let mut waiting = Vec::with_capacity(found.len());
            for (answer, session, loop_position, question, counting) in found {
                let takes = self.takes(connection, &session, answer, Some(counting))?;
                if let Some(take) = takes.into_iter().find(|take| take.counts) {
                    waiting.push(Waiting { session, loop_position, question, take });
                }
            }
            Ok(waiting)
        })
    }

    /// The loop at a position of a session, as it was asked.
    ///
    /// # Errors
    /// There is none, or the journal cannot be read.
    pub fn loop_as_asked(&self, session: &str, position: usize) -> Result<Loop, JournalError> {
        self.read(|connection| {
            connection.query_row(
                "SELECT loop_json FROM session_loops WHERE session = ?1 AND position = ?2",
                rusqlite::params![session, position as i64],
                |row| Ok(row.get::<_, Json<Loop>>(0)?.0),
            )
        })
    }

    /// The newest session that was cut off or left with questions unanswered. Call
    /// [`recover`](Self::recover) first.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn resumable(&self) -> Result<Option<Resumable>, JournalError> {
        let ids: Vec<String> = self.read(|connection| {
            connection
                .prepare(
                    "SELECT id FROM sessions WHERE state IN ('interrupted', 'left')
                     ORDER BY started_at DESC, rowid DESC",
                )?
                .query_map([], |row| row.get(0))?
                .collect()
        })?;
        for id in ids {
            let session = self.session(&id)?;
            if let Some(next) = next_question(&session) {
                return Ok(Some(Resumable {
                    id,
                    started_at: session.summary.started_at,
                    input: session.summary.input,
                    model: session.summary.model,
                    loops: session.summary.loops,
                    answers: session.answers,
                    next,
                }));
            }
        }
        Ok(None)
    }
}

/// The first question that was neither answered nor passed over.
fn next_question(session: &KeptSession) -> Option<(usize, usize)> {
    let questions = session.summary.loops.iter().enumerate().flat_map(|(loop_index, asked)| {
        asked.questions().enumerate().map(move |(index, question)| (loop_index, index, &question.id))
    });
    for (loop_index, index, id) in questions {
        if session.answer(loop_index, id).is_none_or(|answer| answer.state == AnswerState::Asked) {
            return Some((loop_index, index));
        }
    }
    None
}

/// A row of `sessions`, without its loops and counts.
fn summary(row: &Row<'_>) -> rusqlite::Result<Summary> {
    Ok(Summary {
        id: row.get("id")?,
        started_at: row.get::<_, Stored<Timestamp>>("started_at")?.0,
        finished_at: row.get::<_, Option<Stored<Timestamp>>>("finished_at")?.map(|time| time.0),
        state: row.get("state")?,
        engine: row.get("engine")?,
        model: row.get("model")?,
        input: row.get("input")?,
        loops: Vec::new(),
        questions: QuestionTally::default(),
        coverage: Tally::default(),
    })
}

/// Fills in a session's loops and counts.
fn count(connection: &Connection, session: &mut Summary) -> rusqlite::Result<()> {
    session.loops = connection
        .prepare_cached("SELECT loop_json FROM session_loops WHERE session = ?1 ORDER BY position")?
        .query_map([&session.id], |row| Ok(row.get::<_, Json<Loop>>(0)?.0))?
        .collect::<rusqlite::Result<_>>()?;
    let questions = || session.loops.iter().flat_map(Loop::questions);
    session.questions.total = questions().count();
    session.coverage.total = questions().map(|question| question.points.len()).sum();
    let mut statement = connection.prepare_cached(&format!(
        "{ANSWERS} SELECT position, question, state, answers_now.take, covered, partial, unheard, missed,
            CASE WHEN EXISTS (SELECT 1 FROM corrections WHERE take = answers_now.take)
                THEN assessment_json END AS overruled_json
         FROM answers_now LEFT JOIN assessments ON assessments.id = assessment WHERE session = ?1"
    ))?;
    let mut rows = statement.query([&session.id])?;
    while let Some(row) = rows.next()? {
        let questions = &mut session.questions;
        let coverage = &mut session.coverage;
        questions.asked += 1;
        match row.get("state")? {
            AnswerState::Asked => {}
            AnswerState::Answered | AnswerState::Transcribed => {
                questions.answered += 1;
                questions.waiting += 1;
            }
            AnswerState::Assessed => {
                questions.answered += 1;
                let tally = match row.get::<_, Option<Json<Assessment>>>("overruled_json")? {
                    None => Tally {
                        covered: row.get::<_, u32>("covered")? as usize,
                        partial: row.get::<_, u32>("partial")? as usize,
                        unheard: row.get::<_, u32>("unheard")? as usize,
                        missed: row.get::<_, u32>("missed")? as usize,
                        total: 0,
                    },
                    Some(Json(assessment)) => {
                        let corrections = corrections(connection, TakeId(row.get("take")?))?;
                        assessment.corrected(&in_force(&corrections)).coverage
                    }
                };
                coverage.covered += tally.covered;
                coverage.partial += tally.partial;
                coverage.unheard += tally.unheard;
                coverage.missed += tally.missed;
            }
            AnswerState::Skipped => {
                questions.skipped += 1;
                let (position, id): (u32, String) = (row.get("position")?, row.get("question")?);
                let asked = session.loops.get(position as usize);
                let question = asked.and_then(|asked| asked.questions().find(|question| question.id == id));
                coverage.missed += question.map_or(0, |question| question.points.len());
            }
        }
    }
    Ok(())
}

/// What a person said against the verdicts on a take, first to last.
fn corrections(connection: &Connection, take: TakeId) -> rusqlite::Result<Vec<KeptCorrection>> {
    connection
        .prepare_cached("SELECT point, verdict, created_at FROM corrections WHERE take = ?1 ORDER BY id")?
        .query_map([take.0], |row| {
            Ok(KeptCorrection {
                point: row.get("point")?,
                ruling: row.get("verdict")?,
                created_at: row.get::<_, Stored<Timestamp>>("created_at")?.0,
            })
        })?
        .collect()
}

/// The verdicts that hold in place of viva's, by the points' ids.
fn in_force(corrections: &[KeptCorrection]) -> HashMap<&str, Verdict> {
    // Later ones take the place of earlier ones of the same point.
    let last: HashMap<&str, Ruling> =
        corrections.iter().map(|correction| (correction.point.as_str(), correction.ruling)).collect();
    last.into_iter().filter_map(|(point, ruling)| Some((point, ruling.verdict()?))).collect()
}

/// A value that stands in the database as text.
struct Stored<T>(T);

impl<T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>> FromSql for Stored<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map(Self).map_err(FromSqlError::other)
    }
}

/// A value that stands in the database as JSON.
struct Json<T>(T);

impl<T: DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map(Self).map_err(FromSqlError::other)
    }
}
