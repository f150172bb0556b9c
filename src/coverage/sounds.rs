//! What the recogniser makes of jargon: words that sound like those of a point.
//!
//! "Oblations" for "ablations", "seats" for "seeds". Only words that the recogniser was unsure of are taken for
//! what they sound like, or common words would pass for jargon.

use std::collections::HashMap;

use rphonetic::{DoubleMetaphone, Encoder};
use strsim::normalized_levenshtein;

use super::normalise::{Boundary, Token};
use super::stems::Stems;
use super::ways::Stem;

/// Shorter words sound like too many others.
const SHORTEST: usize = 4;

/// So many neighbours are joined at most.
const JOINED: usize = 3;

/// How alike the letters must be, 0..1 (Levenshtein distance over the longer length).
const ALIKE: f64 = 0.7;

/// Sounds that are compared, at most; the algorithm's default of 4 makes long words equal.
const LONGEST_KEY: usize = 12;

/// The vocabulary by sound.
pub(super) struct Sounds<'v> {
    encoder: DoubleMetaphone,
    by_key: HashMap<String, Vec<(&'v str, Stem)>>,
}

impl<'v> Sounds<'v> {
    pub fn new(vocabulary: impl Iterator<Item = (&'v str, Stem)>) -> Self {
        let encoder = DoubleMetaphone::new(Some(LONGEST_KEY));
        let mut by_key: HashMap<String, Vec<(&str, Stem)>> = HashMap::new();
        for (stem, number) in vocabulary.filter(|(stem, _)| is_long_word(stem)) {
            by_key.entry(encoder.encode(stem)).or_default().push((stem, number));
        }
        for alike in by_key.values_mut() {
            alike.sort_unstable();
        }
        Self { encoder, by_key }
    }

    /// The stem that the first of these tokens sound like, and how many of them; the fewest that do.
    pub fn at(
        &self,
        tokens: &[Token],
        stems: &mut Stems,
        doubtful: impl Fn(&Token) -> bool,
    ) -> Option<(Stem, usize)> {
        let mut said = String::new();
        for (length, token) in (1..=JOINED).zip(tokens) {
            if !doubtful(token) {
                return None;
            }
            said.push_str(&token.text);
            if is_long_word(&said)
                && let stem = stems.of(&said)
                && let Some(alike) = self.by_key.get(&self.encoder.encode(&stem))
            {
                let likeness = |known: &str| normalized_levenshtein(known, &stem);
                let best =
                    alike.iter().max_by(|(one, _), (other, _)| likeness(one).total_cmp(&likeness(other)));
                if let Some((known, number)) = best
                    && likeness(known) >= ALIKE
                {
                    return Some((*number, length));
                }
            }
            if token.boundary != Boundary::None {
                return None;
            }
        }
        None
    }
}

fn is_long_word(text: &str) -> bool {
    text.len() >= SHORTEST && text.bytes().all(|byte| byte.is_ascii_lowercase())
}
