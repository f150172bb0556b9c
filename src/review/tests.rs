use std::path::Path;

use jiff::tz::TimeZone;

use super::corrections::{Wanted, plan};
use super::*;
use crate::audio::Recorder;
use crate::coverage::{Evidence, FoundBy, Tally, Verdict, WordsAlone};
use crate::journal::fixtures::{assessment, probability, recognised, theory};
use crate::journal::{AnswerState, InputKind, Ruling, SessionHandle, SessionState, TakeId};
use crate::loops::MAIN_QUESTION;
use crate::recognise::ScriptedTranscriber;

fn untaught() -> Learned {
    Learned::nothing(Path::new("nowhere"))
}

fn record(path: &Path, seconds: f64) {
    let mut recorder = Recorder::create(path).unwrap();
    recorder.write(&vec![0.1; (seconds * 16_000.0) as usize]);
    recorder.finish().unwrap();
}

fn answer_aloud(session: &SessionHandle, question: &str, seconds: f64) -> TakeId {
    let answer = session.ask(0, question).unwrap();
    let take = session.begin_take(answer).unwrap();
    record(&take.path, seconds);
    session.finish_take(take.id, seconds).unwrap();
    take.id
}

#[test]
fn what_a_session_left_undone_is_caught_up_on_and_one_failure_does_not_stop_it() {
    let journal = Journal::in_memory().unwrap();
    let session = journal.begin_session(&[theory()], InputKind::Microphone, None).unwrap();
    answer_aloud(&session, MAIN_QUESTION, 1.0);
    std::fs::remove_file(session.folder().join("1-theory-prompt-1.wav")).unwrap();
    answer_aloud(&session, "gradient-wrt-logits", 2.0);
    let typed = session.ask(0, "anything-else").unwrap();
    session.typed_take(typed, "no, that is all").unwrap();
    let id = session.id().to_owned();

    let mut script = ScriptedTranscriber::new(["the gradient is p minus y"]);
    let nothing = catch_up(&journal, &untaught(), &WordsAlone, None, Some(&mut script), &mut |_| {}).unwrap();
    assert_eq!(nothing, CaughtUp::default(), "a running session is left alone");
    session.finish(SessionState::Left).unwrap();
    let nothing = catch_up(&journal, &untaught(), &WordsAlone, None, Some(&mut script), &mut |_| {}).unwrap();
    assert_eq!(nothing, CaughtUp::default(), "its process still holds it");
    drop(session);

    let done = catch_up(&journal, &untaught(), &WordsAlone, Some(&id), None, &mut |_| {}).unwrap();
    assert_eq!(done, CaughtUp { judged: 1, failed: 0, untranscribed: 2 }, "the typed one needs no model");
    let mut failures = Vec::new();
    let mut seconds = 0.0;
    let done =
        catch_up(
            &journal,
            &untaught(),
            &WordsAlone,
            None,
            Some(&mut script),
            &mut |progress| match progress {
                Progress::Failed(why) => failures.push(why),
                Progress::Transcribed(so_far) => seconds = so_far,
                _ => {}
            },
        )
        .unwrap();
    assert_eq!(done, CaughtUp { judged: 1, failed: 1, untranscribed: 0 });
    assert!(failures[0].contains("1-theory-prompt-1.wav"), "{failures:?}");
    assert_eq!(seconds, 2.0);

    let kept = journal.session(&id).unwrap();
    let states: Vec<_> = kept.answers.iter().map(|answer| answer.state).collect();
    assert_eq!(states, [AnswerState::Answered, AnswerState::Assessed, AnswerState::Assessed]);
    let spoken = kept.answers[1].assessment().unwrap();
    assert_eq!(spoken.transcript.text, "the gradient is p minus y");
    assert!(matches!(&spoken.source, Source::Audio { model, .. } if model == "scripted"));
    assert_eq!(kept.answers[2].assessment().unwrap().source, Source::Text);
    assert_eq!(journal.waiting(None).unwrap().len(), 1);
}

