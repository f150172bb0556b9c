//! `viva loops`: list, show, check and import loops.

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Failure, Settings};
use crate::loops::{self, Entry, Fault, Library, LibraryError, Origin, Question, SCHEMA};

/// Arguments of `viva loops`.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
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
}

/// Runs the command.
pub fn run(arguments: Arguments, settings: &Settings) -> Result<(), Failure> {
    match arguments.command {
        Command::List { json } => list(json, settings),
        Command::Show { asked, json } => show(&asked, json, settings),
        Command::Check { files } => check(&files),
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
    writeln!(out, "  {} seconds", question.answer_seconds)?;
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
    for path in paths {
        match loops::text_of_file(&path) {
            Ok(source) => faults.extend(loops::check(&source, &path, |_| Vec::new()).faults),
            Err(fault) => faults.push(fault),
        }
    }
    let mut out = std::io::stdout().lock();
    for fault in &faults {
        writeln!(out, "{fault}")?;
    }
    if faults.iter().any(Fault::is_error) { Err(Failure::Said(1)) } else { Ok(()) }
}
