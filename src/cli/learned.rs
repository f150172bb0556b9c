//! `viva learned`: list and forget the wordings that the user has taught.

use std::io::{self, Write as _};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{Failure, Settings, review};
use crate::learned::{Learned, LearnedError, Wording};
use crate::ui::page::printable;

/// Arguments of `viva learned`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// What to do; without it, the wordings are listed
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List your wordings: number, point, day and words
    List {
        /// Print one JSON object a wording, one a line
        #[arg(long)]
        json: bool,
    },
    /// Forget a wording: it counts for its point no longer
    ///
    /// Verdicts that it led to stay; `viva review SESSION --reassess` judges a session anew.
    Forget {
        /// Its words, or its number in the list
        #[arg(value_name = "WORDS|NUMBER")]
        asked: String,
    },
}

/// The documented JSON form of a wording.
#[derive(Serialize)]
struct Listed<'a> {
    schema: &'static str,
    number: usize,
    #[serde(flatten)]
    wording: &'a Wording,
}

/// Runs the command.
pub fn run(arguments: Arguments, settings: &Settings) -> Result<(), Failure> {
    let mut learned = Learned::read(&settings.data_dir)?;
    match arguments.command.unwrap_or(Command::List { json: false }) {
        Command::List { json } => list(&learned, json),
        Command::Forget { asked } => {
            let forgotten = learned.forget(&asked)?;
            // Nothing can be done about a stderr that is gone.
            _ = writeln!(
                io::stderr(),
                "forgotten for `{}`: \"{}\"",
                forgotten.place(),
                printable(&forgotten.said)
            );
            Ok(())
        }
    }
}

impl From<LearnedError> for Failure {
    fn from(error: LearnedError) -> Self {
        Self::mendable(&error)
    }
}

fn list(learned: &Learned, json: bool) -> Result<(), Failure> {
    let wordings = learned.wordings();
    let mut out = io::stdout().lock();
    let width = wordings.iter().map(|wording| wording.place().chars().count()).max().unwrap_or(0);
    for (number, wording) in (1..).zip(wordings) {
        if json {
            review::print_json(&mut out, &Listed { schema: "viva.wording/1", number, wording })?;
        } else {
            let Wording { said, date, .. } = wording;
            let line = format!("{number:>2}  {:<width$}  {date}  \"{said}\"", wording.place());
            writeln!(out, "{}", printable(&line).replace('\n', " "))?;
        }
    }
    if wordings.is_empty() {
        _ = writeln!(
            io::stderr(),
            "you have taught no wordings yet; `viva review SESSION --set POINT=covered --said WORDS` teaches one"
        );
    }
    Ok(out.flush()?)
}
