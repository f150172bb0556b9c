//! What is no answer makes no point: silence, noise, hum, clicks, music, breath, and speech in other languages, through
//! the real recogniser, judged against every built-in question.
//!
//! The tests make sixty trials. `VIVA_TRIALS=1000 cargo test --test nothing -- --ignored --nocapture` makes a thousand,
//! and `VIVA_TRIALS=17..18` the eighteenth alone: a trial is the same each time, whatever is tried before it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "../common/mod.rs"]
mod common;
mod sounds;

use std::collections::BTreeMap;
use std::env;
use std::ops::Range;
use std::path::Path;

use vivavoce::audio::{AudioSource, MemorySource, Pace, WavSource};
use vivavoce::coverage::{Verdict, WordsAlone, assess};
use vivavoce::loops::{Library, Question};
use vivavoce::recognise::{Transcriber as _, WhisperWorker, WorkerSettings};
use vivavoce::transcript::Transcript;

use sounds::{Kind, Sound};

/// One recogniser for all recordings, and everything that is asked.
struct Interview {
    recogniser: WhisperWorker,
    questions: Vec<(String, Question)>,
}

impl Interview {
    fn start() -> Self {
        let settings =
            WorkerSettings { program: Some(env!("CARGO_BIN_EXE_viva").into()), ..WorkerSettings::default() };
        let recogniser = WhisperWorker::start_with("tiny.en", &common::model(), settings).unwrap();
        let library = Library::built_in().unwrap();
        let questions = library
            .iter()
            .flat_map(|entry| {
                let id = &entry.content.id;
                entry.content.questions().map(move |asked| (format!("{id} {}", asked.id), asked.clone()))
            })
            .collect();
        Self { recogniser, questions }
    }

    fn hear(&mut self, source: &mut dyn AudioSource) -> Transcript {
        self.recogniser.transcribe(source, &mut |_| {}).unwrap().transcript
    }

    /// The points that a transcript makes, each with its question and the words it rests on.
    fn credited(&self, heard: &Transcript) -> Vec<String> {
        let mut credited = Vec::new();
        for (name, question) in &self.questions {
            for point in assess(question, heard, &WordsAlone) {
                if point.verdict == Verdict::Covered {
                    let quotes: Vec<&str> =
                        point.evidence.iter().map(|evidence| evidence.quote.as_str()).collect();
                    credited.push(format!("{name}: {} by {quotes:?}", point.id));
                }
            }
        }
        credited
    }
}

/// How the trials of one kind went.
#[derive(Default)]
struct Count {
    trials: usize,
    heard: usize,
    words: usize,
    credited: usize,
}

/// Makes the trials, prints how each kind went, and fails if a single point was credited.
fn try_nothing(trials: Range<u64>) {
    let mut interview = Interview::start();
    // What is credited nowhere because nothing works would pass everything below.
    let answer = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/answers/partial.wav");
    let heard = interview.hear(&mut WavSource::open(&answer, Pace::Fast).unwrap());
    assert!(!interview.credited(&heard).is_empty(), "an answer made no point: {}", heard.text);

    let mut counts: BTreeMap<Kind, Count> = BTreeMap::new();
    let mut wrong = Vec::new();
    for number in trials {
        let Sound { kind, name, samples } = sounds::trial(number);
        let heard = interview.hear(&mut MemorySource::from_i16(&samples));
        if !heard.is_empty() {
            println!("trial {number}, {name}: {}", heard.text);
        }
        let credited = interview.credited(&heard);
        let count = counts.entry(kind).or_default();
        count.trials += 1;
        count.heard += usize::from(!heard.is_empty());
        count.words += heard.words().count();
        count.credited += credited.len();
        if !credited.is_empty() {
            wrong.push(format!("trial {number}, {name}: {}\n  {}", heard.text, credited.join("\n  ")));
        }
        if (number + 1) % 50 == 0 {
            println!("trial {number} is done; points credited in {} so far", wrong.len());
        }
    }
    println!("{:<18} {:>6} {:>10} {:>6} {:>8}", "", "trials", "with words", "words", "credited");
    for (kind, Count { trials, heard, words, credited }) in &counts {
        println!("{:<18} {trials:>6} {heard:>10} {words:>6} {credited:>8}", kind.name());
    }
    assert!(wrong.is_empty(), "points credited for nothing:\n{}", wrong.join("\n"));
}

#[test]
fn no_point_is_credited_for_what_is_no_answer() {
    try_nothing(0..60);
}

#[test]
#[ignore = "takes minutes: a thousand trials, or as many as `VIVA_TRIALS` says"]
fn no_point_is_credited_in_a_thousand_trials() {
    let wanted = env::var("VIVA_TRIALS").unwrap_or_else(|_| "1000".to_owned());
    let (from, to) = wanted.split_once("..").unwrap_or(("0", &wanted));
    let number = |text: &str| text.parse().expect("`VIVA_TRIALS` is a number, or two like `17..18`");
    try_nothing(number(from)..number(to));
}
