//! Taking in a model that the user brings.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::catalogue::Catalogue;
use super::convert::convert;
use super::store::{Store, is_name, name_of, sha256_of};
use super::{MEANING, ModelError, News, Stage, Watch, check_ggml};

/// The file that holds the weights in a CTranslate2 folder.
const WEIGHTS: &str = "model.bin";

/// A model that was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// What it is called from now on.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Whether the very same file was there already.
    pub already_there: bool,
}

/// Copies a ggml file, or converts a CTranslate2 folder, into the models folder.
///
/// Without a name it gets the catalogue's, if it is a model of the catalogue, or else one from its
/// path. A name of the catalogue is given only to what the catalogue knows.
///
/// # Errors
/// The source cannot be read or is no whole whisper model; the name will not do or is taken by
/// another model; there is no room. Nothing is left behind.
pub fn import(
    path: &Path,
    name: Option<&str>,
    models_dir: &Path,
    catalogue: &Catalogue,
    watch: &mut dyn Watch,
) -> Result<Imported, ModelError> {
    if let Some(name) = name.filter(|name| !is_name(name)) {
        return Err(ModelError::BadName { name: name.to_owned() });
    }
    let metadata = fs::metadata(path).map_err(|source| ModelError::Read { path: path.to_owned(), source })?;
    let folder = if metadata.is_dir() {
        Some(path)
    } else if path.file_name().is_some_and(|name| name == WEIGHTS) && check_ggml(path).is_err() {
        path.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent })
    } else {
        None
    };
    let size = match folder {
        Some(folder) => {
            let weights = folder.join(WEIGHTS);
            fs::metadata(&weights)
                .map_err(|_| {
                    ModelError::not_a_model(
                        folder,
                        format!("it is a folder without `{WEIGHTS}` (CTranslate2's form)"),
                    )
                })?
                .len()
        }
        None => {
            check_ggml(path)?;
            metadata.len()
        }
    };

    let store = Store::open(models_dir, watch)?;
    store.check_room(size)?;
    let work = store.work_folder()?;
    let file = work.path().join("model.ggml");
    let mut output = BufWriter::new(File::create(&file).map_err(|source| ModelError::write(&file, source))?);
    match folder {
        Some(folder) => {
            convert(folder, &file, &mut output, watch)?;
        }
        None => copy(path, size, &file, &mut output, watch)?,
    }
    drop(output);
    let sum = sha256_of(&file, watch)?;

    let name = choose_name(path, name, &sum, catalogue)?;
    let target = store.path_of(&name);
    let mut already_there = false;
    if target.exists() {
        already_there = sha256_of(&target, watch)? == sum;
        if !already_there && check_ggml(&target).is_ok() {
            return Err(ModelError::Taken { name, path: target });
        }
    }
    if !already_there {
        store.install(&file, &name)?;
    }
    Ok(Imported { name, path: target, already_there })
}

fn choose_name(
    path: &Path,
    name: Option<&str>,
    sum: &str,
    catalogue: &Catalogue,
) -> Result<String, ModelError> {
    let known = catalogue.models.iter().find(|model| model.accepts(sum));
    let name = match (name, known) {
        (Some(name), _) => name.to_owned(),
        (None, Some(model)) => model.name.clone(),
        (None, None) => {
            let file_name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
            let stem = file_name.strip_suffix(".bin").unwrap_or(&file_name);
            name_of(path).unwrap_or(stem).to_owned()
        }
    };
    if !is_name(&name) {
        return Err(ModelError::BadName { name });
    }
    let claimed = match catalogue.find(&name) {
        Some(model) => !model.accepts(sum),
        None => name == MEANING,
    };
    if claimed {
        return Err(ModelError::NotPublished { path: path.to_owned(), name, sha256: sum.to_owned() });
    }
    Ok(name)
}

fn copy(
    from: &Path,
    total: u64,
    to: &Path,
    output: &mut dyn Write,
    watch: &mut dyn Watch,
) -> Result<(), ModelError> {
    let read = |source| ModelError::Read { path: from.to_owned(), source };
    let mut input = File::open(from).map_err(read)?;
    let mut piece = vec![0; 1 << 18];
    let mut done = 0;
    loop {
        watch.go_on()?;
        let count = input.read(&mut piece).map_err(read)?;
        if count == 0 {
            return output.flush().map_err(|source| ModelError::write(to, source));
        }
        output.write_all(&piece[..count]).map_err(|source| ModelError::write(to, source))?;
        done += count as u64;
        watch.tell(News::Progress { stage: Stage::Copying, done, total });
    }
}
