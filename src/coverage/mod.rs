//! Which points of a checklist an answer made, and the words that show it.
//!
//! Pure and deterministic: a question and a transcript in, verdicts out. No clock, no device, no
//! files.
//!
//! [`normalise`] gives everything that is said the same one spelling, [`stems`] takes inflections off,
//! [`ways`] finds the keyword ways and the [`learned`] wordings (and [`own_words`] the words of points that
//! have no ways), [`sense`] (with the phrases of [`cues`]) finds the stretches that do not count, and
//! [`verdict`] weighs what is left.
//! [`finder`] tells by which way something was found, and [`rubric`] tests a checklist by its examples.

mod context;
mod cues;
mod finder;
mod learned;
mod likeness;
mod normalise;
mod own_words;
mod rubric;
mod sense;
mod sounds;
mod stems;
#[cfg(test)]
mod tests;
mod verdict;
mod ways;
mod weights;

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::loops::{Point, Question};
use crate::transcript::Transcript;

pub use finder::{Finder, finder};
pub use learned::{Unfit, credited, wording};
pub use likeness::{FIGURES, Likeness, Piece, Reader, Reading, WordsAlone};
pub use rubric::test_rubric;
pub use verdict::{ALWAYS, COVERED};

/// What is said about one point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The point was made.
    Covered,
    /// Something of it was said, too little for a tick.
    Partial,
    /// Probably said, but badly heard.
    Unheard,
    /// Not said, or said in a way that does not count; the reason tells.
    Missed,
}

impl Verdict {
    /// The name in JSON and on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Covered => "covered",
            Self::Partial => "partial",
            Self::Unheard => "unheard",
            Self::Missed => "missed",
        }
    }
}

/// How a piece of evidence was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FoundBy {
    /// By one of the point's keyword ways.
    Keyword,
    /// By the words of the point's own text.
    Text,
    /// By a sentence that means what the point says.
    Meaning,
    /// By an author-written `heard_as`.
    HeardAs,
    /// By one of the point's ways, with words that only sound like its.
    SoundAlike,
    /// By a wording that the user has taught.
    Learned,
}

/// The words a verdict rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Verbatim from the transcript.
    pub quote: String,
    /// Start of the first word in the recording, in seconds; `None` for typed answers.
    pub start_seconds: Option<f64>,
    /// End of the last word in the recording, in seconds; `None` for typed answers.
    pub end_seconds: Option<f64>,
    /// Index of the first word in [`Transcript::words`], from 0.
    pub first_word: usize,
    /// Index of the last word in [`Transcript::words`], inclusive.
    pub last_word: usize,
    /// How it was found.
    pub by: FoundBy,
}

/// The judgement on one point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PointVerdict {
    /// The point's id.
    pub id: String,
    /// The point's text.
    pub text: String,
    /// The decision.
    pub verdict: Verdict,
    /// Viva's own decision where a person has overruled it; `verdict` is theirs then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overruled: Option<Verdict>,
    /// The probability that the point was covered, 0..1; orders all decisions.
    pub probability: f64,
    /// The words it rests on, best first; also set, with a `reason`, where they were refused.
    pub evidence: Vec<Evidence>,
    /// Why something that looked like evidence was refused; `None` where nothing was.
    pub reason: Option<String>,
}

/// Counts of verdicts over a checklist.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Points made.
    pub covered: usize,
    /// Points half made.
    pub partial: usize,
    /// Points probably made but badly heard.
    pub unheard: usize,
    /// Points not made.
    pub missed: usize,
    /// All points.
    pub total: usize,
}

impl Tally {
    /// Counts the verdicts of one checklist.
    pub fn of(points: &[PointVerdict]) -> Self {
        let count = |verdict| points.iter().filter(|point| point.verdict == verdict).count();
        Self {
            covered: count(Verdict::Covered),
            partial: count(Verdict::Partial),
            unheard: count(Verdict::Unheard),
            missed: count(Verdict::Missed),
            total: points.len(),
        }
    }
}

/// Judges an answer against a question's checklist: one verdict a point, in the checklist's order. The reader is
/// asked for what the sentences mean where a point has no keywords.
pub fn assess(question: &Question, transcript: &Transcript, reader: &dyn Reader) -> Vec<PointVerdict> {
    verdict::Judge::new(question, transcript, reader).verdicts()
}

