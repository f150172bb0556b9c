//! Which microphones there are, and which one is meant.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use cpal::traits::{DeviceTrait as _, HostTrait as _};
use cpal::{Device, DeviceId, ErrorKind, Host, SupportedStreamConfig};

use super::AudioError;
#[cfg(target_os = "linux")]
use super::pulse;

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

/// How a device is reached.
pub(super) enum Input {
    #[cfg(target_os = "linux")]
    Pulse(pulse::Source),
    Cpal(Device),
}

/// What can be recorded from, the default first.
///
/// # Errors
/// [`AudioError::NoMicrophone`] when there is nothing at all, and [`AudioError::SoundServer`] when
/// the sound server does not answer.
pub fn input_devices() -> Result<Vec<InputDevice>, AudioError> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let devices: Vec<_> = inputs().into_iter().map(|(device, _)| device).collect();
        // Nobody listens any more after the time is up.
        _ = sender.send(devices);
    });
    match receiver.recv_timeout(ANSWER_TIME) {
        Err(_) => Err(AudioError::SoundServer),
        Ok(devices) if devices.is_empty() => Err(AudioError::NoMicrophone),
        Ok(devices) => Ok(devices),
    }
}

/// The device that is meant: the default, or the one with this id or whose name contains this text.
/// May hang as long as a sound server does.
pub(super) fn choose(wanted: Option<&str>) -> Result<(InputDevice, Input), AudioError> {
    let mut inputs = inputs();
    let found = match wanted {
        None => inputs.iter().position(|(device, _)| device.is_default).ok_or(AudioError::NoMicrophone)?,
        Some(wanted) => {
            let devices: Vec<_> = inputs.iter().map(|(device, _)| device).collect();
            match find(&devices, wanted) {
                Ok(found) => found,
                // A whole id may name a device of another sound system, or one that is not listed.
                Err(error) => return by_id(wanted).ok_or(error),
            }
        }
    };
    Ok(inputs.swap_remove(found))
}

/// Everything that is worth listing, the default first. Where the system's default is what a
/// loudspeaker plays, there is no microphone at the default, and the first real one takes its place.
fn inputs() -> Vec<(InputDevice, Input)> {
    #[cfg(target_os = "linux")]
    let pulse = pulse::sources()
        .map(|sources| sources.into_iter().map(|source| (source.describe(), Input::Pulse(source))).collect());
    #[cfg(not(target_os = "linux"))]
    let pulse = None;
    let mut inputs: Vec<_> =
        pulse.unwrap_or_else(|| cpal_host().map_or_else(Vec::new, |host| cpal_inputs(&host)));
    for (device, _) in &mut inputs {
        device.is_default &= !device.is_monitor;
    }
    inputs.sort_by_key(|(device, _)| (!device.is_default, device.is_monitor));
    if let Some((device, _)) = inputs.first_mut() {
        device.is_default = !device.is_monitor;
    }
    inputs
}

/// Who is meant: the whole id, else the whole name, else a part of either. What merely hears the
/// loudspeaker comes last.
fn find(devices: &[&InputDevice], wanted: &str) -> Result<usize, AudioError> {
    let wanted_lower = wanted.to_lowercase();
    let matches = |rule: &dyn Fn(&InputDevice) -> bool| -> Vec<usize> {
        (0..devices.len()).filter(|&index| rule(devices[index])).collect()
    };
    let part = |device: &InputDevice| {
        [&device.id, &device.name].iter().any(|text| text.to_lowercase().contains(&wanted_lower))
    };
    let rounds = [
        matches(&|device| {
            device.id == wanted || device.id.split_once(':').is_some_and(|(_, id)| id == wanted)
        }),
        matches(&|device| device.name.to_lowercase() == wanted_lower),
        matches(&|device| part(device) && !device.is_monitor),
        matches(&part),
    ];
    match rounds.iter().find(|found| !found.is_empty()).map(Vec::as_slice) {
        None => Err(AudioError::NoSuchDevice(wanted.to_owned())),
        Some([one]) => Ok(*one),
        Some(several) => Err(AudioError::AmbiguousDevice {
            wanted: wanted.to_owned(),
            names: several
                .iter()
                .map(|&index| format!("`{}`", devices[index].id))
                .collect::<Vec<_>>()
                .join(", "),
        }),
    }
}

