//! The question library: what a loop is, and how loop files are read, checked and imported.
//!
//! A *loop* is one interview segment: a question, its follow-ups, and their checklists. Loop files
//! are TOML (`viva.loop/1`); the built-in ones are embedded in the binary.

mod fault;
mod import;
mod library;
mod read;
mod write;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use fault::{Fault, Finding, Place, Severity, nearest};
pub use import::{Imported, import};
pub use library::{BUILT_IN, Entry, Library, LibraryError, Origin, loop_files};
pub use read::{Checked, Trial, check, read, text_of_file};
pub use write::to_toml;

/// What a loop file says it is.
pub const SCHEMA: &str = "viva.loop/1";

/// What holds for every loop; said when practice starts.
pub const RULES: [&str; 2] = [
    "Each loop is designed to feel like a real technical interview segment.",
    "Use a timer. Do not look things up while answering.",
];

/// The id that a loop's main question goes by wherever questions are named.
pub const MAIN_QUESTION: &str = "prompt";

/// One interview segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Loop {
    /// Unique in the library: lower-case letters, digits, hyphens.
    pub id: String,
    /// What people see in lists.
    pub title: String,
    /// The main question; its id is [`MAIN_QUESTION`].
    pub question: Question,
    /// Asked after the main question's coverage has been shown, in this order.
    pub follow_ups: Vec<Question>,
}

impl Loop {
    /// The main question and then the follow-ups, in the order they are asked.
    pub fn questions(&self) -> impl Iterator<Item = &Question> {
        std::iter::once(&self.question).chain(&self.follow_ups)
    }

    /// The content hash: SHA-256, in hexadecimal, over everything that is asked and judged by.
    pub fn hash(&self) -> String {
        // A loop is strings and numbers throughout, so that it always serialises.
        let content = serde_json::to_vec(self).unwrap_or_default();
        Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What is asked, and the checklist of a strong answer to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Unique in its loop; [`MAIN_QUESTION`] for the main question.
    pub id: String,
    /// What is asked, in words.
    pub prompt: String,
    /// The time for an answer, in whole seconds.
    pub answer_seconds: u32,
    /// The words that introduce the checklist ("You should connect").
    pub checklist_heading: String,
    /// The checklist. A follow-up without points is asked, recorded and kept, but not judged.
    pub points: Vec<Point>,
    /// How the voice reads the question, where that differs from the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub say: Option<String>,
    /// A model answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exemplar: Option<String>,
    /// Answers with known verdicts, which test the checklist. They change nothing that is asked or judged by,
    /// so that they stand in the file alone: neither in the hash, nor in the journal, nor in JSON.
    #[serde(skip)]
    pub examples: Vec<Example>,
    /// Ids of the main question's points: ask this follow-up first when one of them was missed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub if_missed: Vec<String>,
    /// Ids of the main question's points: ask this follow-up first when one of them was made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub if_made: Vec<String>,
}

impl Question {
    /// A question with what every question has, and nothing that may be left out.
    pub fn new(
        id: String,
        prompt: String,
        answer_seconds: u32,
        checklist_heading: String,
        points: Vec<Point>,
    ) -> Self {
        Self {
            id,
            prompt,
            answer_seconds,
            checklist_heading,
            points,
            say: None,
            exemplar: None,
            examples: Vec::new(),
            if_missed: Vec::new(),
            if_made: Vec::new(),
        }
    }

    /// What the voice reads.
    pub fn spoken(&self) -> &str {
        self.say.as_deref().unwrap_or(&self.prompt)
    }
}

/// One item of a checklist.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Unique in its question: lower-case letters, digits, hyphens.
    pub id: String,
    /// What a strong answer says, as the list's author put it.
    pub text: String,
    /// Ways to say it, one of which is enough; empty: the point is matched on its own text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<Way>,
    /// What the recogniser makes of the point's terms, as ways to say it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heard_as: Vec<Way>,
    /// What people wrongly say instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub misconceptions: Vec<String>,
    /// Nudges, from vague to plain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
    /// The user's own wordings that count for it, verbatim. They are the user's, not the loop's: no part of its
    /// file, of its hash or of what is kept of it.
    #[serde(skip)]
    pub learned: Vec<String>,
}

impl Point {
    /// A point that is matched on its own text.
    pub fn new(id: String, text: String) -> Self {
        Self {
            id,
            text,
            keywords: Vec::new(),
            heard_as: Vec::new(),
            misconceptions: Vec::new(),
            hints: Vec::new(),
            learned: Vec::new(),
        }
    }
}

/// An answer with known verdicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// What is said, on one line.
    pub answer: String,
    /// Ids of the points that it makes; it makes no other.
    pub covered: Vec<String>,
    /// Ids of points that may be ticked or not.
    pub either: Vec<String>,
}

/// One way to say a point: every part must be heard near the others, each by any one of its
/// alternatives. Written `"coin flip|coin toss + likelihood|chance of the data"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Way {
    /// The parts (joined by `+` in the file), each with its alternatives (joined by `|`), trimmed
    /// and never empty.
    pub parts: Vec<Vec<String>>,
}

impl TryFrom<String> for Way {
    type Error = String;

    fn try_from(source: String) -> Result<Self, Self::Error> {
        let mut parts = vec![vec![String::new()]];
        // `+` joins parts only as a word of its own, so that "c++" can be said.
        for word in source.replace('|', " | ").split_whitespace() {
            match (word, parts.last_mut()) {
                ("+", _) => parts.push(vec![String::new()]),
                ("|", Some(alternatives)) => alternatives.push(String::new()),
                (_, Some(alternatives)) => {
                    if let Some(phrase) = alternatives.last_mut() {
                        if !phrase.is_empty() {
                            phrase.push(' ');
                        }
                        phrase.push_str(word);
                    }
                }
                (_, None) => {}
            }
        }
        for phrase in parts.iter().flatten() {
            if phrase.is_empty() {
                return Err(format!(
                    "`{source}` has nothing on one side of a `+` or `|`; fill it or remove the sign"
                ));
            }
            if !phrase.contains(char::is_alphanumeric) {
                return Err(format!(
                    "`{phrase}` in `{source}` has no letter or digit; write it as it is spoken"
                ));
            }
        }
        Ok(Self { parts })
    }
}

impl From<Way> for String {
    fn from(way: Way) -> Self {
        way.parts.iter().map(|part| part.join("|")).collect::<Vec<_>>().join(" + ")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn examples_are_neither_hashed_nor_kept_and_old_kept_ones_are_read_over() {
        let mut content = Library::built_in().unwrap().get("theory").unwrap().content.clone();
        let hash = content.hash();
        content.question.examples =
            vec![Example { answer: "Coin flips.".to_owned(), covered: Vec::new(), either: Vec::new() }];
        assert_eq!(content.hash(), hash);

        let mut kept = serde_json::to_value(&content).unwrap();
        assert!(kept["question"].get("examples").is_none());
        // Versions before kept them, as whatever the file had.
        kept["question"]["examples"] = serde_json::json!([{ "text": "x", "covered": ["one"], "score": 0.5 }]);
        let read: Loop = serde_json::from_value(kept).unwrap();
        assert!(read.question.examples.is_empty());
        assert_eq!(read.hash(), hash);
    }
}
