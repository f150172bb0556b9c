//! Reading back what is kept, on the real program, and what becomes of it when things go wrong.

#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::print_stdout, reason = "a process of the test reports to its parent")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use vivavoce::assessment::{Assessment, Source};
use vivavoce::audio::{AudioSource as _, Block, Pace, Recorder, WavSource};
use vivavoce::coverage::WordsAlone;
use vivavoce::journal::{InputKind, Journal, SessionHandle, SessionState};
use vivavoce::loops::{Library, Loop, MAIN_QUESTION};
use vivavoce::recognise::Recognised;
use vivavoce::transcript::{Segment, Transcript, Word};

fn theory() -> Loop {
    serde_json::from_value(serde_json::json!({
        "id": "theory",
        "title": "Theory + Follow-Ups",
        "question": {
            "id": MAIN_QUESTION,
            "prompt": "Why does logistic regression use cross-entropy?",
            "answer_seconds": 60,
            "checklist_heading": "You should connect",
            "points": [
                { "id": "bernoulli", "text": "Bernoulli likelihood", "keywords": ["bernoulli", "labels"] },
                { "id": "gradients", "text": "Useful gradients", "keywords": ["gradients"] },
            ],
        },
        "follow_ups": [{
            "id": "else",
            "prompt": "Anything else?",
            "answer_seconds": 30,
            "checklist_heading": "",
            "points": [],
        }],
    }))
    .unwrap()
}

fn recognised(text: &str) -> Recognised {
    let words: Vec<Word> = (0..)
        .map(f64::from)
        .zip(text.split_whitespace())
        .map(|(second, word)| Word {
            text: word.into(),
            start_seconds: Some(second),
            end_seconds: Some(second + 0.5),
            probability: Some(0.9),
        })
        .collect();
    let segment =
        Segment { start_seconds: Some(0.0), end_seconds: Some(words.len() as f64), text: text.into(), words };
    Recognised {
        transcript: Transcript::from_segments(vec![segment]),
        speech: true,
        audio_seconds: 10.0,
        transcribe_seconds: 0.5,
    }
}

fn answer_aloud(session: &SessionHandle, text: &str) -> PathBuf {
    let take = session.begin_take(session.ask(0, MAIN_QUESTION).unwrap()).unwrap();
    let mut recorder = Recorder::create(&take.path).unwrap();
    recorder.write(&vec![0.1; 16_000]);
    recorder.finish().unwrap();
    session.finish_take(take.id, recorder.seconds()).unwrap();
    let heard = recognised(text);
    session.journal().save_transcript(take.id, "tiny.en", &heard).unwrap();
    let source = Source::Audio {
        model: "tiny.en".into(),
        audio_seconds: heard.audio_seconds,
        transcribe_seconds: heard.transcribe_seconds,
    };
    let asked = theory();
    session
        .journal()
        .save_assessment(
            take.id,
            &Assessment::new(&asked, &asked.question, source, heard.transcript, &WordsAlone),
        )
        .unwrap();
    take.path
}

/// A data folder with one finished session.
fn practised() -> (TempDir, String, PathBuf) {
    let data = tempfile::tempdir().unwrap();
    let journal = Journal::open(data.path()).unwrap();
    let session = journal.begin_session(&[theory()], InputKind::Microphone, Some("tiny.en")).unwrap();
    let recording = answer_aloud(&session, "it is the bernoulli likelihood of the labels");
    let typed = session.ask(0, "else").unwrap();
    session.typed_take(typed, "No, that is all.").unwrap();
    session.finish(SessionState::Finished).unwrap();
    (data, session.id().to_owned(), recording)
}

fn review(data: &Path, arguments: &[&str]) -> Output {
    common::viva().arg("review").args(arguments).env("VIVA_DATA_DIR", data).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Asserts an exit code of 1 and a message of one line with all of `words`.
fn assert_mendable(output: &Output, words: &[&str]) {
    let message = stderr(output);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert_eq!(stdout(output), "");
    assert_eq!(message.trim_end().lines().count(), 1, "{message}");
    for word in words {
        assert!(message.contains(word), "{word:?} is not in {message:?}");
    }
}

#[test]
fn without_a_journal_it_says_how_to_begin_and_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let output = review(&data, &[]);
    assert!(output.status.success());
    assert_eq!(stdout(&output), "");
    assert!(stderr(&output).contains("`viva practice`"), "{}", stderr(&output));
    assert!(!data.exists());
    assert_mendable(&review(&data, &["last"]), &["`last`", "`viva practice`"]);

    Journal::open(&data).unwrap();
    let output = review(&data, &["--json"]);
    assert!(output.status.success());
    assert_eq!(stdout(&output), "");
    assert!(stderr(&output).contains("`viva practice`"), "{}", stderr(&output));
}

