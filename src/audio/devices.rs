//! Which microphones there are, and which one is meant.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use cpal::traits::{DeviceTrait as _, HostTrait as _};
use cpal::{Device, DeviceId, ErrorKind, Host, SupportedStreamConfig};

use super::AudioError;

/// A sound server that hangs must not hang us: how long asking it may take.
pub(super) const ANSWER_TIME: Duration = Duration::from_secs(5);

/// Something that can be recorded from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputDevice {
    /// What `--device` takes, e.g. `pulseaudio:alsa_input.usb-Blue_Yeti`. Survives a restart.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Whether it is used when none is named.
    pub is_default: bool,
    /// Whether it hears what the computer plays, not the room. Used only when it is named.
    pub is_monitor: bool,
    /// Its own sample rate, in Hz; unknown while another program holds it.
    pub rate: Option<u32>,
    /// Its own number of channels; unknown while another program holds it.
    pub channels: Option<u16>,
}

/// What can be recorded from, the default first.
///
/// # Errors
/// [`AudioError::NoMicrophone`] when there is nothing at all, and [`AudioError::SoundServer`] when
/// the sound server does not answer.
pub fn input_devices() -> Result<Vec<InputDevice>, AudioError> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        // Nobody listens any more after the time is up.
        _ = sender.send(list());
    });
    receiver.recv_timeout(ANSWER_TIME).map_err(|_| AudioError::SoundServer)?
}

fn list() -> Result<Vec<InputDevice>, AudioError> {
    let host = preferred_host()?;
    let default = default_microphone(&host).and_then(|device| device.id().ok());
    let mut inputs: Vec<_> = candidates(&host)?
        .into_iter()
        .filter_map(|device| describe(&device).ok())
        .map(|input| InputDevice {
            is_default: default.as_ref().is_some_and(|id| id.to_string() == input.id),
            ..input
        })
        .collect();
    if inputs.is_empty() {
        return Err(AudioError::NoMicrophone);
    }
    inputs.sort_by_key(|input| (!input.is_default, input.is_monitor));
    Ok(inputs)
}

/// The device that is meant: the default, or the one with this id or whose name contains this text.
pub(super) fn choose(wanted: Option<&str>) -> Result<Device, AudioError> {
    let Some(wanted) = wanted else {
        return default_microphone(&preferred_host()?).ok_or(AudioError::NoMicrophone);
    };
    // A whole id may name another sound system than the preferred one.
    if let Ok(id) = wanted.parse::<DeviceId>() {
        let host = cpal::host_from_id(id.host()).map_err(|_| no_such_device(wanted))?;
        let mut devices = host.devices().map_err(|_| AudioError::SoundServer)?;
        return devices
            .find(|device| device.id().is_ok_and(|other| other == id) && may_record(device))
            .ok_or_else(|| no_such_device(wanted));
    }
    let mut devices = candidates(&preferred_host()?)?;
    let names: Vec<_> = devices
        .iter()
        .map(|device| (device.id().map(|id| id.id().to_owned()).unwrap_or_default(), device.to_string()))
        .collect();
    let found = find(&names, wanted)?;
    Ok(devices.swap_remove(found))
}

/// Who is meant, among ids and names: the whole id, else the whole name, else a part of either.
/// What merely hears the loudspeaker comes last.
fn find(devices: &[(String, String)], wanted: &str) -> Result<usize, AudioError> {
    let wanted_lower = wanted.to_lowercase();
    let matches = |rule: &dyn Fn(&str, &str) -> bool| -> Vec<usize> {
        (0..devices.len()).filter(|&index| rule(&devices[index].0, &devices[index].1)).collect()
    };
    let part = |id: &str, name: &str| {
        id.to_lowercase().contains(&wanted_lower) || name.to_lowercase().contains(&wanted_lower)
    };
    let rounds = [
        matches(&|id, _| id == wanted),
        matches(&|_, name| name.to_lowercase() == wanted_lower),
        matches(&|id, name| part(id, name) && !is_monitor(id)),
        matches(&part),
    ];
    match rounds.iter().find(|found| !found.is_empty()).map(Vec::as_slice) {
        None => Err(no_such_device(wanted)),
        Some([one]) => Ok(*one),
        Some(several) => Err(AudioError::AmbiguousDevice {
            wanted: wanted.to_owned(),
            names: several
                .iter()
                .map(|&index| format!("`{}`", devices[index].0))
                .collect::<Vec<_>>()
                .join(", "),
        }),
    }
}

