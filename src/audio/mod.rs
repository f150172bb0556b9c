//! Sound in and out. Everything downstream sees one form: 16 kHz, mono, `f32` in -1..1.

mod devices;
mod file;
mod gate;
mod level;
mod memory;
mod microphone;
mod playback;
#[cfg(target_os = "linux")]
mod pulse;
mod quiet;
mod recorder;
mod resample;

use std::io;
use std::path::PathBuf;

pub use devices::{InputDevice, input_devices};
pub use file::{Pace, WavProblem, WavSource};
pub use gate::Gate;
pub use level::{SILENCE_DBFS, level_dbfs, meter};
pub use memory::{FailingSource, MemorySource};
pub use microphone::Microphone;
pub use playback::{Sound, play};
pub use quiet::Quiet;
pub use recorder::{Recorder, Repaired, Storage, Unsaved, repair};
pub use resample::{RATES, Resampler};

/// The rate of all audio inside viva, in Hz: what whisper and silero take.
pub const SAMPLE_RATE: u32 = 16_000;

/// What a source hands out next.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// Samples at [`SAMPLE_RATE`], mono, -1..1, never NaN; at most about a second of them.
    Samples(Vec<f32>),
    /// A live source had nothing new for about 50 ms. Not the end.
    Idle,
    /// The recording is over. Live sources never end by themselves.
    End,
}

/// Where an answer's sound comes from.
pub trait AudioSource: Send {
    /// Waits for the next samples (a live source about 50 ms at most).
    ///
    /// # Errors
    /// The device vanished or the file is broken; the samples handed out so far stay valid.
    fn next_block(&mut self) -> Result<Block, AudioError>;

    /// What was wrong with the sound and has been mended on the way, for people to read; complete
    /// only after [`Block::End`].
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// Frames lost so far between the device and the caller.
    fn dropped_frames(&self) -> u64 {
        0
    }
}

/// What can go wrong with sound. Every message says what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioError {
    /// The path leads nowhere.
    #[error("there is no file `{}`; check the path", .0.display())]
    NoFile(PathBuf),
    /// The path leads to a folder.
    #[error("`{}` is a folder; name a WAV file in it", .0.display())]
    Folder(PathBuf),
    /// The system would not let us read on.
    #[error("cannot read `{}`: {source}; check the file and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be used as a WAV.
    #[error("`{}`: {problem}", path.display())]
    Wav {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: WavProblem,
    },
    /// The sound claims to have no channels.
    #[error("the sound has no channels; record or export it again as mono or stereo")]
    NoChannels,
    /// The sample rate, in Hz, is not one that speech is recorded at.
    #[error(
        "a sample rate of {0} Hz is outside 1000 to 768000 Hz; record or export the sound again, best at 16000 Hz"
    )]
    Rate(u32),
    /// There is nothing to record from.
    #[error(
        "no microphone found; plug one in or start the sound server, or answer with `--typed` or `--input FILE.wav`"
    )]
    NoMicrophone,
    /// No microphone has this id or name.
    #[error("there is no microphone `{0}`; `viva devices` lists what is there")]
    NoSuchDevice(String),
    /// Several microphones have this in their names.
    #[error("`{wanted}` can mean several microphones; name one of {names}")]
    AmbiguousDevice {
        /// What was asked for.
        wanted: String,
        /// The ids of those it could be.
        names: String,
    },
    /// The microphone is there but cannot be opened.
    #[error(
        "cannot open the microphone `{name}`: {why}; close other programs that use it, or choose another: `viva devices` lists them"
    )]
    OpenMicrophone {
        /// What people call it.
        name: String,
        /// What the sound system said.
        why: String,
    },
    /// The microphone vanished and did not come back.
    #[error(
        "the microphone `{name}` was lost: {why}; plug it in again or choose another: `viva devices` lists them"
    )]
    MicrophoneLost {
        /// What people call it.
        name: String,
        /// What happened last.
        why: String,
    },
    /// There is nothing to play on.
    #[error("no loudspeaker found; plug one in or start the sound server")]
    NoLoudspeaker,
    /// The loudspeaker failed.
    #[error(
        "the loudspeaker cannot be used: {why}; close other programs that use it, or choose another in the system's settings"
    )]
    Play {
        /// What the sound system said.
        why: String,
    },
    /// The sound server is there but says nothing.
    #[error(
        "the sound server does not answer; restart it (`systemctl --user restart pipewire-pulse pulseaudio`), or answer with `--typed`"
    )]
    SoundServer,
    /// A recording could not be started.
    #[error(
        "cannot record into `{}`: {source}; free some space or name another folder with `--data-dir DIR`",
        path.display()
    )]
    Record {
        /// The recording.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// An unfinished recording could not be made whole.
    #[error(
        "cannot repair the recording `{}`: {source}; it is left as it is",
        path.display()
    )]
    Repair {
        /// The unfinished recording.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
