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

impl WordPieces {
    /// Reads a vocabulary of one piece a line, the first with the number 0; `None` where a piece that
    /// BERT cannot do without is missing.
    pub(super) fn read(vocabulary: &str) -> Option<Self> {
        let numbers: HashMap<String, usize> = vocabulary.lines().map(str::to_owned).zip(0..).collect();
        let of = |piece: &str| numbers.get(piece).copied();
        let (start, end, unknown) = (of("[CLS]")?, of("[SEP]")?, of("[UNK]")?);
        Some(Self { numbers, start, end, unknown })
    }

    /// The numbers of a text between start and end, these two included; what would make them more
    /// than `most` (at least 2) is cut off.
    pub(super) fn encode(&self, text: &str, most: usize) -> Vec<usize> {
        let mut numbers = vec![self.start];
        for word in words(text) {
            self.push_word(&word, &mut numbers);
            if numbers.len() >= most {
                break;
            }
        }
        numbers.truncate(most - 1);
        numbers.push(self.end);
        numbers
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
        let numbers = WordPieces::read(VOCABULARY).unwrap().encode(text, most);
        let lines: Vec<&str> = VOCABULARY.lines().collect();
        numbers.iter().map(|&number| lines[number]).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn words_come_apart_into_their_longest_pieces() {
        assert_eq!(
            pieces("The embeddings, the BF16", 256),
            "[CLS] the embed ##ding ##s , the b ##f ##16 [SEP]"
        );
        assert_eq!(pieces("Café\u{0}-the\u{301}中the", 256), "[CLS] cafe - the 中 the [SEP]");
    }

    #[test]
    fn what_is_not_in_the_vocabulary_is_unknown_as_a_whole_word() {
        assert_eq!(pieces("embedx the", 256), "[CLS] [UNK] the [SEP]");
        assert_eq!(pieces(&"s".repeat(1_000_000), 256), "[CLS] [UNK] [SEP]");
        assert_eq!(pieces("🙂 \u{FFFD} Привет", 256), "[CLS] [UNK] [UNK] [SEP]");
    }

    #[test]
    fn nothing_is_nothing_and_too_much_is_cut() {
        assert_eq!(pieces("", 256), "[CLS] [SEP]");
        assert_eq!(pieces(" \t\u{7}\n", 256), "[CLS] [SEP]");
        assert_eq!(pieces("the embeddings", 4), "[CLS] the embed [SEP]");
        assert_eq!(pieces(&"the ".repeat(10_000), 256).split(' ').count(), 256);
    }

    #[test]
    fn a_vocabulary_without_the_special_pieces_is_refused() {
        assert!(WordPieces::read("the\nof").is_none());
        assert!(WordPieces::read("").is_none());
    }
}
