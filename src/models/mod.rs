//! Models: catalogue, fetching, conversion, import.
//!
//! A recognition model is one ggml file in the models folder, `ggml-NAME.bin`. It gets that name only
//! once it is whole and checked. Beside it there may be `ggml-NAME.bin.part` (a download that broke off
//! and will go on), `.lock`, and, while somebody works, `.work-…`. The model that compares meanings is
//! the folder `meaning/`.

mod catalogue;
mod convert;
mod ctranslate2;
mod download;
mod fetch;
mod ggml;
mod import;
mod meaning;
mod mel;
mod packages;
mod store;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use catalogue::{Catalogue, Meaning, Member, Model, Package, Pinned, Source};
pub use fetch::{Fetched, Means, fetch};
pub use ggml::{Hyperparameters, check_ggml};
pub use import::{Imported, import};
pub use meaning::{MEANING, fetch_meaning, meaning_fault, meaning_folder, verify_meaning};

use crate::loops::nearest;

/// The model that is used where none is named.
pub const DEFAULT: &str = "tiny.en";

/// The voice-activity model (Silero VAD v6.2 in ggml form, 885 kB, MIT).
pub const SILERO: &[u8] = include_bytes!("../../models/ggml-silero-v6.2.0.bin");

/// Follows long work and can call it off.
pub trait Watch {
    /// Something happened.
    fn tell(&mut self, news: News<'_>);

    /// Whether to stop; asked many times a second.
    fn interrupted(&self) -> bool {
        false
    }

    /// [`ModelError::Interrupted`] once [`Watch::interrupted`] says so.
    ///
    /// # Errors
    /// See above.
    fn go_on(&self) -> Result<(), ModelError> {
        if self.interrupted() { Err(ModelError::Interrupted) } else { Ok(()) }
    }
}

/// What happens during long work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum News<'a> {
    /// Another viva writes in the models folder; it is waited for.
    Waiting,
    /// The installed file is damaged and will be replaced.
    Damaged {
        /// The file.
        path: &'a Path,
        /// What is wrong with it.
        reason: &'a str,
    },
    /// This source is tried now.
    Source(&'a str),
    /// This source did not yield the model; the next one is tried.
    Failed {
        /// The source.
        source: &'a str,
        /// Why.
        reason: &'a str,
    },
    /// The work goes on.
    Progress {
        /// What is being done.
        stage: Stage,
        /// How much of it is done, in bytes or numbers.
        done: u64,
        /// How much there is to do.
        total: u64,
    },
}

/// What takes time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Bytes come over the network.
    Downloading,
    /// A file is copied.
    Copying,
    /// CTranslate2's form is rewritten as ggml.
    Converting,
    /// A sum is taken.
    Checking,
}

/// What can go wrong with models. Every message says what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The catalogue that viva carries cannot be read: a fault of ours.
    #[error("the built-in catalogue of models is broken: {reason}")]
    Catalogue {
        /// Why.
        reason: String,
    },
    /// The model has not been fetched yet.
    #[error("the model `{name}` is not on this machine yet; fetch it with `viva models fetch {name}`")]
    NotInstalled {
        /// The catalogue name.
        name: String,
    },
    /// There is no model of that name, neither in the catalogue nor imported.
    #[error(
        "there is no recognition model `{name}`{}; `viva models list` shows them all",
        nearest.as_ref().map(|nearest| format!(", did you mean `{nearest}`?")).unwrap_or_default()
    )]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The most similar one that there is.
        nearest: Option<String>,
    },
    /// A name that cannot be part of a file name.
    #[error(
        "`{name}` cannot be the name of a model; give one of letters, digits, dots, hyphens and underscores with `--name`"
    )]
    BadName {
        /// The name.
        name: String,
    },
    /// Another model has that name.
    #[error("there is another model `{name}` already; give this one another name with `--name`, or remove `{}`", path.display())]
    Taken {
        /// The name.
        name: String,
        /// The file that has it.
        path: PathBuf,
    },
    /// A catalogue name was claimed by something else.
    #[error(
        "`{}` is not `{name}` as it is published (its sha256 is {sha256}); give it a name of its own with `--name`",
        path.display()
    )]
    NotPublished {
        /// The file or folder.
        path: PathBuf,
        /// The name it would have got.
        name: String,
        /// Its sum.
        sha256: String,
    },
    /// A file could not be read.
    #[error("cannot read `{}`: {source}; check the path and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write `{}`: {source}; check its permissions, or name another folder with `--models-dir`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The disk is full, or would be.
    #[error(
        "there is not enough room in `{}`{}; free some, or name another folder with `--models-dir`",
        dir.display(),
        room(*needed, *free)
    )]
    NoSpace {
        /// The folder that is written to.
        dir: PathBuf,
        /// Bytes that the work takes, where that is known.
        needed: Option<u64>,
        /// Bytes that are free, where that is known.
        free: Option<u64>,
    },
    /// A file is not a whisper model, or not a whole one.
    #[error("`{}` is not a whisper model that can be used: {reason}; `viva models fetch {DEFAULT}` gets one", path.display())]
    NotAModel {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No source yielded the model.
    #[error(
        "cannot get `{name}` ({}); try again later, or bring the file yourself with `viva models import PATH`",
        reasons.join("; ")
    )]
    Unavailable {
        /// The catalogue name.
        name: String,
        /// Each source with what happened there.
        reasons: Vec<String>,
    },
    /// The packages did not yield the model that compares meanings.
    #[error(
        "cannot get `{MEANING}` ({reason}); try again later, or put its files into `{}` yourself: {}",
        folder.display(),
        files.join(", ")
    )]
    MeaningUnavailable {
        /// What happened.
        reason: String,
        /// Where the files belong.
        folder: PathBuf,
        /// Each file with its sum.
        files: Vec<String>,
    },
    /// The user called it off.
    #[error("interrupted")]
    Interrupted,
}