#[test]
fn judging_anew_adds_only_what_differs() {
    let journal = Journal::in_memory().unwrap();
    let session = journal.begin_session(&[theory()], InputKind::Microphone, None).unwrap();
    let take = answer_aloud(&session, MAIN_QUESTION, 1.0);
    let heard = recognised("bernoulli likelihood");
    session.journal().save_transcript(take, "tiny.en", &heard).unwrap();
    let mut old = assessment(&theory(), MAIN_QUESTION, &heard);
    old.engine = "0.0.1".into();
    session.journal().save_assessment(take, &old).unwrap();

    assert_eq!(reassess(&journal, &untaught(), &WordsAlone, session.id()).unwrap(), 1);
    assert_eq!(reassess(&journal, &untaught(), &WordsAlone, session.id()).unwrap(), 0);
    let kept = journal.session(session.id()).unwrap();
    let assessments = &kept.answers[0].takes[0].assessments;
    assert_eq!(assessments.len(), 2);
    assert_eq!(assessments[0].assessment, old);
    assert_eq!(assessments[1].assessment, assessment(&theory(), MAIN_QUESTION, &heard));
}

fn evidence(transcript: &Transcript, first_word: usize, last_word: usize) -> Evidence {
    let words: Vec<_> = transcript.words().skip(first_word).take(last_word - first_word + 1).collect();
    Evidence {
        quote: words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" "),
        start_seconds: words[0].start_seconds,
        end_seconds: words[words.len() - 1].end_seconds,
        first_word,
        last_word,
        by: FoundBy::Keyword,
    }
}

/// A session with a judged answer, an earlier take, a skipped and an unasked question.
fn judged_session() -> (Journal, String) {
    let journal = Journal::in_memory().unwrap();
    let session = journal.begin_session(&[theory()], InputKind::Microphone, Some("tiny.en")).unwrap();
    answer_aloud(&session, MAIN_QUESTION, 12.0);
    let take = answer_aloud(&session, MAIN_QUESTION, 4.0);
    let heard = recognised("so a coin flip has a bernoulli likelihood and useful gradients");
    session.journal().save_transcript(take, "tiny.en", &heard).unwrap();
    let mut judged = assessment(&theory(), MAIN_QUESTION, &heard);
    judged.points[0].verdict = Verdict::Covered;
    judged.points[0].evidence = vec![evidence(&heard.transcript, 6, 7), evidence(&heard.transcript, 1, 3)];
    judged.points[0].reason = None;
    judged.points[1].verdict = Verdict::Missed;
    judged.points[1].evidence = vec![evidence(&heard.transcript, 9, 10)];
    judged.points[1].reason = Some("only named".into());
    judged.coverage = Tally::of(&judged.points);
    session.journal().save_assessment(take, &judged).unwrap();
    let skipped = session.ask(0, "gradient-wrt-logits").unwrap();
    session.skip(skipped).unwrap();
    session.finish(SessionState::Left).unwrap();
    let id = session.id().to_owned();
    (journal, id)
}

fn style() -> text::Style {
    text::Style { width: None, bold: false, zone: TimeZone::UTC }
}

#[test]
fn a_session_is_shown_with_its_evidence_marked_and_its_missed_points() {
    let (journal, id) = judged_session();
    let kept = journal.session(&id).unwrap();
    let page = text::session(&kept, &style());
    for expected in [
        &format!("Session {id}\n") as &str,
        "left, 1 of 3 points covered (2 questions not answered), spoken, transcribed with tiny.en",
        "Question: Why cross-entropy?",
        "Recording (0:04): ",
        "1-theory-prompt-2.wav\n",
        "     0:00  so «a coin flip»[1] has a «bernoulli likelihood»[1] and useful gradients\n",
        "You should connect: 1 of 2 covered",
        "[1] covered  Bernoulli likelihood: \"bernoulli likelihood\" at 0:03\n",
        "[2] missed   Useful gradients: \"useful gradients\" at 0:04 (only named)\n",
        "  Missed:\n    - Useful gradients\n",
        "Delivery: 11 words, ",
        "Other takes:\n    1 (0:12): ",
        "Follow-up 1 of 2: Derive the gradient.\n  Skipped: counted as not answered.\n",
        "Follow-up 2 of 2: Anything else?\n  Not asked.\n",
    ] {
        assert!(page.contains(expected), "{expected:?} is not in\n{page}");
    }
    let bold = text::session(&kept, &text::Style { width: Some(60), bold: true, ..style() });
    assert!(bold.contains("\x1b[1m«a coin flip»\x1b[22m[1]"), "{bold}");
}

