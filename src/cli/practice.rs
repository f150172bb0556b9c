//! `viva practice`: from flags, devices and the journal to a session that runs.

use std::collections::HashMap;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use tokio::sync::mpsc::UnboundedSender;

use super::failure::MENDABLE;
use super::{Failure, Settings};
use crate::audio::{AudioError, Microphone, Pace as Reading, Quiet, WavSource};
use crate::coverage::Reader;
use crate::journal::{Content, InputKind, Journal, Resumable, SessionHandle};
use crate::learned::Learned;
use crate::loops::{Library, LibraryError, Loop, MAIN_QUESTION};
use crate::meaning::OnDemand;
use crate::models::{self, ModelError};
use crate::practice::runner::{self, Answers, Ended, Equipment, Input};
use crate::practice::session::{Ending, Event, Pace, Place, Session};
use crate::practice::{self, OpenSource, Scribe};
use crate::recognise::{Transcriber, WhisperWorker};
use crate::review::{self, Progress};
use crate::speak::{SpeakError, Speaker, SystemVoice};
use crate::ui::keyboard::{self, Mode, RawMode};
use crate::ui::page::{Page, clock};
use crate::ui::plain::Plain;
use crate::ui::{Notice, View};

/// Arguments of `viva practice`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  viva practice theory            speak your answers to the loop `theory`
  viva practice 2 debugging       two loops, by number or id
  viva practice theory --typed    write your answers
  viva practice theory --input prompt=answer.wav --input gradient.wav
                                  answers from recordings, by question or in order")]
pub struct Arguments {
    /// Loops to practise, by id or number; `viva loops list` shows them
    #[arg(value_name = "LOOP")]
    asked: Vec<String>,

    /// Practise all loops, one after the other
    #[arg(long, conflicts_with_all = ["asked", "resume"])]
    all: bool,

    /// Go on with the last session that was left or cut off, at its next question and in its way:
    /// aloud or typed
    #[arg(long, conflicts_with = "asked")]
    resume: bool,

    /// Write the answers instead of speaking them; a line with a single "." ends one
    #[arg(long, conflicts_with = "input")]
    typed: bool,

    /// Answer from a WAV file: the main question with `prompt=FILE`, a follow-up with `ID=FILE`
    /// (`LOOP/ID=FILE` among several loops), or in the order the questions are asked
    #[arg(long, value_name = "[ID=]FILE")]
    input: Vec<String>,

    /// Play the recordings of `--input` in real time, not as fast as they can be read
    #[arg(long, requires = "input")]
    paced: bool,

    /// Whole lines only, for screen readers: nothing is written over, a key is a letter and Enter
    #[arg(long)]
    plain: bool,

    /// Do not read the questions aloud
    #[arg(long)]
    no_speak: bool,

    /// The microphone, by id or part of its name; `viva devices` lists what is there
    #[arg(long, value_name = "DEVICE", conflicts_with_all = ["typed", "input"])]
    device: Option<String>,

    /// The recognition model; `viva models list` shows them [default: tiny.en; with `--resume` the session's]
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
}

