//! Fits the weights that the judgement goes by, `src/coverage/weights.txt`, to answers with known verdicts.
//!
//! ```text
//! cargo run --release --example fit_judgement                    prints the weights
//! cargo run --release --example fit_judgement -- --leave-out     how well it does on questions not fitted on
//! ```
//!
//! It is a logistic regression with an L1 penalty (Tibshirani 1996), found by cyclic coordinate descent on a
//! quadratic upper bound of the loss (Böhning and Lindsay 1988), so that each step lowers it. A row is a match of
//! a point in an answer, or the quote by which people say that a point is made, or seems to be. The answers are
//! those under `tests/fixtures/corpus` but for the two sets that are held out, and the examples of the built-in
//! loops.

#![allow(clippy::print_stdout, clippy::expect_used)]

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::{env, fs};

use vivavoce::coverage::{self, Verdict, WordsAlone};
use vivavoce::evaluation::{self, Answer, Content, Decision, Evaluation, Label, Traps};
use vivavoce::loops::Library;
use vivavoce::transcript::Transcript;

/// Weight of the penalty against the summed loss. Chosen by `--leave-out` among 0.5, 1, 2 and 4.
const PENALTY: f64 = 1.0;

/// A feature counts if so many rows have it.
const RAREST: usize = 3;

/// Passes over all features; after half as many no weight moves by more than a thousandth.
const PASSES: usize = 60;

/// What the quote of a point weighs beside the matches found for it, which together weigh 1.
const QUOTE_WEIGHT: f64 = 0.5;

/// What an answer weighs that is meant as one, against one that only has the words: people who practise mean what
/// they say more often than these sets do.
const HONEST: f64 = 1.5;

/// The questions that are not built in are left out in so many parts.
const OTHER_PARTS: usize = 4;

/// The corpora, and what a point of their answers weighs that is made, and one that is not. The remarks are short,
/// on all kinds of things, and two thirds of them take something back: they count for less, and evenly.
const CORPORA: [(&str, f64, f64); 8] = [
    ("dev.jsonl", 1.0, 1.0),
    ("fresh.jsonl", 1.0, 1.0),
    ("varied.jsonl", 1.0, 1.0),
    ("follow-ups.jsonl", 1.0, 1.0),
    ("training/main.jsonl", 1.0, 1.0),
    ("training/follow-ups.jsonl", 1.0, 1.0),
    ("training/other-questions.jsonl", 1.0, 1.0),
    ("training/remarks.jsonl", 0.4, 0.2),
];

/// A point of an answer.
struct Case {
    /// The corpus it comes from.
    corpus: String,
    answer: String,
    style: String,
    point: usize,
    label: Label,
    /// What is left out together: the built-in loops one by one, other questions in parts.
    group: usize,
    rows: Vec<Row>,
}

/// A match or a quote.
struct Row {
    signs: Vec<String>,
    weight: f64,
    is_match: bool,
    is_whole: bool,
}

fn main() {
    let cases = cases();
    match env::args().nth(1).as_deref() {
        None => print!("{}", Model::fit(&cases.iter().collect::<Vec<_>>())),
        Some("--leave-out") => leave_out(&cases),
        Some(other) => println!("`{other}` is not known; the only option is `--leave-out`"),
    }
}

fn cases() -> Vec<Case> {
    let library = Library::built_in().expect("the built-in loops can be read");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/corpus");
    let loops: HashMap<&str, usize> = (1..)
        .zip(library.iter())
        .flat_map(|(number, entry)| {
            entry.content.questions().map(move |asked| (asked.prompt.as_str(), number))
        })
        .collect();
    let mut others: BTreeMap<String, usize> = BTreeMap::new();
    let mut cases = Vec::new();
    for (corpus, made, not_made) in CORPORA {
        let text = fs::read_to_string(folder.join(corpus)).expect("the corpus is there");
        for answer in evaluation::read(&text, &library).expect("the corpus can be read") {
            let group = loops.get(answer.question.prompt.as_str()).copied().unwrap_or_else(|| {
                let count = others.len();
                let asked =
                    if corpus.ends_with("remarks.jsonl") { &answer.id } else { &answer.question.prompt };
                let number = *others.entry(asked.clone()).or_insert(count);
                loops.len() + number % OTHER_PARTS
            });
            cases.extend(cases_of(corpus, &answer, group, (made, not_made)));
        }
    }
    for (number, entry) in (1..).zip(library.iter()) {
        for question in entry.content.questions() {
            for (count, example) in question.examples.iter().enumerate() {
                let numbers = |ids: &[String]| {
                    (1..)
                        .zip(&question.points)
                        .filter(|(_, point)| ids.contains(&point.id))
                        .map(|(number, _)| number)
                        .collect()
                };
                let answer = Answer::new(
                    format!("{}/{}/{}", entry.content.id, question.id, count + 1),
                    question.clone(),
                    Content::Text(example.answer.clone()),
                    numbers(&example.covered),
                    numbers(&example.either),
                );
                cases.extend(cases_of("examples of the loops", &answer, number, (1.0, 1.0)));
            }
        }
    }
    cases
}

