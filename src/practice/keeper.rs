//! Keeps everything that is said, also while the disk refuses it.
//!
//! What is to be kept is described by plain state; [`Keeper::settle`] writes what is not written yet,
//! step by step and in order. A step that fails stays to be done and is tried again later, so that a
//! full disk costs nothing but memory.

use std::mem;
use std::path::PathBuf;

use super::scribe::Recording;
use super::session::Place;
use crate::assessment::Assessment;
use crate::audio::{Recorder, SAMPLE_RATE, Storage};
use crate::coverage::PointVerdict;
use crate::journal::{AnswerId, Ruling, SessionHandle, SessionState, TakeId};
use crate::recognise::Recognised;

/// News about what is kept, told once each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Writing fails; everything is held in memory. Says why and what to do.
    Held(String),
    /// Everything that was held has been written.
    WrittenAgain,
}

/// The keeper of one session.
pub struct Keeper {
    record: SessionHandle,
    /// Answers with anything left to write, the one being given last.
    answers: Vec<Answer>,
    ending: Option<SessionState>,
    /// Why writing fails, while it does.
    failing: Option<String>,
}

struct Answer {
    loop_index: usize,
    question_id: String,
    id: Option<AnswerId>,
    takes: Vec<Take>,
    skipped: bool,
}

struct Take {
    id: Option<TakeId>,
    content: Content,
    /// Whether it is still being recorded or typed.
    open: bool,
    transcript: Option<(String, Recognised)>,
    assessment: Option<Assessment>,
    /// What the user says against it, by the points' ids, in order.
    corrections: Vec<(String, Ruling)>,
}

enum Content {
    Spoken(Spoken),
    /// Typed, and how many bytes of it the journal has.
    Typed {
        text: String,
        saved: usize,
    },
}

/// A recording on its way to the disk.
#[derive(Default)]
struct Spoken {
    /// Where the journal wants it.
    path: Option<PathBuf>,
    /// Samples from before there was a file.
    held: Vec<f32>,
    /// Writes the file.
    recorder: Option<Recorder>,
    /// Whether the file is whole and has its name.
    whole: bool,
    /// Whether the journal knows that.
    noted: bool,
}

impl Keeper {
    /// Keeps a session in the journal.
    pub fn new(record: SessionHandle) -> Self {
        Self { record, answers: Vec::new(), ending: None, failing: None }
    }

    /// A question is being asked.
    pub fn ask(&mut self, place: Place, question_id: &str) -> Option<News> {
        self.begin(place, question_id);
        self.settle()
    }

    fn begin(&mut self, place: Place, question_id: &str) {
        self.answers.push(Answer {
            loop_index: place.loop_index,
            question_id: question_id.to_owned(),
            id: None,
            takes: Vec::new(),
            skipped: false,
        });
    }

    /// A spoken take begins; `pre_roll` are its first samples.
    pub fn open_spoken(&mut self, pre_roll: Vec<f32>) -> Option<News> {
        self.open(Content::Spoken(Spoken { held: pre_roll, ..Spoken::default() }))
    }

    /// A typed take begins.
    pub fn open_typed(&mut self) -> Option<News> {
        self.open(Content::Typed { text: String::new(), saved: 0 })
    }

    fn open(&mut self, content: Content) -> Option<News> {
        let take = Take {
            id: None,
            content,
            open: true,
            transcript: None,
            assessment: None,
            corrections: Vec::new(),
        };
        self.answers.last_mut()?.takes.push(take);
        self.settle()
    }

    /// Adds samples at [`SAMPLE_RATE`] to the open take.
    pub fn write(&mut self, samples: &[f32]) -> Option<News> {
        let Content::Spoken(spoken) = &mut self.current()?.content else { return None };
        let Some(recorder) = &mut spoken.recorder else {
            spoken.held.extend_from_slice(samples);
            return None;
        };
        match recorder.write(samples)? {
            Storage::HeldInMemory { why } => self.note(Err(format!(
                "cannot write the recording: {why}; free some space: what you say is held in memory meanwhile"
            ))),
            Storage::OnDiskAgain => self.settle(),
        }
    }

    /// Adds a line to the open typed take.
    pub fn write_line(&mut self, line: &str) -> Option<News> {
        if let Content::Typed { text, .. } = &mut self.current()?.content {
            text.push_str(line);
            text.push('\n');
        }
        self.settle()
    }

    /// The open take ends.
    pub fn close(&mut self) -> Option<News> {
        self.current()?.open = false;
        self.settle()
    }

    /// The last take, to be transcribed; `None` where it is a typed one or there is none.
    pub fn recording(&mut self) -> Option<Recording> {
        let Content::Spoken(spoken) = &mut self.current()?.content else { return None };
        Some(match (&spoken.path, &mut spoken.recorder) {
            (Some(path), _) if spoken.whole => Recording::File(path.clone()),
            (_, Some(recorder)) => Recording::Samples(recorder.samples()),
            (_, None) => Recording::Samples(spoken.held.clone()),
        })
    }

    /// Length of the last take's recording, in seconds.
    pub fn seconds(&self) -> f64 {
        match self.answers.last().and_then(|answer| answer.takes.last()).map(|take| &take.content) {
            Some(Content::Spoken(Spoken { recorder: Some(recorder), .. })) => recorder.seconds(),
            Some(Content::Spoken(Spoken { held, .. })) => held.len() as f64 / f64::from(SAMPLE_RATE),
            _ => 0.0,
        }
    }

    /// The last take's text; `None` where it is a spoken one or there is none.
    pub fn text(&mut self) -> Option<String> {
        match &self.current()?.content {
            Content::Typed { text, .. } => Some(text.clone()),
            _ => None,
        }
    }

