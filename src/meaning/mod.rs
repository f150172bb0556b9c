//! How near two sentences are in meaning: sentence embeddings, computed here, without a server.
//!
//! The model is sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0; the method: Reimers and Gurevych
//! 2019, "Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks"), its weights kept as int8: six
//! layers of 384 numbers a word piece. `viva models fetch meaning` gets it. Nothing else needs it.

mod wordpiece;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rten::{NodeId, RunOptions, ThreadPool};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, Tensor};
use sha2::{Digest as _, Sha256};

use crate::models::{Catalogue, MEANING, ModelError};
use wordpiece::WordPieces;

/// The file of the network in the model's folder.
pub const NETWORK: &str = "model.onnx";
/// The file of the word pieces in the model's folder.
pub const VOCABULARY: &str = "vocab.txt";
/// How many numbers make an [`Embedding`].
pub const DIMENSIONS: usize = 384;
/// Word pieces that are read of one text, with the two that mark its ends; the model was trained on
/// no more.
pub const LONGEST: usize = 256;

/// More threads would take what whisper needs.
const THREADS: usize = 2;

/// Word pieces that are run together, at most (or one text): more are no faster and take more memory.
const BATCH: usize = 512;

/// A text as a direction: a vector of length 1.
pub type Embedding = [f32; DIMENSIONS];

/// The model, ready to be asked.
pub struct Meaning {
    network: rten::Model,
    /// Numbers of the pieces, the attention mask, and where the network wants them, which of two
    /// sentences each belongs to.
    inputs: Vec<(NodeId, Input)>,
    output: NodeId,
    pieces: WordPieces,
    threads: Arc<ThreadPool>,
}

#[derive(Debug, Clone, Copy)]
enum Input {
    Pieces,
    Mask,
    Sentence,
}

/// Why meanings cannot be compared. Every message says what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MeaningError {
    /// The model has not been fetched yet.
    #[error("the model `{MEANING}` is not on this machine yet; fetch it with `viva models fetch {MEANING}`")]
    NotInstalled,
    /// A file could not be read.
    #[error("cannot read `{}`: {source}; check the path and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file has not the bytes that it should.
    #[error(
        "`{}` is damaged (its sha256 is {sha256}); remove it and run `viva models fetch {MEANING}`",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The sum that it has.
        sha256: String,
    },
    /// The catalogue is broken: a fault of ours.
    #[error(transparent)]
    Catalogue(#[from] ModelError),
    /// The network with the right bytes cannot be run: a fault of ours.
    #[error("the model `{MEANING}` cannot be run: {reason}; this is a fault of viva's, please report it")]
    Network {
        /// Why.
        reason: String,
    },
}

impl MeaningError {
    fn network(reason: impl ToString) -> Self {
        Self::Network { reason: reason.to_string() }
    }
}

impl Meaning {
    /// Loads the model from its folder ([`models::meaning_folder`](crate::models::meaning_folder)),
    /// in about a fifth of a second. Files with other bytes than the catalogue's are refused, so that
    /// figures fitted to the embeddings hold wherever they are used.
    ///
    /// # Errors
    /// [`MeaningError`]; [`MeaningError::NotInstalled`] where one of the files is not there.
    pub fn load(folder: &Path) -> Result<Self, MeaningError> {
        let vocabulary = String::from_utf8(read(folder, VOCABULARY)?).map_err(MeaningError::network)?;
        let pieces = WordPieces::read(&vocabulary)
            .ok_or_else(|| MeaningError::network("its vocabulary lacks `[CLS]`, `[SEP]` or `[UNK]`"))?;
        let network = rten::Model::load(read(folder, NETWORK)?).map_err(MeaningError::network)?;
        let mut inputs = Vec::new();
        for &id in network.input_ids() {
            let info = network.node_info(id);
            let input = match info.as_ref().and_then(|info| info.name()) {
                Some("input_ids") => Input::Pieces,
                Some("attention_mask") => Input::Mask,
                Some("token_type_ids") => Input::Sentence,
                name => return Err(MeaningError::network(format!("it has an input {name:?}"))),
            };
            inputs.push((id, input));
        }
        let output =
            *network.output_ids().first().ok_or_else(|| MeaningError::network("it has no output"))?;
        let threads = Arc::new(ThreadPool::with_num_threads(THREADS));
        Ok(Self { network, inputs, output, pieces, threads })
    }

