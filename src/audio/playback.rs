//! The loudspeaker.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use std::vec;

use cpal::traits::{DeviceTrait as _, HostTrait as _};
use cpal::{BufferSize, ErrorKind, SupportedBufferSize};
use rodio::{ChannelCount, DeviceSinkBuilder, Sample, SampleRate, Source};

use super::AudioError;

/// What the device is asked to buffer: enough for a busy machine, and the end is known well enough.
const BUFFER: Duration = Duration::from_millis(100);
/// cpal queues two buffers.
const BUFFERS: u32 = 2;
/// What a converter or the device itself may add.
const MARGIN: Duration = Duration::from_millis(50);
/// How much longer than the sound it may take before the loudspeaker counts as stuck.
const PATIENCE: Duration = Duration::from_secs(4);
const LOOK: Duration = Duration::from_millis(10);

/// A sound of one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    /// Samples in -1..1.
    pub samples: Vec<f32>,
    /// Samples a second.
    pub rate: NonZero<u32>,
}

impl Sound {
    /// How long it takes.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.samples.len() as f64 / f64::from(self.rate.get()))
    }
}

/// Plays a sound on the default loudspeaker and returns when its last sample has left the device, as
/// far as can be known, or `stop` has become true.
///
/// Can hang as long as a sound server does: to be called on a thread of its own.
///
/// # Errors
/// [`AudioError::NoLoudspeaker`], or [`AudioError::Play`] when it fails or takes no sound.
pub fn play(sound: Sound, stop: &AtomicBool) -> Result<(), AudioError> {
    let failed = |why: &dyn std::fmt::Display| AudioError::Play { why: why.to_string() };
    let device = cpal::default_host().default_output_device().ok_or(AudioError::NoLoudspeaker)?;
    let config = device.default_output_config().map_err(|error| match error.kind() {
        // ALSA always has a "default" device, whether there is a sound card or not.
        ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable => AudioError::NoLoudspeaker,
        _ => failed(&error),
    })?;
    let (buffer, latency) = match *config.buffer_size() {
        SupportedBufferSize::Range { min, max } => {
            let wanted = u64::from(config.sample_rate()) * BUFFER.as_millis() as u64 / 1000;
            let frames = u32::try_from(wanted).unwrap_or(u32::MAX).clamp(min, max.max(min));
            let length = Duration::from_secs_f64(f64::from(frames) / f64::from(config.sample_rate().max(1)));
            (BufferSize::Fixed(frames), length * BUFFERS)
        }
        SupportedBufferSize::Unknown => (BufferSize::Default, BUFFER * BUFFERS),
    };
    let (errors, lost) = mpsc::channel();
    let mut sink = DeviceSinkBuilder::default()
        .with_device(device)
        .with_supported_config(&config)
        .with_buffer_size(buffer)
        .with_error_callback(move |error| match error.kind() {
            // The stream goes on.
            ErrorKind::Xrun | ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => {}
            _ => _ = errors.send(error),
        })
        .open_stream()
        .map_err(|error| {
            failed(&std::error::Error::source(&error).map_or(error.to_string(), ToString::to_string))
        })?;
    sink.log_on_drop(false);

    let given = Arc::new(AtomicBool::new(false));
    let deadline = Instant::now() + sound.duration() + latency + PATIENCE;
    sink.mixer().add(Given { samples: sound.samples.into_iter(), rate: sound.rate, all: given.clone() });
    let mut end = None;
    while !stop.load(Ordering::Relaxed) {
        if let Ok(error) = lost.try_recv() {
            return Err(failed(&error));
        }
        let now = Instant::now();
        if end.is_none() && given.load(Ordering::Relaxed) {
            end = Some(now + latency + MARGIN);
        }
        if end.is_some_and(|end| now >= end) {
            break;
        }
        if now >= deadline {
            return Err(failed(&"it takes no sound"));
        }
        thread::sleep(LOOK);
    }
    Ok(())
}

/// The samples, and whether the device has been given all of them.
struct Given {
    samples: vec::IntoIter<f32>,
    rate: SampleRate,
    all: Arc<AtomicBool>,
}

impl Iterator for Given {
    type Item = Sample;

    fn next(&mut self) -> Option<Sample> {
        let sample = self.samples.next();
        if sample.is_none() {
            self.all.store(true, Ordering::Relaxed);
        }
        sample
    }
}

impl Source for Given {
    fn current_span_len(&self) -> Option<usize> {
        None
    }

    fn channels(&self) -> ChannelCount {
        NonZero::<u16>::MIN
    }

    fn sample_rate(&self) -> SampleRate {
        self.rate
    }

    fn total_duration(&self) -> Option<Duration> {
        None
    }
}
