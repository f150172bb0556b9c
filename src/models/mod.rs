//! Recognition models: catalogue, fetching, conversion, import.
//!
//! A model is one ggml file in the models folder, `ggml-NAME.bin`. It gets that name only once it is
//! whole and checked, so that a file of that name can be used without further ado.

use std::path::{Path, PathBuf};

/// The model that is used where none is named.
pub const DEFAULT: &str = "tiny.en";

/// The voice-activity model (Silero VAD v6.2 in ggml form, 885 kB, MIT).
pub const SILERO: &[u8] = include_bytes!("../../models/ggml-silero-v6.2.0.bin");

/// What can go wrong with models. Every message says what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The model has not been fetched yet.
    #[error(
        "the recognition model `{name}` is not on this machine yet; fetch it with `viva models fetch {name}`"
    )]
    NotInstalled {
        /// The catalogue name.
        name: String,
    },
}

/// The file of an installed model.
///
/// # Errors
/// [`ModelError::NotInstalled`] where it has not been fetched.
pub fn installed(models_dir: &Path, name: &str) -> Result<PathBuf, ModelError> {
    let path = models_dir.join(format!("ggml-{name}.bin"));
    if path.is_file() { Ok(path) } else { Err(ModelError::NotInstalled { name: name.to_owned() }) }
}
