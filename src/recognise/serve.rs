//! The worker's side: `viva worker`.

use std::io::{self, BufReader, Write};
use std::process;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use super::engine::Engine;
use super::pieces::Pieces;
use super::protocol::{FromWorker, Hello, ToWorker, VERSION, read_to_worker, write_from_worker};
use super::voice::{FRAME, Voice};
use super::words;
use crate::assessment::ENGINE;

/// Voice activity is judged in stretches of 30 s.
const STRETCH: usize = 30 * crate::audio::SAMPLE_RATE as usize / FRAME * FRAME;

/// Serves a parent on stdin and stdout until it goes.
///
/// # Errors
/// The parent has gone, or does not speak as a parent does.
pub fn serve() -> io::Result<()> {
    let mut out = private_stdout()?;
    lower_priority();
    whisper_rs::install_logging_hooks();
    let messages = listen();

    let hello = match messages.recv() {
        Ok(ToWorker::Hello(hello)) => hello,
        _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "no greeting")),
    };
    let (mut engine, mut voice) = match load(&hello) {
        Ok(loaded) => loaded,
        Err((why, version)) => return write_from_worker(&mut out, &FromWorker::Refused { why, version }),
    };
    write_from_worker(&mut out, &FromWorker::Ready)?;
    while let Ok(message) = messages.recv() {
        if let ToWorker::Begin { first_sample } = message {
            match recording(first_sample, &mut engine, &mut voice, &messages, &mut out)? {
                Ok(()) => {}
                Err(why) => write_from_worker(&mut out, &FromWorker::Failed(why))?,
            }
        }
    }
    Ok(())
}

fn load(hello: &Hello) -> Result<(Engine, Voice), (String, bool)> {
    if hello.protocol != VERSION || hello.engine != ENGINE {
        return Err((format!("the worker is viva {ENGINE}, its parent {}", hello.engine), true));
    }
    let engine = Engine::load(&hello.model_path, hello.threads).map_err(|why| (why, false))?;
    let voice = Voice::new().map_err(|why| (why, false))?;
    Ok((engine, voice))
}

/// One recording. The outer error is the pipe's, the inner one whisper's.
fn recording(
    first_sample: u64,
    engine: &mut Engine,
    voice: &mut Voice,
    messages: &Receiver<ToWorker>,
    out: &mut impl Write,
) -> io::Result<Result<(), String>> {
    voice.reset();
    let mut pieces = Pieces::new(first_sample);
    let mut waiting: Vec<f32> = Vec::new();
    let mut ended = false;
    while !ended {
        write_from_worker(out, &FromWorker::More)?;
        match messages.recv() {
            Ok(ToWorker::Audio(samples)) => waiting.extend(samples),
            Ok(ToWorker::End) => ended = true,
            Ok(ToWorker::Abandon) => return Ok(Ok(())),
            _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "no audio")),
        }
        while waiting.len() >= STRETCH || ended {
            let stretch: Vec<f32> = waiting.drain(..waiting.len().min(STRETCH)).collect();
            let last = ended && waiting.is_empty();
            let probabilities = match voice.listen(&stretch) {
                Ok(probabilities) => probabilities,
                Err(why) => return Ok(Err(why)),
            };
            pieces.push(&stretch, &probabilities);
            while let Some(piece) = pieces.next(last) {
                let tokens = match engine.decode(&piece.audio) {
                    Ok(tokens) => tokens,
                    Err(why) => return Ok(Err(why)),
                };
                for segment in words::segments(&tokens, &piece) {
                    write_from_worker(out, &FromWorker::Segment(segment))?;
                }
                write_from_worker(out, &FromWorker::Settled { sample: pieces.settled() })?;
            }
            write_from_worker(out, &FromWorker::Settled { sample: pieces.settled() })?;
            if last {
                break;
            }
        }
    }
    write_from_worker(out, &FromWorker::Done)?;
    Ok(Ok(()))
}

/// Reads messages on a thread of its own, which ends the process the moment the parent is gone,
/// whatever whisper is doing.
fn listen() -> Receiver<ToWorker> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut input = BufReader::new(io::stdin());
        while let Ok(message) = read_to_worker(&mut input) {
            if sender.send(message).is_err() {
                break;
            }
        }
        leave();
    });
    receiver
}

/// Ends this process without running anybody's exit handlers: whisper's threads may be at work.
fn leave() -> ! {
    #[cfg(unix)]
    {
        use rustix::process::{Signal, getpid, kill_process};
        _ = kill_process(getpid(), Signal::KILL);
    }
    process::exit(0)
}

/// The stream to the parent. Whatever else is written to stdout goes to stderr, since one stray line
/// of a native library would be taken for a message.
#[cfg(unix)]
fn private_stdout() -> io::Result<impl Write> {
    let out = rustix::io::dup(rustix::stdio::stdout())?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    Ok(std::fs::File::from(out))
}

#[cfg(not(unix))]
fn private_stdout() -> io::Result<impl Write> {
    Ok(io::stdout())
}

/// Recording and screen come first.
fn lower_priority() {
    #[cfg(unix)]
    {
        _ = rustix::process::nice(5);
    }
}