/// Describes a device; `is_default` is left open.
pub(super) fn describe(device: &Device) -> Result<InputDevice, AudioError> {
    let id = device.id().map_err(|_| AudioError::NoMicrophone)?;
    let config = match input_config(device) {
        Ok(config) => Some(config),
        // It is there, and somebody else has it.
        Err(error) if error.kind() == ErrorKind::DeviceBusy => None,
        Err(error) => {
            return Err(AudioError::OpenMicrophone { name: device.to_string(), why: error.to_string() });
        }
    };
    Ok(InputDevice {
        name: device.to_string(),
        is_default: false,
        is_monitor: is_monitor(id.id()),
        rate: config.as_ref().map(SupportedStreamConfig::sample_rate),
        channels: config.as_ref().map(SupportedStreamConfig::channels),
        id: id.to_string(),
    })
}

/// The device's own rate, channels and sample format, or what the system converts it to where cpal
/// does not know the format.
pub(super) fn input_config(device: &Device) -> Result<SupportedStreamConfig, cpal::Error> {
    device.default_input_config().or_else(|error| {
        if error.kind() != ErrorKind::UnsupportedConfig {
            return Err(error);
        }
        device
            .supported_input_configs()?
            .max_by(|one, other| one.cmp_default_heuristics(other))
            .and_then(|range| range.try_with_standard_sample_rate())
            .ok_or(error)
    })
}

/// The first sound system that answers: PulseAudio (or PipeWire in its place) before ALSA, which
/// shows the names of plugins and few devices.
pub(super) fn preferred_host() -> Result<Host, AudioError> {
    cpal::ALL_HOSTS.iter().find_map(|&host| cpal::host_from_id(host).ok()).ok_or(AudioError::NoMicrophone)
}

/// The system's default microphone. Where that is a monitor there is no microphone at the default,
/// and the first real one takes its place.
fn default_microphone(host: &Host) -> Option<Device> {
    let hears_the_room = |device: &Device| device.id().is_ok_and(|id| !is_monitor(id.id()));
    host.default_input_device()
        .filter(hears_the_room)
        .or_else(|| candidates(host).ok()?.into_iter().find(hears_the_room))
}

fn candidates(host: &Host) -> Result<Vec<Device>, AudioError> {
    let devices = host.devices().map_err(|_| AudioError::SoundServer)?;
    Ok(devices.filter(may_record).collect())
}

/// Whether it is worth asking. ALSA lists all its plugins (`jack`, `oss`, rate converters ...), of
/// which some start servers when they are only asked what they can do.
fn may_record(device: &Device) -> bool {
    let Ok(id) = device.id() else { return false };
    let known = match id.host().to_string().as_str() {
        "alsa" => matches!(id.id(), "default" | "pulse" | "pipewire") || id.id().starts_with("plughw:CARD="),
        _ => true,
    };
    known && device.description().is_ok_and(|description| description.supports_input())
}

/// PulseAudio's and PipeWire's name for "what this loudspeaker plays".
pub(super) fn is_monitor(id: &str) -> bool {
    id.ends_with(".monitor")
}

fn no_such_device(wanted: &str) -> AudioError {
    AudioError::NoSuchDevice(wanted.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn devices() -> Vec<(String, String)> {
        [
            ("alsa_output.pci.monitor", "Monitor of Built-in Audio"),
            ("alsa_input.pci", "Built-in Audio"),
            ("alsa_input.usb-Yeti", "Blue Yeti Stereo"),
            ("alsa_input.usb-Jabra", "Jabra Stereo"),
        ]
        .map(|(id, name)| (id.to_owned(), name.to_owned()))
        .into()
    }

    #[test]
    fn a_microphone_is_found_by_id_by_name_and_by_a_part_of_either() {
        for (wanted, index) in [
            ("alsa_input.usb-Yeti", 2),
            ("built-in audio", 1),
            ("yeti", 2),
            ("JABRA", 3),
            ("usb-jab", 3),
            ("alsa_output.pci.monitor", 0),
            ("monitor of", 0),
        ] {
            assert_eq!(find(&devices(), wanted).unwrap(), index, "{wanted}");
        }
    }

    #[test]
    fn a_part_of_a_name_never_means_a_monitor_while_a_microphone_has_it_too() {
        assert_eq!(find(&devices(), "Built-in").unwrap(), 1);
    }

    #[test]
    fn a_part_of_two_names_is_told_with_both() {
        let error = find(&devices(), "stereo").unwrap_err().to_string();
        assert!(error.contains("usb-Yeti") && error.contains("usb-Jabra"), "{error}");
    }

    #[test]
    fn a_microphone_that_is_not_there_is_told() {
        let error = find(&devices(), "rode").unwrap_err().to_string();
        assert!(error.contains("rode") && error.contains("viva devices"), "{error}");
    }
}
