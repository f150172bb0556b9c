//! The model that compares meanings, the real one: fetched by the program the first time.

#![allow(clippy::unwrap_used)]

mod common;

use vivavoce::coverage::{FoundBy, Verdict, WordsAlone, assess};
use vivavoce::loops::{MAIN_QUESTION, Point, Question};
use vivavoce::meaning::{LONGEST, Meaning, OnDemand, cosine};
use vivavoce::transcript::Transcript;

const SAID: &str = "we recompute the activations in the backward pass to save memory";
const PARAPHRASE: &str = "throw activations away and compute them again going backward, so memory goes down";
const UNRELATED: &str = "I usually take the train to work because parking is expensive";

fn model() -> Meaning {
    Meaning::load(&common::meaning()).unwrap()
}

fn one(model: &Meaning, text: &str) -> Vec<f32> {
    model.embed(&[text]).remove(0)
}

#[test]
fn a_paraphrase_is_near_and_something_else_far_by_just_as_much_as_elsewhere() {
    let model = model();
    let [said, paraphrase, unrelated] = model.embed(&[SAID, PARAPHRASE, UNRELATED]).try_into().unwrap();
    // What onnxruntime 1.32 makes of the same file.
    let (near, far) = (cosine(&said, &paraphrase), cosine(&said, &unrelated));
    assert!((near - 0.696_226).abs() < 1e-5 && (far - 0.074_962).abs() < 1e-5, "{near}, {far}");
    let begins = [-0.025_602, -0.018_277, -0.085_052, 0.078_532];
    assert!(said.iter().zip(begins).all(|(number, known)| (number - known).abs() < 1e-5), "{said:?}");
    assert!((cosine(&said, &said) - 1.0).abs() < 1e-5);
}

#[test]
fn an_embedding_depends_on_its_text_alone() {
    let model = model();
    let together = model.embed(&[UNRELATED, SAID, "", PARAPHRASE, SAID]);
    assert_eq!(together[1], one(&model, SAID));
    assert_eq!(together[1], together[4]);
    assert_eq!(together[1], one(&Meaning::load(&common::meaning()).unwrap(), SAID));
    // Every length there is, and several texts of each.
    let words: Vec<&str> = [SAID, PARAPHRASE, UNRELATED].iter().flat_map(|text| text.split(' ')).collect();
    let windows: Vec<String> =
        (1..=20).flat_map(|length| words.windows(length).step_by(5).map(|window| window.join(" "))).collect();
    let windows: Vec<&str> = windows.iter().map(String::as_str).collect();
    for (text, embedding) in windows.iter().zip(model.embed(&windows)) {
        assert_eq!(embedding, one(&model, text), "{text}");
    }
    assert_eq!(one(&model, "We RECOMPUTE the activations"), one(&model, "we recompute  the activations"));
}

#[test]
fn nothing_at_all_and_far_too_much_are_embedded_too() {
    let model = model();
    assert!(model.embed(&[]).is_empty());
    let long = "gradient ".repeat(10_000);
    let cut = "gradient ".repeat(LONGEST - 2);
    assert_eq!(one(&model, &long), one(&model, &cut));
    assert_ne!(one(&model, &long), one(&model, "gradient"));
    let word = "x".repeat(1_000_000);
    for text in ["", " \t\n", "🙂🙂", "Привет, мир", "\u{0}\u{7}[CLS]", "\u{301}", &word, &long]
    {
        let embedding = one(&model, text);
        let length = embedding.iter().map(|number| number * number).sum::<f32>();
        assert!((length - 1.0).abs() < 1e-4, "{length} for {text:.20}");
    }
}

/// A list as people write it: no keywords.
fn slow_query() -> Question {
    let texts = [
        "look at the query plan",
        "composite index, column order",
        "stale statistics",
        "indexes slow down writes",
    ];
    Question::new(
        MAIN_QUESTION.into(),
        "A query that used to be fast now takes thirty seconds. How do you go about fixing it?".into(),
        90,
        String::new(),
        texts.map(|text| Point::new(text.into(), text.into())).into(),
    )
}

#[test]
fn points_without_keywords_are_made_in_other_words() {
    let (model, question) = (model(), slow_query());
    for (answer, made) in [
        (
            "First I read the execution plan that the database makes for the query. Each index that you add makes \
             inserting and updating rows slower.",
            [true, false, false, true],
        ),
        (
            "The planner may go by outdated statistics about the table, so I refresh them. Then I put the columns of a \
             multi-column index in the right order.",
            [false, true, true, false],
        ),
        ("I would never bother with the query plan.", [false; 4]),
        ("A query that used to be fast now takes thirty seconds.", [false; 4]),
        ("My dog likes long walks, and on Sundays I bake bread.", [false; 4]),
        ("", [false; 4]),
    ] {
        let verdicts = assess(&question, &Transcript::typed(answer), &model);
        let found: Vec<bool> = verdicts.iter().map(|point| point.verdict == Verdict::Covered).collect();
        assert_eq!(found, made, "{answer}");
        for evidence in verdicts
            .iter()
            .filter(|point| point.verdict == Verdict::Covered)
            .flat_map(|point| &point.evidence)
        {
            assert_eq!(evidence.by, FoundBy::Meaning);
            assert!(answer.contains(&evidence.quote));
        }
    }
}

#[test]
fn without_the_model_they_are_found_by_their_words() {
    let home = tempfile::tempdir().unwrap();
    let nowhere = OnDemand::new(home.path());
    let question = slow_query();
    let said = Transcript::typed("I look at the query plan, and at stale statistics.");
    assert_eq!(assess(&question, &said, &nowhere), assess(&question, &said, &WordsAlone));
    assert_eq!(assess(&question, &said, &nowhere)[2].verdict, Verdict::Covered);
    assert!(nowhere.load().is_err_and(|error| error.to_string().contains("`viva models fetch meaning`")));
}
