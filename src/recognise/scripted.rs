//! A recogniser that answers from a list, for tests of what stands around it.

use std::collections::VecDeque;

use super::{RecogniseError, Recognised, Transcriber};
use crate::audio::{AudioSource, Block, SAMPLE_RATE};
use crate::transcript::{Segment, Transcript, Word};

/// How long each word of a script takes, in seconds.
const WORD_SECONDS: f64 = 0.4;

/// A [`Transcriber`] without a model: it reads each source to its end and then gives the next
/// answer of its script.
#[derive(Debug, Default)]
pub struct ScriptedTranscriber {
    script: VecDeque<Result<String, RecogniseError>>,
}

impl ScriptedTranscriber {
    /// A recogniser that will hear these texts, one a recording. An empty text is a recording
    /// without speech.
    pub fn new<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        Self { script: texts.into_iter().map(|text| Ok(text.to_owned())).collect() }
    }

    /// Lets the recording after those so far fail.
    #[must_use]
    pub fn then_fail(mut self, error: RecogniseError) -> Self {
        self.script.push_back(Err(error));
        self
    }

    /// Lets the recording after those so far be heard as this text.
    #[must_use]
    pub fn then(mut self, text: &str) -> Self {
        self.script.push_back(Ok(text.to_owned()));
        self
    }
}

impl Transcriber for ScriptedTranscriber {
    fn model(&self) -> &str {
        "scripted"
    }

    fn transcribe(
        &mut self,
        source: &mut dyn AudioSource,
        progress: &mut dyn FnMut(f64),
    ) -> Result<Recognised, RecogniseError> {
        let mut samples = 0;
        loop {
            match source.next_block()? {
                Block::Samples(block) => samples += block.len(),
                Block::Idle => {}
                Block::End => break,
            }
            progress(samples as f64 / f64::from(SAMPLE_RATE));
        }
        let text = self
            .script
            .pop_front()
            .unwrap_or_else(|| Err(RecogniseError::Failed("the script has ended".into())))?;
        let words: Vec<Word> = text
            .split_whitespace()
            .enumerate()
            .map(|(place, word)| Word {
                text: word.to_owned(),
                start_seconds: Some(place as f64 * WORD_SECONDS),
                end_seconds: Some((place + 1) as f64 * WORD_SECONDS),
                probability: Some(0.9),
            })
            .collect();
        let segment = Segment {
            start_seconds: words.first().and_then(|word| word.start_seconds),
            end_seconds: words.last().and_then(|word| word.end_seconds),
            text: words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" "),
            words,
        };
        let transcript = Transcript::from_segments(vec![segment]);
        Ok(Recognised {
            speech: !transcript.is_empty(),
            transcript,
            audio_seconds: samples as f64 / f64::from(SAMPLE_RATE),
            transcribe_seconds: 0.0,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::audio::{FailingSource, MemorySource};

    #[test]
    fn it_answers_in_order_and_fails_where_it_should() {
        let mut scripted =
            ScriptedTranscriber::new(["it is convex", ""]).then_fail(RecogniseError::Cancelled).then("again");
        let mut hear = || scripted.transcribe(&mut MemorySource::new(vec![0.0; 32_000]), &mut |_| {});
        let heard = hear().unwrap();
        assert_eq!(heard.transcript.text, "it is convex");
        assert!(heard.speech && heard.audio_seconds == 2.0);
        assert!(!hear().unwrap().speech);
        assert!(matches!(hear(), Err(RecogniseError::Cancelled)));
        assert_eq!(hear().unwrap().transcript.text, "again");
        assert!(hear().is_err());
    }

    #[test]
    fn a_source_that_fails_fails_the_transcription() {
        let mut scripted = ScriptedTranscriber::new(["never said"]);
        let error = scripted.transcribe(&mut FailingSource::after(vec![0.0; 10]), &mut |_| {}).unwrap_err();
        assert!(matches!(error, RecogniseError::Source(_)));
    }
}
