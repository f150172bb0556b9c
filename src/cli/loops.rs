//! `viva loops`: list, show, check and import loops.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Failure, Settings};
use crate::coverage;
use crate::loops::{self, Entry, Fault, Library, LibraryError, Origin, Question, SCHEMA};
use crate::ui::page::counted;

/// Arguments of `viva loops`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// What to do; without it, the loops are listed
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List all loops: the built-in ones and your own
    List {
        /// Print one JSON object a loop, one a line
        #[arg(long)]
        json: bool,
    },
    /// Show a loop: its question, checklist and follow-ups
    Show {
        /// The loop's id or number
        #[arg(value_name = "LOOP")]
        asked: String,
        /// Print the loop as one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Check loop files and report every fault in them
    Check {
        /// Loop files, folders of them, or `-` for standard input
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Make loop files from a plain list of questions, points and follow-ups
    ///
    /// The list has, for each loop, the lines `Loop 1: Title`, `Prompt` and what is asked, `Expected strong
    /// answer`, `You should cover:` and one `- ` a point, `Follow-ups` and one `- ` a question. Prints the
    /// files it wrote.
    Import {
        /// The list, as text or Markdown; `-` for standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Where to write the loop files [default: your loops folder]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// Replace loop files that are there already
        #[arg(long)]
        force: bool,
    },
}

/// Runs the command.
pub fn run(arguments: Arguments, settings: &Settings) -> Result<(), Failure> {
    match arguments.command.unwrap_or(Command::List { json: false }) {
        Command::List { json } => list(json, settings),
        Command::Show { asked, json } => show(&asked, json, settings),
        Command::Check { files } => check(&files),
        Command::Import { file, out, force } => import(&file, out.as_deref(), force, settings),
    }
}

/// The library of the settings; what the user should know about their own files goes to stderr.
pub(super) fn library(settings: &Settings) -> Result<Library, Failure> {
    let (folder, named) = &settings.loops_dir;
    let library = Library::load(folder, *named)?;
    for notice in library.notices() {
        // Nothing can be done about a stderr that is gone.
        _ = writeln!(std::io::stderr(), "{notice}");
    }
    Ok(library)
}

impl From<LibraryError> for Failure {
    fn from(error: LibraryError) -> Self {
        match error {
            LibraryError::BuiltIn(_) => Self::fault(&error),
            _ => Self::Mendable(error.to_string()),
        }
    }
}

/// The documented JSON form of a loop.
fn to_json(number: usize, entry: &Entry) -> serde_json::Value {
    let content = &entry.content;
    let (origin, path) = match &entry.origin {
        Origin::BuiltIn => ("built-in", None),
        Origin::File(path) => ("file", Some(path.to_string_lossy())),
    };
    json!({
        "schema": SCHEMA,
        "id": content.id,
        "number": number,
        "title": content.title,
        "origin": origin,
        "path": path,
        "hash": content.hash(),
        "question": content.question,
        "follow_ups": content.follow_ups,
    })
}

fn list(json: bool, settings: &Settings) -> Result<(), Failure> {
    let library = library(settings)?;
    let mut out = std::io::stdout().lock();
    let width = library.iter().map(|entry| entry.content.id.len()).max().unwrap_or(0);
    for (number, entry) in (1..).zip(library.iter()) {
        if json {
            writeln!(out, "{}", to_json(number, entry))?;
        } else {
            writeln!(out, "{number:>2}  {:<width$}  {}", entry.content.id, entry.content.title)?;
        }
    }
    Ok(())
}

fn show(asked: &str, json: bool, settings: &Settings) -> Result<(), Failure> {
    let library = library(settings)?;
    let entry = library.get(asked)?;
    let mut out = std::io::stdout().lock();
    let content = &entry.content;
    if json {
        let number =
            library.iter().position(|other| other.content.id == content.id).map_or(0, |index| index + 1);
        writeln!(out, "{}", to_json(number, entry))?;
        return Ok(());
    }
    writeln!(out, "{} ({})", content.title, content.id)?;
    if let Origin::File(path) = &entry.origin {
        writeln!(out, "from `{}`", path.display())?;
    }
    for (index, question) in content.questions().enumerate() {
        writeln!(out)?;
        if index == 1 {
            writeln!(out, "Follow-ups:\n")?;
        }
        show_question(&mut out, question)?;
    }
    Ok(())
}

fn show_question(out: &mut impl std::io::Write, question: &Question) -> std::io::Result<()> {
    writeln!(out, "{}", question.prompt)?;
    writeln!(out, "  id `{}`, {} seconds", question.id, question.answer_seconds)?;
    if !question.points.is_empty() {
        writeln!(out, "  {}:", question.checklist_heading)?;
        for point in &question.points {
            writeln!(out, "  - {}", point.text)?;
        }
    }
    Ok(())
}

fn check(files: &[PathBuf]) -> Result<(), Failure> {
    let mut paths = Vec::new();
    let mut faults = Vec::new();
    for file in files {
        if file.is_dir() {
            match loops::loop_files(file) {
                Ok(found) if found.is_empty() => {
                    faults
                        .push(Fault::of_file(file, "has no `*.toml` files; name the loop files themselves"));
                }
                Ok(found) => paths.extend(found),
                Err(error) => faults.push(Fault::of_file(file, error.to_string())),
            }
        } else {
            paths.push(file.clone());
        }
    }
    let checked_files = paths.len();
    let mut ids: HashMap<String, PathBuf> = HashMap::new();
    for path in paths {
        let source = match loops::text_of_file(&path) {
            Ok(source) => source,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        let checked = loops::check(&source, &path, coverage::satisfied_by_prompt);
        faults.extend(checked.faults);
        if let Some((id, line)) = checked.id {
            match ids.get(&id) {
                None => _ = ids.insert(id, path),
                // One file named twice is no mistake of the file's.
                Some(first) if *first == path => {}
                Some(first) => {
                    let message =
                        format!("the id `{id}` is taken by `{}`; give each loop its own", first.display());
                    faults.push(Fault { line: Some(line), ..Fault::of_file(&path, message) });
                }
            }
        }
    }
    let mut out = std::io::stdout().lock();
    for fault in &faults {
        writeln!(out, "{fault}")?;
    }
    if faults.is_empty() {
        // Nothing can be done about a stderr that is gone.
        _ = writeln!(io::stderr(), "{} checked: no faults", counted(checked_files, "loop file"));
    }
    if faults.iter().any(Fault::is_error) { Err(Failure::Said(1)) } else { Ok(()) }
}

fn import(file: &Path, out: Option<&Path>, force: bool, settings: &Settings) -> Result<(), Failure> {
    // An id of a built-in loop would put the imported one, which has no keywords, in its place.
    let built_in = Library::built_in()?;
    let taken: HashSet<String> = built_in.iter().map(|entry| entry.content.id.clone()).collect();
    let imported = match loops::text_of_file(file)
        .map_err(|fault| vec![fault])
        .and_then(|source| loops::import(&source, file, &taken))
    {
        Ok(imported) => imported,
        Err(faults) => {
            say_all(&faults);
            return Err(Failure::Said(1));
        }
    };
    let folder = out.unwrap_or(&settings.loops_dir.0);
    let files: Vec<(PathBuf, String)> = imported
        .loops
        .iter()
        .map(|(number, content)| {
            (folder.join(format!("{number:02}-{}.toml", content.id)), loops::to_toml(content))
        })
        .collect();
    write_files(folder, &files, force)?;
    say_all(&imported.repairs);
    let mut out = io::stdout().lock();
    for (path, _) in &files {
        writeln!(out, "{}", path.display())?;
    }
    Ok(())
}

/// Writes loop files, each whole or not at all, and none where one would take another's place
/// unasked.
fn write_files(folder: &Path, files: &[(PathBuf, String)], force: bool) -> Result<(), Failure> {
    let cannot = |what: &str, error: io::Error| {
        Failure::Mendable(format!(
            "cannot {what} `{}`: {error}; choose another folder with `--out DIR`",
            folder.display()
        ))
    };
    fs::create_dir_all(folder).map_err(|error| cannot("create", error))?;
    if !force && let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
        return Err(Failure::Mendable(format!(
            "`{}` is there already, so nothing was written; replace it with `--force`, or choose another folder \
             with `--out DIR`",
            path.display()
        )));
    }
    // All are written before the first gets its name, so that a full disk leaves nothing behind.
    let mut written = Vec::new();
    for (path, text) in files {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".viva-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let result = builder.tempfile_in(folder).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            Ok(file)
        });
        written.push((path, result.map_err(|error| cannot("write into", error))?));
    }
    for (path, file) in written {
        let named = if force { file.persist(path) } else { file.persist_noclobber(path) };
        named.map_err(|error| cannot("write into", error.error))?;
    }
    Ok(())
}

fn say_all(faults: &[Fault]) {
    for fault in faults {
        // Nothing can be done about a stderr that is gone.
        _ = writeln!(io::stderr(), "{fault}");
    }
}
