//! `viva devices`: what can be recorded from.

use std::io::{self, Write as _};

use clap::Args;
use serde_json::json;

use super::{Failure, Settings};
use crate::audio::{self, InputDevice, Quiet};

/// Arguments of `viva devices`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(arguments: Arguments, _settings: &Settings) -> Result<(), Failure> {
    let devices = {
        // Without a stderr there is nothing to keep quiet.
        let _quiet = Quiet::start(None).ok();
        audio::input_devices().map_err(|error| Failure::mendable(&error))?
    };
    let mut out = io::stdout().lock();
    let width = devices.iter().map(|device| device.name.chars().count()).max().unwrap_or(0);
    for device in &devices {
        if arguments.json {
            writeln!(out, "{}", json(device))?;
        } else {
            writeln!(out, "{}", line(device, width))?;
        }
    }
    if devices.iter().all(|device| device.is_monitor) {
        return Err(Failure::Mendable(
            "these only hear what the computer plays, there is no microphone; plug one in, or answer with `--typed`"
                .into(),
        ));
    }
    out.flush()?;
    Ok(())
}

fn json(device: &InputDevice) -> serde_json::Value {
    json!({
        "schema": "viva.device/1",
        "id": device.id,
        "name": device.name,
        "default": device.is_default,
        "monitor": device.is_monitor,
        "sample_rate_hz": device.rate,
        "channels": device.channels,
    })
}

fn line(device: &InputDevice, width: usize) -> String {
    let mark = if device.is_default { "*" } else { " " };
    let kind = match (device.rate, device.channels) {
        (Some(rate), Some(1)) => format!("{rate} Hz, mono"),
        (Some(rate), Some(channels)) => format!("{rate} Hz, {channels} channels"),
        _ => "in use by another program".into(),
    };
    let note = match (device.is_default, device.is_monitor) {
        (true, _) => "; the default",
        (false, true) => "; hears what the computer plays",
        (false, false) => "",
    };
    format!("{mark} {:width$}  {}  ({kind}{note})", device.name, device.id)
}