fn cases_of(corpus: &str, answer: &Answer, group: usize, (made, not_made): (f64, f64)) -> Vec<Case> {
    let Content::Text(text) = &answer.content else { return Vec::new() };
    let transcript = Transcript::typed(text);
    let is_trap = Traps::are_in(&answer.style);
    (1..)
        .zip(coverage::traces(&answer.question, &transcript, &WordsAlone))
        .filter(|(point, _)| answer.label(*point) != Label::Borderline)
        .map(|(point, traces)| {
            let label = answer.label(point);
            let answer_weight = if label == Label::Covered { made } else { not_made };
            let answer_weight = if is_trap { answer_weight } else { answer_weight * HONEST };
            let quote = answer.evidence.get(&point).or(answer.mentions.get(&point));
            let quoted = quote.and_then(|quote| words_of(&transcript.text, quote));
            // Words elsewhere than where the point is made neither make it nor fail to.
            let is_meant = |first: usize, last: usize| match (label, quoted) {
                (Label::Covered, Some((from, to))) => first <= to + 1 && from <= last + 1,
                _ => true,
            };
            let meant = traces.iter().filter(|trace| is_meant(trace.first_word, trace.last_word)).count();
            let mut rows: Vec<Row> = traces
                .iter()
                .filter(|trace| !trace.repeats_question)
                .map(|trace| Row {
                    weight: if is_meant(trace.first_word, trace.last_word) {
                        answer_weight / meant as f64
                    } else {
                        0.0
                    },
                    signs: trace
                        .signs
                        .iter()
                        .filter(|sign| sign.words != coverage::ALWAYS)
                        .map(|sign| format!("{}\t{}", sign.place, sign.words))
                        .collect(),
                    is_match: true,
                    is_whole: trace.is_whole,
                })
                .collect();
            rows.extend(quoted.map(|(first, last)| {
                Row {
                    signs: coverage::surroundings(&answer.question, &transcript, first, last)
                        .iter()
                        .map(|(place, words)| format!("{place}\t{words}"))
                        .collect(),
                    weight: QUOTE_WEIGHT,
                    is_match: false,
                    is_whole: false,
                }
            }));
            let (answer, style) = (answer.id.clone(), answer.style.clone());
            Case { corpus: corpus.to_owned(), answer, style, point, label, group, rows }
        })
        .collect()
}

/// First and last word, from 0, of a quote.
fn words_of(text: &str, quote: &str) -> Option<(usize, usize)> {
    let before = &text[..text.find(quote)?];
    let is_cut = !before.is_empty() && !before.ends_with(char::is_whitespace);
    let first = before.split_whitespace().count() - usize::from(is_cut);
    Some((first, first + quote.split_whitespace().count().max(1) - 1))
}

