//! `viva worker`.

use clap::Args;

use super::Failure;

/// Arguments of `viva worker`.
#[derive(Debug, Args)]
pub struct Arguments {}

/// Runs the command.
pub fn run(_arguments: Arguments) -> Result<(), Failure> {
    Err(Failure::Fault("not there yet".into()))
}
