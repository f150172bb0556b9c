//! How long transcribing takes, and how much memory: `cargo bench --bench transcribe [-- --long]`.
//!
//! Runs `viva score` on recordings made of the tests' spoken answer: a minute of it; with `--long` three
//! hours too, which takes a quarter of an hour. The targets, on 2 cores with tiny.en: a minute in under
//! 0.1 x its length, all processes together under 350 MB, three hours under 500 MB.
//!
//! Memory is the proportional set size (PSS) of viva and its worker, sampled every 20 ms, on Linux.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

const RATE: u32 = 16_000;

fn main() {
    let long = std::env::args().any(|argument| argument == "--long");
    // What `cargo test --benches` runs is not a measurement.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let models = models_dir();
    let folder = tempfile::tempdir().unwrap();
    let spoken: Vec<i16> = WavReader::open(root().join("tests/fixtures/answers/good.wav"))
        .unwrap()
        .into_samples()
        .map(Result::unwrap)
        .collect();
    let speech = |seconds: u32| spoken.iter().copied().cycle().take((seconds * RATE) as usize);
    let silence = |seconds: u32| std::iter::repeat_n(0, (seconds * RATE) as usize);

    let nothing = Path::new("/dev/null");
    let mut rows = vec![
        ("starting, one second of silence", 1, record(folder.path(), "start", silence(1))),
        ("voice activity, a minute of silence", 60, record(folder.path(), "silence", silence(60))),
        ("a minute of speech", 60, record(folder.path(), "minute", speech(60))),
    ];
    if long {
        rows.push(("three hours of speech", 10_800, record(folder.path(), "hours", speech(10_800))));
    }
    println!("{:<40} {:>9} {:>9} {:>9}", "", "seconds", "x length", "peak MB");
    for (name, seconds, recording) in rows {
        // The first run of all reads the model from disk.
        let runs = if seconds > 600 { 1 } else { 4 };
        let best = (0..runs).map(|_| run(&recording, &models, nothing)).min_by(|a, b| a.0.cmp(&b.0)).unwrap();
        let taken = best.0.as_secs_f64();
        println!("{name:<40} {taken:>9.2} {:>9.3} {:>9.0}", taken / f64::from(seconds), best.1 as f64 / 1e6);
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The tests' models, with tiny.en in them.
fn models_dir() -> PathBuf {
    let folder =
        std::env::var_os("VIVA_TEST_MODELS").map_or_else(|| root().join("target/test-models"), PathBuf::from);
    let fetched = Command::new(env!("CARGO_BIN_EXE_viva"))
        .args(["models", "fetch", "tiny.en", "--models-dir"])
        .arg(&folder)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(fetched.success(), "tiny.en could not be fetched; the reason stands above");
    folder
}

fn record(folder: &Path, name: &str, samples: impl Iterator<Item = i16>) -> PathBuf {
    let path = folder.join(format!("{name}.wav"));
    let spec =
        WavSpec { channels: 1, sample_rate: RATE, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let mut writer = WavWriter::create(&path, spec).unwrap();
    for sample in samples {
        writer.write_sample(sample).unwrap();
    }
    writer.finalize().unwrap();
    path
}

/// The time it takes to judge a recording, and the most memory that viva and its worker had.
fn run(recording: &Path, models: &Path, settings: &Path) -> (Duration, u64) {
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_viva"))
        .args(["score", "theory", "--json", "--data-dir"])
        .arg(settings)
        .arg("--models-dir")
        .arg(models)
        .arg(recording)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        let worker = worker_of(child.id());
        peak = peak.max(memory(child.id()) + worker.map_or(0, memory));
        thread::sleep(Duration::from_millis(20));
    };
    assert!(status.success());
    (started.elapsed(), peak)
}

fn worker_of(process: u32) -> Option<u32> {
    fs::read_to_string(format!("/proc/{process}/task/{process}/children"))
        .ok()?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

/// The proportional set size in bytes.
fn memory(process: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find(|line| line.starts_with("Pss:"));
    line.and_then(|line| line.split_whitespace().nth(1)).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0)
        * 1024
}
