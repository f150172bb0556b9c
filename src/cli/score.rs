//! `viva score`: judge recorded or written answers.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;

use super::interrupt::on_interrupt;
use super::{Failure, Settings, loops, review};
use crate::assessment::{Assessment, Source};
use crate::audio::{AudioSource as _, Pace, WavSource};
use crate::coverage::{Trace, traces};
use crate::loops::{Loop, MAIN_QUESTION, Question, nearest};
use crate::models;
use crate::recognise::{RecogniseError, Transcriber as _, WhisperWorker};
use crate::review::{text, why};
use crate::transcript::Transcript;
use crate::ui::page::clock;

/// Arguments of `viva score`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The loop's id or number
    #[arg(value_name = "LOOP")]
    asked: String,

    /// Recordings of answers, as WAV files
    #[arg(value_name = "ANSWER.wav", conflicts_with = "text")]
    recordings: Vec<PathBuf>,

    /// A written answer instead; `-` for standard input; can be given several times
    #[arg(long, value_name = "FILE")]
    text: Vec<PathBuf>,

    /// Which question the answers are to: `prompt`, or a follow-up's id
    #[arg(long, value_name = "ID", default_value = MAIN_QUESTION)]
    question: String,

    /// The recognition model
    #[arg(long, value_name = "NAME", default_value = models::DEFAULT)]
    model: String,

    /// Show why each point is judged as it is: what was found, and what speaks for and against it
    #[arg(long)]
    why: bool,

    /// Print one JSON object an answer, one a line
    #[arg(long)]
    json: bool,
}

/// A written answer longer than this is some other file.
const LONGEST_TEXT: u64 = 1 << 20;

/// The documented JSON form: an assessment and the file that it is of.
#[derive(Serialize)]
struct Scored<'a> {
    #[serde(flatten)]
    assessment: &'a Assessment,
    file: String,
    /// Per point what was found, for `--why`.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Vec<Vec<Trace>>>,
}

/// Runs the command.
pub fn run(arguments: Arguments, settings: &Settings) -> Result<(), Failure> {
    if arguments.recordings.is_empty() && arguments.text.is_empty() {
        return Err(Failure::Usage(
            "there is nothing to judge; name recordings (`viva score LOOP ANSWER.wav`), or a written answer with `--text FILE`"
                .into(),
        ));
    }
    let library = loops::library(settings)?;
    let mut asked = library.get(&arguments.asked)?.content.clone();
    review::learned(settings).teach(&mut asked);
    let question = question(&asked, &arguments.question)?;
    let recordings = arguments.recordings.iter().map(|path| (path, false));
    let answers = recordings.chain(arguments.text.iter().map(|path| (path, true)));
    let many = arguments.recordings.len() + arguments.text.len() > 1;

    let reader = super::reader(settings, std::iter::once(question));
    let mut worker = None;
    let mut failed = None;
    for (number, (path, written)) in answers.enumerate() {
        let heard = if written {
            read(path).map(|text| (Source::Text, Transcript::typed(&text)))
        } else {
            match WavSource::open(path, Pace::Fast) {
                Err(error) => Err(Failure::mendable(&error)),
                Ok(source) => {
                    // Without a model no other answer would fare better.
                    let worker = started(&mut worker, &arguments.model, settings)?;
                    hear(worker, source, path)
                }
            }
        };
        match heard {
            Ok((source, transcript)) => {
                let assessment = Assessment::new(&asked, question, source, transcript, &reader);
                let mut out = io::stdout().lock();
                if arguments.json {
                    let why = arguments.why.then(|| traces(question, &assessment.transcript, &reader));
                    let scored = Scored { assessment: &assessment, file: path.display().to_string(), why };
                    review::print_json(&mut out, &scored)?;
                } else {
                    if many {
                        writeln!(out, "{}{}:", if number > 0 { "\n" } else { "" }, path.display())?;
                    }
                    out.write_all(text::assessment(question, &assessment, &review::style()).as_bytes())?;
                    if arguments.why {
                        out.write_all(why::why(question, &assessment, &reader, &review::style()).as_bytes())?;
                    }
                }
                out.flush()?;
            }
            Err(failure @ (Failure::Mendable(_) | Failure::Fault(_))) => {
                // One answer that cannot be had is no reason not to judge the others.
                _ = failure.print(&mut io::stderr());
                failed = Some(failed.unwrap_or(0).max(failure.code()));
            }
            Err(failure) => return Err(failure),
        }
    }
    failed.map_or(Ok(()), |code| Err(Failure::Said(code)))
}

