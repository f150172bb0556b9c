//! Reading kept sessions back, and catching up on what a session left undone.

pub mod corrections;
pub mod json;
pub mod text;
pub mod why;

use crate::assessment::{Assessment, Source};
use crate::audio::{Pace, WavSource};
use crate::coverage::Reader;
use crate::journal::{Content, Journal, JournalError, KeptTake, KeptTranscript, Waiting};
use crate::learned::Learned;
use crate::loops::Loop;
use crate::recognise::{Recognised, Transcriber};
use crate::transcript::Transcript;

/// How [`catch_up`] gets on.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress<'a> {
    /// An answer is being transcribed or judged.
    Begun(&'a Waiting),
    /// So much of its recording is transcribed, in seconds.
    Transcribed(f64),
    /// It is judged now.
    Judged(&'a Assessment),
    /// It could not be transcribed or judged, and waits on. What is wrong and what to do.
    Failed(String),
}

/// What [`catch_up`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CaughtUp {
    /// Answers that are judged now.
    pub judged: usize,
    /// Answers that could not be transcribed or judged.
    pub failed: usize,
    /// Answers that wait for a transcriber, because none was given.
    pub untranscribed: usize,
}

/// Transcribes and judges the answers that wait for it, of all sessions or of one; without a
/// transcriber only those that are in writing. What the user has taught counts. Sessions that run, or are being caught up on, in other
/// processes are left alone. Goes on when one answer fails.
///
/// # Errors
/// The journal cannot be read or written; what was done before that is kept.
pub fn catch_up(
    journal: &Journal,
    learned: &Learned,
    reader: &dyn Reader,
    session: Option<&str>,
    mut transcriber: Option<&mut dyn Transcriber>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<CaughtUp, JournalError> {
    let mut done = CaughtUp::default();
    let mut sessions: Vec<String> =
        journal.waiting(session)?.into_iter().map(|waiting| waiting.session).collect();
    sessions.dedup();
    for session in sessions {
        let Some(_hold) = journal.hold(&session)? else { continue };
        // Another process may have caught up on it just now.
        for waiting in journal.waiting(Some(&session))? {
            let transcribed = waiting.take.transcripts.last();
            let recording = match (&waiting.take.content, transcribed) {
                (Content::Audio { path, .. }, None) => Some(path),
                _ => None,
            };
            let mut asked = journal.loop_as_asked(&session, waiting.loop_position)?;
            learned.teach(&mut asked);
            let mut take = waiting.take.clone();
            if let Some(path) = recording {
                let Some(transcriber) = transcriber.as_deref_mut() else {
                    done.untranscribed += 1;
                    continue;
                };
                progress(Progress::Begun(&waiting));
                let heard = WavSource::open(path, Pace::Fast).map_err(|error| error.to_string()).and_then(
                    |mut source| {
                        transcriber
                            .transcribe(&mut source, &mut |seconds| progress(Progress::Transcribed(seconds)))
                            .map_err(|error| error.to_string())
                    },
                );
                match heard {
                    Ok(recognised) => {
                        journal.save_transcript(take.id, transcriber.model(), &recognised)?;
                        take.transcripts.push(KeptTranscript {
                            model: transcriber.model().to_owned(),
                            recognised,
                            created_at: jiff::Timestamp::now(),
                        });
                    }
                    Err(why) => {
                        done.failed += 1;
                        progress(Progress::Failed(why));
                        continue;
                    }
                }
            } else {
                progress(Progress::Begun(&waiting));
            }
            match judge(&asked, &waiting.question, &take, reader) {
                Some(assessment) => {
                    journal.save_assessment(take.id, &assessment)?;
                    done.judged += 1;
                    progress(Progress::Judged(&assessment));
                }
                None => {
                    done.failed += 1;
                    let why = format!("the loop `{}` has no question `{}`", asked.id, waiting.question);
                    progress(Progress::Failed(why));
                }
            }
        }
    }
    Ok(done)
}

/// Judges the judged answers of a session anew with this engine, by the loop as it was asked and what the
/// user has taught since, beside the earlier assessments. Where nothing changes, nothing is added. Returns how many were added.
///
/// # Errors
/// There is no such session, or the journal cannot be read or written.
pub fn reassess(
    journal: &Journal,
    learned: &Learned,
    reader: &dyn Reader,
    session: &str,
) -> Result<usize, JournalError> {
    let mut kept = journal.session(session)?;
    kept.summary.loops.iter_mut().for_each(|asked| learned.teach(asked));
    let mut added = 0;
    for answer in &kept.answers {
        let Some(asked) = kept.summary.loops.get(answer.loop_position) else { continue };
        for take in &answer.takes {
            let Some(last) = take.assessments.last() else { continue };
            let Some(assessment) = judge(asked, &answer.question, take, reader) else { continue };
            if last.assessment != assessment {
                journal.save_assessment(take.id, &assessment)?;
                added += 1;
            }
        }
    }
    Ok(added)
}

/// Judges a take by its last transcript; `None` where it has none.
fn judge(asked: &Loop, question: &str, take: &KeptTake, reader: &dyn Reader) -> Option<Assessment> {
    let question = asked.questions().find(|asked| asked.id == question)?;
    let (source, transcript) = match &take.content {
        Content::Typed { text } => (Source::Text, Transcript::typed(text)),
        Content::Audio { .. } => {
            let KeptTranscript { model, recognised, .. } = take.transcripts.last()?;
            let Recognised { transcript, audio_seconds, transcribe_seconds, .. } = recognised;
            let source = Source::Audio {
                model: model.clone(),
                audio_seconds: *audio_seconds,
                transcribe_seconds: *transcribe_seconds,
            };
            (source, transcript.clone())
        }
    };
    Some(Assessment::new(asked, question, source, transcript, reader))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