/// Something that speaks for a match or against it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sign {
    /// Where it stands, seen from the match: `match`, `inside`, `before`, `after`, `near`, ...
    pub place: &'static str,
    /// The words.
    pub words: String,
    /// What it adds to the log odds that the point was made.
    pub weight: f64,
}

/// A match and all that speaks for and against it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trace {
    /// Index of the first word in [`Transcript::words`], from 0.
    pub first_word: usize,
    /// Index of the last word, inclusive.
    pub last_word: usize,
    /// How it was found.
    pub by: FoundBy,
    /// Which of the point's ways it is, from 0: keywords first, then `heard_as`, then learned wordings.
    pub way: Option<usize>,
    /// How much of what was looked for is there, 0..1.
    pub share: f64,
    /// Whether that is enough.
    pub is_whole: bool,
    /// What the rules have against it.
    pub refusal: Option<&'static str>,
    /// Whether it only takes up words of the question: such a match never counts.
    pub repeats_question: bool,
    /// The probability that the point was made by it, 0..1.
    pub probability: f64,
    /// What the probability comes from; those without weight are there too.
    pub signs: Vec<Sign>,
}

/// Everything that was found for each point of a checklist, and what speaks for and against it.
pub fn traces(question: &Question, transcript: &Transcript, reader: &dyn Reader) -> Vec<Vec<Trace>> {
    verdict::Judge::new(question, transcript, reader).traces()
}

/// For each point the sentences that come nearest to it in meaning, the nearest first; `None` where the reader has
/// no model.
pub fn likenesses(
    question: &Question,
    transcript: &Transcript,
    reader: &dyn Reader,
) -> Option<Vec<Vec<Likeness>>> {
    let said: Vec<&str> = transcript.words().map(|word| word.text.as_str()).collect();
    likeness::nearest(reader, question, &said)
}

/// For each point the cosine of its text and the sentence that is nearest to it, -1..1: not a judgement, but what a
/// simple program would go by, to measure against. `None` where the reader has no model.
pub fn similarities(question: &Question, transcript: &Transcript, reader: &dyn Reader) -> Option<Vec<f64>> {
    let said: Vec<&str> = transcript.words().map(|word| word.text.as_str()).collect();
    likeness::similarities(reader, question, &said)
}

/// The words in and round a stretch of words with their places, as [`traces`] has them.
pub fn surroundings(
    question: &Question,
    transcript: &Transcript,
    first_word: usize,
    last_word: usize,
) -> Vec<(&'static str, String)> {
    verdict::Judge::new(question, transcript, &WordsAlone).surroundings(first_word, last_word)
}

/// For each point the share of its text's stems that were said anywhere, 0..1: not a judgement, but what a
/// simple program would go by, to measure against.
pub fn stems_said(question: &Question, transcript: &Transcript) -> Vec<f64> {
    let mut stems = stems::Stems::new();
    let words = transcript.words().map(|word| word.text.as_str());
    let said: HashSet<String> = normalise::tokens(words).iter().map(|token| stems.of(&token.text)).collect();
    let share = |point: &Point| {
        let tokens = normalise::text_tokens(&point.text);
        let wanted: HashSet<String> = tokens
            .iter()
            .filter(|token| !ways::is_light(&token.text))
            .map(|token| stems.of(&token.text))
            .collect();
        wanted.intersection(&said).count() as f64 / wanted.len().max(1) as f64
    };
    question.points.iter().map(share).collect()
}

/// The ids of points that the question's own words would satisfy: whoever repeats the question would be
/// credited, were repetitions not refused, and whoever makes the point in those words is not.
pub fn satisfied_by_prompt(question: &Question) -> Vec<String> {
    let repeated = Transcript::typed(&question.prompt);
    let without_prompt = Question { prompt: String::new(), ..question.clone() };
    let satisfied = verdict::Judge::new(&without_prompt, &repeated, &WordsAlone).satisfied();
    let points = question.points.iter().zip(satisfied).filter(|(_, satisfied)| *satisfied);
    points.map(|(point, _)| point.id.clone()).collect()
}