    /// The embedding of each text, in their order. Of a text of more than [`LONGEST`] word pieces only
    /// the beginning counts; one without any has an embedding too, which means nothing.
    ///
    /// Equal texts have equal embeddings, bit for bit, whatever is asked beside them: only texts of as
    /// many pieces are run together, so that there is no padding.
    ///
    /// # Errors
    /// [`MeaningError::Network`], a fault of ours.
    pub fn embed(&self, texts: &[&str]) -> Result<Vec<Embedding>, MeaningError> {
        let numbers: Vec<Vec<i32>> = texts.iter().map(|text| self.pieces.encode(text, LONGEST)).collect();
        let mut by_length: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (text, numbers) in numbers.iter().enumerate() {
            by_length.entry(numbers.len()).or_default().push(text);
        }
        let mut embeddings = vec![[0.0; DIMENSIONS]; texts.len()];
        for (length, group) in by_length {
            for batch in group.chunks((BATCH / length).max(1)) {
                let pieces = batch.iter().flat_map(|&text| &numbers[text]).copied().collect();
                let run = self.run(pieces, length)?;
                for (&text, embedding) in batch.iter().zip(run) {
                    embeddings[text] = embedding;
                }
            }
        }
        Ok(embeddings)
    }

    /// The embeddings of texts of `length` pieces each, one after the other.
    fn run(&self, pieces: Vec<i32>, length: usize) -> Result<Vec<Embedding>, MeaningError> {
        let shape = [pieces.len() / length, length];
        let inputs = self.inputs.iter().map(|&(id, input)| {
            let tensor = match input {
                Input::Pieces => Tensor::from_data(&shape, pieces.clone()),
                Input::Mask => Tensor::full(&shape, 1),
                Input::Sentence => Tensor::zeros(&shape),
            };
            (id, tensor.into())
        });
        let mut options = RunOptions::default();
        options.thread_pool = Some(Arc::clone(&self.threads));
        let [states] = self
            .network
            .run_n(inputs.collect(), [self.output], Some(options))
            .map_err(MeaningError::network)?;
        // Texts x pieces x dimensions.
        let states: NdTensor<f32, 3> = states.try_into().map_err(MeaningError::network)?;
        if states.shape() != [shape[0], length, DIMENSIONS] {
            return Err(MeaningError::network(format!("its output has the shape {:?}", states.shape())));
        }
        Ok(states.into_data().chunks(length * DIMENSIONS).map(mean).collect())
    }
}

/// The direction of the mean of one text's states. Every piece is attended to, so that the mean over
/// the mask is the mean; dividing by the number of pieces would not change the direction.
fn mean(states: &[f32]) -> Embedding {
    let mut sum = [0.0; DIMENSIONS];
    for (position, number) in states.iter().enumerate() {
        sum[position % DIMENSIONS] += number;
    }
    let length = sum.iter().map(|number| number * number).sum::<f32>().sqrt();
    sum.map(|number| number / length.max(f32::MIN_POSITIVE))
}

/// How near two texts are in meaning: the cosine of the angle between their embeddings, -1 to 1; texts
/// that have nothing to do with each other are near 0.
pub fn cosine(first: &Embedding, second: &Embedding) -> f32 {
    first.iter().zip(second).map(|(first, second)| first * second).sum()
}

/// The bytes of a file of the model, if they are the right ones.
fn read(folder: &Path, name: &str) -> Result<Vec<u8>, MeaningError> {
    let path = folder.join(name);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(MeaningError::NotInstalled),
        Err(source) => return Err(MeaningError::Read { path, source }),
    };
    let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let files = Catalogue::built_in()?.meaning.files;
    if files.iter().any(|file| file.name == name && file.sha256 == sha256) {
        Ok(bytes)
    } else {
        Err(MeaningError::Damaged { path, sha256 })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn refusal(folder: &Path) -> String {
        match Meaning::load(folder) {
            Ok(_) => panic!("loaded"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn without_its_files_or_with_others_the_model_is_refused_with_what_to_do() {
        let home = tempfile::TempDir::new().unwrap();
        assert!(refusal(&home.path().join("none")).contains("`viva models fetch meaning`"));
        fs::write(home.path().join(VOCABULARY), "[CLS]\n[SEP]\n[UNK]\n").unwrap();
        let words = refusal(home.path());
        assert!(words.contains("vocab.txt` is damaged") && words.contains("remove it"), "{words}");
        fs::remove_file(home.path().join(VOCABULARY)).unwrap();
        fs::create_dir(home.path().join(VOCABULARY)).unwrap();
        assert!(refusal(home.path()).contains("cannot read `"));
    }

    #[test]
    fn the_cosine_is_that_of_directions() {
        let mut first = [0.0; DIMENSIONS];
        let mut second = first;
        first[0] = 1.0;
        second[1] = 1.0;
        assert_eq!(cosine(&first, &first), 1.0);
        assert_eq!(cosine(&first, &second), 0.0);
        assert_eq!(cosine(&first, &first.map(|number| -number)), -1.0);
    }
}