/// Runs the command.
pub fn run(arguments: Arguments, settings: &Settings) -> Result<(), Failure> {
    let library = super::loops::library(settings)?;
    let terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    let journal = open_journal(settings)?;
    let mut resumed = if arguments.resume { Some(resumable(&journal)?) } else { None };
    let kind = kind(&arguments, resumed.as_ref())?;
    // Typed answers may be offered yet, so that only a model that was asked for must be there already.
    let mut model = match kind {
        InputKind::Typed => Ok(None),
        InputKind::Microphone | InputKind::Files => {
            Model::find(&arguments, resumed.as_ref(), settings).map(Some)
        }
    };
    if arguments.model.is_some() {
        model = Ok(model?);
    }
    let learned = super::review::learned(settings);
    let (loops, from) = match &resumed {
        Some(left) => {
            let (loop_index, question_index) = left.next;
            (left.loops.clone(), Place { loop_index, question_index })
        }
        None => (choose(&arguments, &library, terminal)?, Place { loop_index: 0, question_index: 0 }),
    };
    let reader = Box::new(super::reader(settings, loops.iter().flat_map(Loop::questions)));
    if let Some(left) = &mut resumed {
        catch_up(&journal, &learned, &*reader, left, settings)?;
    }

    // ALSA and others write to stderr whatever they like; what is to be read stands on stdout.
    let quiet = Quiet::start(None).ok();
    let way = Way::open(kind, &arguments, &loops, from, terminal)?;
    let scribe = match way {
        Way::Typed => None,
        Way::Microphone(_) | Way::Recordings(_) => model?.map(Model::scribe),
    };
    let voice = find_voice(&way, &arguments, settings, terminal);
    let pace =
        if terminal && !matches!(way, Way::Recordings(_)) { Pace::OnRequest } else { Pace::StraightOn };
    let (record, session) = match resumed {
        None => {
            let model = scribe.as_ref().map(|scribe| scribe.model.as_str());
            (journal.begin_session(&loops, way.kind(), model)?, Session::new(loops, pace))
        }
        Some(left) => {
            let mut outcomes = practice::outcomes(&loops[from.loop_index], from.loop_index, &left.answers);
            outcomes.truncate(from.question_index);
            (journal.resume_session(&left.id)?, Session::resume(loops, pace, from, outcomes))
        }
    };
    let id = record.id().to_owned();
    let aids = Aids { scribe, voice, learned, reader };
    let ended = hold(session, record, way, aids, &arguments, terminal)?;
    drop(quiet);
    let goes_on = journal.resumable().is_ok_and(|left| left.is_some_and(|left| left.id == id));
    farewell(&id, &ended, goes_on)
}

/// Opens the journal and mends what earlier sessions left behind.
fn open_journal(settings: &Settings) -> Result<Journal, Failure> {
    let journal = Journal::open(&settings.data_dir)?;
    for recovered in journal.recover()? {
        remark(&format!(
            "note: session `{}` was cut off; what was said is kept: `viva review {}` shows it, and `viva practice --resume` goes on",
            recovered.session, recovered.session
        ));
    }
    Ok(journal)
}

/// The session that `--resume` means.
fn resumable(journal: &Journal) -> Result<Resumable, Failure> {
    journal.resumable()?.ok_or_else(|| {
        Failure::Mendable(
            "no session was left or cut off before its last question; begin one with `viva practice`".into(),
        )
    })
}

/// How answers are to be given: as the flags say, or as in the session that goes on.
fn kind(arguments: &Arguments, resumed: Option<&Resumable>) -> Result<InputKind, Failure> {
    if arguments.typed {
        return Ok(InputKind::Typed);
    }
    if !arguments.input.is_empty() {
        return Ok(InputKind::Files);
    }
    match resumed {
        Some(left) if arguments.device.is_none() => match left.input {
            InputKind::Files => Err(Failure::Usage(format!(
                "session `{}` was answered from recordings; name the next ones with `--input FILE`, or go on with `--typed` or `--device NAME`",
                left.id
            ))),
            kind => Ok(kind),
        },
        _ => Ok(InputKind::Microphone),
    }
}

/// Judges the answers that a session was cut off in or that could not be judged then, so that its
/// feedback counts them, and says so.
fn catch_up(
    journal: &Journal,
    learned: &Learned,
    reader: &dyn Reader,
    left: &mut Resumable,
    settings: &Settings,
) -> Result<(), Failure> {
    let waiting = journal.waiting(Some(&left.id))?;
    for answer in &waiting {
        let prompt = left.loops[answer.loop_position]
            .questions()
            .find(|question| question.id == answer.question)
            .map_or("", |question| &question.prompt);
        let length = match &answer.take.content {
            Content::Audio { seconds, .. } => format!(" ({})", clock(seconds.unwrap_or_default())),
            Content::Typed { .. } => String::new(),
        };
        remark(&format!(
            "note: your answer to \"{prompt}\"{length} was cut off or not judged; it is kept and counts as your answer"
        ));
    }
    if waiting.is_empty() {
        return Ok(());
    }
    let mut worker = None;
    if let Some(newest) = waiting.iter().rev().find(|waiting| waiting.needs_transcript()) {
        remark("writing down what you said there ...");
        match super::review::transcriber_for(journal, newest, settings) {
            Ok(started) => worker = Some(started),
            Err(why) => remark(&format!("warning: {why}")),
        }
    }
    let transcriber = worker.as_mut().map(|worker| worker as &mut dyn Transcriber);
    let done = review::catch_up(journal, learned, reader, Some(&left.id), transcriber, &mut |progress| {
        if let Progress::Failed(why) = progress {
            remark(&format!("warning: {why}"));
        }
    })?;
    if done.untranscribed > 0 {
        remark(&format!("note: `viva review {}` writes down what you said", left.id));
    }
    left.answers = journal.session(&left.id)?.answers;
    Ok(())
}

