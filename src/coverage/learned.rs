//! Wordings that a person has taught: which phrases can be one, and how they are looked for.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use super::normalise::{Boundary, Token, text_tokens, tokens};
use super::stems::Stems;
use super::ways::{CompiledWay, Index, PHRASE_REACH, Vocabulary, is_light};
use super::{Evidence, FoundBy, PointVerdict};
use crate::loops::{Question, Way};
use crate::transcript::Transcript;

/// Longer phrases are an answer, not a wording: nobody says them twice. In words.
const LONGEST: usize = 20;

/// So many words that carry meaning, none of them from the question, make a phrase somebody's own.
const FEWEST: usize = 2;

static COMMON: LazyLock<HashSet<String>> = LazyLock::new(|| stems_of(include_str!("common.txt")));
static ORDINARY: LazyLock<HashSet<String>> = LazyLock::new(|| stems_of(include_str!("ordinary.txt")));

/// Whether a stem is that of one of the commonest words.
pub(super) fn is_common(stem: &str) -> bool {
    COMMON.contains(stem)
}

fn stems_of(file: &str) -> HashSet<String> {
    let mut stems = Stems::new();
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(str::split_whitespace).map(|word| stems.of(word)).collect()
}

/// Why a phrase cannot be a way to say a point.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is not in the answer.
    #[error("\"{phrase}\" is not in that answer; point at words as they stand in it: \"{answer}\"")]
    NotSaid {
        /// The phrase.
        phrase: String,
        /// What was said.
        answer: String,
    },
    /// Nobody says so much twice.
    #[error("\"{said}\" is too long to be said again; point at the few words that make the point")]
    TooLong {
        /// The words.
        said: String,
    },
    /// The question itself says it.
    #[error(
        "all words of \"{said}\" that carry meaning stand in the question, so that repeating it would make the \
         point; point at words of your own"
    )]
    FromQuestion {
        /// The words.
        said: String,
    },
    /// Anybody says it.
    #[error(
        "\"{said}\" would tick the point by accident; point at two words or more that carry meaning, or at one \
         rare technical word, beside those of the question"
    )]
    TooCommon {
        /// The words.
        said: String,
    },
}

/// The words of an answer that a phrase points at, verbatim, if they can be a way to say a point of the
/// question. Case, punctuation, inflections and how numbers and symbols are written make no difference.
///
/// # Errors
/// They are not in the answer, or would tick the point by accident.
pub fn wording(question: &Question, transcript: &Transcript, phrase: &str) -> Result<String, Unfit> {
    let mut stems = Stems::new();
    let words: Vec<&str> = transcript.words().map(|word| word.text.as_str()).collect();
    let tokens = tokens(words.iter().copied());
    let mut all = |tokens: &[Token]| tokens.iter().map(|token| stems.of(&token.text)).collect::<Vec<_>>();
    let (wanted, answer, prompt) =
        (all(&text_tokens(phrase)), all(&tokens), all(&text_tokens(&question.prompt)));
    let not_said = || Unfit::NotSaid { phrase: phrase.trim().to_owned(), answer: transcript.text.clone() };
    if wanted.is_empty() {
        return Err(not_said());
    }
    let stretch = stretch(&answer, &wanted.concat()).ok_or_else(not_said)?;
    let pointed = &tokens[stretch.clone()];
    let said = words[pointed[0].word..=pointed[pointed.len() - 1].word].join(" ");
    let said = said.trim_matches([',', ';', ':', '.', '!', '?']).to_owned();
    if pointed.len() > LONGEST {
        return Err(Unfit::TooLong { said });
    }

    let mut heavy: Vec<String> = Vec::new();
    let mut spelling = false;
    for (stem, token) in answer[stretch].iter().zip(pointed) {
        let is_letter = token.text.chars().count() == 1;
        match heavy.last_mut() {
            Some(word) if spelling && is_letter => word.push_str(stem),
            _ if is_light(&token.text) => {}
            _ => heavy.push(stem.clone()),
        }
        spelling = is_letter && !heavy.is_empty();
    }
    let own: HashSet<&String> = heavy.iter().filter(|stem| !prompt.contains(stem)).collect();
    if own.is_empty() && !heavy.is_empty() {
        return Err(Unfit::FromQuestion { said });
    }
    let meaning = own.iter().filter(|stem| !is_common(stem)).count();
    let rare = own.iter().any(|stem| is_rare(stem));
    if meaning < FEWEST && !rare { Err(Unfit::TooCommon { said }) } else { Ok(said) }
}

