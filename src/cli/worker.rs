//! `viva worker`: the recogniser's process, started by viva itself.

use clap::Args;

use super::Failure;
use crate::recognise;

/// Arguments of `viva worker`.
#[derive(Debug, Args)]
pub struct Arguments {}

/// Runs the command.
pub fn run(_arguments: Arguments) -> Result<(), Failure> {
    recognise::serve().map_err(|error| Failure::fault(&error))
}
