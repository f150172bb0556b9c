//! `viva review`: list kept sessions, read one back, catch up on what was left undone.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use clap::Args;
use jiff::tz::TimeZone;

use super::{Failure, Settings};
use crate::coverage::{self, Reader, Verdict};
use crate::journal::{Content, Journal, Ruling, Waiting};
use crate::learned::{Learned, how_to_forget};
use crate::loops::nearest;
use crate::meaning::OnDemand;
use crate::models;
use crate::recognise::{Transcriber, WhisperWorker};
use crate::review::corrections::{self, Change, Wanted};
use crate::review::{self, Progress, json, text};
use crate::ui::page::{self, clock};

/// Arguments of `viva review`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The session to read: its id, the beginning of it, or `last`; without it all are listed
    #[arg(value_name = "SESSION")]
    session: Option<String>,

    /// Print JSON: one object for a session, one a line for the list
    #[arg(long)]
    json: bool,

    /// Do not transcribe answers that have no transcript yet
    #[arg(long)]
    no_transcribe: bool,

    /// Judge the session's answers anew with this version of viva; earlier judgements are kept
    #[arg(long, requires = "session")]
    reassess: bool,

    /// Overrule the verdict on a point, by id or number; QUESTION can be left out where no other has such a point, and
    /// is LOOP/QUESTION among several loops. Back to what viva said withdraws it. Can be given several times
    #[arg(
        long,
        value_name = "[QUESTION/]POINT=covered|missed",
        requires = "session",
        value_parser = wanted
    )]
    set: Vec<Wanted>,

    /// The words of your answer that made the point you set to covered; they count for it from now on
    #[arg(long, value_name = "WORDS", requires = "set")]
    said: Option<String>,
}

/// Reads `POINT=covered`.
fn wanted(text: &str) -> Result<Wanted, String> {
    let (name, verdict) = text.rsplit_once('=').unwrap_or((text, ""));
    let (name, verdict) = (name.trim(), verdict.trim());
    if name.is_empty() {
        return Err(
            "it names no point; write `POINT=covered` or `POINT=missed`, the point by its number or id"
                .into(),
        );
    }
    let known = [Verdict::Covered, Verdict::Partial, Verdict::Unheard, Verdict::Missed];
    match known.into_iter().find(|known| known.name() == verdict.to_ascii_lowercase()) {
        Some(verdict) => Ok(Wanted { name: name.to_owned(), verdict }),
        None if verdict.is_empty() => Err(format!(
            "it does not say what the point `{name}` is to be; write `{name}=covered` or `{name}=missed`"
        )),
        None => Err(match nearest(verdict, known.iter().map(|known| known.name())) {
            Some(near) => format!("`{verdict}` is no verdict; did you mean `{name}={near}`?"),
            None => format!("`{verdict}` is no verdict; write `{name}=covered` or `{name}=missed`"),
        }),
    }
}

/// Runs the command.
pub fn run(arguments: Arguments, settings: &Settings) -> Result<(), Failure> {
    let Some(journal) = Journal::open_existing(&settings.data_dir)? else {
        return match arguments.session {
            Some(asked) => Err(Failure::Mendable(format!(
                "there is no session `{asked}`; nothing has been practised yet: begin with `viva practice`"
            ))),
            None => nothing_yet(&settings.data_dir),
        };
    };
    let session = arguments.session.as_deref().map(|asked| journal.find(asked)).transpose()?;
    recover(&journal);
    let mut learned = learned(settings);
    let reader = OnDemand::new(&settings.models_dir);
    catch_up(&journal, &learned, &reader, session.as_deref(), arguments.no_transcribe, settings);

    if let Some(id) = &session {
        overrule(&journal, &mut learned, id, &arguments.set, arguments.said.as_deref())?;
    }

    let mut out = io::stdout().lock();
    let Some(id) = session else {
        let sessions = journal.sessions()?;
        if sessions.is_empty() {
            return nothing_yet(&settings.data_dir);
        }
        if arguments.json {
            for session in &sessions {
                print_json(&mut out, &json::summary(session))?;
            }
        } else {
            out.write_all(text::list(&sessions, &style()).as_bytes())?;
        }
        return Ok(());
    };
    if arguments.reassess {
        match review::reassess(&journal, &learned, &reader, &id)? {
            0 => say("judged anew: nothing has changed"),
            1 => say("judged anew: 1 answer is judged differently"),
            changed => say(&format!("judged anew: {changed} answers are judged differently")),
        }
    }
    let kept = journal.session(&id)?;
    if arguments.json {
        print_json(&mut out, &json::session(&kept))?;
    } else {
        out.write_all(text::session(&kept, &style()).as_bytes())?;
    }
    Ok(())
}

/// Keeps the corrections, all or none, and says how to undo each.
fn overrule(
    journal: &Journal,
    learned: &mut Learned,
    id: &str,
    wanted: &[Wanted],
    said: Option<&str>,
) -> Result<(), Failure> {
    if wanted.is_empty() {
        return Ok(());
    }
    if said.is_some() && !matches!(wanted, [Wanted { verdict: Verdict::Covered, .. }]) {
        return Err(Failure::Usage(
            "`--said` says what made one point; give exactly one `--set POINT=covered` with it".into(),
        ));
    }
    let kept = journal.session(id)?;
    let changes = corrections::plan(&kept, wanted).map_err(|error| Failure::mendable(&error))?;
    if let (Some(phrase), [change]) = (said, changes.as_slice()) {
        learn(learned, change, phrase)?;
    }
    let rulings: Vec<_> = changes
        .iter()
        .filter_map(|change| Some((change.take.id, change.point.id.clone(), change.ruling?)))
        .collect();
    journal.save_corrections(&rulings)?;
    for change in &changes {
        let Change { point, verdict, ruling, name, .. } = change;
        let (before, now) = (point.verdict.name(), verdict.name());
        let undo = format!("`viva review {id} --set {name}={before}` undoes that");
        say(&match ruling {
            None => format!("`{name}` is {now} already"),
            Some(Ruling::Withdrawn) => format!("`{name}` is {now} again, as viva said; {undo}"),
            Some(_) => {
                let said = point.overruled.unwrap_or(point.verdict).name();
                format!("`{name}` is {now} now (viva said {said}); {undo}")
            }
        });
        if *verdict != Verdict::Covered {
            let wordings = learned.of(&change.asked.id, &change.question.id, &point.id);
            for said in coverage::credited(point, wordings) {
                say(&format!("note: your wording \"{said}\" made viva credit it; {}", how_to_forget(said)));
            }
        }
    }
    Ok(())
}

