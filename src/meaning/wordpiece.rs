//! Text to the numbers of word pieces, as BERT's uncased models have it (Devlin et al. 2019,
//! `BasicTokenizer` and `WordpieceTokenizer` of its published code).

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization as _;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory as _};

/// A word of more characters is unknown as a whole.
const LONGEST_WORD: usize = 100;
/// Marks a piece that goes on with a word.
const GOES_ON: &str = "##";

/// A vocabulary of word pieces.
pub(super) struct WordPieces {
    numbers: HashMap<String, usize>,
    start: usize,
    end: usize,
    unknown: usize,
}

/// A piece with its number in the vocabulary.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbered {
    /// Index of the word that it comes from.
    pub word: usize,
    pub number: usize,
    /// How rare it is in ordinary text, 0 to 1.
    pub rarity: f32,
}

/// The vocabulary begins with what is no word: marks and single characters. The words come from the commonest to the
/// rarest, as BERT's authors wrote them.
const FIRST_WORD: usize = 1_996;
const VOCABULARY: usize = 30_522;

/// How rare a piece is in ordinary text, 0 to 1: by the logarithm of its rank (Zipf's law). 0 for punctuation.
fn rarity(number: usize, is_word: bool) -> f32 {
    // The fifty commonest are alike.
    const ALIKE: f32 = 50.0;
    // A single letter, or the commonest of words.
    const LEAST: f32 = 0.05;
    if !is_word {
        return 0.0;
    }
    let rank = number.saturating_sub(FIRST_WORD) as f32;
    let most = ((VOCABULARY - FIRST_WORD) as f32 / ALIKE).ln();
    (((rank + ALIKE) / ALIKE).ln() / most).clamp(LEAST, 1.0)
}

impl WordPieces {
    /// Reads a vocabulary of one piece a line, the first with the number 0; `None` where a piece that
    /// BERT cannot do without is missing.
    pub(super) fn read(vocabulary: &str) -> Option<Self> {
        let numbers: HashMap<String, usize> = vocabulary.lines().map(str::to_owned).zip(0..).collect();
        let of = |piece: &str| numbers.get(piece).copied();
        let (start, end, unknown) = (of("[CLS]")?, of("[SEP]")?, of("[UNK]")?);
        Some(Self { numbers, start, end, unknown })
    }

    /// The pieces of a text that is given word by word, without start and end; no more than `most` of them.
    pub(super) fn pieces(&self, said: &[&str], most: usize) -> Vec<Numbered> {
        let mut pieces = Vec::new();
        let mut numbers = Vec::new();
        for (index, text) in said.iter().enumerate() {
            for word in words(text) {
                self.push_word(&word, &mut numbers);
                let is_word = word.iter().any(|character| character.is_alphanumeric());
                let numbered = |number| Numbered { word: index, number, rarity: rarity(number, is_word) };
                pieces.extend(numbers.drain(..).map(numbered));
            }
            if pieces.len() >= most {
                break;
            }
        }
        pieces.truncate(most);
        pieces
    }

    /// The numbers of pieces between those of start and end.
    pub(super) fn numbers(&self, pieces: &[Numbered]) -> Vec<usize> {
        let numbers = pieces.iter().map(|piece| piece.number);
        [self.start].into_iter().chain(numbers).chain([self.end]).collect()
    }

    /// The longest pieces from the left; all of the word is unknown if any rest of it is.
    fn push_word(&self, word: &[char], numbers: &mut Vec<usize>) {
        let before = numbers.len();
        if word.len() > LONGEST_WORD {
            numbers.push(self.unknown);
            return;
        }
        let mut start = 0;
        while start < word.len() {
            let piece = (start + 1..=word.len()).rev().find_map(|end| {
                let mut piece = String::from(if start > 0 { GOES_ON } else { "" });
                piece.extend(&word[start..end]);
                self.numbers.get(&piece).map(|&number| (number, end))
            });
            let Some((number, end)) = piece else {
                numbers.truncate(before);
                numbers.push(self.unknown);
                return;
            };
            numbers.push(number);
            start = end;
        }
    }
}

/// The words of a text in lower case without accents: what stands between spaces, with each
/// punctuation mark and each Chinese character by itself.
fn words(text: &str) -> impl Iterator<Item = Vec<char>> {
    let mut characters = text
        .nfd()
        .filter(|character| character.general_category() != GeneralCategory::NonspacingMark)
        .flat_map(char::to_lowercase)
        .filter(|&character| !is_dropped(character))
        .peekable();
    std::iter::from_fn(move || {
        while characters.next_if(|character| character.is_whitespace()).is_some() {}
        let first = characters.next()?;
        let mut word = vec![first];
        if !stands_alone(first) {
            while let Some(next) = characters.next_if(|&next| !next.is_whitespace() && !stands_alone(next)) {
                // Longer than any word that is looked up: the rest tells nothing.
                if word.len() <= LONGEST_WORD {
                    word.push(next);
                }
            }
        }
        Some(word)
    })
}

/// Control characters, and what stands for a broken one.
fn is_dropped(character: char) -> bool {
    let control = character.general_category_group() == GeneralCategoryGroup::Other;
    character == char::REPLACEMENT_CHARACTER || control && !character.is_whitespace()
}

fn stands_alone(character: char) -> bool {
    character.is_ascii_punctuation()
        || character.general_category_group() == GeneralCategoryGroup::Punctuation
        // The blocks of Chinese characters, as BERT lists them.
        || matches!(u32::from(character),
            0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x2A6DF
            | 0x2A700..=0x2B73F | 0x2B740..=0x2B81F | 0x2B820..=0x2CEAF | 0x2F800..=0x2FA1F)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn pieces(text: &str, most: usize) -> String {
        const VOCABULARY: &str =
            "[PAD]\n[UNK]\n[CLS]\n[SEP]\nem\n##bed\n##ding\n##s\nembed\nthe\n,\n中\ncafe\n-\nb\n##f\n##16";
        let words: Vec<&str> = text.split(' ').collect();
        let pieces = WordPieces::read(VOCABULARY).unwrap().pieces(&words, most);
        let lines: Vec<&str> = VOCABULARY.lines().collect();
        pieces.iter().map(|piece| lines[piece.number]).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn words_come_apart_into_their_longest_pieces() {
        assert_eq!(pieces("The embeddings, the BF16", 256), "the embed ##ding ##s , the b ##f ##16");
        assert_eq!(pieces("Café\u{0}-the\u{301}中the", 256), "cafe - the 中 the");
    }

    #[test]
    fn what_is_not_in_the_vocabulary_is_unknown_as_a_whole_word() {
        assert_eq!(pieces("embedx the", 256), "[UNK] the");
        assert_eq!(pieces(&"s".repeat(1_000_000), 256), "[UNK]");
        assert_eq!(pieces("🙂 \u{FFFD} Привет", 256), "[UNK] [UNK]");
    }

    #[test]
    fn nothing_is_nothing_and_too_much_is_cut() {
        assert_eq!(pieces("", 256), "");
        assert_eq!(pieces(" \t\u{7}\n", 256), "");
        assert_eq!(pieces("the embeddings", 2), "the embed");
        assert_eq!(pieces(&"the ".repeat(10_000), 256).split(' ').count(), 256);
    }

    #[test]
    fn a_vocabulary_without_the_special_pieces_is_refused() {
        assert!(WordPieces::read("the\nof").is_none());
        assert!(WordPieces::read("").is_none());
    }
}