/// The question that the answers are to.
fn question<'a>(asked: &'a Loop, id: &str) -> Result<&'a Question, Failure> {
    let ids = || asked.questions().map(|question| question.id.as_str());
    asked.questions().find(|question| question.id == id).ok_or_else(|| {
        let remedy = match nearest(id, ids()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it has {}", ids().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")),
        };
        Failure::Mendable(format!("the loop `{}` has no question `{id}`; {remedy}", asked.id))
    })
}

/// A written answer.
fn read(path: &Path) -> Result<String, Failure> {
    let name = path.display();
    let unreadable = |error: io::Error| {
        Failure::Mendable(match error.kind() {
            io::ErrorKind::NotFound => format!("there is no file `{name}`; check the path"),
            io::ErrorKind::IsADirectory => format!("`{name}` is a folder; name a text file in it"),
            _ => format!("cannot read `{name}`: {error}; check the file and its permissions"),
        })
    };
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin().lock().take(LONGEST_TEXT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        let file = File::open(path).map_err(unreadable)?;
        file.take(LONGEST_TEXT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    }
    if bytes.starts_with(b"RIFF") {
        return Err(Failure::Mendable(format!("`{name}` is a recording; name it without `--text`")));
    }
    let other = || Failure::Mendable(format!("`{name}` is not a written answer; name a text file in UTF-8"));
    if bytes.len() as u64 > LONGEST_TEXT || bytes.contains(&0) {
        return Err(other());
    }
    String::from_utf8(bytes).map_err(|_| other())
}

/// The recogniser, started if it is not running yet; Ctrl-C stops it.
pub(super) fn started<'a>(
    worker: &'a mut Option<WhisperWorker>,
    model: &str,
    settings: &Settings,
) -> Result<&'a mut WhisperWorker, Failure> {
    match worker {
        Some(worker) => Ok(worker),
        None => {
            let path = models::installed(&settings.models_dir, model)?;
            let new = WhisperWorker::start(model, &path)?;
            let canceller = new.canceller();
            on_interrupt(move || canceller.cancel());
            Ok(worker.insert(new))
        }
    }
}

/// What is said in a recording; what was wrong with it goes to stderr.
pub(super) fn hear(
    worker: &mut WhisperWorker,
    mut source: WavSource,
    path: &Path,
) -> Result<(Source, Transcript), Failure> {
    let mut progress = ProgressLine::new(path);
    let recognised = worker.transcribe(&mut source, &mut |seconds| progress.show(seconds));
    progress.clear();
    let recognised = recognised?;
    for warning in source.warnings() {
        // Nothing can be done about a stderr that is gone.
        _ = writeln!(io::stderr(), "warning: {warning}");
    }
    let source = Source::Audio {
        model: worker.model().to_owned(),
        audio_seconds: recognised.audio_seconds,
        transcribe_seconds: recognised.transcribe_seconds,
    };
    Ok((source, recognised.transcript))
}

impl From<RecogniseError> for Failure {
    fn from(error: RecogniseError) -> Self {
        match error {
            RecogniseError::Cancelled => Self::Interrupted,
            RecogniseError::Model(error) => error.into(),
            RecogniseError::Died { .. } | RecogniseError::Failed(_) => Self::fault(&error),
            _ => Self::mendable(&error),
        }
    }
}

/// How far the transcription is, on one line of a terminal.
struct ProgressLine {
    name: Option<String>,
    shown: Option<Instant>,
}

impl ProgressLine {
    fn new(path: &Path) -> Self {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Self { name: io::stderr().is_terminal().then_some(name), shown: None }
    }

    fn show(&mut self, seconds: f64) {
        let Some(name) = &self.name else { return };
        if self.shown.is_none_or(|shown| shown.elapsed() >= Duration::from_millis(100)) {
            self.shown = Some(Instant::now());
            _ = write!(io::stderr(), "\r\x1b[Ktranscribing {name}: {}", clock(seconds));
        }
    }

    fn clear(&self) {
        if self.shown.is_some() {
            _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