    /// The last take has been transcribed.
    pub fn transcribed(&mut self, model: &str, recognised: Recognised) -> Option<News> {
        self.current()?.transcript = Some((model.to_owned(), recognised));
        self.settle()
    }

    /// The last take has been judged.
    pub fn judged(&mut self, assessment: Assessment) -> Option<News> {
        self.current()?.assessment = Some(assessment);
        self.settle()
    }

    /// The user overrules a verdict on the last take, or takes that back.
    pub fn correct(&mut self, point: &PointVerdict) -> Option<News> {
        self.current()?.corrections.push((point.id.clone(), Ruling::of(point)));
        self.settle()
    }

    /// The question was not answered, or not even asked.
    pub fn skip(&mut self, place: Place, question_id: &str) -> Option<News> {
        let current = self
            .answers
            .last()
            .is_some_and(|answer| answer.loop_index == place.loop_index && answer.question_id == question_id);
        if !current {
            self.begin(place, question_id);
        }
        self.answers.last_mut()?.skipped = true;
        self.settle()
    }

    /// The session ends.
    pub fn finish(&mut self, state: SessionState) -> Option<News> {
        self.ending = Some(state);
        self.settle()
    }

    /// Whether something could not be written and is held in memory.
    pub fn is_failing(&self) -> bool {
        self.failing.is_some()
    }

    /// Why writing fails, while it does.
    pub fn why_failing(&self) -> Option<&str> {
        self.failing.as_deref()
    }

    /// Writes what is not written yet, in order. An answer that cannot be written does not keep the
    /// others from the disk.
    pub fn settle(&mut self) -> Option<News> {
        let result = self.write_all();
        self.note(result)
    }

    fn write_all(&mut self) -> Result<(), String> {
        let mut failed = None;
        let last = self.answers.len().saturating_sub(1);
        let mut index = 0;
        self.answers.retain_mut(|answer| {
            let result = answer.write(&self.record);
            // The last one is still being given.
            let keep = index == last || result.is_err();
            index += 1;
            failed = failed.take().or(result.err());
            keep
        });
        if let Some(state) = self.ending {
            match self.record.finish(state) {
                Ok(()) => self.ending = None,
                Err(error) => failed = failed.or(Some(error.to_string())),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Turns success and failure into news: each only when it begins.
    fn note(&mut self, result: Result<(), String>) -> Option<News> {
        match result {
            Ok(()) => {
                let held = self.answers.iter().flat_map(|answer| &answer.takes).any(Take::holds_back);
                (!held && self.failing.take().is_some()).then_some(News::WrittenAgain)
            }
            Err(why) => {
                let first = self.failing.is_none();
                self.failing = Some(why.clone());
                first.then_some(News::Held(why))
            }
        }
    }

    fn current(&mut self) -> Option<&mut Take> {
        self.answers.last_mut()?.takes.last_mut()
    }
}

impl Answer {
    fn write(&mut self, record: &SessionHandle) -> Result<(), String> {
        let id = match self.id {
            Some(id) => id,
            None => record.ask(self.loop_index, &self.question_id).map_err(text_of)?,
        };
        self.id = Some(id);
        for take in &mut self.takes {
            take.write(record, id)?;
        }
        if self.skipped {
            record.skip(id).map_err(text_of)?;
            self.skipped = false;
        }
        Ok(())
    }
}

impl Take {
    /// Whether the recorder waits for the disk.
    fn holds_back(&self) -> bool {
        matches!(&self.content, Content::Spoken(Spoken { recorder: Some(recorder), .. }) if recorder.is_holding())
    }

    fn write(&mut self, record: &SessionHandle, answer: AnswerId) -> Result<(), String> {
        let id = match (self.id, &mut self.content) {
            (Some(id), _) => id,
            (None, Content::Typed { .. }) => record.begin_typed_take(answer).map_err(text_of)?,
            (None, Content::Spoken(spoken)) => {
                let take = record.begin_take(answer).map_err(text_of)?;
                spoken.path = Some(take.path);
                take.id
            }
        };
        self.id = Some(id);
        match &mut self.content {
            Content::Spoken(spoken) => spoken.write(record, id, self.open)?,
            Content::Typed { text, saved } => {
                if *saved < text.len() {
                    record.append_text(id, &text[*saved..]).map_err(text_of)?;
                    *saved = text.len();
                }
            }
        }
        if let Some((model, recognised)) = &self.transcript {
            record.journal().save_transcript(id, model, recognised).map_err(text_of)?;
            self.transcript = None;
        }
        if let Some(assessment) = &self.assessment {
            record.journal().save_assessment(id, assessment).map_err(text_of)?;
            self.assessment = None;
        }
        if !self.corrections.is_empty() {
            let corrections: Vec<_> =
                self.corrections.iter().map(|(point, ruling)| (id, point.clone(), *ruling)).collect();
            record.journal().save_corrections(&corrections).map_err(text_of)?;
            self.corrections.clear();
        }
        Ok(())
    }
}

impl Spoken {
    fn write(&mut self, record: &SessionHandle, id: TakeId, open: bool) -> Result<(), String> {
        let Some(path) = &self.path else { return Ok(()) };
        let recorder = match &mut self.recorder {
            Some(recorder) => recorder,
            None => {
                let mut recorder = Recorder::create(path).map_err(text_of)?;
                recorder.write(&mem::take(&mut self.held));
                self.recorder.insert(recorder)
            }
        };
        if open {
            return Ok(());
        }
        if !self.whole {
            recorder.finish().map_err(text_of)?;
            self.whole = true;
        }
        if !self.noted {
            record.finish_take(id, recorder.seconds()).map_err(text_of)?;
            self.noted = true;
        }
        Ok(())
    }
}

fn text_of(error: impl std::error::Error) -> String {
    error.to_string()
}