#[test]
fn a_corrected_session_is_shown_and_counted_as_corrected() {
    let (journal, id) = judged_session();
    let kept = journal.session(&id).unwrap();
    let wanted = |name: &str, verdict| Wanted { name: name.into(), verdict };
    let both = [wanted("likelihood", Verdict::Missed), wanted("prompt/2", Verdict::Covered)];
    let changes = plan(&kept, &both).unwrap();
    let names: Vec<_> = changes.iter().map(|change| change.name.as_str()).collect();
    assert_eq!(names, ["likelihood", "gradient"]);
    let rulings: Vec<_> = changes
        .iter()
        .map(|change| (change.take.id, change.point.id.clone(), change.ruling.unwrap()))
        .collect();
    journal.save_corrections(&rulings).unwrap();

    let kept = journal.session(&id).unwrap();
    let page = text::session(&kept, &style());
    for expected in [
        "You should connect: 1 of 2 covered",
        "[1] missed (you; viva said covered) Bernoulli likelihood: \"bernoulli likelihood\" at 0:03\n",
        "[2] covered (you; viva said missed) Useful gradients: \"useful gradients\" at 0:04 (only named)\n",
        "  Missed:\n    - Bernoulli likelihood\n",
    ] {
        assert!(page.contains(expected), "{expected:?} is not in\n{page}");
    }
    let take = &serde_json::to_value(json::session(&kept)).unwrap()["loops"][0]["questions"][0]["takes"][1];
    assert_eq!(take["assessments"][0]["assessment"]["points"][0]["verdict"], "covered");
    assert_eq!(
        (&take["corrections"][1]["point"], &take["corrections"][1]["verdict"]),
        (&"gradient".into(), &"covered".into())
    );
    let point = |id: &str, verdict: &str, said: &str| serde_json::json!({ "id": id, "verdict": verdict, "viva_said": said });
    assert_eq!(
        take["judgement"]["points"],
        serde_json::json!([point("likelihood", "missed", "covered"), point("gradient", "covered", "missed")])
    );

    // Back to what viva said withdraws the correction; what is so already is left alone.
    let back = [wanted("likelihood", Verdict::Covered), wanted("gradient", Verdict::Covered)];
    let rulings: Vec<_> = plan(&kept, &back).unwrap().iter().map(|change| change.ruling).collect();
    assert_eq!(rulings, [Some(Ruling::Withdrawn), None]);
}

