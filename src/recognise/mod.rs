//! From samples to a transcript: voice activity, the worker process, whisper behind [`Transcriber`].

use crate::audio::AudioSource;
use crate::transcript::Transcript;

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
pub enum RecogniseError {}