/// Where stems that read so without gaps stand: "k d e" is "kde", and "soft max" is "softmax".
fn stretch(stems: &[String], wanted: &str) -> Option<Range<usize>> {
    (0..stems.len()).find_map(|first| {
        let mut rest = wanted;
        for (at, stem) in (first..).zip(&stems[first..]) {
            rest = rest.strip_prefix(stem.as_str())?;
            if rest.is_empty() {
                return Some(first..at + 1);
            }
        }
        None
    })
}

/// Whether a word by itself tells what is meant.
fn is_rare(stem: &str) -> bool {
    stem.chars().filter(|character| character.is_alphabetic()).count() > 2
        && !COMMON.contains(stem)
        && !ORDINARY.contains(stem)
}

/// How a wording is looked for: its words in their order, with small gaps, as in any way. Where it goes on
/// beyond what one phrase can span (a sentence end, a run of words that carry nothing), in parts.
pub(super) fn way(said: &str) -> Way {
    let mut parts: Vec<String> = Vec::new();
    let mut part = String::new();
    let mut light = 0;
    for token in text_tokens(said) {
        light = if is_light(&token.text) { light + 1 } else { 0 };
        if light > PHRASE_REACH {
            parts.push(std::mem::take(&mut part));
        }
        if !part.is_empty() {
            part.push(' ');
        }
        part.push_str(&token.text);
        if token.boundary == Boundary::Sentence {
            parts.push(std::mem::take(&mut part));
        }
    }
    parts.push(part);
    // What carries nothing would never be found by itself.
    parts.retain(|part| part.split(' ').any(|word| !word.is_empty() && !is_light(word)));
    Way { parts: parts.into_iter().map(|part| vec![part]).collect() }
}