/// The sound system besides PulseAudio, whose cpal half is not used.
fn cpal_host() -> Option<Host> {
    cpal::ALL_HOSTS
        .iter()
        .filter(|host| host.to_string() != "pulseaudio")
        .find_map(|&host| cpal::host_from_id(host).ok())
}

fn cpal_inputs(host: &Host) -> Vec<(InputDevice, Input)> {
    // ALSA does not always list its default.
    let default = host.default_input_device();
    let default_id = default.as_ref().and_then(|device| device.id().ok());
    let others = host
        .devices()
        .into_iter()
        .flatten()
        .filter(|device| is_worth_asking(device) && device.id().ok() != default_id);
    default
        .into_iter()
        .chain(others)
        .filter_map(|device| {
            let described = describe(&device)?;
            let is_default = default_id.as_ref().is_some_and(|id| id.to_string() == described.id);
            Some((InputDevice { is_default, ..described }, Input::Cpal(device)))
        })
        .collect()
}

fn by_id(wanted: &str) -> Option<(InputDevice, Input)> {
    let id: DeviceId = wanted.parse().ok()?;
    if id.host().to_string() == "pulseaudio" {
        return None;
    }
    let device = cpal::host_from_id(id.host()).ok()?.device_by_id(&id)?;
    Some((describe(&device)?, Input::Cpal(device)))
}

/// Describes a device that can be recorded from; `is_default` is left open.
fn describe(device: &Device) -> Option<InputDevice> {
    let config = match input_config(device) {
        Ok(config) => Some(config),
        // It is there, and somebody else has it.
        Err(error) if error.kind() == ErrorKind::DeviceBusy => None,
        Err(_) => return None,
    };
    Some(InputDevice {
        id: device.id().ok()?.to_string(),
        name: device.to_string(),
        is_default: false,
        is_monitor: false,
        rate: config.as_ref().map(SupportedStreamConfig::sample_rate),
        channels: config.as_ref().map(SupportedStreamConfig::channels),
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

/// ALSA lists all its plugins (`jack`, `oss`, rate converters ...), of which some start servers when
/// they are only asked what they can do.
fn is_worth_asking(device: &Device) -> bool {
    let Ok(id) = device.id() else { return false };
    let is_known = id.host().to_string() != "alsa" || id.id().starts_with("plughw:CARD=");
    is_known && device.description().is_ok_and(|description| description.supports_input())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn devices() -> Vec<InputDevice> {
        [
            ("pulseaudio:alsa_output.pci.monitor", "Monitor of Built-in Audio"),
            ("pulseaudio:alsa_input.pci", "Built-in Audio"),
            ("pulseaudio:alsa_input.usb-Yeti", "Blue Yeti Stereo"),
            ("pulseaudio:alsa_input.usb-Jabra", "Jabra Stereo"),
        ]
        .map(|(id, name)| InputDevice {
            id: id.into(),
            name: name.into(),
            is_default: false,
            is_monitor: id.ends_with(".monitor"),
            rate: None,
            channels: None,
        })
        .into()
    }

    fn found(wanted: &str) -> Result<usize, AudioError> {
        find(&devices().iter().collect::<Vec<_>>(), wanted)
    }

    #[test]
    fn a_microphone_is_found_by_id_by_name_and_by_a_part_of_either() {
        for (wanted, index) in [
            ("pulseaudio:alsa_input.usb-Yeti", 2),
            ("alsa_input.usb-Yeti", 2),
            ("built-in audio", 1),
            ("yeti", 2),
            ("JABRA", 3),
            ("usb-jab", 3),
            ("alsa_output.pci.monitor", 0),
            ("monitor of", 0),
        ] {
            assert_eq!(found(wanted).unwrap(), index, "{wanted}");
        }
    }

    #[test]
    fn a_part_of_a_name_never_means_a_monitor_while_a_microphone_has_it_too() {
        assert_eq!(found("Built-in").unwrap(), 1);
    }

    #[test]
    fn a_part_of_two_names_is_told_with_both() {
        let error = found("stereo").unwrap_err().to_string();
        assert!(error.contains("usb-Yeti") && error.contains("usb-Jabra"), "{error}");
    }

    #[test]
    fn a_microphone_that_is_not_there_is_told() {
        let error = found("rode").unwrap_err().to_string();
        assert!(error.contains("rode") && error.contains("viva devices"), "{error}");
    }
}