/// The loops named on the command line, or chosen from a list.
fn choose(arguments: &Arguments, library: &Library, terminal: bool) -> Result<Vec<Loop>, Failure> {
    if arguments.all {
        return Ok(library.iter().map(|entry| entry.content.clone()).collect());
    }
    if !arguments.asked.is_empty() {
        return get_all(library, arguments.asked.iter().map(String::as_str)).map_err(|error| match error {
            LibraryError::Unknown { asked, .. } if asked == "all" => Failure::Mendable(
                "there is no loop `all`; `viva practice --all` practises all of them".into(),
            ),
            error => Failure::mendable(&error),
        });
    }
    if !terminal {
        return Err(Failure::Usage(
            "no loop is named; `viva loops list` shows them: `viva practice theory`, or `--all`".to_owned(),
        ));
    }
    let mut out = io::stdout().lock();
    for (index, entry) in library.iter().enumerate() {
        writeln!(out, "{:>3}  {:<12} {}", index + 1, entry.content.id, entry.content.title)?;
    }
    loop {
        write!(out, "Which loops? Numbers or ids; Enter alone leaves: ")?;
        out.flush()?;
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line)? == 0 || line.trim().is_empty() {
            return Err(Failure::Said(0));
        }
        match get_all(library, line.split([' ', ',', '\t', '\n']).filter(|asked| !asked.is_empty())) {
            Ok(loops) => return Ok(loops),
            Err(error) => writeln!(out, "{error}")?,
        }
    }
}

fn get_all<'a>(library: &Library, asked: impl Iterator<Item = &'a str>) -> Result<Vec<Loop>, LibraryError> {
    asked.map(|asked| library.get(asked).map(|entry| entry.content.clone())).collect()
}

/// How answers are given.
enum Way {
    Microphone(Microphone),
    Recordings(HashMap<Place, WavSource>),
    Typed,
}

impl Way {
    fn open(
        kind: InputKind,
        arguments: &Arguments,
        loops: &[Loop],
        from: Place,
        terminal: bool,
    ) -> Result<Self, Failure> {
        match kind {
            InputKind::Typed => Ok(Self::Typed),
            InputKind::Files => {
                let reading = if arguments.paced { Reading::RealTime } else { Reading::Fast };
                recordings(&arguments.input, reading, loops, from).map(Self::Recordings)
            }
            InputKind::Microphone => match Microphone::open(arguments.device.as_deref()) {
                Ok(microphone) => Ok(Self::Microphone(microphone)),
                Err(error) if terminal && arguments.device.is_none() => offer_typing(&error),
                Err(error) => Err(Failure::mendable(&error)),
            },
        }
    }

    fn kind(&self) -> InputKind {
        match self {
            Self::Microphone(_) => InputKind::Microphone,
            Self::Recordings(_) => InputKind::Files,
            Self::Typed => InputKind::Typed,
        }
    }
}

fn offer_typing(error: &AudioError) -> Result<Way, Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{error}")?;
    write!(out, "Write your answers instead? [Y/n] ")?;
    out.flush()?;
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line)?;
    if read > 0 && matches!(line.trim().to_lowercase().as_str(), "" | "y" | "yes") {
        Ok(Way::Typed)
    } else {
        Err(Failure::Said(MENDABLE))
    }
}

