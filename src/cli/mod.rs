//! The command line: arguments, resolved settings, a call into the library, an exit code.

mod devices;
mod eval;
mod failure;
mod interrupt;
mod learned;
mod loops;
mod models;
mod practice;
mod review;
mod score;
mod settings;
mod worker;

use std::io::Write as _;
use std::panic;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::loops::Question;
use crate::meaning::OnDemand;

pub use failure::Failure;
pub use settings::Settings;

/// Practise technical interviews aloud: viva asks, listens, writes down what you said on this
/// machine, and shows which points of a strong answer you made and which you missed.
#[derive(Debug, Parser)]
#[command(
    name = "viva",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = "Begin with `viva practice`."
)]
struct Arguments {
    #[command(flatten)]
    settings: settings::Arguments,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Practise loops: question, spoken answer, missed points, follow-ups, feedback
    Practice(practice::Arguments),
    /// Judge recorded or written answers
    Score(score::Arguments),
    /// Measure the judgement on answers with known verdicts
    ///
    /// Prints precision, recall and F1 beside what simple programs reach, whether the probabilities mean what they
    /// say (calibration), and which points are credited by the words of another. Wordings that you taught do not
    /// count here.
    Eval(eval::Arguments),
    /// Read kept sessions back
    Review(review::Arguments),
    /// List and forget wordings that you taught
    Learned(learned::Arguments),
    /// List, show, check and import loops
    Loops(loops::Arguments),
    /// List, fetch and import recognition models
    Models(models::Arguments),
    /// List microphones
    Devices(devices::Arguments),
    /// The recogniser's process; viva starts it by itself
    #[command(hide = true)]
    Worker(worker::Arguments),
}

/// What reads answers to these questions for their meaning. Where one of them needs that and it cannot be had, it is
/// said why.
fn reader<'q>(settings: &Settings, mut asked: impl Iterator<Item = &'q Question>) -> OnDemand {
    let reader = OnDemand::new(&settings.models_dir);
    let needs_meaning = |question: &Question| question.points.iter().any(|point| point.keywords.is_empty());
    if asked.any(needs_meaning)
        && let Err(error) = reader.load()
    {
        // Nothing can be done about a stderr that is gone.
        _ = writeln!(
            std::io::stderr(),
            "note: points without `keywords` are judged by the words of their text alone: {error}"
        );
    }
    reader
}

/// Runs the program on the process's own arguments.
pub fn main() -> ExitCode {
    match panic::catch_unwind(run) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => {
            // Nothing can be done about a stderr that is gone.
            _ = failure.print(&mut std::io::stderr());
            failure.exit_code()
        }
        Err(_) => {
            _ = writeln!(
                std::io::stderr(),
                "error: viva has made a mistake of its own (above); everything said so far is kept: see `viva review`"
            );
            ExitCode::from(failure::FAULT)
        }
    }
}

fn run() -> Result<(), Failure> {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // Help and version are errors to clap; it knows their stream and exit code (0 or 2).
        Err(error) => {
            _ = error.print();
            return if error.use_stderr() { Err(Failure::Said(failure::USAGE)) } else { Ok(()) };
        }
    };
    let settings = Settings::resolve(arguments.settings)?;
    match arguments.command {
        Command::Practice(arguments) => practice::run(arguments, &settings),
        Command::Score(arguments) => score::run(arguments, &settings),
        Command::Eval(arguments) => eval::run(arguments, &settings),
        Command::Review(arguments) => review::run(arguments, &settings),
        Command::Learned(arguments) => learned::run(arguments, &settings),
        Command::Loops(arguments) => loops::run(arguments, &settings),
        Command::Models(arguments) => models::run(arguments, &settings),
        Command::Devices(arguments) => devices::run(arguments, &settings),
        Command::Worker(arguments) => worker::run(arguments),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_commands_and_their_arguments_fit_together() {
        super::Arguments::command().debug_assert();
    }
}
