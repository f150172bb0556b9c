//! What was said, as words with times and probabilities.
//!
//! A transcript is the same for speech and for typed answers; typed ones have neither times nor
//! probabilities.

use serde::{Deserialize, Serialize};

/// One word as the recogniser (or the typist) wrote it, punctuation attached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// The word without surrounding white space, e.g. `"cross-entropy,"`.
    pub text: String,
    /// Start in the recording, in seconds; `None` for typed answers.
    pub start_seconds: Option<f64>,
    /// End in the recording, in seconds; `None` for typed answers.
    pub end_seconds: Option<f64>,
    /// The recogniser's own probability, 0..1 (least over the word's tokens); `None` for typed answers.
    pub probability: Option<f64>,
}

/// A stretch of words that the recogniser wrote down together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Start in the recording, in seconds; `None` for typed answers.
    pub start_seconds: Option<f64>,
    /// End in the recording, in seconds; `None` for typed answers.
    pub end_seconds: Option<f64>,
    /// The segment's words joined by single spaces.
    pub text: String,
    /// The words, in the order they were said.
    pub words: Vec<Word>,
}

/// An answer in writing. Empty when nothing was said.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Transcript {
    /// All segments' text joined by single spaces.
    pub text: String,
    /// The segments, in the order they were said.
    pub segments: Vec<Segment>,
}

impl Transcript {
    /// Joins segments into a transcript; segments without words are left out.
    pub fn from_segments(segments: Vec<Segment>) -> Self {
        let segments: Vec<Segment> =
            segments.into_iter().filter(|segment| !segment.words.is_empty()).collect();
        let text = segments.iter().map(|segment| segment.text.as_str()).collect::<Vec<_>>().join(" ");
        Self { text, segments }
    }

    /// A typed answer: one segment a line, words split at white space, no times.
    pub fn typed(text: &str) -> Self {
        let segments = text
            .lines()
            .map(|line| {
                let words: Vec<Word> = line
                    .split_whitespace()
                    .map(|word| Word {
                        text: word.to_owned(),
                        start_seconds: None,
                        end_seconds: None,
                        probability: None,
                    })
                    .collect();
                Segment {
                    start_seconds: None,
                    end_seconds: None,
                    text: line.split_whitespace().collect::<Vec<_>>().join(" "),
                    words,
                }
            })
            .collect();
        Self::from_segments(segments)
    }

    /// Every word in order. Evidence refers to words by their index in this sequence.
    pub fn words(&self) -> impl Iterator<Item = &Word> {
        self.segments.iter().flat_map(|segment| &segment.words)
    }

    /// Whether nothing at all was said.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_lines_become_segments_without_times() {
        let transcript = Transcript::typed("first  line\n\n second one \n");
        assert_eq!(transcript.text, "first line second one");
        assert_eq!(transcript.segments.len(), 2);
        assert_eq!(transcript.words().count(), 4);
        assert!(transcript.words().all(|word| word.start_seconds.is_none() && word.probability.is_none()));
    }

    #[test]
    fn white_space_alone_is_an_empty_transcript() {
        assert!(Transcript::typed(" \n\t\n").is_empty());
    }
}
