//! The voice, asked now and then whether it has ended.

use crate::speak::{Speaker, Utterance, speakable};

/// A voice that says one thing at a time.
pub struct Voice {
    speaker: Option<Box<dyn Speaker>>,
    utterance: Option<Box<dyn Utterance>>,
}

impl Voice {
    /// A voice; without a speaker it is always silent.
    pub fn new(speaker: Option<Box<dyn Speaker>>) -> Self {
        Self { speaker, utterance: None }
    }

    /// Starts to say something, in place of anything that is being said.
    ///
    /// # Errors
    /// It cannot be said; why.
    pub fn say(&mut self, text: &str) -> Result<(), String> {
        self.hush();
        self.utterance = match &mut self.speaker {
            None => None,
            Some(speaker) => Some(speaker.say(&speakable(text)).map_err(|error| error.to_string())?),
        };
        Ok(())
    }

    /// Gets ready to say something next.
    pub fn prepare(&mut self, text: &str) {
        if let Some(speaker) = &mut self.speaker {
            speaker.prepare(&speakable(text));
        }
    }

    /// Falls silent at once; [`poll`](Self::poll) still reports the end.
    pub fn hush(&mut self) {
        if let Some(utterance) = &mut self.utterance {
            utterance.stop();
        }
    }

    /// Whether nothing is being said.
    pub fn is_silent(&self) -> bool {
        self.utterance.is_none()
    }

    /// Whether what was being said has just ended, and if it failed, why.
    pub fn poll(&mut self) -> Option<Result<(), String>> {
        let mut ended = self.utterance.take_if(|utterance| utterance.is_done())?;
        Some(ended.failure().map_or(Ok(()), |error| Err(error.to_string())))
    }
}
