//! How near two sentences are in meaning: sentence embeddings, computed here, without a server.
//!
//! The model is sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0; the method: Reimers and Gurevych
//! 2019, "Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks"), its weights kept as int8: six
//! layers of 384 numbers a word piece. `viva models fetch meaning` gets it; points without
//! keywords are judged by it.

mod network;
mod onnx;
mod wordpiece;

use std::fs;
use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

use ndarray::{Array2, ArrayView1, Axis};
use sha2::{Digest as _, Sha256};

use crate::coverage::{Piece, Reader, Reading};
use crate::models::{Catalogue, MEANING, ModelError, meaning_folder};
use network::Network;
use wordpiece::{Numbered, WordPieces};

/// The file of the network in the model's folder.
pub const NETWORK: &str = "model.onnx";
/// The word pieces of the network, one a line (BERT's uncased English ones, Apache-2.0).
const VOCABULARY: &str = include_str!("../../models/bert-uncased-vocab.txt");
/// How many numbers make a direction.
pub const DIMENSIONS: usize = 384;
/// Word pieces that are read of one text, with the two that mark its ends; the model was trained on
/// no more.
pub const LONGEST: usize = 256;

/// Word pieces that a thread runs together, about: half as many take a tenth more time, twice as many none less.
const BATCH: usize = 256;
/// More threads would take what else runs during practice.
const MOST_THREADS: usize = 4;

/// The model, ready to be asked.
pub struct Meaning {
    network: Network,
    pieces: WordPieces,
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
        let network = Network::read(&read(folder, NETWORK)?).map_err(MeaningError::network)?;
        let pieces = WordPieces::read(VOCABULARY)
            .ok_or_else(|| MeaningError::network("its vocabulary lacks `[CLS]`, `[SEP]` or `[UNK]`"))?;
        Ok(Self { network, pieces })
    }

    /// The directions of texts as wholes, in their order; see [`Reader::read`].
    pub fn embed(&self, texts: &[&str]) -> Vec<Vec<f32>> {
        let texts: Vec<Vec<&str>> = texts.iter().map(|text| text.split_whitespace().collect()).collect();
        self.readings(&texts).into_iter().map(|reading| reading.whole).collect()
    }

    /// What texts, given word by word, mean as wholes and piece by piece, in their order. Of a text of more than
    /// [`LONGEST`] word pieces only the beginning counts; one without any has a meaning too, which is none.
    ///
    /// On one machine equal texts have equal readings, bit for bit, whatever is read beside them and
    /// on however many threads. Other processors round otherwise, by some 1e-6.
    pub fn readings(&self, texts: &[Vec<&str>]) -> Vec<Reading> {
        let pieces: Vec<Vec<Numbered>> =
            texts.iter().map(|words| self.pieces.pieces(words, LONGEST - 2)).collect();
        let numbers: Vec<Vec<usize>> = pieces.iter().map(|pieces| self.pieces.numbers(pieces)).collect();
        pieces.iter().zip(self.states(&numbers)).map(|(pieces, states)| reading(pieces, &states)).collect()
    }

    /// What becomes of each piece of each text: pieces x dimensions.
    fn states(&self, texts: &[Vec<usize>]) -> Vec<Array2<f32>> {
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
        let all: usize = texts.iter().map(Vec::len).sum();
        let batch_size = BATCH.min(all.div_ceil(threads));
        let mut batches = Vec::new();
        let mut rest = texts;
        while !rest.is_empty() {
            let mut size = 0;
            let fits = |text: &&Vec<usize>| {
                let fits = size < batch_size;
                size += text.len();
                fits
            };
            let (batch, others) = rest.split_at(rest.iter().take_while(fits).count());
            batches.push(batch);
            rest = others;
        }
        let mut results: Vec<Vec<Array2<f32>>> = vec![Vec::new(); batches.len()];
        let queue = Mutex::new(batches.iter().zip(&mut results));
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
        let work = || {
            while let Some((batch, states)) = next() {
                *states = self.network.run(batch);
            }
        };
        thread::scope(|scope| {
            for _ in 1..threads.min(batches.len()) {
                scope.spawn(work);
            }
            work();
        });
        results.into_iter().flatten().collect()
    }
}

/// What the states of a text say: pieces x dimensions, with those of start and end.
fn reading(pieces: &[Numbered], states: &Array2<f32>) -> Reading {
    // Of the sum, since dividing it by the number of pieces would not change its direction.
    let whole = direction(states.sum_axis(Axis(0)).view());
    let of_pieces = pieces.iter().zip(states.rows().into_iter().skip(1));
    let piece = |(piece, state): (&Numbered, ArrayView1<f32>)| Piece {
        word: piece.word,
        id: piece.number,
        rarity: piece.rarity,
        direction: direction(state),
    };
    Reading { whole, pieces: of_pieces.map(piece).collect() }
}

/// A vector of length 1.
fn direction(numbers: ArrayView1<f32>) -> Vec<f32> {
    let length = numbers.iter().map(|number| number * number).sum::<f32>().sqrt();
    numbers.iter().map(|number| number / length.max(f32::MIN_POSITIVE)).collect()
}

impl Reader for Meaning {
    fn read(&self, texts: &[Vec<&str>]) -> Option<Vec<Reading>> {
        Some(self.readings(texts))
    }
}

/// The model of a models folder, loaded when a text is to be read for the first time. Without a model, or with one
/// that cannot be used, nothing is read.
pub struct OnDemand {
    folder: PathBuf,
    loaded: OnceLock<Result<Meaning, MeaningError>>,
}

impl OnDemand {
    /// Nothing is looked at yet.
    pub fn new(models_dir: &Path) -> Self {
        Self { folder: meaning_folder(models_dir), loaded: OnceLock::new() }
    }

    /// Loads the model unless it is loaded.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn load(&self) -> Result<&Meaning, &MeaningError> {
        self.loaded.get_or_init(|| Meaning::load(&self.folder)).as_ref()
    }
}

impl Reader for OnDemand {
    fn read(&self, texts: &[Vec<&str>]) -> Option<Vec<Reading>> {
        self.load().ok()?.read(texts)
    }
}

/// How near two texts are in meaning: the cosine of the angle between their directions, -1 to 1; texts
/// that have nothing to do with each other are near 0.
pub fn cosine(first: &[f32], second: &[f32]) -> f32 {
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
        fs::write(home.path().join(NETWORK), "half of it").unwrap();
        let words = refusal(home.path());
        assert!(words.contains("model.onnx` is damaged") && words.contains("remove it"), "{words}");
        fs::remove_file(home.path().join(NETWORK)).unwrap();
        fs::create_dir(home.path().join(NETWORK)).unwrap();
        assert!(refusal(home.path()).contains("cannot read `"));
    }

    #[test]
    fn the_vocabulary_is_the_one_that_the_network_knows() {
        assert_eq!(VOCABULARY.lines().count(), network::PIECES);
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
