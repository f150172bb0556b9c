//! `viva models`: list and fetch models, import recognition models.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use serde_json::json;

use super::interrupt::on_interrupt;
use super::{Failure, Settings};
use crate::models::{
    self, Catalogue, DEFAULT, Fetched, Imported, MEANING, Means, ModelError, News, Stage, Watch, megabytes,
};

/// Arguments of `viva models`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// What to do; without it, the models are listed
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the models that can be fetched and those on this machine
    List {
        /// Also take the sums of installed models and compare them with the published ones
        #[arg(long)]
        check: bool,
        /// Print one JSON object a model, one a line
        #[arg(long)]
        json: bool,
    },
    /// Fetch a model, unless it is there already, and print its path
    Fetch {
        /// The model's name in the list
        #[arg(default_value = DEFAULT)]
        name: String,
    },
    /// Take in a model of your own and print its path: a whisper ggml file, or a folder in CTranslate2's form
    Import {
        /// The ggml file, or the folder with `model.bin` and its vocabulary
        path: PathBuf,
        /// What to call it; without this its name in the list, or one from its path
        #[arg(long)]
        name: Option<String>,
    },
}

/// Runs the command.
pub fn run(arguments: Arguments, settings: &Settings) -> Result<(), Failure> {
    let catalogue = Catalogue::built_in()?;
    match arguments.command.unwrap_or(Command::List { check: false, json: false }) {
        Command::List { check, json } => list(&catalogue, &settings.models_dir, check, json),
        Command::Fetch { name } => fetch(&catalogue, &settings.models_dir, &name),
        Command::Import { path, name } => import(&catalogue, &settings.models_dir, &path, name.as_deref()),
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Interrupted => Self::Interrupted,
            ModelError::Catalogue { .. } => Self::fault(&error),
            _ => Self::mendable(&error),
        }
    }
}

/// What is known about one model on this machine.
struct Status<'a> {
    name: &'a str,
    /// What it is for, as `--json` has it.
    purpose: &'static str,
    /// What the catalogue says; `None` for imported models.
    known: Option<Known<'a>>,
    /// Where it is, if it is there at all.
    path: Option<PathBuf>,
    /// What is wrong with it.
    fault: Option<String>,
    /// Whether its bytes are the published ones; `None` where that was not asked or cannot be known.
    verified: Option<bool>,
}

struct Known<'a> {
    description: &'a str,
    licence: &'a str,
    bytes: u64,
}

impl Status<'_> {
    fn bytes(&self) -> Option<u64> {
        let on_disk = || self.path.as_ref().and_then(|path| path.metadata().ok()).map(|data| data.len());
        self.known.as_ref().map(|known| known.bytes).or_else(on_disk)
    }

    fn installed(&self) -> bool {
        self.path.is_some() && self.fault.is_none()
    }
}