/// Which recording answers which question, from a place on: those with an id first, the others in
/// order.
fn recordings(
    inputs: &[String],
    reading: Reading,
    loops: &[Loop],
    from: Place,
) -> Result<HashMap<Place, WavSource>, Failure> {
    let places: Vec<(Place, String)> = loops
        .iter()
        .enumerate()
        .flat_map(|(loop_index, asked)| {
            asked.questions().enumerate().map(move |(question_index, question)| {
                (Place { loop_index, question_index }, format!("{}/{}", asked.id, question.id))
            })
        })
        .filter(|(place, _)| *place >= from)
        .collect();
    let mut chosen = HashMap::new();
    let mut in_order = Vec::new();
    for input in inputs {
        let (place, path) = match input.split_once('=') {
            Some((id, path)) if !Path::new(input).exists() => (Some(place_of(id, &places)?), path),
            _ => (None, input.as_str()),
        };
        // What is wrong with it is said now, not after the first answers have been given.
        let source = WavSource::open(Path::new(path), reading).map_err(|error| Failure::mendable(&error))?;
        match place {
            None => in_order.push((path, source)),
            Some(place) => {
                if chosen.insert(place, source).is_some() {
                    return Err(Failure::Usage(format!("`{input}`: that question has a recording already")));
                }
            }
        }
    }
    let mut free = places
        .iter()
        .map(|(place, _)| *place)
        .filter(|place| !chosen.contains_key(place))
        .collect::<Vec<_>>()
        .into_iter();
    for (path, source) in in_order {
        let Some(place) = free.next() else {
            return Err(Failure::Usage(format!(
                "there are more recordings than the {} questions; `{}` has none",
                places.len(),
                path
            )));
        };
        chosen.insert(place, source);
    }
    Ok(chosen)
}

/// The place of a question given as `ID` or `LOOP/ID`.
fn place_of(id: &str, places: &[(Place, String)]) -> Result<Place, Failure> {
    let matches: Vec<&(Place, String)> = places
        .iter()
        .filter(|(_, full)| full == id || full.split_once('/').is_some_and(|(_, question)| question == id))
        .collect();
    match matches[..] {
        [(place, _)] => Ok(*place),
        [] => {
            let known =
                places.iter().map(|(_, full)| full.split_once('/').map_or("", |(_, question)| question));
            let near = crate::loops::nearest(id, known).unwrap_or(MAIN_QUESTION);
            Err(Failure::Usage(format!(
                "no question `{id}` is asked; did you mean `{near}`? `viva loops show LOOP` lists the ids"
            )))
        }
        [(_, first), ..] => {
            Err(Failure::Usage(format!("several loops ask a question `{id}`; say which: `{first}=FILE`")))
        }
    }
}

/// An installed recognition model.
struct Model {
    name: String,
    path: PathBuf,
}

impl Model {
    /// The model that was asked for, else that of the session that goes on, else the default one.
    fn find(
        arguments: &Arguments,
        resumed: Option<&Resumable>,
        settings: &Settings,
    ) -> Result<Self, Failure> {
        let before = resumed.and_then(|left| left.model.as_deref());
        let name = match &arguments.model {
            Some(name) => name,
            None => models::preferred_or_default(&settings.models_dir, before),
        };
        match models::installed(&settings.models_dir, name) {
            Ok(path) => Ok(Self { name: name.to_owned(), path }),
            Err(error @ ModelError::NotInstalled { .. }) => {
                Err(Failure::Mendable(format!("{error}, or answer with `--typed`")))
            }
            Err(error) => Err(Failure::mendable(&error)),
        }
    }

    /// Starts the recogniser's process; it loads the model while the first question is read.
    fn scribe(self) -> Scribe {
        let Self { name, path } = self;
        Scribe::start(name.clone(), Box::new(move || Ok(Box::new(WhisperWorker::start(&name, &path)?))))
    }
}

/// The voice that reads the questions out, if one is to. What is wrong with it is known before the first
/// question, and while Ctrl-C still ends the program: a sound system may hang.
fn find_voice(
    way: &Way,
    arguments: &Arguments,
    settings: &Settings,
    terminal: bool,
) -> Option<Result<SystemVoice, SpeakError>> {
    let speaks = match way {
        Way::Microphone(_) => true,
        Way::Typed => terminal,
        Way::Recordings(_) => false,
    };
    (speaks && !arguments.no_speak).then(|| {
        let voice = SystemVoice::find(&settings.data_dir.join("voice"))?;
        voice.try_out()?;
        Ok(voice)
    })
}

/// Who writes down, who reads out, what the user has taught, and what reads for the meaning.
struct Aids {
    scribe: Option<Scribe>,
    voice: Option<Result<SystemVoice, SpeakError>>,
    learned: Learned,
    reader: Box<OnDemand>,
}

