//! The answers with known verdicts under `tests/fixtures/corpus`.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use serde::Deserialize;
use vivavoce::evaluation::{self, Answer, Content};
use vivavoce::loops::Library;
use vivavoce::transcript::{Segment, Transcript, Word};

pub const DEVELOPMENT: &str = include_str!("../fixtures/corpus/dev.jsonl");
pub const FRESH: &str = include_str!("../fixtures/corpus/fresh.jsonl");
pub const VARIED: &str = include_str!("../fixtures/corpus/varied.jsonl");
pub const TINY_EN: &str = include_str!("../fixtures/corpus/tiny-en.jsonl");
pub const FOLLOW_UPS: &str = include_str!("../fixtures/corpus/follow-ups.jsonl");

/// What was said in an answer with known verdicts.
pub type Said = (Answer, Transcript);

fn answers(corpus: &str) -> Vec<Answer> {
    evaluation::read(corpus, &Library::built_in().unwrap()).unwrap()
}

pub fn written(corpus: &str) -> Vec<Said> {
    let said = |answer: Answer| {
        let Content::Text(text) = &answer.content else { panic!("{} is not written", answer.id) };
        let transcript = Transcript::typed(text);
        (answer, transcript)
    };
    answers(corpus).into_iter().map(said).collect()
}

/// What the recogniser made of some of the answers, spoken.
#[derive(Deserialize)]
struct Heard {
    id: String,
    /// Words with start, end and probability.
    segments: Vec<Vec<(String, f64, f64, f64)>>,
}

pub fn spoken(corpus: &str, heard: &str) -> Vec<Said> {
    let mut heard: BTreeMap<String, Transcript> = heard
        .lines()
        .map(|line| {
            let heard: Heard = serde_json::from_str(line).unwrap();
            (heard.id, Transcript::from_segments(heard.segments.into_iter().map(segment).collect()))
        })
        .collect();
    let said = |answer: Answer| heard.remove(&answer.id).map(|transcript| (answer, transcript));
    answers(corpus).into_iter().filter_map(said).collect()
}

fn segment(words: Vec<(String, f64, f64, f64)>) -> Segment {
    let words: Vec<Word> = words
        .into_iter()
        .map(|(text, start, end, probability)| Word {
            text,
            start_seconds: Some(start),
            end_seconds: Some(end),
            probability: Some(probability),
        })
        .collect();
    Segment {
        start_seconds: words.first().and_then(|word| word.start_seconds),
        end_seconds: words.last().and_then(|word| word.end_seconds),
        text: words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" "),
        words,
    }
}