fn list(catalogue: &Catalogue, models_dir: &Path, check: bool, json: bool) -> Result<(), Failure> {
    let imported = models::imported(catalogue, models_dir);
    let known = catalogue.models.iter().map(|model| (model.name.as_str(), Some(model)));
    let named = known.chain(imported.iter().map(|name| (name.as_str(), None)));
    let mut reporter = check.then(Reporter::new);
    let mut statuses = vec![meaning(catalogue, models_dir, reporter.as_mut())?];
    for (name, model) in named {
        let known = model.map(|model| Known {
            description: &model.description,
            licence: &model.licence,
            bytes: model.bytes,
        });
        let mut status =
            Status { name, purpose: "recognition", known, path: None, fault: None, verified: None };
        match models::installed(models_dir, name) {
            Ok(path) => status.path = Some(path),
            Err(ModelError::NotInstalled { .. } | ModelError::Unknown { .. }) => {}
            Err(ModelError::NotAModel { path, reason }) => {
                (status.path, status.fault) = (Some(path), Some(reason));
            }
            Err(ModelError::Read { path, source }) => {
                (status.path, status.fault) = (Some(path), Some(source.to_string()));
            }
            Err(error) => return Err(error.into()),
        }
        if let Some(reporter) = reporter.as_mut().filter(|_| status.installed()) {
            status.verified = models::verify(catalogue, models_dir, name, reporter)?;
            if status.verified == Some(false) {
                status.fault = Some("its bytes are not the published ones".into());
            }
        }
        statuses.push(status);
    }
    if let Some(reporter) = &mut reporter {
        reporter.end_line();
    }
    // Those for recognition first: they are what people choose from.
    statuses.rotate_left(1);

    let mut out = io::stdout().lock();
    let width = statuses.iter().map(|status| status.name.len()).max().unwrap_or(0);
    for status in &statuses {
        let licence = status.known.as_ref().map(|known| known.licence);
        let description = status.known.as_ref().map(|known| known.description);
        if json {
            let line = json!({
                "schema": "viva.model/1",
                "name": status.name,
                "purpose": status.purpose,
                "default": status.name == DEFAULT,
                "description": description,
                "licence": licence,
                "bytes": status.bytes(),
                "in_catalogue": status.known.is_some(),
                "installed": status.installed(),
                "path": status.path.as_ref().map(|path| path.to_string_lossy()),
                "fault": status.fault,
                "verified": status.verified,
            });
            writeln!(out, "{line}")?;
            continue;
        }
        let state = match (&status.path, &status.fault, status.verified) {
            (_, Some(_), _) => "damaged",
            (None, ..) => "-",
            (Some(_), None, Some(true)) => "verified",
            (Some(_), None, _) => "installed",
        };
        let size = status.bytes().map(megabytes).unwrap_or_default();
        let default = if status.name == DEFAULT { " (default)" } else { "" };
        writeln!(
            out,
            "{:<width$}  {size:>7}  {:<10}  {state:<9}  {}{default}",
            status.name,
            licence.unwrap_or("?"),
            description.unwrap_or("imported"),
        )?;
    }
    if !json {
        // Nothing can be done about a stderr that is gone, here and below.
        _ = writeln!(io::stderr(), "models are kept in `{}`", models_dir.display());
    }
    let damaged: Vec<&Status<'_>> = statuses.iter().filter(|status| status.fault.is_some()).collect();
    for status in &damaged {
        let (path, fault) = (status.path.as_deref(), status.fault.as_deref());
        _ = writeln!(
            io::stderr(),
            "error: `{}` is damaged: {}; remove it and get it again",
            path.unwrap_or(models_dir).display(),
            fault.unwrap_or_default(),
        );
    }
    if damaged.is_empty() { Ok(()) } else { Err(Failure::Said(super::failure::MENDABLE)) }
}

/// What is known about the model that compares meanings.
fn meaning<'a>(
    catalogue: &'a Catalogue,
    models_dir: &Path,
    reporter: Option<&mut Reporter>,
) -> Result<Status<'a>, Failure> {
    let model = &catalogue.meaning;
    let known = Known { description: &model.description, licence: &model.licence, bytes: model.bytes() };
    let mut status = Status {
        name: MEANING,
        purpose: "meaning",
        known: Some(known),
        path: None,
        fault: None,
        verified: None,
    };
    match models::meaning_fault(model, models_dir) {
        Err(ModelError::NotInstalled { .. }) => return Ok(status),
        Err(error) => return Err(error.into()),
        Ok(fault) => (status.path, status.fault) = (Some(models::meaning_folder(models_dir)), fault),
    }
    if let Some(reporter) = reporter.filter(|_| status.installed()) {
        let verified = models::verify_meaning(model, models_dir, reporter)?;
        status.verified = Some(verified);
        status.fault = (!verified).then(|| "its bytes are not the published ones".into());
    }
    Ok(status)
}