#[test]
fn a_session_is_listed_and_read_back() {
    let (data, id, recording) = practised();
    let list = review(data.path(), &[]);
    let line = stdout(&list);
    for expected in [&id as &str, "finished", "Theory + Follow-Ups", "/2 covered"] {
        assert!(line.contains(expected), "{expected:?} is not in {line:?}");
    }
    for asked in ["last", &id, &id[..6]] {
        let page = stdout(&review(data.path(), &[asked]));
        for expected in [
            "Why does logistic regression use cross-entropy?",
            &recording.to_string_lossy(),
            "bernoulli",
            "Useful gradients",
            "8 words",
            "No, that is all.",
            "no checklist",
        ] {
            assert!(page.contains(expected), "{expected:?} is not in\n{page}");
        }
        assert!(!page.contains('\x1b'), "a pipe gets no colour");
    }
}

#[test]
fn programs_get_one_object_a_line_or_one_for_a_session() {
    let (data, id, recording) = practised();
    let output = review(data.path(), &["--json"]);
    let list: Vec<Value> = stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(list.len(), 1);
    assert_eq!(list[0]["schema"], "viva.session-summary/1");
    assert_eq!(list[0]["id"], id.as_str());

    let session: Value = serde_json::from_slice(&review(data.path(), &["last", "--json"]).stdout).unwrap();
    assert_eq!(session["schema"], "viva.session/1");
    let take = &session["loops"][0]["questions"][0]["takes"][0];
    assert_eq!(take["recording"], &*recording.to_string_lossy());
    let judged: Assessment = serde_json::from_value(take["assessments"][0]["assessment"].clone()).unwrap();
    assert_eq!(judged.schema, "viva.assessment/1");
    assert_eq!(judged.transcript.text, "it is the bernoulli likelihood of the labels");
    let relative = common::viva()
        .args(["--data-dir", ".", "review", "last", "--json"])
        .current_dir(data.path())
        .output()
        .unwrap();
    let relative: Value = serde_json::from_slice(&relative.stdout).unwrap();
    let path = relative["loops"][0]["questions"][0]["takes"][0]["recording"].as_str().unwrap();
    assert!(Path::new(path).is_absolute() && Path::new(path).exists(), "{path}");
    // The typed answer was kept unjudged; `review` has judged it.
    let typed = &session["loops"][0]["questions"][1];
    assert_eq!((&typed["state"], &typed["takes"][0]["kind"]), (&"assessed".into(), &"typed".into()));
}

#[test]
fn an_unknown_session_names_the_nearest() {
    let (data, id, _) = practised();
    let misspelt = id.replace("theory", "teory");
    assert_mendable(&review(data.path(), &[&misspelt]), &[&misspelt, &format!("did you mean `{id}`?")]);
    Journal::open(data.path()).unwrap().begin_session(&[theory()], InputKind::Typed, None).unwrap();
    assert_mendable(&review(data.path(), &[&id[..4]]), &[&id, &format!("{id}-2"), "several"]);
}

#[test]
fn judging_anew_keeps_the_old_judgement() {
    let (data, _, _) = practised();
    let database = rusqlite::Connection::open(data.path().join("journal.sqlite3")).unwrap();
    let changed = database
        .execute("UPDATE assessments SET assessment_json = replace(assessment_json, '\"engine\":\"', '\"engine\":\"0.0.0-')", [])
        .unwrap();
    assert_eq!(changed, 1);
    drop(database);
    let output = review(data.path(), &["last", "--reassess", "--json"]);
    assert!(stderr(&output).contains("1 answer is judged differently"), "{}", stderr(&output));
    let session: Value = serde_json::from_slice(&output.stdout).unwrap();
    let assessments = &session["loops"][0]["questions"][0]["takes"][0]["assessments"];
    assert!(assessments[0]["assessment"]["engine"].as_str().unwrap().starts_with("0.0.0-"));
    assert_eq!(assessments[1]["assessment"]["engine"], env!("CARGO_PKG_VERSION"));
    assert_eq!(review(data.path(), &["--reassess"]).status.code(), Some(2));
}