/// Learns words of the answer for the point that they made.
fn learn(learned: &mut Learned, change: &Change<'_>, phrase: &str) -> Result<(), Failure> {
    let refused = |why: &dyn std::fmt::Display| Failure::Mendable(format!("nothing is changed: {why}"));
    let said = change.wording(phrase).map_err(|unfit| refused(&unfit))?;
    let (asked, question, point) = (&change.asked.id, &change.question.id, &change.point.id);
    learned.add(asked, question, point, &said).map_err(|error| refused(&error))?;
    say(&format!("learned for `{}`: \"{said}\"; {}", change.name, how_to_forget(&said)));
    if let Some(reason) = change.refusal(&said) {
        say(&format!("note: said as it is in this answer it does not count: {reason}"));
    }
    Ok(())
}

/// What the user has taught; nothing where the file cannot be read, which is said.
pub(super) fn learned(settings: &Settings) -> Learned {
    Learned::read(&settings.data_dir).unwrap_or_else(|error| {
        say(&format!("warning: {error}; until then nothing learned counts"));
        Learned::nothing(&settings.data_dir)
    })
}

fn nothing_yet(data_dir: &Path) -> Result<(), Failure> {
    say(&format!(
        "nothing has been practised yet, going by `{}`; begin with `viva practice`, or choose from `viva loops list`",
        data_dir.display()
    ));
    Ok(())
}

/// Mends what was cut off. What cannot be mended is no reason not to show the rest.
fn recover(journal: &Journal) {
    match journal.recover() {
        Ok(recovered) => {
            for found in recovered {
                say(&format!("session `{}` was cut off", found.session));
                for (path, seconds) in found.recordings {
                    say(&format!("recording saved ({}): {}", clock(seconds), path.display()));
                }
                for problem in found.problems {
                    say(&format!("warning: {problem}"));
                }
            }
        }
        Err(error) => say(&format!("warning: {error}")),
    }
}

/// Transcribes and judges what waits for it. What fails is told and waits on.
fn catch_up(
    journal: &Journal,
    learned: &Learned,
    reader: &dyn Reader,
    session: Option<&str>,
    no_transcribe: bool,
    settings: &Settings,
) {
    let waiting = match journal.waiting(session) {
        Ok(waiting) => waiting,
        Err(error) => return say(&format!("warning: {error}")),
    };
    let mut transcriber = None;
    if let Some(newest) = waiting.iter().rev().find(|waiting| waiting.needs_transcript())
        && !no_transcribe
    {
        match transcriber_for(journal, newest, settings) {
            Ok(found) => transcriber = Some(found),
            Err(why) => say(&format!("warning: answers wait to be transcribed, but {why}")),
        }
    }
    let transcriber = transcriber.as_mut().map(|found| found as &mut dyn Transcriber);
    let result =
        review::catch_up(journal, learned, reader, session, transcriber, &mut |progress| match progress {
            Progress::Begun(waiting) => say(&match &waiting.take.content {
                Content::Audio { path, seconds } if waiting.needs_transcript() => {
                    format!("transcribing {} ({})", path.display(), clock(seconds.unwrap_or_default()))
                }
                _ => format!("judging `{}` of session `{}`", waiting.question, waiting.session),
            }),
            Progress::Transcribed(_) | Progress::Judged(_) => {}
            Progress::Failed(why) => say(&format!("warning: {why}")),
        });
    if let Err(error) = result {
        say(&format!("warning: {error}"));
    }
}

/// What people should know beside the output.
fn say(line: &str) {
    // Nothing can be done about a stderr that is gone.
    _ = writeln!(io::stderr(), "{line}");
}

pub(super) fn print_json(out: &mut impl io::Write, object: &impl serde::Serialize) -> Result<(), Failure> {
    let line = serde_json::to_string(object).map_err(|error| Failure::fault(&error))?;
    Ok(writeln!(out, "{line}")?)
}

pub(super) fn style() -> text::Style {
    let terminal = io::stdout().is_terminal();
    let columns = crossterm::terminal::size().map_or(80, |(columns, _)| columns);
    text::Style {
        width: terminal.then(|| page::width(columns)),
        bold: terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        zone: TimeZone::system(),
    }
}

/// A transcriber with the model of the waiting answer's session, or with the default one.
pub(super) fn transcriber_for(
    journal: &Journal,
    waiting: &Waiting,
    settings: &Settings,
) -> Result<WhisperWorker, String> {
    let session = journal.session(&waiting.session).map_err(|error| error.to_string())?;
    let name = models::preferred_or_default(&settings.models_dir, session.summary.model.as_deref());
    let path = models::installed(&settings.models_dir, name).map_err(|error| error.to_string())?;
    WhisperWorker::start(name, &path).map_err(|error| error.to_string())
}
