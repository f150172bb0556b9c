//! Rubrics are tested like code: `viva loops check` runs the examples of the loop files.
//!
//! `cargo test --test rubrics -- --nocapture` prints what is wrong with the built-in ones, and with `--ignored` as well
//! which of their keyword ways nothing needs.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod corpora;

use std::fs;

use assert_cmd::Command;
use tempfile::TempDir;
use vivavoce::coverage::{Verdict, WordsAlone, assess};
use vivavoce::evaluation::{Decision, Label};
use vivavoce::loops::{Example, Library, Point, Question};
use vivavoce::transcript::Transcript;

use corpora::{DEVELOPMENT, FOLLOW_UPS, FRESH, Said, TINY_EN, VARIED, spoken, written};

/// Exit code, standard output and standard error of `viva loops check`.
fn check(data: &TempDir, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("viva"))
        .env_remove("VIVA_LOOPS_DIR")
        .env("VIVA_DATA_DIR", data.path())
        .current_dir(data.path())
        .args(["loops", "check"])
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

const BATCH_NORM: &str = r#"schema = "viva.loop/1"
id = "mine"
title = "Mine"
prompt = "Why does it behave differently?"

[[points]]
id = "batch-statistics"
text = "training uses the statistics of the batch"
keywords = ["mean|average|variance + mini batch|per batch", "batch statistics"]

[[points]]
id = "running-averages"
text = "inference uses running averages"
keywords = ["running|moving + average|mean"]
"#;

fn with_example(example: &str) -> String {
    format!("{BATCH_NORM}\n[[examples]]\n{example}\n")
}