/// Holds the session: with the view, the keyboard and the voice that suit how it is practised.
fn hold(
    session: Session,
    record: SessionHandle,
    way: Way,
    aids: Aids,
    arguments: &Arguments,
    terminal: bool,
) -> Result<Ended, Failure> {
    let Aids { scribe, voice, learned, reader } = aids;
    let columns: fn() -> u16 = || crossterm::terminal::size().map_or(80, |(columns, _)| columns);
    let keys = terminal && !arguments.plain && matches!(way, Way::Microphone(_));
    let raw_mode = if keys { Some(RawMode::begin()?) } else { None };
    let out = io::stdout();
    let mut view: Box<dyn View> = match (keys, terminal) {
        (true, _) => Box::new(Plain::live(out, columns)),
        (false, true) => Box::new(Plain::wrapped(out, columns)),
        (false, false) => Box::new(Plain::lines(out)),
    };
    let (mode, controls) = match way {
        Way::Microphone(_) if keys => (Some(Mode::Keys), keyboard::KEYS),
        Way::Microphone(_) => (Some(Mode::Letters), keyboard::LETTERS),
        Way::Typed => (Some(Mode::Lines), keyboard::TYPING),
        Way::Recordings(_) => (None, ""),
    };
    let (signals, input) = keyboard::read(mode);
    let mut speaker: Option<Box<dyn Speaker>> = None;
    match voice {
        Some(Ok(voice)) => speaker = Some(Box::new(voice)),
        Some(Err(error)) => view.show(Notice::Warning(&error.to_string()))?,
        None => {}
    }
    let answers = match way {
        Way::Typed => Answers::Typed,
        Way::Recordings(sources) => {
            let open = |source: WavSource| -> OpenSource { Box::new(move || Ok(Box::new(source))) };
            Answers::Recorded {
                recordings: sources.into_iter().map(|(place, source)| (place, open(source))).collect(),
                real_time: arguments.paced,
            }
        }
        Way::Microphone(microphone) => {
            let device = arguments.device.clone();
            let mut first = Some(microphone);
            Answers::Live(Box::new(move || {
                let (device, first) = (device.clone(), first.take());
                Box::new(move || {
                    Ok(match first {
                        Some(microphone) => Box::new(microphone),
                        None => Box::new(Microphone::open(device.as_deref())?),
                    })
                })
            }))
        }
    };
    let equipment =
        Equipment { answers, scribe, speaker, view, controls: controls.to_owned(), input, learned, reader };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        tokio::spawn(interruptions(signals));
        runner::run(session, record, equipment).await
    });
    drop(raw_mode);
    Ok(ended)
}

/// Turns signals into input, so that they leave the session in good order.
async fn interruptions(inputs: UnboundedSender<Input>) {
    loop {
        asked_to_stop().await;
        if inputs.send(Input::Event(Event::Interrupt)).is_err() {
            return;
        }
    }
}

/// Waits for Ctrl-C, and on Unix for the other signals that ask a program to stop.
async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut terminate), Ok(mut hang_up)) =
            (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
        {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
            }
            return;
        }
    }
    _ = tokio::signal::ctrl_c().await;
}

/// The last words, and the exit code.
fn farewell(id: &str, ended: &Ended, goes_on: bool) -> Result<(), Failure> {
    if let Some(why) = &ended.unsaved {
        return Err(Failure::Mendable(format!("not everything could be kept in session `{id}`: {why}")));
    }
    let mut page = Page::new(super::review::style().width, false);
    page.blank();
    page.line(&format!("Kept as session {id}; `viva review {id}` shows it."));
    if goes_on {
        page.line("`viva practice --resume` goes on with it.");
    }
    let page = page.into_text();
    let mut out = io::stdout().lock();
    match ended.ending {
        Ending::Finished | Ending::Left => Ok(out.write_all(page.as_bytes())?),
        Ending::Interrupted => {
            // Perhaps nobody is there to read it any more.
            _ = out.write_all(page.as_bytes());
            Err(Failure::Interrupted)
        }
        Ending::Failed => Err(Failure::Mendable(format!(
            "the session ended because no answer could be recorded; it is kept as `{id}`: when that is mended, `viva practice --resume` goes on"
        ))),
    }
}

/// Something about the user's files, beside the session.
fn remark(text: &str) {
    let mut page = Page::new(super::review::style().width, false);
    page.hanging("", "  ", text);
    // Nothing can be done about a stderr that is gone.
    _ = io::stderr().write_all(page.into_text().as_bytes());
}
