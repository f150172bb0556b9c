//! Whole sessions with fakes at every seam: sound that is made up, a recogniser that knows its lines,
//! a silent voice, a journal in memory.
#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::runner::{Answers, Ended, Equipment, Input, Writing, run};
use super::session::{Ending, Event, Pace, Place, Session};
use super::{OpenSource, Scribe};
use crate::audio::{AudioError, AudioSource, Block, FailingSource, MemorySource, SAMPLE_RATE};
use crate::coverage::{Verdict, WordsAlone};
use crate::journal::fixtures::{recognised, theory};
use crate::journal::{AnswerState, Content, InputKind, Journal, KeptSession, SessionState};
use crate::learned::Learned;
use crate::recognise::{RecogniseError, Recognised, Transcriber};
use crate::ui::plain::Plain;

const SECOND: usize = SAMPLE_RATE as usize;

/// A screen that tests can read; it can be closed like a pipe.
#[derive(Clone, Default)]
struct Screen {
    text: Arc<Mutex<Vec<u8>>>,
    closed: Arc<AtomicBool>,
}

impl Screen {
    fn text(&self) -> String {
        String::from_utf8(self.text.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.text.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Says its lines one after the other, and notes how many seconds it was given.
struct Lines {
    lines: VecDeque<&'static str>,
    heard: Arc<Mutex<Vec<f64>>>,
}

impl Transcriber for Lines {
    fn model(&self) -> &str {
        "scripted"
    }

    fn transcribe(
        &mut self,
        source: &mut dyn AudioSource,
        _: &mut dyn FnMut(f64),
    ) -> Result<Recognised, RecogniseError> {
        let mut samples = 0;
        while let Ok(Block::Samples(block)) = source.next_block() {
            samples += block.len();
        }
        self.heard.lock().unwrap().push(samples as f64 / SECOND as f64);
        Ok(recognised(self.lines.pop_front().unwrap_or_default()))
    }
}

/// A microphone that runs a hundred times faster than real time, and counts what it has given.
struct Mic {
    given: usize,
}

impl AudioSource for Mic {
    fn next_block(&mut self) -> Result<Block, AudioError> {
        std::thread::sleep(Duration::from_millis(1));
        let block = (self.given..self.given + SECOND / 10).map(|sample| (sample % 1000) as f32 / 32768.0);
        self.given += SECOND / 10;
        Ok(Block::Samples(block.collect()))
    }
}

struct Sitting {
    journal: Journal,
    screen: Screen,
    heard: Arc<Mutex<Vec<f64>>>,
    input: UnboundedSender<Input>,
    session: Session,
    equipment: Equipment,
    kind: InputKind,
}

fn sitting(answers: Answers, lines: &[&'static str], pace: Pace) -> Sitting {
    let screen = Screen::default();
    let heard = Arc::default();
    let (input, receiver) = unbounded_channel();
    let lines = Lines { lines: lines.iter().copied().collect(), heard: Arc::clone(&heard) };
    Sitting {
        journal: Journal::in_memory().unwrap(),
        heard,
        input,
        session: Session::new(vec![theory()], pace),
        kind: match answers {
            Answers::Typed => InputKind::Typed,
            Answers::Live(_) => InputKind::Microphone,
            Answers::Recorded { .. } => InputKind::Files,
        },
        equipment: Equipment {
            answers,
            scribe: Some(Scribe::start("scripted".into(), Box::new(|| Ok(Box::new(lines))))),
            speaker: None,
            view: Box::new(Plain::lines(screen.clone())),
            controls: String::new(),
            input: receiver,
            learned: Learned::nothing(Path::new("nowhere")),
            reader: Box::new(WordsAlone),
        },
        screen,
    }
}

impl Sitting {
    /// Holds the session; `user` acts beside it. Gives back how it ended, what was kept, what was
    /// shown, and the journal, whose recordings vanish with it.
    fn hold(
        self,
        user: impl AsyncFnOnce(&UnboundedSender<Input>, &Screen),
    ) -> (Ended, KeptSession, String, Journal) {
        let record = self.journal.begin_session(self.session.loops(), self.kind, Some("scripted")).unwrap();
        let id = record.id().to_owned();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let ended = runtime.block_on(async {
            let running = run(self.session, record, self.equipment);
            let acting = user(&self.input, &self.screen);
            let (ended, ()) = tokio::join!(tokio::time::timeout(Duration::from_secs(60), running), acting);
            ended.unwrap()
        });
        let kept = self.journal.session(&id).unwrap();
        (ended, kept, self.screen.text(), self.journal)
    }
}

fn recorded(recordings: Vec<(usize, Box<dyn AudioSource>)>) -> Answers {
    let recordings = recordings
        .into_iter()
        .map(|(question_index, source)| {
            let open: OpenSource = Box::new(move || Ok(source));
            (Place { loop_index: 0, question_index }, open)
        })
        .collect();
    Answers::Recorded { recordings, real_time: false }
}

fn live() -> Answers {
    Answers::Live(Box::new(|| Box::new(|| Ok(Box::new(Mic { given: 0 })))))
}

/// Waits until the screen shows something for the `count`th time.
async fn shown(screen: &Screen, what: &str, count: usize) {
    let waiting = async {
        while screen.text().matches(what).count() < count {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting)
        .await
        .unwrap_or_else(|_| panic!("`{what}` is not shown:\n{}", screen.text()));
}

fn samples_of(kept: &KeptSession, answer: usize, take: usize) -> Vec<i16> {
    let Content::Audio { path, .. } = &kept.answers[answer].takes[take].content else { panic!() };
    hound::WavReader::open(path).unwrap().samples().map(Result::unwrap).collect()
}

#[test]
fn typed_answers_from_a_pipe_are_kept_and_judged_question_by_question() {
    let sitting = sitting(Answers::Typed, &[], Pace::StraightOn);
    for line in ["a Bernoulli", "likelihood", ".", "p minus y", "."] {
        sitting.input.send(Input::Line(line.into())).unwrap();
    }
    sitting.input.send(Input::Ended).unwrap();
    let (ended, kept, text, _journal) = sitting.hold(async |_, _| ());
    assert_eq!(ended, Ended { ending: Ending::Finished, unsaved: None });
    assert_eq!(kept.summary.state, SessionState::Finished);
    let Content::Typed { text: typed } = &kept.answers[0].takes[0].content else { panic!() };
    assert_eq!(typed, "a Bernoulli\nlikelihood\n");
    assert!(kept.answers[1].assessment().is_some());
    // Nothing was left to answer the last question with.
    assert_eq!(kept.answers[2].state, AnswerState::Skipped);
    let missed = text.find("Missed:").unwrap();
    assert!(missed < text.find("Follow-up 1 of 2").unwrap(), "{text}");
    assert!(text.contains("Feedback on Theory"), "{text}");
}

#[test]
fn an_empty_typed_answer_counts_as_not_answered() {
    let sitting = sitting(Answers::Typed, &[], Pace::StraightOn);
    for line in [".", "something", "."] {
        sitting.input.send(Input::Line(line.into())).unwrap();
    }
    sitting.input.send(Input::Ended).unwrap();
    let (_, kept, _, _journal) = sitting.hold(async |_, _| ());
    assert_eq!(kept.answers[0].state, AnswerState::Skipped);
    assert_ne!(kept.answers[1].state, AnswerState::Skipped);
}

#[test]
fn recordings_are_copied_transcribed_and_cut_at_the_time_limit() {
    let long = vec![0.25; SECOND * 70];
    let sources: Vec<(usize, Box<dyn AudioSource>)> =
        vec![(0, Box::new(MemorySource::new(long))), (2, Box::new(MemorySource::new(vec![0.5; SECOND * 3])))];
    let sitting = sitting(recorded(sources), &["Bernoulli likelihood", "more"], Pace::StraightOn);
    let heard = Arc::clone(&sitting.heard);
    let (ended, kept, text, _journal) = sitting.hold(async |_, _| ());
    assert_eq!(ended.ending, Ending::Finished);
    assert_eq!(samples_of(&kept, 0, 0).len(), SECOND * 60 + SECOND / 2);
    assert_eq!(samples_of(&kept, 2, 0), vec![16384; SECOND * 3]);
    assert_eq!(*heard.lock().unwrap(), [60.5, 3.0]);
    assert_eq!(kept.answers[1].state, AnswerState::Skipped);
    assert_eq!(kept.answers[0].assessment().unwrap().transcript.text, "Bernoulli likelihood");
    assert!(text.contains("Time is up."), "{text}");
    assert!(!text.contains("left."), "nobody sees the time go by: {text}");
    assert!(text.contains("No recording for this question: counted as not answered."), "{text}");
    assert!(text.contains("(1 question not answered)"), "{text}");
}

#[test]
fn a_source_that_breaks_in_the_middle_of_an_answer_costs_nothing_that_was_said() {
    let source: Box<dyn AudioSource> = Box::new(FailingSource::after(vec![0.5; SECOND * 2]));
    let sitting = sitting(recorded(vec![(0, source)]), &["Bernoulli"], Pace::StraightOn);
    let (ended, kept, text, _journal) = sitting.hold(async |_, _| ());
    assert_eq!(ended.ending, Ending::Finished);
    assert_eq!(samples_of(&kept, 0, 0), vec![16384; SECOND * 2]);
    assert!(kept.answers[0].assessment().is_some());
    assert!(text.contains("warning: "), "{text}");
}

#[test]
fn a_spoken_answer_begins_half_a_second_before_the_go_signal() {
    let (ended, kept, text, _journal) = sitting(live(), &["Bernoulli", "p minus y", "no"], Pace::StraightOn)
        .hold(async |input, screen| {
            for question in 1..=3 {
                shown(screen, "Go:", question).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
                input.send(Input::Event(Event::Enter)).unwrap();
            }
        });
    assert_eq!(ended.ending, Ending::Finished, "{text}");
    for answer in 0..3 {
        let samples = samples_of(&kept, answer, 0);
        assert!(samples.len() > SECOND / 2, "{}", samples.len());
        // Not a sample is missing or there twice, the half second before the go signal included.
        assert!(samples.windows(2).all(|pair| (pair[0] + 1) % 1000 == pair[1]));
    }
}

#[test]
fn what_is_said_in_a_pause_is_not_recorded_and_the_clock_stands() {
    let (_, kept, _, _journal) = sitting(live(), &["one"], Pace::StraightOn).hold(async |input, screen| {
        shown(screen, "Go:", 1).await;
        input.send(Input::Event(Event::Pause)).unwrap();
        // Thirty seconds of the microphone: more than all the time there is, several times.
        tokio::time::sleep(Duration::from_millis(700)).await;
        input.send(Input::Event(Event::Pause)).unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        input.send(Input::Event(Event::Quit)).unwrap();
    });
    assert!(samples_of(&kept, 0, 0).len() < SECOND * 40);
    assert_eq!(kept.summary.state, SessionState::Left);
}

#[test]
fn a_new_take_is_a_new_recording_and_the_old_one_is_kept() {
    let (_, kept, _, _journal) =
        sitting(live(), &["second"], Pace::StraightOn).hold(async |input, screen| {
            shown(screen, "Go:", 1).await;
            input.send(Input::Event(Event::Retake)).unwrap();
            shown(screen, "Go:", 2).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            input.send(Input::Event(Event::Enter)).unwrap();
            shown(screen, "second", 1).await;
            input.send(Input::Event(Event::Quit)).unwrap();
        });
    let takes = &kept.answers[0].takes;
    assert_eq!(takes.len(), 2);
    assert!(!takes[0].counts && takes[1].counts);
    assert!(!samples_of(&kept, 0, 0).is_empty());
    assert_eq!(kept.answers[0].assessment().unwrap().transcript.text, "second");
}

#[test]
fn leaving_in_the_middle_of_an_answer_keeps_it_for_review() {
    let (ended, kept, _, _journal) = sitting(live(), &[], Pace::StraightOn).hold(async |input, screen| {
        shown(screen, "Go:", 1).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        input.send(Input::Event(Event::Interrupt)).unwrap();
    });
    assert_eq!(ended.ending, Ending::Interrupted);
    assert_eq!(kept.summary.state, SessionState::Interrupted);
    assert_eq!(kept.answers[0].state, AnswerState::Answered);
    assert!(samples_of(&kept, 0, 0).len() > SECOND / 2);
}

#[test]
fn a_screen_that_goes_away_leaves_the_session_with_everything_kept() {
    let (ended, kept, _, _journal) = sitting(live(), &[], Pace::StraightOn).hold(async |_, screen| {
        shown(screen, "Go:", 1).await;
        screen.closed.store(true, Ordering::Relaxed);
        // Something has to be shown for that to be noticed: the clock does at the next tick.
    });
    assert_eq!(ended.ending, Ending::Left);
    assert!(!samples_of(&kept, 0, 0).is_empty());
}

#[test]
fn a_recogniser_that_fails_leaves_the_answer_kept_and_the_session_running() {
    let source: Box<dyn AudioSource> = Box::new(MemorySource::new(vec![0.5; SECOND]));
    let mut sitting = sitting(recorded(vec![(0, source)]), &[], Pace::StraightOn);
    sitting.equipment.scribe =
        Some(Scribe::start("broken".into(), Box::new(|| panic!("the recogniser's thread dies"))));
    let (ended, kept, text, _journal) = sitting.hold(async |_, _| ());
    assert_eq!(ended.ending, Ending::Finished);
    assert_eq!(kept.answers[0].state, AnswerState::Answered);
    assert!(text.contains("`viva review` transcribes it later"), "{text}");
}

#[test]
fn a_disk_that_takes_nothing_costs_nothing_once_it_does_again() {
    let sitting = sitting(live(), &["held"], Pace::StraightOn);
    let journal = sitting.journal.clone();
    let (ended, kept, text, _journal) = sitting.hold(async |input, screen| {
        // The folder of the recordings goes away before the first take, and comes back later.
        let id = journal.sessions().unwrap()[0].id.clone();
        let folder = journal.session_folder(&id);
        let away = folder.with_extension("away");
        std::fs::rename(&folder, &away).unwrap();
        shown(screen, "Go:", 1).await;
        shown(screen, "warning: cannot record", 1).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        std::fs::rename(&away, &folder).unwrap();
        input.send(Input::Event(Event::Enter)).unwrap();
        shown(screen, "held", 1).await;
        shown(screen, "Everything is written again.", 1).await;
        input.send(Input::Event(Event::Quit)).unwrap();
    });
    assert_eq!(ended.unsaved, None, "{text}");
    let samples = samples_of(&kept, 0, 0);
    assert!(samples.len() > SECOND / 2);
    assert!(samples.windows(2).all(|pair| (pair[0] + 1) % 1000 == pair[1]));
    assert!(kept.answers[0].assessment().is_some());
}

/// Somebody at a terminal types the answer to the first question and is asked to go on.
async fn type_the_first_answer(input: &UnboundedSender<Input>, screen: &Screen) {
    shown(screen, "Enter begins; Ctrl-C leaves.", 1).await;
    input.send(Input::Line(String::new())).unwrap();
    shown(screen, "Go:", 1).await;
    input.send(Input::Line("my answer".into())).unwrap();
    input.send(Input::Line(".".into())).unwrap();
    shown(screen, "Enter asks the follow-up, \"o\" overrules a verdict; Ctrl-C leaves.", 1).await;
}

#[test]
fn a_line_that_is_being_typed_when_the_time_is_up_ends_the_answer() {
    let mut sitting = sitting(Answers::Typed, &[], Pace::StraightOn);
    let mut short = theory();
    short.question.answer_seconds = 1;
    short.follow_ups.clear();
    sitting.session = Session::new(vec![short], Pace::StraightOn);
    // As in a terminal.
    sitting.equipment.view = Box::new(Plain::wrapped(sitting.screen.clone(), || 80));
    let (ended, kept, text, _journal) = sitting.hold(async |input, screen| {
        input.send(Input::Line("a first line".into())).unwrap();
        shown(screen, "\n\nTime is up: finish the line; it ends the answer.\n", 1).await;
        input.send(Input::Line("and the last".into())).unwrap();
    });
    assert_eq!(ended.ending, Ending::Finished, "{text}");
    assert_eq!(text.matches("Time is up").count(), 1, "{text}");
    let Content::Typed { text: typed } = &kept.answers[0].takes[0].content else { panic!() };
    assert_eq!(typed, "a first line\nand the last\n");
}

#[test]
fn somebody_who_is_there_is_waited_for() {
    let (ended, kept, text, _journal) =
        sitting(Answers::Typed, &[], Pace::OnRequest).hold(async |input, screen| {
            type_the_first_answer(input, screen).await;
            assert!(!screen.text().contains("Follow-up 1"));
            // What is typed too late belongs to the answer, not to the next question.
            input.send(Input::Line("and another word".into())).unwrap();
            shown(screen, "Kept with the answer before", 1).await;
            input.send(Input::Ended).unwrap();
        });
    assert_eq!(ended.ending, Ending::Left, "{text}");
    let Content::Typed { text: typed } = &kept.answers[0].takes[0].content else { panic!() };
    assert_eq!(typed, "my answer\nand another word\n");
}

#[test]
fn skipping_the_follow_up_before_it_is_asked_leaves_the_answer_before_alone() {
    let (_, kept, text, _journal) =
        sitting(Answers::Typed, &[], Pace::OnRequest).hold(async |input, screen| {
            type_the_first_answer(input, screen).await;
            input.send(Input::Event(Event::Skip)).unwrap();
            shown(screen, "Skipped", 1).await;
            input.send(Input::Event(Event::Quit)).unwrap();
        });
    assert_eq!(kept.answers[0].state, AnswerState::Assessed, "{text}");
    assert_eq!(kept.answers[1].state, AnswerState::Skipped);
}

#[test]
fn signals_are_heard_after_the_input_has_ended() {
    let (ended, kept, _, _journal) = sitting(live(), &[], Pace::StraightOn).hold(async |input, screen| {
        input.send(Input::Ended).unwrap();
        shown(screen, "Go:", 1).await;
        input.send(Input::Event(Event::Interrupt)).unwrap();
    });
    assert_eq!(ended.ending, Ending::Interrupted);
    assert!(!samples_of(&kept, 0, 0).is_empty());
}

#[test]
fn a_verdict_is_overruled_in_lines_and_the_words_that_made_it_are_learned() {
    let data = tempfile::tempdir().unwrap();
    let mut sitting = sitting(Answers::Typed, &[], Pace::OnRequest);
    sitting.equipment.learned = Learned::nothing(data.path());
    let (ended, kept, text, _journal) = sitting.hold(async |input, screen| {
        let line = |line: &str| input.send(Input::Line(line.into())).unwrap();
        type_the_first_answer(input, screen).await;
        line("o");
        shown(screen, "Which point do you overrule?", 1).await;
        line("9");
        shown(screen, "`9` is no point of this question; their numbers are 1 to 2.", 1).await;
        line("2");
        shown(screen, "Useful gradients: covered (you; viva said missed). o and 2 turn it back.", 1).await;
        line("answer");
        shown(screen, "would tick the point by accident", 1).await;
        line("");
        shown(screen, "\"o\" overrules a verdict", 2).await;
        line("");
        shown(screen, "Go:", 2).await;
        line("probabilities minus wobbly labels");
        line(".");
        shown(screen, "\"o\" overrules a verdict", 3).await;
        // All at once, as somebody does who knows it by heart.
        for quick in ["o", "1", "wobbly labels", "", ".", ""] {
            line(quick);
        }
    });
    assert_eq!(ended.ending, Ending::Finished, "{text}");
    assert!(text.contains("Feedback on Theory: 2 of 3 points covered (1 question not answered)"), "{text}");
    let judged: Vec<_> = kept.answers[0].assessment().unwrap().points;
    assert_eq!((judged[1].verdict, judged[1].overruled), (Verdict::Covered, Some(Verdict::Missed)));
    assert_eq!(kept.answers[0].takes[0].assessments[0].assessment.coverage.covered, 0, "viva's own is kept");
    assert!(
        text.contains("Learned: \"wobbly labels\"; `viva learned forget \"wobbly labels\"` forgets it."),
        "{text}"
    );
    let learned = Learned::read(data.path()).unwrap();
    assert_eq!(
        learned.of("theory", "gradient-wrt-logits", "p-minus-y").collect::<Vec<_>>(),
        ["wobbly labels"]
    );
    assert_eq!(learned.of("theory", "prompt", "gradient").count(), 0);
}

#[test]
fn a_verdict_is_overruled_by_keys_and_never_while_an_answer_is_recorded() {
    let mut sitting = sitting(live(), &["a Bernoulli likelihood"], Pace::OnRequest);
    sitting.equipment.view = Box::new(Plain::live(sitting.screen.clone(), || 80));
    let key = |event: Option<Event>, writing| Input::Key(event, writing);
    let (_, kept, text, _journal) = sitting.hold(async |input, screen| {
        let press = |input_of_key| input.send(input_of_key).unwrap();
        let enter = || key(Some(Event::Enter), Writing::End);
        let letter = |letter, event| key(event, Writing::Character(letter));
        press(enter());
        shown(screen, "Go:", 1).await;
        press(letter('o', Some(Event::Overrule)));
        press(letter('1', None));
        tokio::time::sleep(Duration::from_millis(20)).await;
        press(enter());
        shown(screen, "o overrules a verdict, q leaves.", 1).await;
        press(letter('o', Some(Event::Overrule)));
        press(letter('2', None));
        press(key(None, Writing::Back));
        press(letter('1', None));
        press(enter());
        shown(screen, "Bernoulli likelihood: missed (you; viva said covered). o and 1 turn it back.", 1)
            .await;
        press(letter('o', Some(Event::Overrule)));
        // A word is written, not left with: `q` is a letter like any other.
        press(letter('q', Some(Event::Quit)));
        press(key(None, Writing::GiveUp));
        shown(screen, "o overrules a verdict, q leaves.", 3).await;
        press(letter('q', Some(Event::Quit)));
    });
    assert!(text.contains("> 2") && text.contains("> q"), "{text:?}");
    assert!(samples_of(&kept, 0, 0).len() > SECOND / 2);
    assert_eq!(kept.answers[0].takes.len(), 1);
    assert_eq!(kept.answers[0].assessment().unwrap().coverage.covered, 0);
    assert_eq!(kept.summary.coverage.covered, 0);
}

#[test]
fn letters_with_enter_write_words_where_words_are_asked_for() {
    let (_, kept, text, _journal) =
        sitting(live(), &["a Bernoulli likelihood"], Pace::OnRequest).hold(async |input, screen| {
            let line = |line: &str, meaning: Result<Event, String>| {
                input.send(Input::Letter(meaning, line.to_owned())).unwrap();
            };
            let unknown = || Err("no such letter".to_owned());
            line("", Ok(Event::Enter));
            shown(screen, "Go:", 1).await;
            line("stop", unknown());
            shown(screen, "no such letter", 1).await;
            line("", Ok(Event::Enter));
            shown(screen, "o overrules a verdict, q leaves.", 1).await;
            line("o", Ok(Event::Overrule));
            line("1", unknown());
            shown(screen, "missed (you; viva said covered)", 1).await;
            line("q", Ok(Event::Quit));
        });
    assert_eq!(text.matches("no such letter").count(), 1, "{text}");
    assert_eq!(kept.summary.coverage.covered, 0);
}