#[test]
fn names_of_points_are_clear_or_nothing_is_planned() {
    let journal = Journal::in_memory().unwrap();
    let mut second = probability();
    second.question.points[0].id = "2".into();
    let session = journal.begin_session(&[theory(), second.clone()], InputKind::Microphone, None).unwrap();
    for (position, asked) in [theory(), second].iter().enumerate() {
        let answer = session.ask(position, MAIN_QUESTION).unwrap();
        let take = session.typed_take(answer, "a guess").unwrap();
        let heard = recognised("a guess");
        session.journal().save_assessment(take, &assessment(asked, MAIN_QUESTION, &heard)).unwrap();
    }
    let kept = journal.session(session.id()).unwrap();
    let said = |names: &[&str]| {
        let wanted: Vec<_> =
            names.iter().map(|name| Wanted { name: (*name).into(), verdict: Verdict::Covered }).collect();
        match plan(&kept, &wanted) {
            Ok(changes) => changes.iter().map(|change| change.name.clone()).collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string(),
        }
    };
    assert_eq!(said(&["likelihood", "theory/prompt/gradient"]), "likelihood theory/prompt/gradient");
    assert_eq!(said(&["probability/prompt/2"]), "2", "an id is no number");
    assert_eq!(said(&["probability/prompt/1"]), "2", "the first one's id is 2");
    assert_eq!(
        said(&["likelihood", "prompt/gradient"]),
        "nothing is changed: `prompt/gradient` could be `theory/prompt/gradient` or `probability/prompt/gradient`; write one of these for it"
    );
    let unknown = said(&["likelihod"]);
    assert!(unknown.contains("a point `likelihod`; did you mean `likelihood`?"), "{unknown}");
    for (name, message) in [
        ("like", "a point `like`; did you mean `likelihood`?"),
        ("zebra", "a point `zebra`; it has `likelihood`, `theory/prompt/gradient`, `2` and "),
        ("7", "a point `7`; it has `likelihood`"),
        ("prompt/7", "the question `prompt` has no point `7`; it has `prompt/likelihood`, "),
        ("prompt/likelihod", "has no point `likelihod`; did you mean `prompt/likelihood`?"),
        ("prompt", "`prompt` is a question, not a point; name one of `prompt/likelihood`, "),
        (
            "nope/1",
            "has no question `nope`; its questions are `prompt`, `gradient-wrt-logits` and `anything-else`",
        ),
        ("promt/1", "has no question `promt`; did you mean `prompt/1`?"),
        ("theory/1", "has no question `theory`; did you mean `theory/prompt/1`?"),
        ("thery/prompt/1", "has no loop `thery`; did you mean `theory/prompt/1`?"),
        ("zzz/prompt/1", "has no loop `zzz`; it has `theory` and `probability`"),
        ("a/b/c/d", "`a/b/c/d` has too many parts; write `POINT`, `QUESTION/POINT` or"),
        ("p-minus-y", "`gradient-wrt-logits` was not asked in session"),
        ("gradient-wrt-logits/1", "`gradient-wrt-logits` was not asked in session"),
        ("gradient-wrt-logits", "; `viva practice theory` asks it"),
    ] {
        let told = said(&[name]);
        assert!(told.starts_with("nothing is changed: ") && told.contains(message), "{name}: {told}");
    }
    assert!(said(&["likelihood", "theory/prompt/1"]).contains("`likelihood` is set twice"));
    let partial = [Wanted { name: "likelihood".into(), verdict: Verdict::Partial }];
    assert!(
        plan(&kept, &partial)
            .unwrap_err()
            .to_string()
            .contains("viva does not say partial of `likelihood`, but missed; set it to covered or missed")
    );
}

#[test]
fn overlapping_evidence_is_marked_once_and_across_segments_in_both() {
    let segment = |text: &str| Transcript::typed(text).segments.remove(0);
    let transcript = Transcript::from_segments(vec![segment("a b c d"), segment("e f")]);
    let mut points = assessment(&theory(), MAIN_QUESTION, &recognised("a b c d e f")).points;
    for (point, evidences) in points.iter_mut().zip([vec![(1, 2), (3, 4)], vec![(2, 2), (0, 0), (7, 900)]]) {
        point.verdict = Verdict::Partial;
        point.evidence = evidences
            .into_iter()
            .map(|(first_word, last_word)| Evidence {
                quote: String::new(),
                start_seconds: None,
                end_seconds: None,
                first_word,
                last_word,
                by: FoundBy::Text,
            })
            .collect();
    }
    assert_eq!(text::mark(&transcript, &points), ["«a»[2] «b c»[1,2] «d»[1]", "«e»[1] f"]);
}