/// Those of a point's wordings that stand in what it was credited by.
pub fn credited<'w>(point: &PointVerdict, wordings: impl Iterator<Item = &'w str>) -> Vec<&'w str> {
    let by_wording = |evidence: &&Evidence| matches!(evidence.by, FoundBy::Learned | FoundBy::SoundAlike);
    let quotes: Vec<Vec<Token>> =
        point.evidence.iter().filter(by_wording).map(|evidence| text_tokens(&evidence.quote)).collect();
    let (mut vocabulary, mut stems) = (Vocabulary::default(), Stems::new());
    let ways: Vec<(&str, CompiledWay)> =
        wordings.map(|said| (said, CompiledWay::new(&way(said), &mut vocabulary, &mut stems))).collect();
    let indices: Vec<Index> =
        quotes.iter().map(|quote| Index::new(quote, &vocabulary, &mut stems, |_| true)).collect();
    let stands = |way: &CompiledWay| indices.iter().any(|index| !index.find(way).is_empty());
    ways.iter().filter(|(_, way)| stands(way)).map(|(said, _)| *said).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Verdict, WordsAlone, assess};
    use super::*;
    use crate::loops::Point;

    const ANSWER: &str = "You squash the score, so that it reads as odds. They're k d e and 10 bits. \
                          Then we get logistic regression with gradients that are flat.";

    fn question(learned: &[&str]) -> Question {
        let taught = learned.iter().map(|said| (*said).to_owned()).collect();
        let keywords = vec![Way::try_from("sigmoid + probability".to_owned()).unwrap()];
        let point = Point { keywords, learned: taught, ..Point::new("sigmoid".into(), "sigmoid".into()) };
        let sibling = Point::new("bernoulli".into(), "Bernoulli likelihood".into());
        let prompt = "Explain logistic regression and its gradients.".to_owned();
        Question::new("prompt".into(), prompt, 60, String::new(), vec![point, sibling])
    }

    fn pointed_at(phrase: &str) -> Result<String, Unfit> {
        wording(&question(&[]), &Transcript::typed(ANSWER), phrase)
    }

    fn judged(learned: &[&str], answer: &str) -> PointVerdict {
        let mut verdicts = assess(&question(learned), &Transcript::typed(answer), &WordsAlone);
        assert_eq!(verdicts[1].verdict, Verdict::Missed, "its sibling learns nothing");
        verdicts.remove(0)
    }

    #[test]
    fn words_of_the_answer_are_taken_as_they_stand_in_it() {
        for (phrase, said) in [
            ("squash the score so that it reads as odds", "squash the score, so that it reads as odds"),
            ("SQUASHED THE SCORES!", "squash the score"),
            ("they are KDE and ten bits", "They're k d e and 10 bits"),
            (" odds.  they are kde", "odds. They're k d e"),
            ("kde", "k d e"),
        ] {
            assert_eq!(pointed_at(phrase).as_deref(), Ok(said), "{phrase}");
        }
        let formula = Transcript::typed("and it is p - y there");
        assert_eq!(wording(&question(&[]), &formula, "p minus y").as_deref(), Ok("p - y"));
        for phrase in ["squash the odds", "reads as odds and", "", " ?! "] {
            assert!(matches!(pointed_at(phrase), Err(Unfit::NotSaid { .. })), "{phrase}");
        }
    }

    #[test]
    fn what_would_tick_by_accident_is_refused() {
        for phrase in ["so that it", "then we get", "score", "and 10", "that are flat"] {
            let refused = pointed_at(phrase);
            assert!(matches!(refused, Err(Unfit::TooCommon { .. })), "{phrase}: {refused:?}");
        }
        for phrase in ["logistic regression", "with gradients that"] {
            let refused = pointed_at(phrase);
            assert!(matches!(refused, Err(Unfit::FromQuestion { .. })), "{phrase}: {refused:?}");
        }
        assert!(matches!(pointed_at("then we get logistic regression"), Err(Unfit::TooCommon { .. })));
        let long = ANSWER.split_whitespace().take(24).collect::<Vec<_>>().join(" ");
        assert!(matches!(pointed_at(&long), Err(Unfit::TooLong { .. })));
    }

    #[test]
    fn a_wording_counts_wherever_it_is_said_and_meant() {
        let answer = "What comes out, you squash that score and it reads as odds.";
        assert_eq!(judged(&[], answer).verdict, Verdict::Missed);
        assert_eq!(judged(&["squash the odds"], answer).verdict, Verdict::Missed);
        let found = judged(&["squash the score", "kde"], answer);
        assert_eq!((found.verdict, found.evidence[0].by), (Verdict::Covered, FoundBy::Learned));
        assert!(found.evidence[0].quote.contains("squash that score"), "{found:?}");
        // Across a sentence end, which the recogniser may hear elsewhere next time.
        let across = &["squash the score. It reads as odds"];
        for answer in ["squash the score. It reads as odds", "squash the score, it reads as odds"] {
            assert_eq!(judged(across, answer).verdict, Verdict::Covered, "{answer}");
        }
        // Words that carry nothing may stand in a row, or at the end.
        let light = &["squash it to be in the odds. It is"];
        assert_eq!(judged(light, "You squash it to be in the odds, it is").verdict, Verdict::Covered);
        assert_eq!(judged(&["the. of"], "the of").verdict, Verdict::Missed);
    }

    #[test]
    fn the_wordings_that_made_a_point_are_told_from_those_that_did_not() {
        let learned = ["squash the score", "reads as odds", "kde"];
        let found = judged(&learned, "What comes out, you squash that score. It is k d e.");
        assert_eq!(credited(&found, learned.into_iter()), ["squash the score", "kde"]);
        let by_keywords = judged(&learned[1..], "The sigmoid gives a probability.");
        assert_eq!(by_keywords.verdict, Verdict::Covered);
        assert_eq!(credited(&by_keywords, learned.into_iter()), [""; 0]);
    }

    #[test]
    fn a_wording_said_in_a_rejection_does_not_count() {
        let learned = &["squash the score"];
        for answer in [
            "I would not squash the score.",
            "I have no idea what it means to squash the score.",
            "I would never say that you squash the score.",
            "I wouldn't say you squash the score.",
            "You squash the score, I would never say that.",
        ] {
            let found = judged(learned, answer);
            assert_eq!(found.verdict, Verdict::Missed, "{found:?}");
            assert!(found.reason.is_some());
        }
    }
}
