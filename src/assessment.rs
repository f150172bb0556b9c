//! The judgement of one answer as it is kept and printed: schema `viva.assessment/1`.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::coverage::{self, PointVerdict, Reader, Tally, Verdict};
use crate::loops::{Loop, Question};
use crate::transcript::Transcript;

/// The version of the engine that stands with each assessment.
pub const ENGINE: &str = env!("CARGO_PKG_VERSION");

/// Where an answer came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Source {
    /// Spoken and recorded.
    Audio {
        /// The recognition model's name.
        model: String,
        /// Length of the recording, in seconds.
        audio_seconds: f64,
        /// Time the recogniser took, in seconds.
        transcribe_seconds: f64,
    },
    /// Typed, or read from a text file.
    Text,
}

/// How the answer was delivered. Times are `None` for typed answers and where nothing was said.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Number of words.
    pub words: usize,
    /// Words a minute of speaking time.
    pub words_per_minute: Option<f64>,
    /// Time from the first word to the last, with each pause counted up to two seconds.
    pub speaking_seconds: Option<f64>,
    /// The longest pause between two words, in seconds.
    pub longest_pause_seconds: Option<f64>,
    /// Silence before the first word, in seconds.
    pub time_to_first_word_seconds: Option<f64>,
}

/// Pauses count as speaking time up to this many seconds.
const COUNTED_PAUSE_SECONDS: f64 = 2.0;

impl Delivery {
    /// Measures a transcript.
    pub fn of(transcript: &Transcript) -> Self {
        let times: Vec<(f64, f64)> =
            transcript.words().filter_map(|word| Some((word.start_seconds?, word.end_seconds?))).collect();
        let words = transcript.words().count();
        let (Some(&(first_start, _)), Some(&(_, last_end))) = (times.first(), times.last()) else {
            return Self { words, ..Self::default() };
        };
        let pauses = || times.windows(2).map(|pair| (pair[1].0 - pair[0].1).max(0.0));
        let uncounted: f64 = pauses().map(|pause| (pause - COUNTED_PAUSE_SECONDS).max(0.0)).sum();
        let speaking = (last_end - first_start - uncounted).max(0.0);
        Self {
            words,
            words_per_minute: (speaking > 0.0).then(|| words as f64 * 60.0 / speaking),
            speaking_seconds: Some(speaking),
            longest_pause_seconds: Some(pauses().fold(0.0, f64::max)),
            time_to_first_word_seconds: Some(first_start),
        }
    }
}

/// One answer, transcribed and judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// Always `viva.assessment/1`.
    pub schema: String,
    /// Version of viva that judged.
    pub engine: String,
    /// The loop's id.
    #[serde(rename = "loop")]
    pub loop_id: String,
    /// The loop's content hash.
    pub loop_hash: String,
    /// `prompt` or a follow-up's id.
    pub question: String,
    /// Where the answer came from.
    pub source: Source,
    /// Whether anything was said.
    pub speech: bool,
    /// What was said.
    pub transcript: Transcript,
    /// One verdict a point, in the checklist's order.
    pub points: Vec<PointVerdict>,
    /// The verdicts counted.
    pub coverage: Tally,
    /// How it was said.
    pub delivery: Delivery,
}

impl Assessment {
    /// Judges an answer to `question`, which is one of `asked`'s questions.
    pub fn new(
        asked: &Loop,
        question: &Question,
        source: Source,
        transcript: Transcript,
        reader: &dyn Reader,
    ) -> Self {
        let points = coverage::assess(question, &transcript, reader);
        Self {
            schema: "viva.assessment/1".to_owned(),
            engine: ENGINE.to_owned(),
            loop_id: asked.id.clone(),
            loop_hash: asked.hash(),
            question: question.id.clone(),
            source,
            speech: !transcript.is_empty(),
            coverage: Tally::of(&points),
            delivery: Delivery::of(&transcript),
            points,
            transcript,
        }
    }

    /// Turns the verdict on a point round: back to viva's where a person has overruled it, else between covered
    /// and not. `None` where there is no such point.
    pub fn overrule(&mut self, index: usize) -> Option<&PointVerdict> {
        let point = self.points.get_mut(index)?;
        match point.overruled.take() {
            Some(said) => point.verdict = said,
            None => {
                let other =
                    if point.verdict == Verdict::Covered { Verdict::Missed } else { Verdict::Covered };
                point.overruled = Some(std::mem::replace(&mut point.verdict, other));
            }
        }
        self.coverage = Tally::of(&self.points);
        self.points.get(index)
    }

    /// The same with a person's verdicts in place of viva's, by the points' ids; the reasons and the
    /// evidence stay viva's.
    pub fn corrected(mut self, corrections: &HashMap<&str, Verdict>) -> Self {
        if corrections.is_empty() {
            return self;
        }
        for point in &mut self.points {
            if let Some(&verdict) = corrections.get(point.id.as_str())
                && verdict != point.verdict
            {
                point.overruled = Some(std::mem::replace(&mut point.verdict, verdict));
            }
        }
        self.coverage = Tally::of(&self.points);
        self
    }
}
