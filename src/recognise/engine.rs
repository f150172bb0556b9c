//! whisper.cpp, as it is best for answers: one piece, one pass, no memory of the piece before.

use std::path::Path;

use whisper_rs::{
    DtwMode, DtwModelPreset, DtwParameters, FullParams, SamplingStrategy, WhisperContext,
    WhisperContextParameters, WhisperState,
};

use super::words::Token;
use crate::audio::SAMPLE_RATE;
use crate::models::{self, Hyperparameters};

/// Whisper gives up on a text that reaches half its context (224 tokens) and throws it away; stopped
/// just before, it keeps what it has.
const MOST_TOKENS: i32 = 210;
/// No one says more tokens in a second; bounds what a loop can cost.
const TOKENS_A_SECOND: f64 = 12.0;
/// Where the first pass fails whisper tries again at 0.4 and 0.8: two more passes at most.
const TEMPERATURE_STEP: f32 = 0.4;

/// A loaded model with its one state.
#[derive(Debug)]
pub struct Engine {
    state: WhisperState,
    end_of_text: i32,
    threads: i32,
}

impl Engine {
    /// Loads a model file, which is checked first because whisper.cpp believes what it reads.
    ///
    /// # Errors
    /// In words: the file is no model, or memory ran out.
    pub fn load(path: &Path, threads: usize) -> Result<Self, String> {
        let hyperparameters = models::check_ggml(path).map_err(|error| error.to_string())?;
        let mut parameters = WhisperContextParameters::new();
        parameters.use_gpu(false);
        // Times of words come from the attention, which flash attention does not keep.
        parameters.flash_attn(false);
        parameters
            .dtw_parameters(DtwParameters { mode: alignment(&hyperparameters), ..DtwParameters::default() });
        let context = WhisperContext::new_with_params(path, parameters).map_err(|error| error.to_string())?;
        let state = context.create_state().map_err(|error| error.to_string())?;
        Ok(Self { state, end_of_text: context.token_eot(), threads: threads.try_into().unwrap_or(1) })
    }

    /// Writes down what is said in at most 30 s of 16 kHz mono.
    ///
    /// # Errors
    /// In words: memory ran out, or a fault in whisper.
    pub fn decode(&mut self, audio: &[f32]) -> Result<Vec<Token>, String> {
        let mut parameters = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
        parameters.set_n_threads(self.threads);
        parameters.set_language(Some("en"));
        parameters.set_no_context(true);
        // Without time stamps in the text there is one pass a piece; with them whisper stops at the
        // last one and encodes what is left again.
        parameters.set_no_timestamps(true);
        parameters.set_single_segment(true);
        parameters.set_temperature_inc(TEMPERATURE_STEP);
        let seconds = audio.len() as f64 / f64::from(SAMPLE_RATE);
        parameters.set_max_tokens(MOST_TOKENS.min(10 + (seconds * TOKENS_A_SECOND) as i32));
        parameters.set_print_special(false);
        parameters.set_print_progress(false);
        parameters.set_print_realtime(false);
        parameters.set_print_timestamps(false);
        self.state.full(parameters, audio).map_err(|error| error.to_string())?;

        let mut tokens = Vec::new();
        for segment in self.state.as_iter() {
            for token in (0..segment.n_tokens()).filter_map(|place| segment.get_token(place)) {
                if token.token_id() >= self.end_of_text {
                    continue;
                }
                let data = token.token_data();
                tokens.push(Token {
                    bytes: token.to_bytes().map_err(|error| error.to_string())?.to_vec(),
                    probability: data.p.clamp(0.0, 1.0),
                    // In hundredths of a second; -1 where there is none.
                    end_seconds: (data.t_dtw >= 0).then_some(data.t_dtw as f64 / 100.0),
                });
            }
        }
        Ok(tokens)
    }
}

/// Which attention heads follow the speech: known for OpenAI's models, the upper half of the layers
/// for others.
fn alignment(model: &Hyperparameters) -> DtwMode<'static> {
    let preset = match (model.audio_layers, model.text_layers, model.is_multilingual()) {
        (4, 4, false) => DtwModelPreset::TinyEn,
        (4, 4, true) => DtwModelPreset::Tiny,
        (6, 6, false) => DtwModelPreset::BaseEn,
        (6, 6, true) => DtwModelPreset::Base,
        (12, 12, false) => DtwModelPreset::SmallEn,
        (12, 12, true) => DtwModelPreset::Small,
        (24, 24, false) => DtwModelPreset::MediumEn,
        (24, 24, true) => DtwModelPreset::Medium,
        // v1 and v2 differ only in their weights.
        (32, 32, true) if model.mel_bands == 80 => DtwModelPreset::LargeV2,
        (32, 32, true) => DtwModelPreset::LargeV3,
        (32, 4, true) => DtwModelPreset::LargeV3Turbo,
        _ => return DtwMode::TopMost { n_top: (model.text_layers / 2).max(1) as i32 },
    };
    DtwMode::ModelPreset { model_preset: preset }
}
