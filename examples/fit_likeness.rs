//! Fits the weights by which likeness in meaning is judged, `src/coverage/likeness.txt`, to arguments and the key
//! points that people say they make (ArgKP-2021, see docs/corpus.md).
//!
//! ```text
//! cargo run --release --example fit_likeness -- MODEL                 prints the weights
//! cargo run --release --example fit_likeness -- MODEL --leave-out     how well it does on topics not fitted on
//! ```
//!
//! `MODEL` is the folder of the model that `viva models fetch meaning` gets. It is a logistic regression of the
//! figures of the sentence that comes nearest to the point, found by Newton's method.

#![allow(clippy::print_stdout, clippy::expect_used)]

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::{env, fs};

use serde::Deserialize;
use vivavoce::coverage::{FIGURES, Likeness, Reader, Reading, likenesses};
use vivavoce::loops::{MAIN_QUESTION, Point, Question};
use vivavoce::meaning::Meaning;
use vivavoce::transcript::Transcript;

/// Topics are left out in so many parts, none of which shares a topic with another.
const PARTS: usize = 7;

/// Steps of Newton's method; after half as many nothing moves.
const STEPS: usize = 12;

/// Weight of the penalty against the summed loss, on the squares of the weights: enough to keep the fit from
/// dividing by nothing.
const PENALTY: f64 = 0.01;

const WIDTH: usize = FIGURES.len() + 1;

#[derive(Deserialize)]
struct Topic {
    question: String,
    points: Vec<String>,
    answers: Vec<Argument>,
}

#[derive(Deserialize)]
struct Argument {
    text: String,
    covered: Vec<usize>,
    borderline: Vec<usize>,
}

/// An argument beside a point.
struct Row {
    topic: String,
    /// The figures, and a 1 for the bias.
    figures: [f64; WIDTH],
    is_made: bool,
}

fn main() {
    let mut arguments = env::args().skip(1);
    let model = arguments.next().expect("name the folder of the model");
    let rows = rows(Path::new(&model));
    match arguments.next().as_deref() {
        None => print(&rows),
        Some("--leave-out") => leave_out(&rows),
        Some(other) => println!("`{other}` is not known; the only option is `--leave-out`"),
    }
}

/// Reads each text once.
struct Once {
    meaning: Meaning,
    read: RefCell<HashMap<String, Reading>>,
}

impl Reader for Once {
    fn read(&self, texts: &[Vec<&str>]) -> Option<Vec<Reading>> {
        let mut read = self.read.borrow_mut();
        texts
            .iter()
            .map(|words| {
                let text = words.join(" ");
                if !read.contains_key(&text) {
                    read.insert(text.clone(), self.meaning.read(std::slice::from_ref(words))?.pop()?);
                }
                read.get(&text).cloned()
            })
            .collect()
    }
}

fn rows(model: &Path) -> Vec<Row> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/corpus/training/arguments.jsonl");
    let corpus = fs::read_to_string(corpus).expect("the corpus is there");
    let reader =
        Once { meaning: Meaning::load(model).expect("the model is there"), read: RefCell::default() };
    let mut rows = Vec::new();
    for line in corpus.lines() {
        let Topic { question: topic, points, answers } = serde_json::from_str(line).expect("a topic");
        reader.read.borrow_mut().clear();
        let points = (1..).zip(points).map(|(number, text)| Point::new(number.to_string(), text)).collect();
        let question = Question::new(MAIN_QUESTION.to_owned(), topic.clone(), 0, String::new(), points);
        for Argument { text, covered, borderline } in answers {
            let likenesses =
                likenesses(&question, &Transcript::typed(&text), &reader).expect("it can be read");
            for (number, of_point) in (1..).zip(likenesses).filter(|(number, _)| !borderline.contains(number))
            {
                let Some(Likeness { figures, .. }) = of_point.first() else { continue };
                let mut with_bias = [1.0; WIDTH];
                with_bias[1..].copy_from_slice(figures);
                let is_made = covered.contains(&number);
                rows.push(Row { topic: topic.clone(), figures: with_bias, is_made });
            }
        }
    }
    rows
}

