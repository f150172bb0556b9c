//! All loops that can be practised: the built-in ones and the user's own.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::fault::nearest;
use super::read::{check, read, text_of_file};
use super::{Fault, Loop};

macro_rules! built_in {
    ($($name:literal),+ $(,)?) => {
        &[$((concat!("loops/", $name, ".toml"), include_str!(concat!("../../loops/", $name, ".toml")))),+]
    };
}

/// The built-in loop files in their order, each with its path in the source tree and its text.
pub const BUILT_IN: &[(&str, &str)] = built_in![
    "01-theory",
    "02-probability",
    "03-coding",
    "04-debugging",
    "05-research",
    "06-systems",
    "07-critique",
    "08-mixed",
];

/// Where a loop comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Embedded in the program.
    BuiltIn,
    /// The user's own file.
    File(PathBuf),
}

/// A loop in the library.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The loop.
    pub content: Loop,
    /// Where it comes from.
    pub origin: Origin,
}

/// A file of the user's that cannot be used.
#[derive(Debug)]
struct Broken {
    /// The loop's id where it could be read, the file's name otherwise.
    id: String,
    faults: Vec<Fault>,
}

/// Why the library, or one loop in it, cannot be had.
#[derive(Debug, Error)]
pub enum LibraryError {
    /// The folder that the user named is not there.
    #[error("there is no folder `{}`; create it, or name the folder with your loop files", .0.display())]
    NoFolder(PathBuf),
    /// What the user named is a file.
    #[error("`{}` is not a folder; name the folder that the loop file is in", .0.display())]
    NotAFolder(PathBuf),
    /// The folder is there, but cannot be listed.
    #[error("cannot list the loop files in `{}`: {source}", .path.display())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No loop has this id or number.
    #[error("there is no loop `{asked}`; {remedy}`viva loops list` shows all")]
    Unknown {
        /// What was asked for.
        asked: String,
        /// The nearest id as a question, or nothing.
        remedy: String,
    },
    /// The loop's file has faults.
    #[error("the loop `{id}` cannot be used:\n{}\nmend the file, then see that `viva loops check` is content",
        .faults.iter().map(|fault| format!("  {fault}")).collect::<Vec<_>>().join("\n"))]
    Broken {
        /// The loop's id.
        id: String,
        /// Its errors.
        faults: Vec<Fault>,
    },
    /// A built-in loop cannot be read, which the tests exclude.
    #[error("a built-in loop cannot be read: {0}")]
    BuiltIn(Fault),
}

/// All loops that can be practised, in the order that numbers count them: the built-in ones, then the
/// user's own by file name. A file of the user's whose loop has a built-in's id takes its place.
#[derive(Debug)]
pub struct Library {
    entries: Vec<Entry>,
    broken: Vec<Broken>,
    notices: Vec<String>,
}

