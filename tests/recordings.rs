//! What is left of a recording when the worst happens.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use vivavoce::audio::{Recorder, Repaired, SAMPLE_RATE, Storage, repair};

/// Set in the processes that record: the file.
const RECORD: &str = "VIVA_TEST_RECORD";

/// This test program again, running only the test of this name.
fn again(test: &str, wav: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(RECORD, wav);
    command
}

fn asked_to_record() -> Option<PathBuf> {
    env::var_os(RECORD).map(PathBuf::from)
}

/// A sample of which the place can be told: it never repeats within 30,000.
fn sample(index: usize) -> f32 {
    (index % 30_000) as f32 / 32_768.0
}

fn samples(from: usize, count: usize) -> Vec<f32> {
    (from..from + count).map(sample).collect()
}

fn read(wav: &Path) -> Vec<f32> {
    let mut reader = hound::WavReader::open(wav).unwrap();
    assert_eq!(reader.spec().sample_rate, SAMPLE_RATE);
    reader.samples::<i16>().map(|sample| f32::from(sample.unwrap()) / 32_768.0).collect()
}

#[test]
fn at_most_a_fifth_of_a_second_is_lost_when_the_program_is_killed() {
    if let Some(wav) = asked_to_record() {
        return record_in_real_time_until_killed(&wav);
    }
    let folder = tempfile::tempdir().unwrap();
    let mut state = 12_345_u64;
    thread::scope(|scope| {
        for round in 0..10 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let wait = Duration::from_millis(200 + (state >> 33) % 2_800);
            let wav = folder.path().join(format!("{round}.wav"));
            scope.spawn(move || {
                let test = "at_most_a_fifth_of_a_second_is_lost_when_the_program_is_killed";
                let mut child = again(test, &wav).stdout(Stdio::piped()).spawn().unwrap();
                let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
                assert!(lines.by_ref().any(|line| line.unwrap().contains("recording")));
                thread::sleep(wait);
                child.kill().unwrap();
                child.wait().unwrap();
                let spoken: usize = lines
                    .map_while(Result::ok)
                    .filter_map(|line| line.strip_prefix("spoken ")?.parse().ok())
                    .last()
                    .unwrap_or_default();
                let kept = match repair(&wav.with_extension("wav.part")).unwrap() {
                    Repaired::Whole { path, seconds } => {
                        let kept = read(&path);
                        assert_eq!(kept.len(), (seconds * f64::from(SAMPLE_RATE)).round() as usize);
                        kept
                    }
                    Repaired::Empty => Vec::new(),
                };
                assert_eq!(kept, samples(0, kept.len()), "killed after {wait:?}");
                let lost = spoken.saturating_sub(kept.len());
                assert!(lost < 3_200, "{lost} of {spoken} samples lost, killed after {wait:?}");
            });
        }
    });
}

fn record_in_real_time_until_killed(wav: &Path) {
    let mut recorder = Recorder::create(wav).unwrap();
    let mut out = std::io::stdout();
    writeln!(out, "recording").unwrap();
    let (start, mut spoken) = (Instant::now(), 0);
    loop {
        let due = (start.elapsed().as_secs_f64() * f64::from(SAMPLE_RATE)) as usize;
        assert!(due < 60 * 16_000, "nobody kills us");
        recorder.write(&samples(spoken, due - spoken));
        spoken = due;
        // Only what the recorder has been given counts as spoken.
        writeln!(out, "spoken {spoken}").unwrap();
        out.flush().unwrap();
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_disk_that_fills_up_costs_nothing_that_was_said() {
    let test = "a_disk_that_fills_up_costs_nothing_that_was_said";
    if let Some(wav) = asked_to_record() {
        return record_onto_a_full_disk(&wav);
    }
    let folder = tempfile::tempdir().unwrap();
    let wav = folder.path().join("answer.wav");
    // A limit on the size of files that is met like a full disk: the write fails. The signal that the
    // system sends with it is ignored.
    let status = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -S -f 100; exec \"$0\" \"$@\""])
        .arg(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(RECORD, &wav)
        .status()
        .unwrap();
    assert!(status.success());
    assert_eq!(read(&wav), samples(0, 20 * 16_000));
    assert!(!folder.path().join("answer.wav.part").exists());
}

fn record_onto_a_full_disk(wav: &Path) {
    let limit = getrlimit(Resource::Fsize);
    assert!(limit.current.unwrap() < 200_000, "{limit:?}");
    let mut recorder = Recorder::create(wav).unwrap();
    let mut news = Vec::new();
    for second in 0..10 {
        for block in samples(second * 16_000, 16_000).chunks(800) {
            news.extend(recorder.write(block));
        }
    }
    // It is said once, and nothing is forgotten.
    assert!(matches!(&news[..], [Storage::HeldInMemory { why }] if why.contains("large")), "{news:?}");
    assert_eq!(recorder.seconds(), 10.0);
    let error = recorder.finish().unwrap_err().to_string();
    assert!(error.contains("answer.wav.part") && error.contains("free some space"), "{error}");
    assert_eq!(recorder.samples(), samples(0, 160_000));

    // Space again: what was held goes to disk while the person speaks on.
    setrlimit(Resource::Fsize, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    let news: Vec<_> =
        samples(160_000, 160_000).chunks(800).filter_map(|block| recorder.write(block)).collect();
    assert_eq!(news, [Storage::OnDiskAgain]);
    assert_eq!(recorder.finish().unwrap(), wav);
}
