//! Judging recordings and written answers, on the real program: formats, bad files, silence, and what
//! becomes of the recogniser's process when things go wrong.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
#[path = "common/words.rs"]
mod words;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use common::{model, models_dir, viva};
use hound::{SampleFormat, WavSpec, WavWriter};
use serde_json::Value;
use tempfile::TempDir;
use vivavoce::audio::{AudioError, AudioSource, Block, FailingSource, MemorySource, Pace, WavSource};
use vivavoce::recognise::{RecogniseError, Transcriber as _, WhisperWorker, WorkerSettings};
use vivavoce::transcript::Transcript;
use words::word_error_rate;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// `viva score` with the tests' models and nothing of the user's.
fn score() -> Command {
    let mut command = viva();
    command.args(["score", "--data-dir", "/nonexistent", "--models-dir"]).arg(models_dir());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The objects that `viva score theory --json` prints for these recordings; it must succeed and say
/// nothing beside.
fn scored(recordings: &[PathBuf]) -> Vec<Value> {
    model();
    let output = score().args(["theory", "--json"]).args(recordings).output().unwrap();
    assert_eq!(text(&output.stderr), "");
    assert!(output.status.success());
    objects(&output)
}

fn objects(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn transcript(object: &Value) -> &str {
    object["transcript"]["text"].as_str().unwrap()
}

/// One test at a time has a worker of its own process: one of them kills every such worker.
static WORKERS: Mutex<()> = Mutex::new(());

fn worker() -> WhisperWorker {
    let settings =
        WorkerSettings { program: Some(env!("CARGO_BIN_EXE_viva").into()), ..WorkerSettings::default() };
    WhisperWorker::start_with("tiny.en", &model(), settings).unwrap()
}

fn samples(path: &Path) -> Vec<f32> {
    let mut source = WavSource::open(path, Pace::Fast).unwrap();
    let mut all = Vec::new();
    while let Block::Samples(block) = source.next_block().unwrap() {
        all.extend(block);
    }
    all
}

fn write_wav(path: &Path, spec: WavSpec, samples: &[f32]) {
    let mut writer = WavWriter::create(path, spec).unwrap();
    for &sample in samples {
        for _ in 0..spec.channels {
            match spec.sample_format {
                SampleFormat::Float => writer.write_sample(sample).unwrap(),
                SampleFormat::Int => {
                    let largest = (1_i64 << (spec.bits_per_sample - 1)) - 1;
                    writer.write_sample((f64::from(sample) * largest as f64).round() as i32).unwrap();
                }
            }
        }
    }
    writer.finalize().unwrap();
}

fn spec(channels: u16, sample_rate: u32, bits_per_sample: u16, sample_format: SampleFormat) -> WavSpec {
    WavSpec { channels, sample_rate, bits_per_sample, sample_format }
}

// ---- What people get -------------------------------------------------------------------------

#[test]
fn a_recorded_answer_is_transcribed_and_judged() {
    let said = "Label's binary, so the likelihood is Bernoulli. Maximise that, well, minimise the negative log, and \
                out comes cross entropy. That's the derivation. MSE assumes Gaussian noise, which is wrong here. \
                Plus MSE through a sigmoid goes flat when you're confidently wrong. Cross entropy doesn't, you \
                still get a decent gradient.";
    let objects = scored(&[fixture("answers/partial.wav")]);
    let [object] = objects.as_slice() else { panic!("one object") };
    assert_eq!(object["schema"], "viva.assessment/1");
    assert_eq!(object["file"], fixture("answers/partial.wav").to_str().unwrap());
    assert_eq!(object["source"]["kind"], "audio");
    assert_eq!(object["source"]["model"], "tiny.en");
    assert!((object["source"]["audio_seconds"].as_f64().unwrap() - 18.68).abs() < 0.05);
    assert_eq!(object["speech"], true);
    let errors = word_error_rate(said, transcript(object));
    assert!(errors < 0.2, "{errors}: {}", transcript(object));

    // Words come in order, within the recording, and do not overlap.
    let heard: Transcript = serde_json::from_value(object["transcript"].clone()).unwrap();
    let times: Vec<(f64, f64)> =
        heard.words().map(|word| (word.start_seconds.unwrap(), word.end_seconds.unwrap())).collect();
    assert!(times.iter().all(|(start, end)| 0.0 <= *start && start < end && *end <= 18.7), "{times:?}");
    assert!(times.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{times:?}");
    assert!(heard.words().all(|word| (0.0..=1.0).contains(&word.probability.unwrap())));
    // "derivation" is said between 8 and 9.5 s.
    let derivation = heard.words().find(|word| word.text.starts_with("derivation")).unwrap();
    assert!((7.7..9.5).contains(&derivation.start_seconds.unwrap()), "{derivation:?}");

    let verdicts: Vec<(&str, &str)> = object["points"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| (point["id"].as_str().unwrap(), point["verdict"].as_str().unwrap()))
        .collect();
    assert_eq!(
        verdicts,
        [
            ("bernoulli-likelihood", "covered"),
            ("sigmoid-probability", "missed"),
            ("mle-gives-cross-entropy", "covered"),
            ("better-gradients", "covered"),
        ]
    );
    assert!((80.0..260.0).contains(&object["delivery"]["words_per_minute"].as_f64().unwrap()));
}

#[test]
fn people_read_the_transcript_the_points_with_their_quotes_and_the_count() {
    model();
    let output = score().arg("1").arg(fixture("answers/partial.wav")).output().unwrap();
    let page = text(&output.stdout);
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
    for wanted in [
        "What was heard:",
        "Bernoulli",
        "You should connect: 3 of 4 covered",
        "covered  Bernoulli likelihood: \"",
        "\" at 0:0",
        "missed   sigmoid output as probability",
        "words a minute",
    ] {
        assert!(page.contains(wanted), "{wanted:?} is not in:\n{page}");
    }
}

#[test]
fn human_speech_is_understood() {
    let objects = scored(&[fixture("sounds/jfk.wav"), fixture("sounds/LJ001-0011.wav")]);
    let said = [
        "And so my fellow Americans ask not what your country can do for you ask what you can do for your country",
        "it is of the first importance that the letter used should be fine in form;",
    ];
    for (object, said) in objects.iter().zip(said) {
        let errors = word_error_rate(said, transcript(object));
        assert!(errors < 0.15, "{errors}: {}", transcript(object));
    }
}

#[test]
fn a_recording_without_speech_is_no_transcript() {
    let folder = TempDir::new().unwrap();
    let mut recordings: Vec<PathBuf> = ["noise1", "noise2", "noise3", "noise4", "noise5", "room"]
        .iter()
        .map(|name| fixture(&format!("sounds/nospeech-{name}.wav")))
        .collect();
    let mut random = 1_u32;
    let mut noise = move || {
        // Xorshift (Marsaglia 2003).
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        random as f32 / u32::MAX as f32 * 2.0 - 1.0
    };
    let seconds = |n: usize| n as f32 / 16_000.0;
    let hum = |n: usize| (seconds(n) * 50.0 * std::f32::consts::TAU).sin() * 0.3;
    let synthetic: [(&str, Vec<f32>); 5] = [
        ("silence", vec![0.0; 16_000 * 8]),
        ("hum", (0..16_000 * 8).map(hum).collect()),
        ("hiss", (0..16_000 * 8).map(|_| noise() * 0.1).collect()),
        // Two keys a second.
        (
            "clicks",
            (0..16_000 * 8).map(|n| if n % 8_000 < 160 { 0.5 - (n % 2) as f32 } else { 0.0 }).collect(),
        ),
        ("instant", vec![0.1; 3]),
    ];
    for (name, samples) in synthetic {
        let path = folder.path().join(format!("{name}.wav"));
        write_wav(&path, spec(1, 16_000, 16, SampleFormat::Int), &samples);
        recordings.push(path);
    }
    let objects = scored(&recordings);
    assert_eq!(objects.len(), recordings.len());
    for object in objects {
        assert_eq!(object["speech"], false, "{object}");
        assert_eq!(transcript(&object), "");
        assert_eq!(object["coverage"]["covered"], 0);
        assert_eq!(object["delivery"]["words"], 0);
    }
}

#[test]
fn the_form_of_the_recording_makes_no_difference() {
    let folder = TempDir::new().unwrap();
    let samples = samples(&fixture("sounds/LJ001-0013.wav"));
    // Three times the rate: straight lines between the samples; what that adds lies above 8 kHz.
    let thrice: Vec<f32> = samples
        .windows(2)
        .flat_map(|pair| (0..3).map(|third| pair[0] + (pair[1] - pair[0]) * third as f32 / 3.0))
        .collect();
    let forms = [
        ("16", spec(1, 16_000, 16, SampleFormat::Int), &samples),
        ("24 extensible", spec(1, 16_000, 24, SampleFormat::Int), &samples),
        ("32", spec(1, 16_000, 32, SampleFormat::Int), &samples),
        ("float", spec(1, 16_000, 32, SampleFormat::Float), &samples),
        ("8", spec(1, 16_000, 8, SampleFormat::Int), &samples),
        ("48k stereo", spec(2, 48_000, 16, SampleFormat::Int), &thrice),
        ("48k six", spec(6, 48_000, 24, SampleFormat::Int), &thrice),
    ];
    let recordings: Vec<PathBuf> = forms
        .into_iter()
        .map(|(name, spec, samples)| {
            let path = folder.path().join(format!("{name}.wav"));
            write_wav(&path, spec, samples);
            path
        })
        .collect();
    let objects = scored(&recordings);
    let first = transcript(&objects[0]);
    assert!(word_error_rate("than in the same operations with ugly ones", first) < 0.2, "{first}");
    for (object, recording) in objects.iter().zip(&recordings) {
        assert_eq!(
            word_error_rate(first, transcript(object)),
            0.0,
            "{}: {}",
            recording.display(),
            transcript(object)
        );
    }
}

#[test]
fn written_answers_are_judged_without_a_model() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("answer.txt");
    fs::write(&path, "The label given x is a Bernoulli variable,\nand the sigmoid gives its probability.\n")
        .unwrap();
    let mut command = viva();
    command.args(["score", "theory", "--json", "--models-dir", "/nonexistent", "--text"]).arg(&path);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let objects = objects(&output);
    assert_eq!(objects[0]["source"]["kind"], "text");
    assert_eq!(objects[0]["coverage"]["covered"], 2);
    assert_eq!(objects[0]["delivery"]["words_per_minute"], Value::Null);

    let mut child = score()
        .args(["theory", "--question", "why-p-minus-y", "--text", "-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all("because the sigmoid's derivative cancels".as_bytes()).unwrap();
    let object: Value = serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(object["question"], "why-p-minus-y");
}

#[test]
fn why_says_what_was_found_and_what_adds_up_to_its_probability() {
    let why = |answer: &str| {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("answer.txt");
        fs::write(&path, answer).unwrap();
        let output = score().args(["theory", "--why", "--text"]).arg(&path).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        let shown = text(&output.stdout);
        let (_, why) = shown.split_once("\n  Why:\n").unwrap_or_else(|| panic!("no reasons in {shown}"));
        why.to_owned()
    };
    /// The number after a name, as in `for +9.41: ...`.
    fn number(name: &str, why: &str) -> f64 {
        let line = why.lines().find_map(|line| line.trim_start().strip_prefix(name)).unwrap();
        line.split([' ', ':']).next().unwrap().parse().unwrap()
    }

    let good = why("The label is zero or one, so I model it as Bernoulli.");
    assert!(good.contains("from 0.50 on the point is covered"), "{good}");
    assert!(good.contains("[1] Bernoulli likelihood: covered, probability "), "{good}");
    assert!(good.contains("found by way 1 of its `keywords`: bernoulli + model\n"), "{good}");
    let (_, first) = good.split_once("\"model it as Bernoulli.\": ").unwrap();
    let sum = number("in all ", first);
    assert!((number("for ", first) + number("against ", first) - sum).abs() < 0.02, "{first}");
    let probability: f64 = first.split_whitespace().next().unwrap().parse().unwrap();
    assert!((1.0 / (1.0 + (-sum).exp()) - probability).abs() < 0.01, "{first}");
    assert!(good.contains("[4] better gradient behavior than MSE for classification: missed"), "{good}");
    assert!(good.contains("nothing of it was found"), "{good}");

    let negated = why("I would not bother with a Bernoulli likelihood here.");
    assert!(negated.contains("refused by a rule: you said you would not\n"), "{negated}");
    assert!(negated.contains("the rule that refuses it (-"), "{negated}");
    let names = why("I know Bernoulli likelihood, sigmoid, probability, MLE, cross-entropy, gradients.");
    assert!(names.contains("[2] sigmoid output as probability: partial"), "{names}");
    assert!(names.contains("found by way 1 of its `keywords`: sigmoid + probability\n"), "{names}");
}

// ---- Bad input -------------------------------------------------------------------------------

/// A header of the given format, and data.
fn wav(format: u16, channels: u16, rate: u32, bits: u16, stated: u32, data: &[u8]) -> Vec<u8> {
    let frame = channels * bits / 8;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((data.len() as u32 + 36).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0");
    bytes.extend(format.to_le_bytes());
    bytes.extend(channels.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend(rate.saturating_mul(u32::from(frame)).to_le_bytes());
    bytes.extend(frame.to_le_bytes());
    bytes.extend(bits.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend(stated.to_le_bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn each_bad_file_is_told_with_what_to_do_and_the_others_are_judged() {
    let folder = TempDir::new().unwrap();
    let data = [7_u8; 64];
    let table: [(&str, Option<Vec<u8>>, &str); 11] = [
        ("gone.wav", None, "there is no file `{}`; check the path"),
        ("empty.wav", Some(Vec::new()), "the file is empty; record the answer again"),
        (
            "header.wav",
            Some(wav(1, 1, 16_000, 16, 0, &[])),
            "the file holds no sound; record the answer again",
        ),
        ("cut.wav", Some(wav(1, 1, 16_000, 16, 64, &data)[..20].to_vec()), "the WAV header is broken"),
        (
            "song.wav",
            Some(b"ID3\x04\0\0\0\0\0\x0fTIT2".to_vec()),
            "this is an MP3, not a WAV; convert it with `ffmpeg -i ",
        ),
        (
            "none.wav",
            Some(wav(1, 0, 16_000, 16, 64, &data)),
            "the sound has no channels; record or export it again",
        ),
        (
            "slow.wav",
            Some(wav(1, 1, 1, 16, 64, &data)),
            "a sample rate of 1 Hz is outside 1000 to 768000 Hz; record",
        ),
        (
            "phone.wav",
            Some(wav(7, 1, 8_000, 8, 64, &data)),
            "mu-law, which viva does not read; convert it with `ffmpeg",
        ),
        ("notes.wav", Some(b"cross entropy is convex".to_vec()), "this is not a WAV file; name a recording"),
        ("zeros.wav", Some(vec![0; 4_096]), "this is not a WAV file; name a recording"),
        ("folder.wav", None, "is a folder; name a WAV file in it"),
    ];
    fs::create_dir(folder.path().join("folder.wav")).unwrap();
    for (name, bytes, wanted) in &table {
        let path = folder.path().join(name);
        if let Some(bytes) = bytes {
            fs::write(&path, bytes).unwrap();
        }
        let output = score().arg("theory").arg(&path).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert!(said.contains(&wanted.replace("{}", path.to_str().unwrap())), "{name}: {said}");
        assert_eq!(said.lines().count(), 1, "{name}: {said}");
        assert_eq!(text(&output.stdout), "");
    }

    // One after the other, with a good one in between: it is judged, and the exit code tells.
    model();
    let output = score()
        .args(["theory", "--json"])
        .arg(folder.path().join("gone.wav"))
        .arg(fixture("sounds/LJ001-0013.wav"))
        .arg(folder.path().join("song.wav"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(objects(&output).len(), 1);
    assert_eq!(text(&output.stderr).lines().count(), 2);
}

#[test]
fn what_is_left_of_a_broken_recording_is_judged() {
    model();
    let folder = TempDir::new().unwrap();
    let whole = fs::read(fixture("sounds/LJ001-0011.wav")).unwrap();
    let at = |length: u32| {
        let mut bytes = whole.clone();
        bytes[40..44].copy_from_slice(&length.to_le_bytes());
        bytes[4..8].copy_from_slice(&length.to_le_bytes());
        bytes
    };
    assert_eq!(&whole[36..40], b"data");
    let nan: Vec<u8> = samples(&fixture("sounds/LJ001-0011.wav"))
        .iter()
        .enumerate()
        .flat_map(|(n, &sample)| if n % 1_000 == 0 { f32::NAN } else { sample }.to_le_bytes())
        .collect();
    let all_nan: Vec<u8> = f32::NAN.to_le_bytes().repeat(16_000);
    for (name, bytes, speech, warning) in [
        // An unfinished recorder leaves a length of nothing, one that writes into a pipe the largest.
        ("unfinished", at(0), true, None),
        ("piped", at(u32::MAX), true, None),
        (
            "truncated",
            whole[..whole.len() * 3 / 4].to_vec(),
            true,
            Some("seconds are missing; what is there is used"),
        ),
        ("nan", wav(3, 1, 16_000, 32, nan.len() as u32, &nan), true, Some("73 samples that are not numbers")),
        ("all nan", wav(3, 1, 16_000, 32, 64_000, &all_nan), false, Some("taken as silence")),
    ] {
        let path = folder.path().join(format!("{name}.wav"));
        fs::write(&path, bytes).unwrap();
        let output = score().args(["theory", "--json"]).arg(&path).output().unwrap();
        let said = text(&output.stderr);
        assert!(output.status.success(), "{name}: {said}");
        let objects = objects(&output);
        assert_eq!(objects[0]["speech"], speech, "{name}");
        if speech {
            assert!(
                transcript(&objects[0]).contains("first importance"),
                "{name}: {}",
                transcript(&objects[0])
            );
        }
        match warning {
            None => assert_eq!(said, ""),
            Some(warning) => {
                assert!(said.starts_with("warning: ") && said.contains(warning), "{name}: {said}")
            }
        }
    }
}

#[test]
fn bad_arguments_say_what_was_expected() {
    let folder = TempDir::new().unwrap();
    let binary = folder.path().join("binary.txt");
    fs::write(&binary, [0, 159, 146, 150]).unwrap();
    let damaged = folder.path().join("models");
    fs::create_dir(&damaged).unwrap();
    fs::write(damaged.join("ggml-tiny.en.bin"), b"not a model").unwrap();
    let recording = fixture("sounds/LJ001-0013.wav");
    let recording = recording.to_str().unwrap();
    let damaged = damaged.to_str().unwrap();
    let binary = binary.to_str().unwrap();
    for (arguments, code, wanted) in [
        (vec!["theory"], 2, "there is nothing to judge; name recordings"),
        (vec![], 2, "<LOOP>"),
        (vec!["theory", recording, "--text", binary], 2, "cannot be used with"),
        (vec!["teory", recording], 1, "did you mean `theory`?"),
        (vec!["theory", "--question", "why-p-minus", recording], 1, "did you mean `why-p-minus-y`?"),
        (vec!["theory", "--question", "x", recording], 1, "it has `prompt`, "),
        (
            vec!["theory", "--text", "/nonexistent.txt"],
            1,
            "there is no file `/nonexistent.txt`; check the path",
        ),
        (vec!["theory", "--text", "/"], 1, "`/` is a folder; name a text file"),
        (vec!["theory", "--text", binary], 1, "is not a written answer; name a text file in UTF-8"),
        (vec!["theory", "--text", recording], 1, "is a recording; name it without `--text`"),
        (vec!["theory", "--model", "tiny.e", recording], 1, "tiny.en"),
        (vec!["theory", "--models-dir", "/nonexistent", recording], 1, "viva models fetch tiny.en"),
        (vec!["theory", "--models-dir", damaged, recording], 1, "ggml-tiny.en.bin"),
    ] {
        let output = viva().arg("score").args(&arguments).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(wanted), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn an_output_that_is_gone_is_no_error() {
    model();
    let mut child = score()
        .args(["theory", "--json", "--text"])
        .arg(fixture("seed.txt"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(text(&output.stderr), "");
    assert!(output.status.success());
}

// ---- The recogniser's process ------------------------------------------------------------------

#[test]
fn the_worker_is_hidden_and_leaves_when_nobody_speaks_its_language() {
    let help = text(&viva().arg("--help").output().unwrap().stdout);
    assert!(help.contains("score") && !help.contains("worker"));
    for input in [&b""[..], b"hello\nworker\n", &[0xFF; 64]] {
        let mut child = viva()
            .arg("worker")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(text(&output.stdout), "");
        assert!(!text(&output.stderr).contains("panicked"));
    }
}

#[test]
fn one_worker_serves_many_recordings() {
    let _alone = WORKERS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut worker = worker();
    let first = worker.process_id().unwrap();
    let speech = samples(&fixture("sounds/LJ001-0013.wav"));
    let mut seen = Vec::new();
    let heard =
        worker.transcribe(&mut MemorySource::new(speech.clone()), &mut |seconds| seen.push(seconds)).unwrap();
    assert!(heard.speech && heard.transcript.text.contains("same operations"));
    assert!(seen.is_sorted() && seen.last().is_some_and(|&seconds| seconds <= heard.audio_seconds));
    assert!((heard.audio_seconds - speech.len() as f64 / 16_000.0).abs() < 1e-9);

    let silence = worker.transcribe(&mut MemorySource::new(vec![0.0; 16_000]), &mut |_| {}).unwrap();
    assert!(!silence.speech && silence.transcript.is_empty() && silence.audio_seconds == 1.0);

    // A source that breaks off is its own matter: the worker goes on with the next recording.
    let broken = worker.transcribe(&mut FailingSource::after(speech.clone()), &mut |_| {});
    assert!(matches!(broken, Err(RecogniseError::Source(AudioError::Read { .. }))));
    let again = worker.transcribe(&mut MemorySource::new(speech), &mut |_| {}).unwrap();
    assert_eq!(again.transcript, heard.transcript);
    assert_eq!(worker.process_id(), Some(first));

    drop(worker);
    assert!(!alive(first));
}

/// A source that does something once all its samples have been handed out.
struct ThenDo<F: FnMut() + Send>(MemorySource, F);

impl<F: FnMut() + Send> AudioSource for ThenDo<F> {
    fn next_block(&mut self) -> Result<Block, AudioError> {
        let block = self.0.next_block()?;
        if block == Block::End {
            (self.1)();
        }
        Ok(block)
    }
}

#[cfg(unix)]
fn kill(process: u32) {
    use rustix::process::{Pid, Signal, kill_process};
    _ = kill_process(Pid::from_raw(process as i32).unwrap(), Signal::KILL);
}

#[cfg(target_os = "linux")]
fn alive(process: u32) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap().trim_start().starts_with('Z'))
}

/// The children of a process, whichever of its threads started them.
#[cfg(target_os = "linux")]
fn children(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    threads
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|ids| ids.split_whitespace().map(|id| id.parse().unwrap()).collect::<Vec<u32>>())
        .collect()
}

#[cfg(target_os = "linux")]
fn within(limit: Duration, what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < limit, "not within {limit:?}: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_worker_that_is_killed_in_the_middle_is_started_again_and_nothing_is_lost() {
    let _alone = WORKERS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut worker = worker();
    let speech = samples(&fixture("answers/partial.wav"));
    let whole = worker.transcribe(&mut MemorySource::new(speech.clone()), &mut |_| {}).unwrap();

    let victim = worker.process_id().unwrap();
    // Everything has been sent: whisper is at work.
    let kill_soon = move || {
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(300));
            kill(victim);
        });
    };
    let heard = worker.transcribe(&mut ThenDo(MemorySource::new(speech), kill_soon), &mut |_| {}).unwrap();
    assert_ne!(worker.process_id(), Some(victim), "it was killed");
    assert_eq!(heard.transcript, whole.transcript);
}

#[cfg(target_os = "linux")]
#[test]
fn a_worker_that_keeps_dying_is_an_error_that_says_the_recording_is_kept() {
    let _alone = WORKERS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut worker = worker();
    let this = std::process::id();
    let (stop, stopped) = mpsc::channel::<()>();
    let killer = thread::spawn(move || {
        while stopped.recv_timeout(Duration::from_millis(20)) == Err(mpsc::RecvTimeoutError::Timeout) {
            let is_worker = |process: &u32| {
                fs::read(format!("/proc/{process}/cmdline")).is_ok_and(|line| line.ends_with(b"\0worker\0"))
            };
            children(this).into_iter().filter(is_worker).for_each(kill);
        }
    });
    let speech = samples(&fixture("answers/partial.wav"));
    let error = worker.transcribe(&mut MemorySource::new(speech), &mut |_| {}).unwrap_err();
    drop(stop);
    killer.join().unwrap();
    let message = error.to_string();
    assert!(matches!(error, RecogniseError::Died { .. }), "{message}");
    assert!(message.contains("the recording is kept") && message.contains("`viva review`"), "{message}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_transcription_can_be_cancelled_at_once() {
    let _alone = WORKERS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut worker = worker();
    let process = worker.process_id().unwrap();
    let canceller = worker.canceller();
    let (began, begin) = mpsc::channel();
    let cancelled = thread::spawn(move || {
        begin.recv().unwrap();
        thread::sleep(Duration::from_millis(300));
        canceller.cancel();
        Instant::now()
    });
    let speech = samples(&fixture("answers/good.wav"));
    let mut source = ThenDo(MemorySource::new(speech), move || _ = began.send(()));
    let result = worker.transcribe(&mut source, &mut |_| {});
    let returned = Instant::now();
    assert!(matches!(result, Err(RecogniseError::Cancelled)));
    assert!(returned.duration_since(cancelled.join().unwrap()) < Duration::from_secs(1));
    assert!(!alive(process));
    let again = worker.transcribe(&mut MemorySource::new(vec![0.0; 16_000]), &mut |_| {});
    assert!(matches!(again, Err(RecogniseError::Cancelled)));
}

/// `viva score` on a minute of speech, with its worker, once that is at work.
#[cfg(target_os = "linux")]
fn at_work() -> (std::process::Child, u32) {
    model();
    let child = score()
        .arg("theory")
        .arg(fixture("answers/good.wav"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    within(Duration::from_secs(60), "the worker decodes", || {
        // Decoding takes threads.
        children(child.id()).first().is_some_and(|worker| {
            fs::read_dir(format!("/proc/{worker}/task")).is_ok_and(|threads| threads.count() > 2)
        })
    });
    let worker = children(child.id())[0];
    (child, worker)
}

#[cfg(target_os = "linux")]
#[test]
fn a_parent_that_is_killed_leaves_no_worker_behind() {
    let (mut child, worker) = at_work();
    kill(child.id());
    child.wait().unwrap();
    within(Duration::from_secs(2), "the worker leaves", || !alive(worker));
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_ends_both_with_130() {
    use rustix::process::{Pid, Signal, getpgid, kill_process};
    let (child, worker) = at_work();
    // The terminal sends Ctrl-C to the whole group: the worker is not in it.
    let group = |process: u32| getpgid(Pid::from_raw(process as i32)).unwrap();
    assert_ne!(group(worker), group(child.id()));
    kill_process(Pid::from_raw(child.id() as i32).unwrap(), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(text(&output.stderr), "interrupted\n");
    within(Duration::from_secs(1), "the worker is gone", || !alive(worker));
}
