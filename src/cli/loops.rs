//! `viva loops`: list, show, check and import loops.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Failure, Settings};
use crate::coverage;
use crate::loops::{self, BUILT_IN, Entry, Fault, Library, LibraryError, Origin, Question, SCHEMA, Severity};
use crate::meaning::OnDemand;
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
    /// Check loop files, run their examples, and report every fault in them
    ///
    /// What is found in the built-in loops are notes: viva still errs there, and there is nothing for you to mend.
    Check {
        /// Loop files, folders of them, or `-` for standard input [default: the built-in loops and your own]
        #[arg(value_name = "FILE")]
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
        Command::Check { files } if files.is_empty() => check_library(settings),
        Command::Check { files } => check(&files, settings),
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

/// What was found in some loop files.
struct Findings {
    /// What reads the examples for their meaning.
    reader: OnDemand,
    faults: Vec<Fault>,
    /// The ids of the loops, and the files that have them.
    ids: HashMap<String, PathBuf>,
    files: usize,
    examples: usize,
}

impl Findings {
    fn new(settings: &Settings) -> Self {
        let reader = OnDemand::new(&settings.models_dir);
        Self { reader, faults: Vec::new(), ids: HashMap::new(), files: 0, examples: 0 }
    }

    /// Checks a file, or all loop files of a folder. `-` is standard input.
    fn of_path(&mut self, path: &Path) {
        if !path.is_dir() {
            return self.of_file(path);
        }
        match loops::loop_files(path) {
            Ok(found) if found.is_empty() => {
                self.faults
                    .push(Fault::of_file(path, "has no `*.toml` files; name the loop files themselves"));
            }
            Ok(found) => found.iter().for_each(|path| self.of_file(path)),
            Err(error) => self.faults.push(Fault::of_file(path, error.to_string())),
        }
    }

    fn of_file(&mut self, path: &Path) {
        match loops::text_of_file(path) {
            Ok(source) => self.of_source(&source, path),
            Err(fault) => {
                self.files += 1;
                self.faults.push(fault);
            }
        }
    }

    fn of_source(&mut self, source: &str, path: &Path) {
        self.files += 1;
        let checked = loops::check(source, path, &|question| coverage::test_rubric(question, &self.reader));
        self.faults.extend(checked.faults);
        if let Some(content) = &checked.content {
            self.examples += content.questions().map(|question| question.examples.len()).sum::<usize>();
        }
        let Some((id, line)) = checked.id else { return };
        match self.ids.get(&id) {
            None => _ = self.ids.insert(id, path.to_owned()),
            // One file named twice is no mistake of the file's.
            Some(first) if first == path => {}
            Some(first) => {
                let message =
                    format!("the id `{id}` is taken by `{}`; give each loop its own", first.display());
                self.faults.push(Fault { line: Some(line), ..Fault::of_file(path, message) });
            }
        }
    }

    /// Prints the findings as data, and says what was checked.
    fn report(&self, checked: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        for fault in &self.faults {
            writeln!(out, "{fault}")?;
        }
        out.flush()?;
        let count = |severity| self.faults.iter().filter(|fault: &&Fault| fault.severity == severity).count();
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        let mut result = match (errors, warnings) {
            (0, 0) => "no faults".to_owned(),
            (0, _) => counted(warnings, "warning"),
            (_, 0) => counted(errors, "error"),
            _ => format!("{}, {}", counted(errors, "error"), counted(warnings, "warning")),
        };
        match count(Severity::Note) {
            0 => {}
            notes => result.push_str(&format!(
                " ({} on built-in loops, where viva still errs: nothing for you to mend)",
                counted(notes, "note")
            )),
        }
        let examples = match self.examples {
            0 => String::new(),
            count => format!(", {} tried", counted(count, "example")),
        };
        // Nothing can be done about a stderr that is gone.
        _ = writeln!(io::stderr(), "{checked} checked{examples}: {result}");
        if errors > 0 { Err(Failure::Said(1)) } else { Ok(()) }
    }
}

fn check(files: &[PathBuf], settings: &Settings) -> Result<(), Failure> {
    let mut findings = Findings::new(settings);
    for file in files {
        findings.of_path(file);
    }
    findings.report(&counted(findings.files, "loop file"))
}

/// Checks the built-in loops and those in the user's folder.
fn check_library(settings: &Settings) -> Result<(), Failure> {
    let mut findings = Findings::new(settings);
    for (path, source) in BUILT_IN {
        findings.of_source(source, Path::new(path));
    }
    // Whoever uses viva cannot change them; whoever works on it names the files.
    findings.faults.iter_mut().for_each(|fault| fault.severity = Severity::Note);
    let built_in = counted(findings.files, "built-in loop");
    let (folder, named) = &settings.loops_dir;
    let own = match loops::loop_files(folder) {
        Ok(paths) => paths,
        Err(LibraryError::NoFolder(_)) if !named => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    // One of the user's own may have a built-in's id, and takes its place.
    findings.ids.clear();
    for path in &own {
        findings.of_file(path);
    }
    findings.report(&format!("{built_in} and {} in `{}`", counted(own.len(), "loop file"), folder.display()))
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
