//! `viva models`.

use clap::Args;

use super::{Failure, Settings};

/// Arguments of `viva models`.
#[derive(Debug, Args)]
pub struct Arguments {}

/// Runs the command.
pub fn run(_arguments: Arguments, _settings: &Settings) -> Result<(), Failure> {
    Err(Failure::Fault("not there yet".into()))
}