impl Library {
    /// The built-in loops alone.
    ///
    /// # Errors
    /// [`LibraryError::BuiltIn`], a fault of ours.
    pub fn built_in() -> Result<Self, LibraryError> {
        let entries = BUILT_IN
            .iter()
            .map(|(path, source)| match read(source, Path::new(path)) {
                Ok(content) => Ok(Entry { content, origin: Origin::BuiltIn }),
                Err(faults) => Err(LibraryError::BuiltIn(
                    faults
                        .into_iter()
                        .next()
                        .unwrap_or_else(|| Fault::of_file(Path::new(path), "has no loop")),
                )),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { entries, broken: Vec::new(), notices: Vec::new() })
    }

    /// The built-in loops and those in the `*.toml` files of `folder`. A folder that the user did not
    /// name need not exist. A file with errors is left out and stands in [`Self::notices`].
    ///
    /// # Errors
    /// The folder that the user named is not there or cannot be listed.
    pub fn load(folder: &Path, named: bool) -> Result<Self, LibraryError> {
        let mut library = Self::built_in()?;
        let paths = match loop_files(folder) {
            Ok(paths) => paths,
            Err(LibraryError::NoFolder(_)) if !named => return Ok(library),
            Err(error) if !named => {
                library.notices.push(format!("warning: {error}"));
                return Ok(library);
            }
            Err(error) => return Err(error),
        };
        for path in paths {
            library.add(path);
        }
        Ok(library)
    }

    fn add(&mut self, path: PathBuf) {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let (id, content, faults) = match text_of_file(&path) {
            Ok(source) => {
                let checked = check(&source, &path, &|_| Vec::new());
                (checked.id.map(|(id, _)| id), checked.content, checked.faults)
            }
            Err(fault) => (None, None, vec![fault]),
        };
        let Some(content) = content else {
            let faults: Vec<Fault> = faults.into_iter().filter(Fault::is_error).collect();
            if let Some(first) = faults.first() {
                let more = match faults.len() {
                    1 => String::new(),
                    count => format!(" (the first of {count} errors)"),
                };
                self.notices.push(format!(
                    "warning: this loop is left out: {first}{more}; `viva loops check {}` tells all",
                    path.display()
                ));
            }
            self.broken.push(Broken { id: id.unwrap_or(stem), faults });
            return;
        };
        match self.entries.iter_mut().find(|entry| entry.content.id == content.id) {
            None => self.entries.push(Entry { content, origin: Origin::File(path) }),
            Some(entry) => match &entry.origin {
                Origin::BuiltIn => {
                    self.notices.push(format!(
                        "note: `{}` is your own, from `{}`, in place of the built-in one",
                        content.id,
                        path.display()
                    ));
                    *entry = Entry { content, origin: Origin::File(path) };
                }
                Origin::File(first) => self.notices.push(format!(
                    "warning: `{}` is left out: its id `{}` is taken by `{}`; give one of the two another id",
                    path.display(),
                    content.id,
                    first.display()
                )),
            },
        }
    }

    /// The loop with an id, or with a number counted from 1.
    ///
    /// # Errors
    /// There is no such loop (the error names the nearest id), or its file has errors.
    pub fn get(&self, asked: &str) -> Result<&Entry, LibraryError> {
        let wanted = asked.trim().to_lowercase();
        let found = match wanted.parse::<usize>() {
            Ok(number) => number.checked_sub(1).and_then(|index| self.entries.get(index)),
            Err(_) => self.entries.iter().find(|entry| entry.content.id == wanted),
        };
        let id = found.map_or(wanted.as_str(), |entry| entry.content.id.as_str());
        let replaced = |entry: &Entry| entry.origin != Origin::BuiltIn;
        if !found.is_some_and(replaced)
            && let Some(broken) = self.broken.iter().find(|broken| broken.id == id)
        {
            return Err(LibraryError::Broken { id: id.to_owned(), faults: broken.faults.clone() });
        }
        found.ok_or_else(|| {
            let ids = self.entries.iter().map(|entry| entry.content.id.as_str());
            let remedy = match (wanted.parse::<usize>(), nearest(&wanted, ids)) {
                (Ok(_), _) => format!("they are numbered from 1 to {}; ", self.entries.len()),
                (_, Some(near)) => format!("did you mean `{near}`? "),
                (_, None) => String::new(),
            };
            LibraryError::Unknown { asked: asked.to_owned(), remedy }
        })
    }

    /// All loops in order; the first has number 1.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.iter()
    }

    /// What the user should know about their own files, a line each, beginning with `warning:` or `note:`.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }
}

/// The loop files in a folder, by name; hidden ones and what is in folders below it are left alone.
///
/// # Errors
/// The folder is not there, is a file, or cannot be listed.
pub fn loop_files(folder: &Path) -> Result<Vec<PathBuf>, LibraryError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => LibraryError::NoFolder(folder.to_owned()),
        io::ErrorKind::NotADirectory => LibraryError::NotAFolder(folder.to_owned()),
        _ => LibraryError::Unreadable { path: folder.to_owned(), source },
    };
    let mut paths = Vec::new();
    for item in std::fs::read_dir(folder).map_err(failed)? {
        let path = item.map_err(failed)?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        // A named pipe would wait for ever, so only files are read.
        if !hidden && path.extension().is_some_and(|extension| extension == "toml") && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_built_in_loops_are_the_eight_in_their_order() {
        let library = Library::built_in().unwrap();
        let ids: Vec<&str> = library.iter().map(|entry| entry.content.id.as_str()).collect();
        assert_eq!(
            ids,
            ["theory", "probability", "coding", "debugging", "research", "systems", "critique", "mixed"]
        );
        assert_eq!(library.get("3").unwrap().content.id, "coding");
        assert_eq!(library.get("Theory").unwrap().content.id, "theory");
    }

    #[test]
    fn an_unknown_loop_names_the_nearest() {
        let library = Library::built_in().unwrap();
        let message = |asked: &str| library.get(asked).unwrap_err().to_string();
        assert_eq!(
            message("teory"),
            "there is no loop `teory`; did you mean `theory`? `viva loops list` shows all"
        );
        assert!(message("9").contains("numbered from 1 to 8"), "{}", message("9"));
        assert!(message("0").contains("numbered from 1 to 8"));
        assert!(message("zzz").starts_with("there is no loop `zzz`; `viva loops list`"));
    }
}