#[test]
fn an_example_that_is_judged_as_it_says_is_no_fault() {
    let data = tempfile::tempdir().unwrap();
    let examples = r#"answer = """
In training it takes the mean of the mini batch,
at test time a running average."""
covered = ["batch-statistics", "running-averages"]

[[examples]]
answer = "I wouldn't take a running average, and I know nothing else about it."
covered = []

[[examples]]
answer = "It takes the mean of the mini batch."
covered = []
either = ["batch-statistics"]"#;
    fs::write(data.path().join("mine.toml"), with_example(examples)).unwrap();
    let (code, out, err) = check(&data, &["mine.toml"]);
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    assert_eq!(err, "1 loop file checked, 3 examples tried: no faults\n");
}

#[test]
fn each_wrong_verdict_on_an_example_is_explained_at_its_line() {
    let data = tempfile::tempdir().unwrap();
    for (example, expected) in [
        (
            "answer = \"It takes the average per batch, say.\"\ncovered = []",
            "this answer does not make `batch-statistics`, but it is covered by \"It takes the average per batch\", \
             found by way 1 of its `keywords` (`average + per batch`); narrow that, or add the point to `covered` \
             or `either`",
        ),
        (
            "answer = \"I would not use a running average.\"\ncovered = [\"running-averages\"]",
            "this answer makes `running-averages`, but \"I would not use a running average.\", found by way 1 of \
             its `keywords` (`running + average`), does not count: you said you would not; add to its `keywords` \
             what else the answer says, or take the point out of `covered`",
        ),
        (
            "answer = \"Some exponential smoothing at test time.\"\ncovered = [\"running-averages\"]",
            "this answer makes `running-averages`, but nothing of it is found; add to its `keywords` what the \
             answer says",
        ),
        (
            "answer = \"At inference there are averages that keep running.\"\ncovered = [\"batch-statistics\", \
             \"running-averages\"]",
            "this answer makes `batch-statistics`, but nothing of it is found; add to its `keywords` what the \
             answer says",
        ),
    ] {
        fs::write(data.path().join("mine.toml"), with_example(example)).unwrap();
        let (code, out, _) = check(&data, &["mine.toml"]);
        assert_eq!((code, out), (1, format!("mine.toml:16: error: {expected}\n")), "{example}");
    }
}

#[test]
fn a_point_half_found_says_what_was_found() {
    let data = tempfile::tempdir().unwrap();
    let source = BATCH_NORM.replace("running|moving + average|mean", "ema + decay")
        + "\n[[examples]]\nanswer = \"I use the averages of inference that run along.\"\ncovered = [\"running-averages\"]\n";
    fs::write(data.path().join("mine.toml"), source).unwrap();
    let (_, out, _) = check(&data, &["mine.toml"]);
    assert_eq!(
        out,
        "mine.toml:16: error: this answer makes `running-averages`, but only part of it is found: \"I use the \
         averages of inference that run along.\", found by the point's own words; add to its `keywords` what the answer \
         says\n"
    );
}

#[test]
fn ways_that_two_points_share_or_anybody_satisfies_are_doubtful() {
    let data = tempfile::tempdir().unwrap();
    let warnings = |ways: &str| {
        let source = BATCH_NORM.replace("\"running|moving + average|mean\"", ways);
        fs::write(data.path().join("mine.toml"), source).unwrap();
        let (code, out, _) = check(&data, &["mine.toml"]);
        assert_eq!(code, 0);
        out
    };
    for (ways, expected) in [
        // The same, in other words of the same stems and in another order.
        ("\"per batch|mini batches + averaged|means|variance\"", Some("`per batch|mini batches + ")),
        // Narrower than the sibling's.
        ("\"moving batch statistics|fixed batch statistics\"", Some("`moving batch statistics|fixed ")),
        ("\"average + per batch + frozen\"", Some("`average + per batch + frozen`")),
        // One of its alternatives is its own.
        ("\"frozen|average + per batch\"", None),
        ("\"frozen statistics\"", None),
        // Two parts cannot be said by one.
        ("\"average per batch\"", None),
    ] {
        let out = warnings(ways);
        match expected {
            None => assert_eq!(out, "", "{ways}"),
            Some(way) => {
                assert!(
                    out.starts_with(&format!("mine.toml:14: warning: whoever says {way}")),
                    "{ways}: {out}"
                );
                assert!(out.contains("makes `batch-statistics` as well, by its way `"), "{out}");
            }
        }
    }
    for (ways, expected) in [
        ("\"those things\"", Some("`those things`")),
        ("\"frozen|half of + over|statistics\"", Some("`half of + over`")),
        ("\"half of + statistics\"", None),
        // Three words in a row are not said by accident.
        ("\"over and over again\"", None),
        // Every part has common words, though not of everything.
        ("\"between each + time\"", None),
    ] {
        let out = warnings(ways);
        match expected {
            None => assert_eq!(out, "", "{ways}"),
            Some(said) => assert_eq!(
                out,
                format!(
                    "mine.toml:14: warning: {said} is enough for this way, and people say that of anything; use words \
                     of the matter\n"
                )
            ),
        }
    }
}

#[test]
fn without_a_file_the_whole_library_is_checked() {
    let data = tempfile::tempdir().unwrap();
    let (code, out, err) = check(&data, &[]);
    assert!(err.starts_with("8 built-in loops and 0 loop files in `"), "{err}");
    // Nobody can mend viva's own loops in their library.
    assert_eq!(code, 0, "{out}");
    let notes = out.lines().count();
    assert!(
        out.lines().all(|line| line.starts_with("loops/") && line.contains(": note: this answer ")),
        "{out}"
    );
    assert!(notes == 0 || err.contains(&format!(": no faults ({notes} note")), "{err}");

    // One of the user's own may take a built-in's place; its faults are told.
    fs::create_dir(data.path().join("loops")).unwrap();
    let source = BATCH_NORM.replace("\"mine\"", "\"theory\"").replace("title", "titel");
    fs::write(data.path().join("loops/theory.toml"), source).unwrap();
    let (code, out, err) = check(&data, &[]);
    assert_eq!(code, 1);
    assert!(out.contains("theory.toml:3: error: unknown key `titel`"), "{out}");
    assert!(!out.contains("is taken by"), "{out}");
    assert!(err.contains("and 1 loop file in `"), "{err}");

    let (code, _, err) = check(&data, &["--loops", "no-such-folder"]);
    assert_eq!(code, 1);
    assert!(err.contains("error: there is no folder `no-such-folder`"), "{err}");
}

/// Verdicts on the built-in loops' examples that are not yet as they should be (2026-11-24); to be lowered to 0.
const WRONG_VERDICTS: usize = 7;

#[test]
fn the_built_in_rubrics_pass_their_examples() {
    let built_in = concat!(env!("CARGO_MANIFEST_DIR"), "/loops");
    let (_, out, _) = check(&tempfile::tempdir().unwrap(), &[built_in]);
    let (wrong, rest): (Vec<&str>, Vec<&str>) =
        out.lines().partition(|line| line.contains(": error: this answer "));
    println!("{} wrong verdicts:\n{}\n", wrong.len(), wrong.join("\n"));
    assert_eq!(rest, [""; 0]);
    assert!(wrong.len() <= WRONG_VERDICTS, "{} wrong verdicts", wrong.len());
}

#[test]
fn every_built_in_question_has_three_examples_of_which_some_make_points_and_some_make_none() {
    for entry in Library::built_in().unwrap().iter() {
        for question in entry.content.questions() {
            let named = format!("{} {}", entry.content.id, question.id);
            assert!(question.examples.len() >= 3, "{named}");
            assert!(question.examples.iter().any(|example| example.covered.is_empty()), "{named}");
            for point in &question.points {
                let makes = |example: &Example| example.covered.contains(&point.id);
                assert!(question.examples.iter().any(makes), "{named}: no example makes {}", point.id);
            }
        }
    }
}

/// An answer to a built-in question.
struct Known {
    transcript: Transcript,
    /// Per point whether it is to be covered; `None` where either will do.
    labels: Vec<Option<bool>>,
}

impl Known {
    fn example(question: &Question, example: &Example) -> Self {
        let label = |point: &Point| {
            (!example.either.contains(&point.id)).then(|| example.covered.contains(&point.id))
        };
        Self {
            transcript: Transcript::typed(&example.answer),
            labels: question.points.iter().map(label).collect(),
        }
    }

    fn corpus((answer, transcript): Said) -> Self {
        let label = |decision: Decision| match decision.label {
            Label::Covered => Some(true),
            Label::Missed => Some(false),
            Label::Borderline => None,
        };
        Self { labels: answer.decide(&transcript, &WordsAlone).into_iter().map(label).collect(), transcript }
    }

    fn verdicts(&self, question: &Question) -> Vec<bool> {
        let verdicts = assess(question, &self.transcript, &WordsAlone);
        verdicts.into_iter().map(|point| point.verdict == Verdict::Covered).collect()
    }
}

/// Judges every example and every answer of the corpora without each keyword way in turn.
#[test]
#[ignore = "prints which ways nothing needs, for people"]
fn ways_that_nothing_needs() {
    let mut said: Vec<Said> =
        [DEVELOPMENT, FRESH, VARIED, FOLLOW_UPS].into_iter().flat_map(written).collect();
    said.extend(spoken(DEVELOPMENT, TINY_EN));
    let (mut all, mut idle, mut harmful) = (0, 0, 0);
    for entry in Library::built_in().unwrap().iter() {
        for question in entry.content.questions() {
            let mut known: Vec<Known> =
                question.examples.iter().map(|example| Known::example(question, example)).collect();
            let (asked, others) = said.into_iter().partition(|(answer, _)| answer.question == *question);
            said = others;
            known.extend(asked.into_iter().map(Known::corpus));
            let before: Vec<Vec<bool>> = known.iter().map(|known| known.verdicts(question)).collect();
            for (at, point) in question.points.iter().enumerate() {
                let mut told = Vec::new();
                for way in 0..point.keywords.len() {
                    all += 1;
                    let mut without = question.clone();
                    without.points[at].keywords.remove(way);
                    // Verdicts that became wrong, and those that became right.
                    let (mut worse, mut better) = (0, 0);
                    for (known, before) in known.iter().zip(&before) {
                        let labels = known.labels.iter().zip(before).zip(known.verdicts(&without));
                        for ((label, before), after) in labels.filter(|((_, before), after)| *before != after)
                        {
                            worse += usize::from(*label == Some(*before));
                            better += usize::from(*label == Some(after));
                        }
                    }
                    let effect = match (worse, better) {
                        (0, 0) => {
                            idle += 1;
                            "changes nothing".to_owned()
                        }
                        (0, _) => {
                            harmful += 1;
                            format!("only does harm ({better} wrong verdicts)")
                        }
                        _ => continue,
                    };
                    told.push(format!("    {effect}: {}", String::from(point.keywords[way].clone())));
                }
                if !told.is_empty() {
                    println!("{} {} {}", entry.content.id, question.id, point.id);
                    println!("{}", told.join("\n"));
                }
            }
        }
    }
    assert!(said.is_empty(), "every answer is to a built-in question");
    println!("{all} ways: {idle} change no verdict, {harmful} only do harm");
}
