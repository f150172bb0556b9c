//! How well the judgement agrees with a fair interviewer, on answers with known verdicts.
//!
//! `cargo test --test coverage_corpus -- --nocapture` prints the figures, and with `--ignored` as well
//! every wrong decision with its evidence.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod corpora;

use serde_json::Value;
use vivavoce::coverage::{Verdict, assess, satisfied_by_prompt};
use vivavoce::evaluation::{Evaluation, Figures, Label};
use vivavoce::loops::Library;

use corpora::{DEVELOPMENT, FOLLOW_UPS, FRESH, Said, TINY_EN, VARIED, spoken, written};

/// The answers to some of the loops.
fn of_loops(corpus: &str, numbers: &[u64]) -> String {
    let asked = |line: &&str| {
        let answer: Value = serde_json::from_str(line).unwrap();
        numbers.contains(&answer["loop"].as_u64().unwrap())
    };
    corpus.lines().filter(asked).collect::<Vec<_>>().join("\n")
}

fn print(name: &str, figures: &Figures) {
    let Figures { precision, recall, f1, .. } = figures;
    println!("{name:<28} F1 {f1:.3}  precision {precision:.3}  recall {recall:.3}");
}

fn report(name: &str, said: &[Said]) -> Evaluation {
    let decisions = said.iter().flat_map(|(answer, transcript)| answer.decide(transcript)).collect();
    let evaluation = Evaluation::of(decisions);
    print(name, &evaluation.overall);
    println!("{:<28} {} of {} credited", "  traps", evaluation.traps.credited, evaluation.traps.decisions);
    evaluation
}

fn report_all(name: &str, corpus: &str) -> Evaluation {
    for number in 1..=8 {
        report(&format!("loop {number}"), &written(&of_loops(corpus, &[number])));
    }
    let evaluation = report(name, &written(corpus));
    for (style, figures) in &evaluation.styles {
        print(&format!("  {style}"), figures);
    }
    evaluation
}

/// Looked at here alone, and nothing but their figures: neither rules nor keywords are tuned on them, and no weight is
/// fitted to them.
const UNSEEN: &str = include_str!("fixtures/corpus/unseen.jsonl");
const HELD_OUT: &str = include_str!("fixtures/corpus/held-out.jsonl");

/// Whether so many of a hundred traps are credited at most.
fn traps_credited(evaluation: &Evaluation, percent: usize) -> bool {
    evaluation.traps.credited * 100 <= evaluation.traps.decisions * percent
}

#[test]
fn the_judgement_agrees_with_a_fair_interviewer() {
    let held_out = report_all("held out", HELD_OUT);
    assert!(held_out.overall.f1 >= 0.91 && traps_credited(&held_out, 6));
    let unseen = report_all("unseen", UNSEEN);
    assert!(unseen.overall.f1 >= 0.80 && traps_credited(&unseen, 8));
}

#[test]
fn what_it_was_fitted_to_it_knows() {
    for (name, corpus, least, traps) in [
        ("development", DEVELOPMENT, 0.97, 3),
        ("fresh", FRESH, 0.96, 3),
        ("varied", VARIED, 0.93, 3),
        ("follow-ups", FOLLOW_UPS, 0.95, 0),
    ] {
        let fitted = report_all(name, corpus);
        assert!(fitted.overall.f1 >= least && traps_credited(&fitted, traps), "{name}");
    }
}

#[test]
fn the_same_answers_spoken_are_judged_much_the_same() {
    let all = report("spoken, tiny.en", &spoken(DEVELOPMENT, TINY_EN));
    assert!(all.overall.f1 >= 0.92 && traps_credited(&all, 8));
}

#[test]
#[ignore = "prints every wrong decision, for people"]
fn wrong_decisions() {
    let only = std::env::var("LOOPS").unwrap_or_else(|_| "12345678".to_owned());
    let only: Vec<u64> = only.chars().filter_map(|digit| digit.to_digit(10).map(u64::from)).collect();
    let said =
        [DEVELOPMENT, FRESH, VARIED, FOLLOW_UPS].iter().flat_map(|corpus| written(&of_loops(corpus, &only)));
    for (answer, transcript) in said.chain(spoken(&of_loops(DEVELOPMENT, &only), TINY_EN)) {
        let verdicts = assess(&answer.question, &transcript);
        for (decision, verdict) in answer.decide(&transcript).iter().zip(&verdicts) {
            let kind = match (decision.label, decision.verdict == Verdict::Covered) {
                (Label::Covered, false) => "MISS ",
                (Label::Missed, true) => "FALSE",
                _ => continue,
            };
            let reason = verdict.reason.as_deref().unwrap_or("no reason");
            println!("{kind} {} {}: {:?}, {reason}", answer.id, verdict.id, verdict.verdict);
            for evidence in &verdict.evidence {
                println!("      \"{}\" by {:?}", evidence.quote, evidence.by);
            }
        }
    }
}

#[test]
fn no_built_in_question_makes_its_own_points() {
    let library = Library::built_in().unwrap();
    let satisfied: Vec<String> = library
        .iter()
        .flat_map(|entry| entry.content.questions())
        .flat_map(|question| {
            satisfied_by_prompt(question).into_iter().map(|id| format!("{}: {id}", question.prompt))
        })
        .collect();
    assert_eq!(satisfied, [""; 0]);
}

#[test]
fn every_built_in_question_has_points_with_a_dozen_ways_at_most() {
    for entry in Library::built_in().unwrap().iter() {
        for question in entry.content.questions() {
            assert!(!question.points.is_empty(), "{} {}", entry.content.id, question.id);
            assert!(question.points.iter().all(|point| (1..=12).contains(&point.keywords.len())));
        }
    }
}