#[test]
fn a_verdict_is_overruled_and_the_correction_withdrawn() {
    let (data, id, _) = practised();
    let question = |output: &Output| -> Value {
        let session: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            session["coverage"],
            session["loops"][0]["questions"][0]["takes"][0]["judgement"]["coverage"]
        );
        session["loops"][0]["questions"][0]["takes"][0].clone()
    };
    let output = review(data.path(), &[&id, "--set", "gradients=covered", "--json"]);
    let told = stderr(&output);
    assert!(told.contains("`gradients` is covered now (viva said missed)"), "{told}");
    assert!(told.contains(&format!("`viva review {id} --set gradients=missed` undoes that")), "{told}");
    let take = question(&output);
    assert_eq!(take["judgement"]["coverage"]["covered"], 2);
    assert_eq!(take["judgement"]["points"][1]["viva_said"], "missed");
    assert_eq!(take["assessments"][0]["assessment"]["coverage"]["covered"], 1, "viva's own stays");
    let page = stdout(&review(data.path(), &["last", "--reassess"]));
    assert!(page.contains("covered (you; viva said missed) Useful gradients"), "{page}");
    assert!(page.contains("2 of 2 points covered") && page.contains("Every point was made."), "{page}");
    assert!(stdout(&review(data.path(), &[])).contains("2/2 covered"));

    // Of several, one that is faulty keeps all of them from being done.
    let output =
        review(data.path(), &["last", "--set", "bernoulli=missed", "--set", "prompt/gradient=covered"]);
    assert_mendable(
        &output,
        &["no point `gradient`", "did you mean `prompt/gradients`?", "nothing is changed"],
    );
    assert!(stdout(&review(data.path(), &[])).contains("2/2 covered"));
    for (set, expected) in [
        ("2", "what the point `2` is to be; write `2=covered` or `2=missed`"),
        ("2=", "what the point `2` is to be; write `2=covered` or `2=missed`"),
        ("=covered", "it names no point; write `POINT=covered` or `POINT=missed`"),
        ("1=perhaps", "`perhaps` is no verdict; write `1=covered` or `1=missed`"),
        ("1 = Coverd", "`Coverd` is no verdict; did you mean `1=covered`?"),
    ] {
        let output = review(data.path(), &["last", "--set", set]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
    for (set, expected) in [
        (
            "prompt/3=covered",
            "the question `prompt` has no point `3`; it has `prompt/bernoulli` and `prompt/gradients`",
        ),
        ("else/1=covered", "the question `else` has no checklist"),
        ("nope/1=covered", "has no question `nope`; its questions are `prompt` and `else`"),
    ] {
        assert_mendable(&review(data.path(), &["last", "--set", set]), &["nothing is changed", expected]);
    }

    let output =
        review(data.path(), &["last", "--set", "prompt/2=missed", "--set", "bernoulli=covered", "--json"]);
    let told = stderr(&output);
    assert!(told.contains("`gradients` is missed again, as viva said"), "{told}");
    assert!(told.contains("`bernoulli` is covered already"), "{told}");
    let take = question(&output);
    assert_eq!(take["judgement"]["coverage"]["covered"], 1);
    let kept: Vec<_> = take["corrections"].as_array().unwrap().iter().map(|one| &one["verdict"]).collect();
    assert_eq!(kept, ["covered", "withdrawn"]);
}

/// The first point of the built-in loop `theory`, as `viva score` judges a text.
fn first_point(data: &Path, answer: &str) -> Value {
    let file = data.join("answer.txt");
    fs::write(&file, answer).unwrap();
    let output = common::viva()
        .args(["score", "theory", "--json", "--text"])
        .arg(&file)
        .env("VIVA_DATA_DIR", data)
        .output()
        .unwrap();
    let assessment: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
    assessment["points"][0].clone()
}

#[test]
fn words_that_somebody_points_at_count_from_then_on_but_never_in_a_measurement() {
    let answer = "Each class is a wager with two sides. So we never use the squared error.";
    let data = tempfile::tempdir().unwrap();
    let theory = Library::built_in().unwrap().get("theory").unwrap().content.clone();
    let journal = Journal::open(data.path()).unwrap();
    let session = journal.begin_session(&[theory], InputKind::Typed, None).unwrap();
    session.typed_take(session.ask(0, MAIN_QUESTION).unwrap(), answer).unwrap();
    session.finish(SessionState::Left).unwrap();
    drop((session, journal));
    assert!(stderr(&review(data.path(), &["last"])).contains("judging `prompt`"));
    let corpus = data.path().join("corpus.jsonl");
    let line = serde_json::json!({ "id": "a", "loop": "theory", "style": "strong", "text": answer, "covered": [1], "borderline": [] });
    fs::write(&corpus, format!("{line}\n")).unwrap();
    let measured = || {
        let output = common::viva()
            .args(["eval", "--json"])
            .arg(&corpus)
            .env("VIVA_DATA_DIR", data.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    let before = measured();
    assert_eq!(first_point(data.path(), answer)["verdict"], "missed");

    // What does not fit is refused, and the verdict stays.
    let point = "bernoulli-likelihood";
    let covered = format!("{point}=covered");
    for (said, why) in [
        ("a bet with two sides", "is not in that answer"),
        ("a bet with two sides", "Each class is a wager with two sides."),
        ("So we never use", "by accident"),
    ] {
        assert_mendable(
            &review(data.path(), &["last", "--set", &covered, "--said", said]),
            &[said, why, "nothing is changed"],
        );
    }
    let missed = format!("{point}=missed");
    for wrong in
        [vec!["--set", &missed], vec!["--set", &covered, "--set", "sigmoid-probability=covered"], vec![]]
    {
        let arguments: Vec<&str> = ["last", "--said", "a wager"].into_iter().chain(wrong).collect();
        assert_eq!(review(data.path(), &arguments).status.code(), Some(2));
    }
    assert!(!data.path().join("learned.toml").exists());
    assert!(!stdout(&review(data.path(), &["last"])).contains("(you;"));

    let output = review(data.path(), &["last", "--set", &covered, "--said", "A WAGER, with two sides"]);
    let told = stderr(&output);
    assert!(
        told.contains(
            "learned for `bernoulli-likelihood`: \"a wager with two sides\"; `viva learned forget \"a wager with two \
             sides\"` forgets it"
        ),
        "{told}"
    );
    assert!(stdout(&output).contains("covered (you; viva said missed) Bernoulli likelihood"));
    let file = fs::read_to_string(data.path().join("learned.toml")).unwrap();
    assert!(file.contains("said = \"a wager with two sides\""), "{file}");

    // Said again, it is covered; taken back, it is not; and no corpus is measured by it.
    let found = first_point(data.path(), "I see the label as a wager with its two sides.");
    assert_eq!((&found["verdict"], &found["evidence"][0]["by"]), (&"covered".into(), &"learned".into()));
    assert_eq!(first_point(data.path(), "I would not call it a wager with two sides.")["verdict"], "missed");
    assert_eq!(measured(), before);
    let output = review(data.path(), &["last", "--reassess", "--json"]);
    let session: Value = serde_json::from_slice(&output.stdout).unwrap();
    let take = &session["loops"][0]["questions"][0]["takes"][0];
    let judged: Vec<_> = take["assessments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|kept| &kept["assessment"]["points"][0]["verdict"])
        .collect();
    assert_eq!(judged, ["missed", "covered"]);
    assert_eq!(take["judgement"]["points"][0]["viva_said"], "covered", "and so viva agrees");

    // Whoever finds it wrong later is told which words it was, and how to forget them.
    let told = stderr(&review(data.path(), &["last", "--set", &missed]));
    assert!(
        told.contains(
            "note: your wording \"a wager with two sides\" made viva credit it; `viva learned forget \"a wager with \
             two sides\"` forgets it"
        ),
        "{told}"
    );
    let other = stderr(&review(data.path(), &["last", "--set", "better-gradients=missed"]));
    assert!(!other.contains("your wording"), "{other}");
    let learned = |arguments: &[&str]| {
        common::viva().arg("learned").args(arguments).env("VIVA_DATA_DIR", data.path()).output().unwrap()
    };
    let list = stdout(&learned(&[]));
    assert!(list.starts_with(" 1  theory/prompt/bernoulli-likelihood  2"), "{list}");
    assert!(list.ends_with("  \"a wager with two sides\"\n"), "{list}");
    let object: Value = serde_json::from_slice(&learned(&["list", "--json"]).stdout).unwrap();
    assert_eq!((&object["schema"], &object["number"]), (&"viva.wording/1".into(), &1.into()));
    assert_eq!((&object["point"], &object["said"]), (&point.into(), &"a wager with two sides".into()));
    assert_eq!(object["date"].as_str().unwrap().len(), "2026-11-24".len());
    assert_mendable(&learned(&["forget", "a wager"]), &["nothing is forgotten", "`viva learned list`"]);
    let output = learned(&["forget", "A wager with two sides"]);
    assert!(output.status.success());
    assert_eq!(
        stderr(&output),
        "forgotten for `theory/prompt/bernoulli-likelihood`: \"a wager with two sides\"\n"
    );
    assert_eq!(first_point(data.path(), answer)["verdict"], "missed", "forgotten");
    let output = learned(&["list"]);
    assert!(output.status.success() && stdout(&output).is_empty());
    assert!(stderr(&output).contains("--said WORDS` teaches one"), "{}", stderr(&output));

    // A damaged file is told, and left as it is.
    fs::write(data.path().join("learned.toml"), "schema = \"viva.learned/1\"\n[[wordings]\n").unwrap();
    let output = review(data.path(), &["last"]);
    assert!(output.status.success() && stderr(&output).contains("learned.toml:2:"), "{}", stderr(&output));
    let output = review(data.path(), &["last", "--set", &covered, "--said", "a wager with two sides"]);
    assert_eq!(output.status.code(), Some(1));
    for arguments in [&["list"][..], &["forget", "1"]] {
        assert_mendable(&learned(arguments), &["learned.toml:2:"]);
    }
    assert!(fs::read_to_string(data.path().join("learned.toml")).unwrap().ends_with("[[wordings]\n"));
}

/// Not a test: a process that practises until it is killed. The tests below start it.
#[test]
#[ignore = "a process of its own for other tests"]
fn practise_until_killed() {
    let Some(data) = std::env::var_os("VIVA_TEST_PRACTISE_IN") else { return };
    let journal = Journal::open(Path::new(&data)).unwrap();
    let session = journal.begin_session(&[theory()], InputKind::Microphone, Some("tiny.en")).unwrap();
    let take = session.begin_take(session.ask(0, MAIN_QUESTION).unwrap()).unwrap();
    let mut recorder = Recorder::create(&take.path).unwrap();
    loop {
        recorder.write(&[0.25; 800]);
        println!("seconds {}", recorder.seconds());
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Starts [`practise_until_killed`] and waits until so many seconds are recorded.
fn practise_elsewhere(data: &Path, seconds: f64) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "practise_until_killed", "--ignored", "--nocapture"])
        .env("VIVA_TEST_PRACTISE_IN", data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    while last_seconds(&mut lines).expect("the practising process goes on") < seconds {}
    (child, lines)
}

/// The next report of how much is recorded; `None` when the process has ended.
fn last_seconds(lines: &mut impl BufRead) -> Option<f64> {
    let mut line = String::new();
    loop {
        line.clear();
        if lines.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        if let Some((_, seconds)) = line.trim_end().split_once("seconds ")
            && let Ok(seconds) = seconds.parse()
        {
            return Some(seconds);
        }
    }
}

#[test]
fn an_answer_that_was_cut_off_by_a_kill_is_kept_to_within_a_second() {
    for at in [0.2, 1.0, 2.75] {
        let data = tempfile::tempdir().unwrap();
        let (mut child, mut lines) = practise_elsewhere(data.path(), at);
        child.kill().unwrap();
        child.wait().unwrap();
        let mut said = at;
        while let Some(seconds) = last_seconds(&mut lines) {
            said = seconds;
        }

        let output = review(data.path(), &[]);
        assert!(output.status.success(), "{}", stderr(&output));
        let list = stdout(&output);
        assert!(list.contains("interrupted"), "{list}");
        let told = stderr(&output);
        assert!(told.contains("was cut off") && told.contains("recording saved"), "{told}");

        let session: Value =
            serde_json::from_slice(&review(data.path(), &["last", "--json"]).stdout).unwrap();
        let take = &session["loops"][0]["questions"][0]["takes"][0];
        let kept = take["seconds"].as_f64().unwrap();
        assert!(said - kept < 1.0 && kept <= said + 1.0, "said {said} s, kept {kept} s");
        // In its first second an answer has hardly begun: it is kept, and the question asked again.
        let counts = kept >= 1.0;
        assert_eq!(list.contains("1 answer not judged yet"), counts, "{kept} s: {list}");
        assert_eq!(told.contains("`viva models fetch tiny.en`"), counts, "{kept} s: {told}");
        let reader = hound::WavReader::open(take["recording"].as_str().unwrap()).unwrap();
        assert_eq!(f64::from(reader.duration()) / 16_000.0, kept);

        let again = stderr(&review(data.path(), &["--no-transcribe"]));
        assert_eq!(again, "", "all has been said");
        assert!(Journal::open(data.path()).unwrap().resumable().unwrap().is_some());
    }
}

#[test]
fn a_session_that_runs_in_another_terminal_is_left_alone() {
    let data = tempfile::tempdir().unwrap();
    let (mut child, _lines) = practise_elsewhere(data.path(), 0.5);
    let output = review(data.path(), &[]);
    let part = |data: &Path| {
        let session = fs::read_dir(data.join("recordings")).unwrap().next().unwrap().unwrap().path();
        session.join("1-theory-prompt-1.wav.part").exists()
    };
    let untouched = part(data.path());
    // Killed before anything is asserted, so that a failure leaves no process behind.
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(stdout(&output).contains("still running"), "{}", stdout(&output));
    assert_eq!(stderr(&output), "");
    assert!(untouched, "its recording goes on under its name");
    assert!(stdout(&review(data.path(), &[])).contains("interrupted"));
    assert!(!part(data.path()));
}

#[test]
fn a_journal_that_cannot_be_read_is_named_and_left_as_it_is() {
    let (data, _, _) = practised();
    let journal = data.path().join("journal.sqlite3");
    let path = journal.to_string_lossy().into_owned();

    let database = rusqlite::Connection::open(&journal).unwrap();
    database.pragma_update(None, "user_version", 1_000).unwrap();
    drop(database);
    let newer = fs::read(&journal).unwrap();
    assert_mendable(&review(data.path(), &[]), &[&path, "newer viva", "update viva"]);
    assert_eq!(fs::read(&journal).unwrap(), newer);

    fs::write(&journal, "SQLite it is not. ".repeat(1_000)).unwrap();
    assert_mendable(&review(data.path(), &["last"]), &[&path, "damaged", "move it away"]);
    assert_eq!(fs::read_to_string(&journal).unwrap(), "SQLite it is not. ".repeat(1_000));
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data");
    fs::write(&file, "").unwrap();
    assert_mendable(&review(&file, &[]), &[&file.to_string_lossy(), "--data-dir"]);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let (data, _, _) = practised();
    let mut child = common::viva()
        .args(["review", "last"])
        .env("VIVA_DATA_DIR", data.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn an_answer_that_was_cut_off_is_transcribed_and_judged() {
    let model = common::model();
    let data = tempfile::tempdir().unwrap();
    let said = data.path().join("said.wav");
    let spoken = Command::new("espeak-ng")
        .args(["-v", "en-us", "-s", "140", "-w"])
        .arg(&said)
        .arg("We look at the labels of the animals, one after the other.")
        .status()
        .expect("espeak-ng is there; `scripts/test` installs it");
    assert!(spoken.success());
    let journal = Journal::open(data.path()).unwrap();
    let session = journal.begin_session(&[theory()], InputKind::Microphone, Some("tiny.en")).unwrap();
    let take = session.begin_take(session.ask(0, MAIN_QUESTION).unwrap()).unwrap();
    let mut recorder = Recorder::create(&take.path).unwrap();
    let mut source = WavSource::open(&said, Pace::Fast).unwrap();
    while let Block::Samples(samples) = source.next_block().unwrap() {
        recorder.write(&samples);
    }
    drop((recorder, session, journal));

    let models = model.parent().unwrap().to_str().unwrap();
    let output = review(data.path(), &["last", "--json", "--models-dir", models]);
    let told = stderr(&output);
    assert!(output.status.success() && told.contains("transcribing"), "{told}");
    let session: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&session["state"], &session["questions"]["waiting"]), (&"interrupted".into(), &0.into()));
    let take = &session["loops"][0]["questions"][0]["takes"][0];
    let judged: Assessment = serde_json::from_value(take["assessments"][0]["assessment"].clone()).unwrap();
    assert!(judged.transcript.text.contains("labels"), "{}", judged.transcript.text);
    assert_eq!(judged.coverage.covered, 1, "{:?}", judged.points);
    assert!(matches!(&judged.source, Source::Audio { model, .. } if model == "tiny.en"));
    assert_eq!(stderr(&review(data.path(), &[])), "", "nothing is left to be done");
}
