//! Finding the keyword ways of a point in what was said.
//!
//! Everything is compiled to stems with small numbers, the text is indexed by them, and a way is found
//! where each of its parts has a phrase near the others. The cost grows with the number of matches, not
//! with the length of the text times the number of ways.

use std::collections::HashMap;

use super::normalise::{Boundary, Token, text_tokens};
use super::sounds::Sounds;
use super::stems::Stems;
use crate::loops::Way;

/// The parts of a way must all lie within this many tokens.
pub(super) const WINDOW: usize = 16;

/// What a sentence end between two parts costs of the window.
const SENTENCE_COST: usize = 3;

/// Words of weight that may stand between two words of a phrase ("coin *you* flip").
const PHRASE_GAP: usize = 1;

/// Tokens of any weight that may stand between two words of a phrase.
pub(super) const PHRASE_REACH: usize = 3;

/// Neighbours that are tried as one word: "soft max", and "k d e" letter by letter.
const JOINED_WORDS: usize = 3;
const JOINED_LETTERS: usize = 6;

/// Words that neither make nor break a phrase.
const LIGHT: [&str; 34] = [
    "a", "an", "the", "of", "to", "in", "on", "at", "for", "is", "are", "be", "was", "were", "been", "am",
    "it", "its", "that", "this", "these", "those", "and", "or", "as", "with", "my", "our", "your", "their",
    "i", "we", "you", "they",
];

/// A phrase of these and light words alone is taken word for word, or "is not" would be any "not".
const NEGATIONS: [&str; 3] = ["not", "no", "never"];

/// Whether a token carries no meaning of its own.
pub(super) fn is_light(text: &str) -> bool {
    LIGHT.contains(&text)
}

/// Whether a token turns a statement round.
pub(super) fn is_negation(text: &str) -> bool {
    NEGATIONS.contains(&text)
}

/// A stem's number.
pub(super) type Stem = u32;

/// The stems that a question's ways are made of.
#[derive(Default)]
pub(super) struct Vocabulary {
    numbers: HashMap<String, Stem>,
}

impl Vocabulary {
    /// The number of a stem, new or known.
    pub fn number(&mut self, stem: String) -> Stem {
        let next = self.numbers.len() as Stem;
        *self.numbers.entry(stem).or_insert(next)
    }
}

/// One way, ready to be looked for.
pub(super) struct CompiledWay {
    /// Per part its alternatives, each a sequence of stems.
    parts: Vec<Vec<Vec<Stem>>>,
}

impl CompiledWay {
    /// Compiles a way; parts and alternatives keep their order.
    pub fn new(way: &Way, vocabulary: &mut Vocabulary, stems: &mut Stems) -> Self {
        let parts = way
            .parts
            .iter()
            .map(|part| part.iter().flat_map(|phrase| spellings(phrase, vocabulary, stems)).collect())
            .collect();
        Self { parts }
    }

    /// How many parts it has.
    pub fn len(&self) -> usize {
        self.parts.len()
    }
}

/// A phrase as sequences of stems: as it is, and with neighbours written as one word.
fn spellings(phrase: &str, vocabulary: &mut Vocabulary, stems: &mut Stems) -> Vec<Vec<Stem>> {
    let all = text_tokens(phrase);
    let has_letters = all.iter().any(|token| token.text.chars().count() == 1 && token.text != "a");
    let heavy: Vec<&Token> = all.iter().filter(|token| !is_light(&token.text)).collect();
    let says_little = heavy.iter().all(|token| is_negation(&token.text));
    let kept: Vec<&Token> = if has_letters || says_little { all.iter().collect() } else { heavy };
    if kept.is_empty() {
        return Vec::new();
    }
    let single: Vec<String> = kept.iter().map(|token| stems.of(&token.text)).collect();
    let mut spellings = vec![single.clone()];
    for at in 0..single.len().saturating_sub(1) {
        let mut joined = single.clone();
        let second = joined.remove(at + 1);
        joined[at] = format!("{}{second}", kept[at].text);
        spellings.push(joined);
    }
    if kept.len() > 2 && kept.iter().all(|token| token.text.chars().count() == 1) {
        spellings.push(vec![kept.iter().map(|token| token.text.as_str()).collect()]);
    }
    spellings
        .into_iter()
        .map(|spelling| spelling.into_iter().map(|stem| vocabulary.number(stem)).collect())
        .collect()
}

