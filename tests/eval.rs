//! Measuring the judgement: `viva eval`.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;

const DEVELOPMENT: &str = "tests/fixtures/corpus/dev.jsonl";

fn eval(arguments: &[&str], stdin: &str) -> Output {
    use std::io::Write as _;
    let mut child = common::viva()
        .arg("eval")
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn object(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn error(stdin: &str) -> String {
    let output = eval(&["-"], stdin);
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn the_development_corpus_is_measured_beside_simple_programs() {
    let evaluation = object(&eval(&[DEVELOPMENT, "--json"], ""));
    assert_eq!(evaluation["schema"], "viva.evaluation/1");
    let f1 = |figures: &Value| figures["f1"].as_f64().unwrap();
    assert!(f1(&evaluation["overall"]) > 0.9);
    let everything = &evaluation["baselines"]["everything"];
    assert_eq!(everything["recall"], 1.0);
    assert!(f1(&evaluation["baselines"]["stems"]) < f1(everything));
    assert!(f1(everything) < f1(&evaluation["overall"]));
    assert!(evaluation["styles"]["terse"]["decisions"].as_u64().unwrap() > 0);
    assert!(evaluation["traps"]["credited"].as_u64() < evaluation["traps"]["decisions"].as_u64());
    let interval = &evaluation["f1_interval"];
    assert!(interval[0].as_f64() < interval[1].as_f64());
    assert_eq!(&evaluation["overall"]["f1_interval"], interval);
    for (style, figures) in evaluation["styles"].as_object().unwrap() {
        let [low, high] = [0, 1].map(|end| figures["f1_interval"][end].as_f64().unwrap());
        assert!(low <= f1(figures) && f1(figures) <= high && high <= 1.0, "{style}: {figures}");
    }

    let plain = eval(&[DEVELOPMENT], "");
    let shown = String::from_utf8(plain.stdout).unwrap();
    assert!(shown.contains("overall") && shown.contains("traps credited: "), "{shown}");
    let [low, high] = [0, 1].map(|end| evaluation["styles"]["terse"]["f1_interval"][end].as_f64().unwrap());
    let terse = shown.lines().find(|line| line.starts_with("terse ")).unwrap();
    assert!(terse.contains(&format!("  {low:.3} to {high:.3}  ")), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
}

#[test]
fn it_decides_as_score_does() {
    let corpus = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(DEVELOPMENT)).unwrap();
    for line in corpus.lines().step_by(7) {
        let answer: Value = serde_json::from_str(line).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("answer.txt");
        fs::write(&text, answer["text"].as_str().unwrap()).unwrap();
        let output = common::viva()
            .args(["score", &answer["loop"].to_string(), "--json", "--text"])
            .arg(&text)
            .output()
            .unwrap();
        let assessment = object(&output);
        let evaluation = object(&eval(&["-", "--json"], line));
        let decisions = evaluation["decisions"].as_array().unwrap();
        let points = assessment["points"].as_array().unwrap();
        assert_eq!(decisions.len(), points.len());
        for (decision, point) in decisions.iter().zip(points) {
            assert_eq!(decision["verdict"], point["verdict"], "{answer}");
            assert_eq!(decision["probability"], point["probability"]);
        }
    }
}

#[test]
fn answers_can_bring_their_own_question_and_be_recordings() {
    common::model();
    let text = r#"{"question": "Why?", "points": ["cache the keys", {"text": "save time", "keywords": ["faster|quicker"]}],
        "text": "You cache the keys, which is quicker.", "covered": [1], "borderline": [2]}"#;
    let evaluation = object(&eval(&["-", "--json"], &text.replace('\n', " ")));
    let decisions = &evaluation["decisions"];
    assert_eq!((&decisions[0]["verdict"], &decisions[0]["label"]), (&"covered".into(), &"covered".into()));
    assert_eq!((&decisions[1]["verdict"], &decisions[1]["label"]), (&"covered".into(), &"borderline".into()));
    assert_eq!((&decisions[0]["id"], &decisions[0]["point"]), (&"1".into(), &1.into()));
    assert_eq!(evaluation["overall"]["decisions"], 1);

    let models = common::models_dir();
    let models = models.to_str().unwrap();
    let spoken = r#"{"loop": "theory", "audio": "tests/fixtures/answers/good.wav", "covered": [1, 2, 3, 4]}"#;
    let evaluation = object(&eval(&["-", "--json", "--models-dir", models], spoken));
    assert_eq!(evaluation["overall"]["recall"], 1.0);
    let named = r#"{"id": "good", "loop": 1, "text": "not used", "covered": [1, 2, 3, 4]}
{"id": "has no recording", "loop": 1, "text": "not used", "covered": []}"#;
    let folder = "tests/fixtures/answers";
    let evaluation = object(&eval(&["-", "--json", "--models-dir", models, "--spoken", folder], named));
    assert_eq!(evaluation["overall"]["decisions"], 4);
    assert_eq!(evaluation["overall"]["recall"], 1.0);
}

#[test]
fn probabilities_are_set_beside_what_people_say() {
    let evaluation = object(&eval(&[DEVELOPMENT, "--json"], ""));
    let bins = evaluation["calibration"]["bins"].as_array().unwrap();
    let decisions: u64 = bins.iter().map(|bin| bin["decisions"].as_u64().unwrap()).sum();
    assert_eq!((bins.len(), decisions), (10, evaluation["overall"]["decisions"].as_u64().unwrap()));
    let covered = |bin: &Value| bin["covered"].as_f64().unwrap();
    assert!(covered(&bins[0]) < 0.1 && covered(&bins[9]) > 0.9, "{bins:?}");
    let error = evaluation["calibration"]["expected_error"].as_f64().unwrap();
    assert!(error > 0.0 && error < 0.1, "{error}");
}

#[test]
fn points_credited_by_the_words_of_another_are_listed_in_narrow_lines() {
    let point = |text: &str| serde_json::json!({ "text": text, "keywords": ["cache|keep"] });
    let long = "what is kept is not computed again, ".repeat(5);
    let points: Vec<Value> = (0..13).map(|_| point(&long)).collect();
    let line = |text: &str| serde_json::json!({ "question": "What makes decoding quick? ".repeat(9), "points": points, "text": text, "covered": [2] });
    let corpus = format!("{}\n{}\n", line("I would cache them."), line("You keep them."));
    let evaluation = object(&eval(&["-", "--json"], &corpus));
    let confusions = evaluation["confusions"].as_array().unwrap();
    let pair = |one: &Value| (one["credited"].as_u64().unwrap(), one["made"].as_u64().unwrap());
    assert_eq!((confusions.len(), pair(&confusions[0]), pair(&confusions[1])), (12, (1, 2), (3, 2)));
    assert_eq!((&confusions[0]["answers"], &confusions[0]["made_text"]), (&2.into(), &long.as_str().into()));
    assert!(evaluation["decisions"][0].get("evidence").is_none(), "only what is documented");

    let shown = String::from_utf8(eval(&["-"], &corpus).stdout).unwrap();
    assert!(
        shown.contains("  credited   1  what is kept") && shown.contains("  made       2  what"),
        "{shown}"
    );
    assert!(shown.ends_with("and 2 rarer ones, which `--json` lists\n"), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");

    let right = r#"{"loop": 1, "text": "nothing", "covered": []}"#;
    let shown = String::from_utf8(eval(&["-"], right).stdout).unwrap();
    assert!(shown.ends_with("no point was credited by the words of another\n"), "{shown}");
}

#[test]
fn a_line_that_cannot_be_used_is_named_with_what_to_do() {
    let fine = r#"{"loop": 1, "text": "x", "covered": []}"#;
    for (line, message) in [
        ("what", "-:2: this is no answer: "),
        (r#"{"loop": 1, "text": "x"}"#, "-:2: this is no answer: missing field `covered`"),
        (r#"{"text": "x", "covered": []}"#, "-:2: say what was asked: either a `loop`, or"),
        (r#"{"loop": 1, "covered": []}"#, "-:2: give what was said: either a `text` or an `audio` file"),
        (r#"{"loop": "thery", "text": "x", "covered": []}"#, "did you mean `theory`?"),
        (r#"{"loop": 1, "question": "no", "text": "x", "covered": []}"#, "has no question `no`"),
        (r#"{"loop": 1, "text": "x", "covered": [5]}"#, "there is no point 5; they are numbered from 1 to 4"),
    ] {
        let told = error(&format!("{fine}\n{line}\n"));
        assert!(told.contains(message), "{line}: {told}");
    }
    assert!(error("\n").contains("has no answers"));
    let gone = eval(&["gone.jsonl"], "");
    assert_eq!(gone.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&gone.stderr).contains("cannot read `gone.jsonl`"));
}
