//! The voice that reads questions aloud, in a room without hardware.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common {
    pub mod sound;
}

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use common::sound::{self, Room, assert_heard};
use vivavoce::audio::{AudioSource, Block, Gate, Microphone, level_dbfs};
use vivavoce::speak::{Speaker, SystemVoice, Utterance, speakable};

const QUESTION: &str = "Explain why logistic regression uses cross-entropy instead of MSE.";

fn voice(folder: &Path) -> SystemVoice {
    SystemVoice::find(&folder.join("voice")).unwrap()
}

fn wait(utterance: &mut dyn Utterance) {
    let patience = Instant::now();
    while !utterance.is_done() {
        assert!(patience.elapsed() < Duration::from_secs(30), "never done");
        thread::sleep(Duration::from_millis(10));
    }
    if let Some(error) = utterance.failure() {
        panic!("{error}");
    }
}

/// What the voice rendered last, at 16 kHz.
fn rendered(folder: &Path) -> Vec<f32> {
    let file = fs::read_dir(folder.join("voice")).unwrap().next().unwrap().unwrap().path();
    let mut source = vivavoce::audio::WavSource::open(&file, vivavoce::audio::Pace::Fast).unwrap();
    let mut samples = Vec::new();
    while let Block::Samples(block) = source.next_block().unwrap() {
        samples.extend(block);
    }
    samples
}

#[test]
fn a_question_is_heard_to_its_last_word_and_done_only_then() {
    let Some(room) = Room::enter("a_question_is_heard_to_its_last_word_and_done_only_then") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut voice = voice(folder.path());
    voice.try_out().unwrap();
    // Rendered, and then from the cache.
    for _ in 0..2 {
        let listening = room.record_from_loudspeaker(&folder.path().join("heard.wav"));
        let start = Instant::now();
        let mut utterance = voice.say(&speakable(QUESTION)).unwrap();
        wait(&mut *utterance);
        let took = start.elapsed().as_secs_f32();
        // What is on its way to the recording when it is done, and no more.
        listening.wait_for(0.15);
        let heard = listening.stop();
        let question = rendered(folder.path());
        assert_heard(&question, &heard, 0.95);
        let length = question.len() as f32 / 16_000.0;
        assert!((length..length + 3.0).contains(&took), "{length} s of speech took {took} s");
    }
    assert_eq!(fs::read_dir(folder.path().join("voice")).unwrap().count(), 1);
}

#[test]
fn a_question_can_be_cut_off() {
    let Some(room) = Room::enter("a_question_can_be_cut_off") else { return };
    let folder = tempfile::tempdir().unwrap();
    let listening = room.record_from_loudspeaker(&folder.path().join("heard.wav"));
    let mut utterance = voice(folder.path()).say(&speakable(QUESTION)).unwrap();
    listening.wait_for(2.0);
    assert!(!utterance.is_done());
    utterance.stop();
    wait(&mut *utterance);
    listening.wait_for(2.0);
    let heard = listening.stop();
    assert!(level_dbfs(&heard) > -50.0);
    assert_eq!(level_dbfs(&heard[heard.len() - 24_000..]), level_dbfs(&[]), "it speaks on");
}

#[test]
fn without_a_loudspeaker_that_is_told_once() {
    let name = "without_a_loudspeaker_that_is_told_once";
    let Some(_room) = Room::enter_with(name, Room::without_sound) else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut voice = voice(folder.path());
    let message = voice.try_out().unwrap_err().to_string();
    assert!(message.contains("no loudspeaker") && message.contains("shown as text"), "{message}");
    let start = Instant::now();
    let mut utterance = voice.say("One.").unwrap();
    while !utterance.is_done() {
        assert!(start.elapsed() < Duration::from_secs(5));
        thread::sleep(Duration::from_millis(10));
    }
    let message = utterance.failure().expect("a failure").to_string();
    assert!(message.contains("no loudspeaker") && message.contains("shown as text"), "{message}");
    let mut utterance = voice.say("Two.").unwrap();
    assert!(utterance.is_done() && utterance.failure().is_none());
}

#[test]
fn a_loudspeaker_that_hangs_is_given_up() {
    let Some(room) = Room::enter("a_loudspeaker_that_hangs_is_given_up") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut voice = voice(folder.path());
    let mut first = voice.say("One.").unwrap();
    wait(&mut *first);
    room.suspend_server();
    let start = Instant::now();
    let mut utterance = voice.say("Two, and this one is never heard.").unwrap();
    while !utterance.is_done() {
        assert!(start.elapsed() < Duration::from_secs(30), "never given up");
        thread::sleep(Duration::from_millis(50));
    }
    let failure = utterance.failure();
    room.resume_server();
    assert!(failure.is_some());
    assert!(voice.say("Three.").unwrap().is_done());
}

#[test]
fn what_the_tool_says_never_ends_up_in_an_answer() {
    let Some(room) = Room::enter("what_the_tool_says_never_ends_up_in_an_answer") else { return };
    let folder = tempfile::tempdir().unwrap();
    room.loop_loudspeaker_into_microphone();
    let mut microphone = Microphone::open(None).unwrap();
    let mut voice = voice(folder.path());
    let mut gate = Gate::new();
    let mut heard_while_speaking = Vec::new();
    while !gate.ready() {
        if let Block::Samples(samples) = microphone.next_block().unwrap() {
            gate.feed(&samples);
        }
    }
    let mut utterance = voice.say(&speakable(QUESTION)).unwrap();
    gate.voice_started();
    while !utterance.is_done() {
        if let Block::Samples(samples) = microphone.next_block().unwrap() {
            heard_while_speaking.extend(samples);
        }
    }
    assert!(utterance.failure().is_none());
    gate.voice_ended();
    let end = Instant::now();
    while !gate.ready() {
        if let Block::Samples(samples) = microphone.next_block().unwrap() {
            gate.feed(&samples);
        }
    }
    let waited = end.elapsed().as_secs_f32();
    let mut answer = gate.pre_roll();
    let silence = answer.len();
    // The answer begins with the go signal.
    let words = sound::babble(2.0);
    let wav = folder.path().join("answer.wav");
    sound::write(&wav, 16_000, &words);
    let mut player = room.start_playing_into_microphone(&wav);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(4) {
        if let Block::Samples(samples) = microphone.next_block().unwrap() {
            answer.extend(samples);
        }
    }
    player.wait().unwrap();
    assert!(level_dbfs(&heard_while_speaking) > -50.0, "the microphone does not hear the loudspeaker");
    assert_eq!(level_dbfs(&answer[..silence]), level_dbfs(&[]), "after {waited} s");
    assert_heard(&words, &answer, 0.98);
    let (at, _) = sound::find(&words, &answer);
    assert!(level_dbfs(&answer[..at]) < -60.0, "something is heard before the answer");
    assert!(waited < 2.0, "{waited} s until the go signal");
}