fn print(rows: &[Row]) {
    println!(
        "# How likeness in meaning speaks for a point: the weights of a logistic model, fitted to {}",
        rows.len()
    );
    println!(
        "# pairs of an argument and a key point by `cargo run --release --example fit_likeness`, which says how."
    );
    println!(
        "# A line: what one more of a figure adds to the log odds, and the figure (src/coverage/likeness.rs)."
    );
    let weights = fit(&rows.iter().collect::<Vec<_>>());
    for (name, weight) in ["bias"].iter().chain(&FIGURES).zip(weights) {
        println!("{weight:.4}\t{name}");
    }
}

/// Fits on all topics but those of one part, and judges these by it; for every part.
fn leave_out(rows: &[Row]) {
    let mut topics: Vec<&str> = rows.iter().map(|row| row.topic.as_str()).collect();
    topics.sort_unstable();
    topics.dedup();
    let part = |row: &Row| topics.binary_search(&row.topic.as_str()).map_or(0, |topic| topic % PARTS);
    let mut judged = Vec::new();
    for left_out in 0..PARTS {
        let weights = fit(&rows.iter().filter(|row| part(row) != left_out).collect::<Vec<_>>());
        let left_out = rows.iter().filter(|row| part(row) == left_out);
        judged.extend(left_out.map(|row| (log_odds(&weights, row), row.is_made)));
    }
    let ticked = |(log_odds, _): &&(f64, bool)| *log_odds >= 0.0;
    let made = |(_, is_made): &&(f64, bool)| *is_made;
    let right = judged.iter().filter(ticked).filter(made).count() as f64;
    let (ticks, expected) =
        (judged.iter().filter(ticked).count() as f64, judged.iter().filter(made).count() as f64);
    println!(
        "{} topics, {} decisions: F1 {:.3}, precision {:.3}, recall {:.3}, area under the ROC curve {:.3}",
        topics.len(),
        judged.len(),
        2.0 * right / (ticks + expected),
        right / ticks,
        right / expected,
        area(judged)
    );
}

/// The area under the ROC curve: how often one that is made gets more than one that is not (Mann and Whitney 1947).
fn area(mut judged: Vec<(f64, bool)>) -> f64 {
    judged.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (mut below, mut wins) = (0.0, 0.0);
    for (_, is_made) in &judged {
        if *is_made {
            wins += below;
        } else {
            below += 1.0;
        }
    }
    wins / (below * (judged.len() as f64 - below))
}

fn log_odds(weights: &[f64; WIDTH], row: &Row) -> f64 {
    weights.iter().zip(&row.figures).map(|(weight, figure)| weight * figure).sum()
}

fn fit(rows: &[&Row]) -> [f64; WIDTH] {
    let mut weights = [0.0; WIDTH];
    for _ in 0..STEPS {
        let mut gradient = weights.map(|weight| PENALTY * weight);
        let mut curvature = [[0.0; WIDTH]; WIDTH];
        (0..WIDTH).for_each(|at| curvature[at][at] = PENALTY);
        for row in rows {
            let probability = 1.0 / (1.0 + (-log_odds(&weights, row)).exp());
            let error = probability - f64::from(u8::from(row.is_made));
            for (one, of_one) in row.figures.iter().enumerate() {
                gradient[one] += error * of_one;
                for (other, of_other) in row.figures.iter().enumerate() {
                    curvature[one][other] += probability * (1.0 - probability) * of_one * of_other;
                }
            }
        }
        let step = solve(curvature, gradient);
        weights.iter_mut().zip(step).for_each(|(weight, step)| *weight -= step);
    }
    weights
}

/// Gaussian elimination; the matrix is positive definite, so that no pivot is nought.
fn solve(mut matrix: [[f64; WIDTH]; WIDTH], mut right: [f64; WIDTH]) -> [f64; WIDTH] {
    for pivot in 0..WIDTH {
        let above = matrix[pivot];
        for row in pivot + 1..WIDTH {
            let factor = matrix[row][pivot] / above[pivot];
            matrix[row].iter_mut().zip(above).for_each(|(number, above)| *number -= factor * above);
            right[row] -= factor * right[pivot];
        }
    }
    for pivot in (0..WIDTH).rev() {
        let known: f64 = (pivot + 1..WIDTH).map(|column| matrix[pivot][column] * right[column]).sum();
        right[pivot] = (right[pivot] - known) / matrix[pivot][pivot];
    }
    right
}
