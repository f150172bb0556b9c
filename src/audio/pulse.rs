//! Recording from a PulseAudio server, or from PipeWire in its place.
//!
//! cpal can do it, but not as an answer needs it: with its default buffer the sound comes in blocks of
//! 2 s (measured), too late for a level, an echo or the end of an answer; with a fixed one it limits the
//! server's queue to a single block, and on a busy machine samples get lost without a sign (measured:
//! up to 80 at a time, where `parec` lost none). So the same client is asked directly, for small
//! blocks and a long queue.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;
use std::{convert::Infallible, ffi::CStr};

use futures_executor::block_on;
use pulseaudio::protocol::stream::{BufferAttr, StreamFlags};
use pulseaudio::protocol::{self, RecordStreamParams, SampleSpec, SourceInfo};
use pulseaudio::{Client, ClientError, RecordStream};

use super::devices::InputDevice;

/// The length of a block: as often as [`next_block`](super::AudioSource::next_block) looks.
const BLOCK: Duration = Duration::from_millis(50);
/// How often the server is asked whether the stream still lives; it does not say so by itself.
const ASK: Duration = Duration::from_millis(250);

#[cfg(target_endian = "little")]
const FORMAT: protocol::SampleFormat = protocol::SampleFormat::Float32Le;
#[cfg(target_endian = "big")]
const FORMAT: protocol::SampleFormat = protocol::SampleFormat::Float32Be;

/// A source of the server.
#[derive(Debug, Clone)]
pub(super) struct Source {
    client: Client,
    info: SourceInfo,
}

/// All sources, if there is a server.
pub(super) fn sources() -> Option<Vec<Source>> {
    // What a server's list of clients shows.
    let client = Client::from_env(c"viva").ok()?;
    let sources = block_on(client.list_sources()).ok()?;
    Some(sources.into_iter().map(|info| Source { client: client.clone(), info }).collect())
}

impl Source {
    /// The server's name for it.
    pub(super) fn name(&self) -> String {
        text(&self.info.name)
    }

    pub(super) fn describe(&self) -> InputDevice {
        let default = block_on(self.client.source_info_by_name(protocol::DEFAULT_SOURCE.to_owned()));
        InputDevice {
            id: format!("pulseaudio:{}", self.name()),
            name: self.info.description.as_deref().map_or_else(|| self.name(), text),
            is_default: default.is_ok_and(|default| default.index == self.info.index),
            is_monitor: self.info.monitor_of_sink_index.is_some(),
            rate: Some(self.info.sample_spec.sample_rate),
            channels: Some(self.info.sample_spec.channels.into()),
        }
    }

    /// Records until the stream is dropped. `copy` is called with whole frames of 32-bit floats, at the
    /// source's own rate and with its own channels.
    pub(super) fn record(
        &self,
        copy: impl FnMut(&[u8]) + Send + 'static,
    ) -> Result<RecordStream, ClientError> {
        let sample_spec = SampleSpec { format: FORMAT, ..self.info.sample_spec };
        let frame = sample_spec.channels as usize * size_of::<f32>();
        let frames = sample_spec.sample_rate as usize * BLOCK.as_millis() as usize / 1000;
        let parameters = RecordStreamParams {
            sample_spec,
            channel_map: self.info.channel_map,
            source_index: Some(self.info.index),
            buffer_attr: BufferAttr {
                max_length: u32::MAX,
                fragment_size: u32::try_from(frames * frame).unwrap_or(u32::MAX),
                ..BufferAttr::default()
            },
            flags: StreamFlags { adjust_latency: true, ..StreamFlags::default() },
            ..RecordStreamParams::default()
        };
        block_on(self.client.create_record_stream(parameters, copy))
    }
}

/// Keeps the stream until the other side of `held` is dropped, or says why it has ended by itself.
pub(super) fn hold(stream: &RecordStream, held: &Receiver<Infallible>) -> Option<String> {
    loop {
        match held.recv_timeout(ASK) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(_) | Err(RecvTimeoutError::Disconnected) => return None,
        }
        if let Err(error) = block_on(stream.timing_info()) {
            return Some(match error {
                ClientError::ServerError(protocol::PulseError::NoEntity) => "it is no longer there".into(),
                _ => "the sound server has ended".into(),
            });
        }
    }
}

fn text(name: &CStr) -> String {
    name.to_string_lossy().into_owned()
}