#[test]
fn what_was_said_cannot_steer_the_terminal() {
    let journal = Journal::in_memory().unwrap();
    let session = journal.begin_session(&[theory()], InputKind::Typed, None).unwrap();
    let answer = session.ask(0, MAIN_QUESTION).unwrap();
    session.typed_take(answer, "clear \x1b[2J the\x07 screen").unwrap();
    let page = text::session(&journal.session(session.id()).unwrap(), &style());
    assert!(page.contains("clear") && !page.contains('\x1b') && !page.contains('\x07'), "{page:?}");
}

#[test]
fn the_json_of_a_session_has_the_documented_form() {
    let (journal, id) = judged_session();
    let kept = journal.session(&id).unwrap();
    let value = serde_json::to_value(json::session(&kept)).unwrap();
    assert_eq!(value["schema"], "viva.session/1");
    assert_eq!(value["state"], "left");
    assert_eq!(
        value["questions"],
        serde_json::json!({ "total": 3, "asked": 2, "answered": 1, "skipped": 1, "waiting": 0 })
    );
    let questions = value["loops"][0]["questions"].as_array().unwrap();
    let states: Vec<_> = questions.iter().map(|question| question["state"].as_str()).collect();
    assert_eq!(states, [Some("assessed"), Some("skipped"), None]);
    let takes = questions[0]["takes"].as_array().unwrap();
    assert_eq!((&takes[0]["counts"], &takes[1]["counts"]), (&false.into(), &true.into()));
    assert_eq!((&takes[1]["kind"], &takes[1]["seconds"]), (&"audio".into(), &4.0.into()));
    assert!(takes[1]["recording"].as_str().unwrap().ends_with("/1-theory-prompt-2.wav"));
    let judged = &takes[1]["assessments"][0]["assessment"];
    assert_eq!(judged["schema"], "viva.assessment/1");
    let back: Assessment = serde_json::from_value(judged.clone()).unwrap();
    assert_eq!(Some(back), kept.answers[0].assessment());

    let summary = serde_json::to_value(json::summary(&kept.summary)).unwrap();
    assert_eq!(summary["schema"], "viva.session-summary/1");
    assert_eq!(summary["loops"], serde_json::json!([{ "id": "theory", "title": "Theory" }]));
}

#[test]
fn among_several_loops_each_says_what_it_came_to_and_all_together_are_the_total() {
    let journal = Journal::in_memory().unwrap();
    let loops = [theory(), probability()];
    let session = journal.begin_session(&loops, InputKind::Microphone, None).unwrap();
    let take = answer_aloud(&session, "gradient-wrt-logits", 2.0);
    let heard = recognised("it is p - y");
    journal.save_transcript(take, "tiny.en", &heard).unwrap();
    journal.save_assessment(take, &assessment(&theory(), "gradient-wrt-logits", &heard)).unwrap();
    answer_aloud(&session, "anything-else", 2.0);
    let page = text::session(&journal.session(session.id()).unwrap(), &style());
    for expected in [
        "1 of 6 points covered (4 questions not answered, 1 answer not judged yet)",
        "Theory (theory): 1 of 3 points covered (1 question not answered, 1 answer not judged yet)\n",
        "Probability (probability): 0 of 3 points covered (3 questions not answered)\n",
    ] {
        assert!(page.contains(expected), "{expected:?} is not in\n{page}");
    }
}

#[test]
fn the_list_says_what_each_session_came_to() {
    let (journal, id) = judged_session();
    let running = journal.begin_session(&[theory()], InputKind::Typed, None).unwrap();
    let list = text::list(&journal.sessions().unwrap(), &style());
    let lines: Vec<&str> = list.lines().collect();
    assert!(lines[0].contains("still running  0/3 covered  ") && lines[0].contains(running.id()), "{list}");
    assert!(lines[1].contains("left           1/3 covered") && lines[1].contains(&id), "{list}");
    assert!(lines[1].ends_with("  Theory (2 questions not answered)"), "{list}");
}