/// A text, indexed by the vocabulary's stems.
pub(super) struct Index<'a> {
    tokens: &'a [Token],
    /// Per token: the known stems that start here and how many tokens each takes.
    starts: Vec<Vec<(Stem, usize)>>,
    /// Per stem: where it starts, ascending.
    positions: Vec<Vec<usize>>,
    /// Per token: sentence ends before it.
    sentences: Vec<usize>,
    /// Per token: whether it stands for a stem that it only sounds like.
    sounded: Vec<bool>,
}

/// A stretch of tokens, and which of them were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Match {
    /// First token.
    pub first: usize,
    /// Last token, inclusive.
    pub last: usize,
    /// The tokens that matched, ascending.
    pub hits: Vec<usize>,
}

impl<'a> Index<'a> {
    /// Indexes a text. Of tokens that are `doubtful` it counts too what they sound like.
    pub fn new(
        tokens: &'a [Token],
        vocabulary: &Vocabulary,
        stems: &mut Stems,
        doubtful: impl Fn(&Token) -> bool,
    ) -> Self {
        let stemmed: Vec<String> = tokens.iter().map(|token| stems.of(&token.text)).collect();
        let mut starts = vec![Vec::new(); tokens.len()];
        let mut positions = vec![Vec::new(); vocabulary.numbers.len()];
        let mut joined = String::new();
        for first in 0..tokens.len() {
            joined.clear();
            for (length, token) in (1..=JOINED_LETTERS).zip(&tokens[first..]) {
                let is_letter = token.text.chars().count() == 1;
                if length > JOINED_WORDS && !is_letter {
                    break;
                }
                let stem_end = joined.len();
                joined.push_str(&stemmed[first + length - 1]);
                if let Some(&stem) = vocabulary.numbers.get(&joined) {
                    starts[first].push((stem, length));
                    positions[stem as usize].push(first);
                }
                joined.truncate(stem_end);
                joined.push_str(&token.text);
                if token.boundary != Boundary::None {
                    break;
                }
            }
            // "Never tune on the test set" is what "don't tune on the test set" says.
            let same = match tokens[first].text.as_str() {
                "not" => "never",
                "never" => "not",
                _ => continue,
            };
            if let Some(&stem) = vocabulary.numbers.get(same) {
                starts[first].push((stem, 1));
                positions[stem as usize].push(first);
            }
        }
        let mut sounded = vec![false; tokens.len()];
        if tokens.iter().any(&doubtful) {
            let sounds =
                Sounds::new(vocabulary.numbers.iter().map(|(stem, &number)| (stem.as_str(), number)));
            for first in 0..tokens.len() {
                if !starts[first].is_empty() {
                    continue;
                }
                let Some((stem, length)) = sounds.at(&tokens[first..], stems, &doubtful) else { continue };
                starts[first].push((stem, length));
                positions[stem as usize].push(first);
                positions[stem as usize].sort_unstable();
                sounded[first..first + length].fill(true);
            }
        }
        let mut sentences = Vec::with_capacity(tokens.len());
        let mut count = 0;
        for token in tokens {
            sentences.push(count);
            count += usize::from(token.boundary == Boundary::Sentence);
        }
        Self { tokens, starts, positions, sentences, sounded }
    }

    /// Whether a match takes a token for what it sounds like.
    pub fn is_by_sound(&self, matched: &Match) -> bool {
        matched.hits.iter().any(|&hit| self.sounded[hit])
    }

