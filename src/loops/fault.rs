//! What is wrong, or doubtful, in a file: one line each, `file:line: error: what, and what to do`.

use std::fmt;
use std::path::{Path, PathBuf};

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file cannot be used as it is.
    Error,
    /// It works, but practice would suffer.
    Warning,
    /// Its author knows, and nobody else can mend it.
    Note,
}

/// One finding in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file as the user named it.
    pub path: PathBuf,
    /// The line, from 1; `None` where the file as a whole is meant.
    pub line: Option<usize>,
    /// The column in characters, from 1; known for syntax errors.
    pub column: Option<usize>,
    /// Whether the file can be used all the same.
    pub severity: Severity,
    /// What it is and what to do, without a full stop.
    pub message: String,
}

impl Fault {
    /// An error about the file as a whole.
    pub fn of_file(path: &Path, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line: None,
            column: None,
            severity: Severity::Error,
            message: message.into(),
        }
    }

    /// Whether the file cannot be used.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(formatter, ":{line}")?;
        }
        if let Some(column) = self.column {
            write!(formatter, ":{column}")?;
        }
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        write!(formatter, ": {severity}: {}", self.message)
    }
}

/// What is wrong, or doubtful, with how a question is judged; it becomes a [`Fault`] where the file and the line
/// are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub place: Place,
    /// Whether the question can be used all the same.
    pub severity: Severity,
    /// What it is and what to do, without a full stop.
    pub message: String,
}

/// A part of a question, by indices from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A point.
    Point(usize),
    /// A way to say a point: its `keywords` are counted first, then its `heard_as`.
    Way {
        /// The point's index.
        point: usize,
        /// The way's index.
        way: usize,
    },
    /// An example.
    Example(usize),
}

/// Finds lines and columns of byte offsets in a source.
pub(super) struct Lines<'s> {
    source: &'s str,
}

impl<'s> Lines<'s> {
    pub(super) fn new(source: &'s str) -> Self {
        Self { source }
    }

    fn before(&self, offset: usize) -> &'s str {
        let mut offset = offset.min(self.source.len());
        while !self.source.is_char_boundary(offset) {
            offset -= 1;
        }
        &self.source[..offset]
    }

    /// The line of a byte offset, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.before(offset).matches('\n').count() + 1
    }

    /// The column of a byte offset in characters, from 1.
    pub(super) fn column(&self, offset: usize) -> usize {
        let before = self.before(offset);
        before.chars().rev().take_while(|&character| character != '\n').count() + 1
    }
}

/// The known name most like `name`, if any is like it at all.
pub fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    // Below this, a suggestion is noise ("points" for "weight"); typing errors and plurals are well above.
    const ALIKE: f64 = 0.5;
    let name = name.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::normalized_damerau_levenshtein(&name, candidate), candidate))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, candidate)| candidate)
}
