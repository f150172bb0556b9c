//! Where somebody speaks: silero's probability of speech for each 32 ms.

use std::io::Write as _;

use whisper_rs::{WhisperVadContext, WhisperVadContextParams};

use crate::models::SILERO;

/// Samples that silero judges at a time: 32 ms.
pub const FRAME: usize = 512;

/// Frames heard again before each stretch, because silero's memory is cleared for every call; a
/// second is several times what it takes to settle.
const WARM_UP: usize = 32;

/// The voice-activity model.
#[derive(Debug)]
pub struct Voice {
    context: WhisperVadContext,
    /// The last samples of the stretch before.
    before: Vec<f32>,
}

impl Voice {
    /// Loads the embedded model.
    ///
    /// # Errors
    /// The temporary folder cannot be written (whisper.cpp takes only a path) or memory ran out.
    pub fn new() -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| {
            format!("cannot unpack the voice-activity model into the temporary folder: {error}")
        };
        let mut file = tempfile::NamedTempFile::new().map_err(|error| failed(&error))?;
        file.write_all(SILERO).map_err(|error| failed(&error))?;
        let path = file.path().to_str().ok_or_else(|| failed(&"its path is not UTF-8"))?;
        let mut parameters = WhisperVadContextParams::new();
        // The model is too small for two threads: they take twice the time of one.
        parameters.set_n_threads(1);
        let context = WhisperVadContext::new(path, parameters).map_err(|error| error.to_string())?;
        Ok(Self { context, before: Vec::new() })
    }

    /// Forgets what was heard: another recording begins.
    pub fn reset(&mut self) {
        self.before.clear();
    }

    /// The probability of speech (0..1) in each [`FRAME`] of the next samples. Only the last stretch
    /// of a recording may end within a frame.
    ///
    /// # Errors
    /// The model failed.
    pub fn listen(&mut self, samples: &[f32]) -> Result<Vec<f32>, String> {
        if samples.is_empty() {
            return Ok(Vec::new());
        }
        let warm_up = self.before.len() / FRAME;
        self.before.extend_from_slice(samples);
        self.context.detect_speech(&self.before).map_err(|error| error.to_string())?;
        let probabilities = self.context.probabilities()[warm_up..].to_vec();
        let keep = self.before.len().saturating_sub(WARM_UP * FRAME);
        self.before.drain(..keep);
        Ok(probabilities)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn silence_and_hum_are_not_speech_and_every_frame_is_judged() {
        let mut voice = Voice::new().unwrap();
        let hum: Vec<f32> = (0..20 * FRAME).map(|n| (n as f32 * 0.02).sin() * 0.2).collect();
        for (samples, frames) in
            [(vec![0.0; 40 * FRAME], 40), (hum, 20), (vec![0.0; FRAME + 1], 2), (Vec::new(), 0)]
        {
            let probabilities = voice.listen(&samples).unwrap();
            assert_eq!(probabilities.len(), frames);
            assert!(probabilities.iter().all(|&probability| probability < 0.3), "{probabilities:?}");
            if frames == 2 {
                voice.reset();
            }
        }
    }
}
