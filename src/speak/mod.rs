//! The voice that reads questions aloud.

mod speakable;
mod system;

pub use speakable::speakable;
pub use system::SystemVoice;

use crate::audio::AudioError;

/// A voice. What it says is always shown as text too, so a voice that fails costs nothing.
pub trait Speaker: Send {
    /// Starts to say `text` (already made [`speakable`]) and returns at once.
    ///
    /// # Errors
    /// It cannot even be begun. What goes wrong later is told by [`Utterance::failure`].
    fn say(&mut self, text: &str) -> Result<Box<dyn Utterance>, SpeakError>;

    /// Gets ready to say `text` soon, so that it begins without delay. Returns at once.
    fn prepare(&mut self, text: &str) {
        _ = text;
    }
}

/// Something being said. Dropping it stops it.
pub trait Utterance: Send {
    /// Whether the last sample has left the loudspeaker, or it was stopped, or it failed. Comes true
    /// in bounded time, whatever hangs.
    fn is_done(&self) -> bool;

    /// Falls silent at once.
    fn stop(&mut self);

    /// Once it is done: why it could not be said. Told once, not for each question anew.
    fn failure(&mut self) -> Option<SpeakError> {
        None
    }
}

/// What can go wrong with the voice. Every message says what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpeakError {
    /// The system has no program that speaks.
    #[error("no voice found; install `{program}` to hear the questions: they are shown as text")]
    NoVoice {
        /// The program that is looked for on this system.
        program: &'static str,
    },
    /// The program did not give a sound.
    #[error(
        "`{program}` cannot speak: {why}; try it in a terminal, or leave the voice out with `--no-speak`: the questions are shown as text"
    )]
    Program {
        /// The program.
        program: String,
        /// What happened.
        why: String,
    },
    /// The sound could not be played.
    #[error("{0}; the questions are shown as text")]
    Loudspeaker(#[from] AudioError),
}

/// A voice that says nothing, at once.
#[derive(Debug, Clone, Copy, Default)]
pub struct SilentSpeaker;

impl Speaker for SilentSpeaker {
    fn say(&mut self, _text: &str) -> Result<Box<dyn Utterance>, SpeakError> {
        Ok(Box::new(Silence))
    }
}

/// Nothing being said.
struct Silence;

impl Utterance for Silence {
    fn is_done(&self) -> bool {
        true
    }

    fn stop(&mut self) {}
}
