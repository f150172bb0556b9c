//! How well the judgement agrees with people: answers with known verdicts in, figures out.
//!
//! A corpus is JSON lines, one answer a line: what was said (`text`, or `audio`, a recording beside the
//! corpus), what was asked (`loop` and `question`, or a question of its own with its `points`), and the
//! numbers of the points, from 1, that a fair interviewer would tick (`covered`) or that two could
//! disagree about (`borderline`, counted neither way).

mod calibration;
mod confusion;
mod figures;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::coverage::{self, Reader, Verdict};
use crate::loops::{Library, MAIN_QUESTION, Point, Question, Way};
use crate::transcript::Transcript;

pub use calibration::{Bin, Calibration};
pub use confusion::Confusion;
pub use figures::{Evaluation, Figures, Traps};

/// A line of a corpus that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}: {message}")]
pub struct CorpusError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

/// An answer with known verdicts.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Its id in the corpus, or its line number.
    pub id: String,
    /// What kind of answer it is; figures are given for each.
    pub style: String,
    /// What was said.
    pub content: Content,
    /// Which question was asked: `LOOP/ID`, or the words of a question of its own.
    pub asked: String,
    /// What was asked, with the checklist.
    pub question: Question,
    /// Points, from 1, to be ticked.
    covered: Vec<usize>,
    /// By which words each of them is made, where that is known.
    pub evidence: BTreeMap<usize, String>,
    /// Words of points that are not made by them.
    pub mentions: BTreeMap<usize, String>,
    /// Points, from 1, that may be ticked or not.
    borderline: Vec<usize>,
}

/// What was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// In writing.
    Text(String),
    /// Aloud: the recording's path as the corpus gives it.
    Audio(PathBuf),
}

/// What people say of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// It was made.
    Covered,
    /// It was not made.
    Missed,
    /// Two fair interviewers could disagree.
    Borderline,
}

/// What people and viva say of one point of one answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decision {
    /// The answer's id.
    pub id: String,
    /// The answer's style.
    pub style: String,
    /// The point's number, from 1.
    pub point: usize,
    /// What people say.
    pub label: Label,
    /// What viva says.
    pub verdict: Verdict,
    /// The probability that the point was covered, 0..1.
    pub probability: f64,
    /// The share of the stems of the point's text that were said anywhere, 0..1: what a simple
    /// program would go by.
    #[serde(skip)]
    pub stems: f64,
    /// The cosine of the point's text and the nearest sentence: what another simple program would go by.
    #[serde(skip)]
    pub similarity: Option<f64>,
    /// Which question the point belongs to, as [`Answer::asked`] has it.
    #[serde(skip)]
    pub question: String,
    /// The point's text.
    #[serde(skip)]
    pub text: String,
    /// First and last word, from 0, of each piece of evidence that was found, whatever the verdict.
    #[serde(skip)]
    pub evidence: Vec<RangeInclusive<usize>>,
}

impl Answer {
    /// Judges what was said, and sets it beside what people say: one decision a point.
    pub fn decide(&self, transcript: &Transcript, reader: &dyn Reader) -> Vec<Decision> {
        let verdicts = coverage::assess(&self.question, transcript, reader);
        let stems = coverage::stems_said(&self.question, transcript);
        let similarities = coverage::similarities(&self.question, transcript, reader);
        let similarity = |point: usize| similarities.as_ref()?.get(point - 1).copied();
        (1..)
            .zip(verdicts.into_iter().zip(stems))
            .map(|(point, (verdict, stems))| Decision {
                id: self.id.clone(),
                style: self.style.clone(),
                point,
                label: self.label(point),
                verdict: verdict.verdict,
                probability: verdict.probability,
                stems,
                similarity: similarity(point),
                question: self.asked.clone(),
                text: verdict.text,
                evidence: verdict.evidence.iter().map(|found| found.first_word..=found.last_word).collect(),
            })
            .collect()
    }
}

impl Answer {
    /// An answer of which only the verdicts are known.
    pub fn new(
        id: String,
        question: Question,
        content: Content,
        covered: Vec<usize>,
        borderline: Vec<usize>,
    ) -> Self {
        let (evidence, mentions) = Default::default();
        let (style, asked) = ("answer".to_owned(), question.prompt.clone());
        Self { id, style, content, asked, question, covered, evidence, mentions, borderline }
    }

    /// What people say of a point, numbered from 1.
    pub fn label(&self, point: usize) -> Label {
        match point {
            point if self.borderline.contains(&point) => Label::Borderline,
            point if self.covered.contains(&point) => Label::Covered,
            _ => Label::Missed,
        }
    }
}