impl ModelError {
    fn not_a_model(path: &Path, reason: impl Into<String>) -> Self {
        Self::NotAModel { path: path.to_owned(), reason: reason.into() }
    }

    fn write(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                // Work in progress has a folder of its own in the one that the user knows.
                let in_work =
                    |dir: &&Path| dir.iter().any(|step| step.to_string_lossy().starts_with(store::WORK));
                let dir = path.ancestors().skip(1).find(|dir| !in_work(dir)).unwrap_or(path).to_owned();
                Self::NoSpace { dir, needed: None, free: None }
            }
            _ => Self::Write { path: path.to_owned(), source },
        }
    }
}

fn room(needed: Option<u64>, free: Option<u64>) -> String {
    match (needed, free) {
        (Some(needed), Some(free)) => {
            format!(": {} are needed and {} are free", megabytes(needed), megabytes(free))
        }
        _ => String::new(),
    }
}

/// A size for people, in millions of bytes: `78 MB`, `0.3 MB`.
pub fn megabytes(bytes: u64) -> String {
    let megabytes = bytes as f64 / 1e6;
    if megabytes < 10.0 { format!("{megabytes:.1} MB") } else { format!("{megabytes:.0} MB") }
}

/// The file of an installed model, checked for being a whole one (some milliseconds).
///
/// # Errors
/// [`ModelError::NotInstalled`] where it can be fetched, [`ModelError::Unknown`] with the nearest
/// name where there is none such, [`ModelError::NotAModel`] where its file is damaged.
pub fn installed(models_dir: &Path, name: &str) -> Result<PathBuf, ModelError> {
    let path = store::path_of(models_dir, name);
    if store::is_name(name) && path.is_file() {
        check_ggml(&path)?;
        return Ok(path);
    }
    let catalogue = Catalogue::built_in()?;
    if catalogue.find(name).is_some() {
        return Err(ModelError::NotInstalled { name: name.to_owned() });
    }
    Err(unknown(&catalogue, models_dir, name))
}

/// The preferred model's name if that model is installed, else the default one's.
pub fn preferred_or_default<'a>(models_dir: &Path, preferred: Option<&'a str>) -> &'a str {
    preferred.filter(|name| installed(models_dir, name).is_ok()).unwrap_or(DEFAULT)
}

/// That there is no such model, with the nearest name there is.
pub fn unknown(catalogue: &Catalogue, models_dir: &Path, name: &str) -> ModelError {
    let imported = imported(catalogue, models_dir);
    let names = catalogue.models.iter().map(|model| &model.name).chain(&imported);
    let nearest = nearest(name, names.map(String::as_str)).map(str::to_owned);
    ModelError::Unknown { name: name.to_owned(), nearest }
}

/// Names of models in the folder that are not in the catalogue, in alphabetical order.
pub fn imported(catalogue: &Catalogue, models_dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(models_dir).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| store::name_of(&entry.path()).map(str::to_owned))
        .filter(|name| store::is_name(name) && catalogue.find(name).is_none())
        .collect();
    names.sort();
    names
}

/// Whether an installed model's bytes are the published ones; `None` for imported models, whose sums
/// nobody knows.
///
/// # Errors
/// As for [`installed`], or the file cannot be read.
pub fn verify(
    catalogue: &Catalogue,
    models_dir: &Path,
    name: &str,
    watch: &mut dyn Watch,
) -> Result<Option<bool>, ModelError> {
    let path = installed(models_dir, name)?;
    match catalogue.find(name) {
        None => Ok(None),
        Some(model) => Ok(Some(model.accepts(&store::sha256_of(&path, watch)?))),
    }
}
