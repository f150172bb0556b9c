//! From samples to a transcript: voice activity, the worker process, whisper behind [`Transcriber`].
//!
//! Whisper runs in a process of its own ([`WhisperWorker`] starts `viva worker`), because native
//! faults in it have taken whole programs down and because only a process can be stopped at once.
//! In there, `voice` finds where somebody speaks, `pieces` cuts that into what whisper takes at a
//! time, `engine` decodes, and `words` makes words with times of the tokens.

mod engine;
mod pieces;
mod protocol;
mod scripted;
mod serve;
mod voice;
mod words;
mod worker;

use std::io;

use crate::audio::{AudioError, AudioSource};
use crate::models::ModelError;
use crate::transcript::Transcript;

pub use scripted::ScriptedTranscriber;
pub use serve::serve;
pub use worker::{Canceller, WhisperWorker, WorkerSettings};

/// What the recogniser made of one recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Recognised {
    /// The words; empty when there was no speech.
    pub transcript: Transcript,
    /// Whether any speech was found.
    pub speech: bool,
    /// Length of the recording, in seconds.
    pub audio_seconds: f64,
    /// Time spent on it, in seconds.
    pub transcribe_seconds: f64,
}

/// Writes down what was said in a recording.
pub trait Transcriber: Send {
    /// The model's catalogue name, e.g. `tiny.en`.
    fn model(&self) -> &str;

    /// Reads the source to its end (it must not be a live one) and transcribes it. `progress` is
    /// called now and then with the seconds of audio dealt with so far.
    ///
    /// # Errors
    /// The source failed, or the recogniser died and could not be restarted.
    fn transcribe(
        &mut self,
        source: &mut dyn AudioSource,
        progress: &mut dyn FnMut(f64),
    ) -> Result<Recognised, RecogniseError>;
}

/// What can go wrong with recognition. Every message says what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecogniseError {
    /// The recording could not be read.
    #[error(transparent)]
    Source(#[from] AudioError),
    /// The model's file cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The model's file looks whole, but whisper would not load it.
    #[error(
        "the recogniser cannot load the model `{model}` ({why}); fetch it again with `viva models fetch {model}`"
    )]
    Load {
        /// The model's name.
        model: String,
        /// What the worker said.
        why: String,
    },
    /// The worker process could not be started.
    #[error(
        "cannot start the recogniser's process: {0}; the recording is kept, and `viva review` transcribes it later"
    )]
    Start(io::Error),
    /// The worker is another version of viva than its parent.
    #[error(
        "viva was replaced by another version while it ran; the recording is kept, and `viva review` transcribes it"
    )]
    Version,
    /// The worker died, at once or twice for one recording.
    #[error(
        "the recogniser's process ended ({how}); the recording is kept, and `viva review` transcribes it later"
    )]
    Died {
        /// How it ended, and the last it said.
        how: String,
    },
    /// The processor lacks what this build of whisper was made for.
    #[error(
        "this processor has no {missing}, which this build of the recogniser needs; build viva on this machine, or answer with `--typed`"
    )]
    Processor {
        /// The missing instructions.
        missing: &'static str,
    },
    /// Whisper refused to go on.
    #[error("the recogniser failed ({0}); the recording is kept, and `viva review` transcribes it later")]
    Failed(String),
    /// Stopped by a [`Canceller`].
    #[error("transcription was interrupted; the recording is kept, and `viva review` transcribes it later")]
    Cancelled,
}
