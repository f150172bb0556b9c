//! The voice that reads questions aloud.

/// A voice. What it says is always shown as text too, so a voice that fails costs nothing.
pub trait Speaker: Send {
    /// Starts to say `text` (already as a person would read it, see the module's own function for
    /// that) and returns at once.
    ///
    /// # Errors
    /// No voice, no loudspeaker, or the rendering failed.
    fn say(&mut self, text: &str) -> Result<Box<dyn Utterance>, SpeakError>;
}

/// Something being said.
pub trait Utterance: Send {
    /// Whether the last sample has left the loudspeaker.
    fn is_done(&self) -> bool;

    /// Falls silent at once.
    fn stop(&mut self);
}

/// What can go wrong with the voice. Every message says what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpeakError {}
