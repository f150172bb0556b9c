//! The weights of the logistic model, read from `weights.txt`.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::context::Place;

/// A feature's number: the FNV-1a hash of its place and words.
pub(super) type Key = u64;

/// The key of a feature.
pub(super) fn key(place: Place, words: &[&str]) -> Key {
    key_of(place.name(), words.iter().copied())
}

fn key_of<'w>(place: &str, words: impl Iterator<Item = &'w str>) -> Key {
    let start = hash(0xcbf2_9ce4_8422_2325, place.as_bytes());
    words.fold(start, |key, word| hash(hash(key, b" "), word.as_bytes()))
}

fn hash(key: Key, bytes: &[u8]) -> Key {
    bytes.iter().fold(key, |key, byte| (key ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// What a feature adds to the log odds.
pub(super) fn weight(key: Key) -> f64 {
    WEIGHTS.get(&key).copied().unwrap_or_default()
}

/// The log odds of a match of which nothing else is known.
pub(super) fn bias() -> f64 {
    *BIAS
}

static BIAS: LazyLock<f64> = LazyLock::new(|| weight(key(Place::Match, &["bias"])));

static WEIGHTS: LazyLock<HashMap<Key, f64>> =
    LazyLock::new(|| include_str!("weights.txt").lines().filter_map(parse).collect());

/// Reads a line: the weight, the place, the words, with tabs between them.
fn parse(line: &str) -> Option<(Key, f64)> {
    let mut parts = line.split('\t');
    let weight = parts.next()?.parse().ok()?;
    let (place, words) = (parts.next()?, parts.next()?);
    Some((key_of(place, words.split(' ')), weight))
}