    /// Where a stem stands.
    pub fn positions(&self, stem: Stem) -> impl Iterator<Item = usize> + '_ {
        self.positions[stem as usize].iter().copied()
    }

    /// Every place where all parts of the way are near each other, in the order of the text.
    pub fn find(&self, way: &CompiledWay) -> Vec<Match> {
        let parts: Vec<Vec<Match>> = way.parts.iter().map(|part| self.find_part(part)).collect();
        self.join(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// Places where all parts but one are near each other, for ways of three parts or more.
    pub fn find_almost(&self, way: &CompiledWay) -> Vec<Match> {
        if way.len() < 3 {
            return Vec::new();
        }
        let parts: Vec<Vec<Match>> = way.parts.iter().map(|part| self.find_part(part)).collect();
        (0..parts.len())
            .flat_map(|missing| {
                let rest: Vec<&[Match]> = (0..parts.len())
                    .filter(|part| *part != missing)
                    .map(|part| parts[part].as_slice())
                    .collect();
                self.join(&rest)
            })
            .collect()
    }

    fn find_part(&self, alternatives: &[Vec<Stem>]) -> Vec<Match> {
        let mut matches: Vec<Match> =
            alternatives.iter().flat_map(|phrase| self.find_phrase(phrase)).collect();
        matches.sort_by_key(|found| (found.first, found.last));
        matches.dedup();
        matches
    }

    fn find_phrase(&self, phrase: &[Stem]) -> Vec<Match> {
        let Some((&head, tail)) = phrase.split_first() else { return Vec::new() };
        self.positions[head as usize]
            .iter()
            .filter_map(|&first| {
                let mut hits = Vec::with_capacity(phrase.len());
                let mut end = first + self.length_at(first, head)?;
                hits.extend(first..end);
                for &stem in tail {
                    let start = self.next_in_phrase(end, stem)?;
                    end = start + self.length_at(start, stem)?;
                    hits.extend(start..end);
                }
                Some(Match { first, last: end - 1, hits })
            })
            .collect()
    }

    fn length_at(&self, position: usize, stem: Stem) -> Option<usize> {
        self.starts[position].iter().find(|(known, _)| *known == stem).map(|(_, length)| *length)
    }

    /// Where the phrase goes on after the token before `from`, within the same sentence.
    fn next_in_phrase(&self, from: usize, stem: Stem) -> Option<usize> {
        let mut heavy = 0;
        for position in from..(from + PHRASE_REACH + 1).min(self.tokens.len()) {
            if self.tokens[position - 1].boundary == Boundary::Sentence {
                return None;
            }
            if self.length_at(position, stem).is_some() {
                return Some(position);
            }
            heavy += usize::from(!is_light(&self.tokens[position].text));
            if heavy > PHRASE_GAP {
                return None;
            }
        }
        None
    }

    /// One match of each list, near each other and without sharing a token.
    fn join(&self, parts: &[&[Match]]) -> Vec<Match> {
        let Some(rarest) = (0..parts.len()).min_by_key(|&part| parts[part].len()) else { return Vec::new() };
        let mut found: Vec<Match> = parts[rarest]
            .iter()
            .filter_map(|anchor| {
                let mut whole = anchor.clone();
                for (part, matches) in parts.iter().enumerate() {
                    if part != rarest {
                        let nearest = self.nearest(matches, &whole)?;
                        whole.first = whole.first.min(nearest.first);
                        whole.last = whole.last.max(nearest.last);
                        whole.hits.extend(&nearest.hits);
                        whole.hits.sort_unstable();
                    }
                }
                Some(whole)
            })
            .collect();
        found.sort_by_key(|found| (found.first, found.last));
        found.dedup();
        found
    }

    /// The match that makes the shortest whole with what there is, if that fits the window.
    fn nearest<'m>(&self, matches: &'m [Match], whole: &Match) -> Option<&'m Match> {
        let from = matches.partition_point(|found| found.first + WINDOW < whole.first);
        matches[from..]
            .iter()
            .take_while(|found| found.first <= whole.first + WINDOW)
            .filter(|found| found.hits.iter().all(|hit| !whole.hits.contains(hit)))
            .map(|found| (self.distance(found.first.min(whole.first), found.last.max(whole.last)), found))
            .filter(|(distance, _)| *distance <= WINDOW)
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, found)| found)
    }

    /// Length of a stretch in tokens, sentence ends counted on top.
    fn distance(&self, first: usize, last: usize) -> usize {
        last - first + 1 + SENTENCE_COST * (self.sentences[last] - self.sentences[first])
    }
}