/// Fits on all groups but one, and judges that one by it; for every group.
fn leave_out(cases: &[Case]) {
    let mut decided: BTreeMap<&str, Vec<Decision>> = BTreeMap::new();
    let mut groups: Vec<usize> = cases.iter().map(|case| case.group).collect();
    groups.sort_unstable();
    groups.dedup();
    for group in groups {
        let model = Model::fit(&cases.iter().filter(|case| case.group != group).collect::<Vec<_>>());
        for case in cases.iter().filter(|case| case.group == group) {
            // As the judge does: where the whole of a way was said, a part of one has nothing to add.
            let has_whole = case.rows.iter().any(|row| row.is_whole);
            let matches = case.rows.iter().filter(|row| row.is_match && (row.is_whole || !has_whole));
            let probability = matches.map(|row| model.probability(row)).fold(0.0, f64::max);
            decided.entry(&case.corpus).or_default().push(Decision {
                id: case.answer.clone(),
                style: case.style.clone(),
                point: case.point,
                label: case.label,
                verdict: if probability >= coverage::COVERED { Verdict::Covered } else { Verdict::Missed },
                probability,
                stems: 0.0,
                similarity: None,
                question: String::new(),
                text: String::new(),
                evidence: Vec::new(),
            });
        }
    }
    println!("{:<34} F1     precision  recall  traps credited", "each loop judged by the others");
    for (corpus, decisions) in decided {
        let Evaluation { overall, traps, .. } = Evaluation::of(decisions);
        println!(
            "{corpus:<34} {:.3}  {:.3}      {:.3}   {} of {}",
            overall.f1, overall.precision, overall.recall, traps.credited, traps.decisions
        );
    }
}

struct Model {
    bias: f64,
    weights: BTreeMap<String, f64>,
    rows: usize,
}

impl Model {
    fn fit(cases: &[&Case]) -> Self {
        let rows: Vec<(&Row, bool)> = cases
            .iter()
            .flat_map(|case| case.rows.iter().map(|row| (row, case.label == Label::Covered)))
            .filter(|(row, _)| row.weight > 0.0)
            .collect();
        let mut having: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (number, (row, _)) in rows.iter().enumerate() {
            for sign in &row.signs {
                having.entry(sign).or_default().push(number);
            }
        }
        having.retain(|_, rows| rows.len() >= RAREST);
        let columns: Vec<(&str, Vec<usize>)> = having.into_iter().collect();
        let every: Vec<usize> = (0..rows.len()).collect();
        let mut log_odds = vec![0.0; rows.len()];
        let mut weights = vec![0.0; columns.len()];
        let mut bias = 0.0;
        for _ in 0..PASSES {
            descend(&rows, &every, 0.0, &mut bias, &mut log_odds);
            for ((_, column), weight) in columns.iter().zip(&mut weights) {
                descend(&rows, column, PENALTY, weight, &mut log_odds);
            }
        }
        let weights = columns
            .iter()
            .zip(weights)
            .filter(|(_, weight)| weight.abs() >= 0.005)
            .map(|((sign, _), weight)| ((*sign).to_owned(), weight))
            .collect();
        Self { bias, weights, rows: rows.len() }
    }

    fn probability(&self, row: &Row) -> f64 {
        let of = |sign: &String| self.weights.get(sign).copied().unwrap_or_default();
        probability(self.bias + row.signs.iter().map(of).sum::<f64>())
    }
}

fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// Moves one weight to the lowest point of the quadratic that bounds the loss from above.
fn descend(rows: &[(&Row, bool)], column: &[usize], penalty: f64, weight: &mut f64, log_odds: &mut [f64]) {
    let (mut gradient, mut curvature) = (0.0, 0.0);
    for &row in column {
        let (Row { weight, .. }, is_made) = rows[row];
        gradient += weight * (probability(log_odds[row]) - f64::from(u8::from(is_made)));
        curvature += weight / 4.0;
    }
    let free = *weight - gradient / curvature;
    let shrunk = free.signum() * (free.abs() - penalty / curvature).max(0.0);
    let change = shrunk - *weight;
    if change != 0.0 {
        *weight = shrunk;
        for &row in column {
            log_odds[row] += change;
        }
    }
}

impl std::fmt::Display for Model {
    fn fmt(&self, file: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            file,
            "# What speaks for a match and against it: the weights of a logistic model, fitted to {} rows by",
            self.rows
        )?;
        writeln!(
            file,
            "# `cargo run --release --example fit_judgement`, which says how. A line: what it adds to the log odds that the"
        )?;
        writeln!(
            file,
            "# point was made, where it stands, and how the match was found or the words, with tabs between them."
        )?;
        writeln!(file, "{:.3}\tmatch\tbias", self.bias)?;
        let mut weights: Vec<(&String, &f64)> = self.weights.iter().collect();
        weights.sort_by_key(|(sign, _)| !sign.starts_with("match\t"));
        weights.iter().try_for_each(|(sign, weight)| writeln!(file, "{weight:.3}\t{sign}"))
    }
}
