//! The phrases with which people take back what they say, read from `cues.txt`.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::normalise::{Boundary, Token, text_tokens};
use super::sense::Refusal;

/// Where what is meant stands, seen from the phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// After it, or, if nothing follows, before it.
    After,
    /// Before it.
    Before,
    /// Around it.
    Clause,
}

/// A phrase that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cue {
    pub refusal: Refusal,
    pub direction: Direction,
    /// The phrase's last token.
    pub last: usize,
}

/// Finds the longest phrase that begins at a token.
pub(super) fn cue_at(tokens: &[Token], at: usize) -> Option<Cue> {
    let phrases = &*PHRASES;
    phrases
        .by_first_word
        .get(&tokens.get(at)?.text)?
        .iter()
        .filter_map(|&number| {
            let Phrase { refusal, direction, slots } = &phrases.all[number];
            let last = end_of(slots, tokens, at, at)?.checked_sub(1)?;
            Some(Cue { refusal: *refusal, direction: *direction, last })
        })
        .max_by_key(|cue| cue.last)
}

static PHRASES: LazyLock<Phrases> = LazyLock::new(|| {
    let mut phrases = Phrases::default();
    for phrase in lines(include_str!("cues.txt")).filter_map(parse) {
        let first_words =
            phrase.slots.iter().take(1 + phrase.slots.iter().take_while(|slot| slot.optional).count());
        for word in first_words.flat_map(|slot| &slot.words) {
            phrases.by_first_word.entry(word.clone()).or_default().push(phrases.all.len());
        }
        phrases.all.push(phrase);
    }
    phrases
});

#[derive(Default)]
struct Phrases {
    all: Vec<Phrase>,
    by_first_word: HashMap<String, Vec<usize>>,
}

struct Phrase {
    refusal: Refusal,
    direction: Direction,
    slots: Vec<Slot>,
}

struct Slot {
    /// Any of these; none stand for any word.
    words: Vec<String>,
    optional: bool,
}

/// Where the phrase that begins at `first` ends, exclusive, if its slots from `at` on are filled; as far as can be,
/// within the sentence.
fn end_of(slots: &[Slot], tokens: &[Token], first: usize, at: usize) -> Option<usize> {
    let Some((slot, rest)) = slots.split_first() else { return Some(at) };
    let goes_on = at == first || tokens[at - 1].boundary != Boundary::Sentence;
    let fits = |token: &&Token| goes_on && (slot.words.is_empty() || slot.words.contains(&token.text));
    let taken = tokens.get(at).filter(fits).and_then(|_| end_of(rest, tokens, first, at + 1));
    taken.or_else(|| if slot.optional { end_of(rest, tokens, first, at) } else { None })
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Reads a line of `cues.txt`; every line of it can be read, a test sees to that.
fn parse(line: &str) -> Option<Phrase> {
    let mut parts = line.split_whitespace();
    let refusal = match parts.next()? {
        "rejected" => Refusal::Rejected,
        "denied" => Refusal::Denied,
        "unknown" => Refusal::Unknown,
        "named" => Refusal::Named,
        _ => return None,
    };
    let direction = match parts.next()? {
        ">" => Direction::After,
        "<" => Direction::Before,
        "=" => Direction::Clause,
        _ => return None,
    };
    let slots: Vec<Slot> = parts.map(slot).collect::<Option<_>>()?;
    slots.iter().any(|slot| !slot.optional).then_some(Phrase { refusal, direction, slots })
}

fn slot(text: &str) -> Option<Slot> {
    let (words, optional) = match text.strip_suffix('?') {
        Some(words) => (words, true),
        None => (text, false),
    };
    if words == "_" {
        return Some(Slot { words: Vec::new(), optional });
    }
    // A word that is not written as it is normalised would never be found.
    let as_heard = |word: &str| matches!(&text_tokens(word)[..], [token] if token.text == word);
    let words: Vec<String> = words.split('|').map(str::to_owned).collect();
    words.iter().all(|word| as_heard(word)).then_some(Slot { words, optional })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_can_be_read() {
        let unread: Vec<&str> =
            lines(include_str!("cues.txt")).filter(|line| parse(line).is_none()).collect();
        assert_eq!(unread, [""; 0]);
    }

    #[test]
    fn the_longest_phrase_is_found_with_what_may_be_left_out() {
        let found = |text: &str| cue_at(&text_tokens(text), 0).map(|cue| (cue.direction, cue.last));
        assert_eq!(found("no fan of dashboards"), Some((Direction::After, 2)));
        assert_eq!(found("not a big fan of dashboards"), Some((Direction::After, 4)));
        assert_eq!(found("no fans"), None);
    }
}