fn fetch(catalogue: &Catalogue, models_dir: &Path, name: &str) -> Result<(), Failure> {
    let mut reporter = Reporter::new();
    let fetched = match catalogue.find(name) {
        None if name == MEANING => {
            models::fetch_meaning(&catalogue.meaning, models_dir, &Means::default(), &mut reporter)
        }
        Some(model) => models::fetch(model, models_dir, &Means::default(), &mut reporter),
        // An imported model needs no fetching.
        None => models::installed(models_dir, name).map(Fetched::AlreadyThere),
    };
    reporter.end_line();
    let path = match fetched? {
        Fetched::AlreadyThere(path) => {
            reporter.say(&format!("`{name}` is there already"));
            path
        }
        Fetched::New(path) => {
            reporter.say(&format!("`{name}` is ready"));
            path
        }
    };
    writeln!(io::stdout(), "{}", path.display())?;
    Ok(())
}

fn import(catalogue: &Catalogue, models_dir: &Path, path: &Path, name: Option<&str>) -> Result<(), Failure> {
    let mut reporter = Reporter::new();
    let imported = models::import(path, name, models_dir, catalogue, &mut reporter);
    reporter.end_line();
    let Imported { name, path, already_there } = imported?;
    reporter.say(&if already_there {
        format!("`{name}` is there already")
    } else {
        format!("imported as `{name}`")
    });
    writeln!(io::stdout(), "{}", path.display())?;
    Ok(())
}

/// Tells people on stderr how long work goes, and notices Ctrl-C.
struct Reporter {
    terminal: bool,
    /// The stage that is shown, when it was last shown, and at what percentage.
    shown: Option<(Stage, Instant, u64)>,
    interrupted: Arc<AtomicBool>,
}

impl Reporter {
    fn new() -> Self {
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&interrupted);
        // Work that waits on the network cannot see the flag; what has arrived is kept for the next time.
        on_interrupt(move || flag.store(true, Ordering::Relaxed));
        Self { terminal: io::stderr().is_terminal(), shown: None, interrupted }
    }

    fn say(&mut self, line: &str) {
        self.end_line();
        _ = writeln!(io::stderr(), "{line}");
    }

    /// Clears the progress line, if there is one.
    fn end_line(&mut self) {
        if self.shown.take().is_some() && self.terminal {
            _ = write!(io::stderr(), "\r\x1b[K");
        }
    }

    /// On a terminal a line that changes four times a second, elsewhere a line a quarter of the way.
    fn progress(&mut self, stage: Stage, done: u64, total: u64) {
        let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
        let verb = match stage {
            Stage::Downloading => "downloading",
            Stage::Copying => "copying",
            Stage::Converting => "converting",
            Stage::Checking => "checking",
        };
        let amount = if stage == Stage::Downloading {
            format!("{percent}% of {}", megabytes(total))
        } else {
            format!("{percent}%")
        };
        let same = self.shown.filter(|(shown, ..)| *shown == stage);
        if self.terminal {
            if same.is_none_or(|(_, when, _)| when.elapsed() >= Duration::from_millis(250)) {
                _ = write!(io::stderr(), "\r\x1b[K{verb}: {amount}");
                self.shown = Some((stage, Instant::now(), percent));
            }
        } else if stage == Stage::Downloading {
            let quarter = percent / 25;
            if same.is_none_or(|(.., shown)| quarter > shown / 25) {
                _ = writeln!(io::stderr(), "{verb}: {amount}");
                self.shown = Some((stage, Instant::now(), percent));
            }
        }
    }
}

impl Watch for Reporter {
    fn tell(&mut self, news: News<'_>) {
        match news {
            News::Waiting => self.say("waiting for another viva that is working in the models folder"),
            News::Damaged { path, reason } => {
                self.say(&format!("`{}` is damaged and will be replaced: {reason}", path.display()));
            }
            News::Source(source) => self.say(&format!("fetching from {source}")),
            News::Failed { source, reason } => self.say(&format!("not from {source}: {reason}")),
            News::Progress { stage, done, total } => self.progress(stage, done, total),
        }
    }

    fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}