#[derive(Deserialize)]
struct Line {
    id: Option<String>,
    style: Option<String>,
    #[serde(rename = "loop")]
    asked: Option<Asked>,
    question: Option<String>,
    points: Option<Vec<GivenPoint>>,
    text: Option<String>,
    audio: Option<PathBuf>,
    covered: Vec<usize>,
    #[serde(default)]
    borderline: Vec<usize>,
    #[serde(default)]
    evidence: BTreeMap<usize, String>,
    #[serde(default)]
    mentions: BTreeMap<usize, String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Asked {
    Number(usize),
    Id(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum GivenPoint {
    Text(String),
    Full {
        text: String,
        #[serde(default)]
        keywords: Vec<Way>,
    },
}

/// Reads a corpus.
///
/// # Errors
/// The first line that cannot be used.
pub fn read(corpus: &str, library: &Library) -> Result<Vec<Answer>, CorpusError> {
    corpus
        .lines()
        .enumerate()
        .filter(|(_, text)| !text.trim().is_empty())
        .map(|(index, text)| {
            let line = index + 1;
            answer(text, line, library).map_err(|message| CorpusError { line, message })
        })
        .collect()
}

fn answer(text: &str, number: usize, library: &Library) -> Result<Answer, String> {
    let line: Line = serde_json::from_str(text).map_err(|error| format!("this is no answer: {error}"))?;
    let (name, question) = match (line.asked, line.points) {
        (Some(asked), None) => asked_in(library, &asked, line.question.as_deref())?,
        (None, Some(points)) => {
            let prompt = line.question.unwrap_or_default();
            (prompt.clone(), own_question(prompt, points))
        }
        _ => return Err("say what was asked: either a `loop`, or a `question` with its `points`".to_owned()),
    };
    let content = match (line.text, line.audio) {
        (Some(text), None) => Content::Text(text),
        (None, Some(audio)) => Content::Audio(audio),
        _ => return Err("give what was said: either a `text` or an `audio` file".to_owned()),
    };
    let count = question.points.len();
    if let Some(point) =
        line.covered.iter().chain(&line.borderline).find(|point| !(1..=count).contains(*point))
    {
        return Err(format!("there is no point {point}; they are numbered from 1 to {count}"));
    }
    Ok(Answer {
        id: line.id.unwrap_or_else(|| number.to_string()),
        style: line.style.unwrap_or_else(|| "answer".to_owned()),
        content,
        asked: name,
        question,
        covered: line.covered,
        evidence: line.evidence,
        mentions: line.mentions,
        borderline: line.borderline,
    })
}

/// A question of a loop, with its name.
fn asked_in(library: &Library, asked: &Asked, question: Option<&str>) -> Result<(String, Question), String> {
    let name = match asked {
        Asked::Number(number) => number.to_string(),
        Asked::Id(id) => id.clone(),
    };
    let content = &library.get(&name).map_err(|error| error.to_string())?.content;
    let id = question.unwrap_or(MAIN_QUESTION);
    let found = content.questions().find(|question| question.id == id);
    found.map(|found| (format!("{}/{id}", content.id), found.clone())).ok_or_else(|| {
        format!(
            "the loop `{}` has no question `{id}`; `viva loops show {}` lists them",
            content.id, content.id
        )
    })
}

fn own_question(prompt: String, points: Vec<GivenPoint>) -> Question {
    let points = (1..)
        .zip(points)
        .map(|(number, point)| {
            let (text, keywords) = match point {
                GivenPoint::Text(text) => (text, Vec::new()),
                GivenPoint::Full { text, keywords } => (text, keywords),
            };
            Point { keywords, ..Point::new(number.to_string(), text) }
        })
        .collect();
    Question::new(MAIN_QUESTION.to_owned(), prompt, 0, String::new(), points)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::coverage::WordsAlone;

    /// What people say of a point, and nothing else.
    pub fn decision(id: &str, point: usize, label: Label) -> Decision {
        Decision {
            id: id.to_owned(),
            style: "strong".to_owned(),
            point,
            label,
            verdict: Verdict::Missed,
            probability: 0.0,
            stems: 0.0,
            similarity: None,
            question: "theory/prompt".to_owned(),
            text: format!("point {point}"),
            evidence: Vec::new(),
        }
    }

    #[test]
    fn an_answer_tells_which_question_it_is_to() {
        let corpus = r#"{"loop": 1, "text": "x", "covered": []}
{"loop": "theory", "question": "when-mse", "text": "x", "covered": []}
{"question": "Why cache keys?", "points": ["time"], "text": "x", "covered": []}"#;
        let answers = read(corpus, &Library::built_in().unwrap()).unwrap();
        let asked: Vec<&str> = answers.iter().map(|answer| answer.asked.as_str()).collect();
        assert_eq!(asked, ["theory/prompt", "theory/when-mse", "Why cache keys?"]);
        let decisions =
            answers[1].decide(&Transcript::typed("The Brier score is the squared error."), &WordsAlone);
        assert_eq!((decisions[0].question.as_str(), decisions[0].evidence.len()), ("theory/when-mse", 1));
        assert_eq!(decisions[0].text, answers[1].question.points[0].text);
    }
}
