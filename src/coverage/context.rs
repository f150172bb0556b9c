//! What stands round a match, as the features of a logistic model.
//!
//! The words before, in and after a match, in runs of one to three, each with its place: whether it is in the
//! match's own clause, in its sentence, or in the sentence beside it. "I would leave" before a term and "for me"
//! behind it tell more of what the speaker thinks of it than any grammar does.

use super::normalise::{Boundary, Token};

/// Words of the surroundings, on either side.
const REACH: usize = 12;

/// Words of a run at most.
const LONGEST_RUN: usize = 3;

/// Where a feature stands, seen from the match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Not words but how the match was found.
    Match,
    /// Inside the match.
    Inside,
    /// Before it in its clause, in another clause of its sentence, in the sentence before.
    Before,
    BeforeComma,
    BeforeSentence,
    /// After it, in the same way.
    After,
    AfterComma,
    AfterSentence,
    /// Any of these.
    Near,
}

impl Place {
    /// As it stands in the file of weights.
    pub fn name(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Inside => "inside",
            Self::Before => "before",
            Self::BeforeComma => "before,",
            Self::BeforeSentence => "before.",
            Self::After => "after",
            Self::AfterComma => "after,",
            Self::AfterSentence => "after.",
            Self::Near => "near",
        }
    }
}

/// Tells of every run of words round the tokens `first..=last`, and where it stands.
pub(super) fn surroundings<'t>(
    tokens: &'t [Token],
    first: usize,
    last: usize,
    mut emit: impl FnMut(Place, &[&'t str]),
) {
    let mut before: Vec<(Place, &str)> = Vec::with_capacity(REACH);
    let mut place = Place::Before;
    for token in tokens[..first].iter().rev().take(REACH) {
        place = match (token.boundary, place) {
            (Boundary::Sentence, Place::BeforeSentence) => break,
            (Boundary::Sentence, _) => Place::BeforeSentence,
            (Boundary::Comma, Place::Before) => Place::BeforeComma,
            _ => place,
        };
        before.push((place, &token.text));
    }
    before.reverse();
    let inside: Vec<(Place, &str)> =
        tokens[first..=last].iter().map(|token| (Place::Inside, token.text.as_str())).collect();
    let mut after: Vec<(Place, &str)> = Vec::with_capacity(REACH);
    let mut place = Place::After;
    let mut boundary = tokens[last].boundary;
    for token in tokens[last + 1..].iter().take(REACH) {
        place = match (boundary, place) {
            (Boundary::Sentence, Place::AfterSentence) => break,
            (Boundary::Sentence, _) => Place::AfterSentence,
            (Boundary::Comma, Place::After) => Place::AfterComma,
            _ => place,
        };
        after.push((place, &token.text));
        boundary = token.boundary;
    }
    for words in [&before, &inside, &after] {
        for from in 0..words.len() {
            let mut run = [""; LONGEST_RUN];
            for length in 1..=LONGEST_RUN.min(words.len() - from) {
                run[length - 1] = words[from + length - 1].1;
                emit(words[from].0, &run[..length]);
                emit(Place::Near, &run[..length]);
            }
        }
    }
}
