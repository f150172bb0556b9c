//! By which way something was found, for people: of its many alternatives only those that were said.

use std::cmp::Reverse;

use super::Trace;
use super::normalise::{Token, tokens};
use super::stems::Stems;
use super::ways::{CompiledWay, Index, Vocabulary};
use crate::loops::{Point, Way};
use crate::transcript::Transcript;

/// The way that a match was found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finder<'p> {
    /// Which list of the point's ways it stands in: `keywords`, `heard_as`, or `learned` for the user's own wordings.
    pub key: &'static str,
    /// Its place in that list, from 0.
    pub number: usize,
    /// Of each of its parts the alternative that was said.
    pub said: Vec<&'p str>,
    /// The parts that were not said, each with its alternatives.
    pub unsaid: Vec<&'p [String]>,
}

/// By which way of its point a match was found; `None` for the words of the point's own text.
pub fn finder<'p>(point: &'p Point, trace: &Trace, transcript: &Transcript) -> Option<Finder<'p>> {
    let mut number = trace.way?;
    for (key, ways) in [("keywords", &point.keywords), ("heard_as", &point.heard_as)] {
        let Some(way) = ways.get(number) else {
            number -= ways.len();
            continue;
        };
        let words = transcript.words().take(trace.last_word + 1).skip(trace.first_word);
        let alternatives = said(way, &tokens(words.map(|word| word.text.as_str())));
        let unsaid = way.parts.iter().zip(&alternatives).filter(|(_, said)| said.is_none());
        let unsaid = unsaid.map(|(part, _)| part.as_slice()).collect();
        return Some(Finder { key, number, said: alternatives.into_iter().flatten().collect(), unsaid });
    }
    let wording = point.learned.get(number)?;
    Some(Finder { key: "learned", number, said: vec![wording], unsaid: Vec::new() })
}

/// Of each part of a way the alternative that was said in a stretch; of several the one with the most words.
fn said<'w>(way: &'w Way, tokens: &[Token]) -> Vec<Option<&'w str>> {
    let (mut vocabulary, mut stems) = (Vocabulary::default(), Stems::new());
    let mut alone = |phrase: &'w String| {
        let way = Way { parts: vec![vec![phrase.clone()]] };
        (phrase.as_str(), CompiledWay::new(&way, &mut vocabulary, &mut stems))
    };
    let parts: Vec<Vec<_>> = way.parts.iter().map(|part| part.iter().map(&mut alone).collect()).collect();
    // It was found, if need be by its sound.
    let index = Index::new(tokens, &vocabulary, &mut stems, |_| true);
    let mut taken: Vec<usize> = Vec::new();
    parts
        .iter()
        .map(|part| {
            let (phrase, found) = part
                .iter()
                .flat_map(|(phrase, way)| index.find(way).into_iter().map(|found| (*phrase, found)))
                .filter(|(_, found)| found.hits.iter().all(|hit| !taken.contains(hit)))
                .max_by_key(|(_, found)| {
                    (!index.is_by_sound(found), found.hits.len(), Reverse(found.first))
                })?;
            taken.extend(found.hits);
            Some(phrase)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{WordsAlone, traces};
    use super::*;
    use crate::loops::Question;

    /// What is told of the first match of each length of way that was found in an answer, the longest first.
    fn told(ways: &[&str], answer: &str) -> Vec<(usize, Vec<String>, usize)> {
        let keywords = ways.iter().map(|way| Way::try_from((*way).to_owned()).unwrap()).collect();
        let point = Point {
            keywords,
            learned: vec!["my own words".into()],
            ..Point::new("a".into(), "zebra".into())
        };
        let question = Question::new("prompt".into(), "Why?".into(), 60, String::new(), vec![point]);
        let transcript = Transcript::typed(answer);
        let traces = traces(&question, &transcript, &WordsAlone).swap_remove(0);
        let found = traces.iter().filter_map(|trace| finder(&question.points[0], trace, &transcript));
        found
            .map(|found| {
                let said = found.said.iter().map(|said| (*said).to_owned()).collect();
                (found.number, said, found.unsaid.len())
            })
            .collect()
    }

    #[test]
    fn of_each_part_the_longest_alternative_that_was_said_is_told() {
        let ways = ["apple", "log|negative log|minus + loss|log", "loss + negative + pears|plums|figs"];
        let found = told(&ways, "Take the negative log, and that is the loss.");
        assert_eq!(found[0], (1, vec!["negative log".into(), "loss".into()], 0));
        // A part of the third way is not there.
        assert_eq!(found[1], (2, vec!["loss".into(), "negative".into()], 1));
        // No word stands for two parts.
        assert_eq!(told(&ways[1..2], "A log of a log.")[0].1, ["log", "log"]);
        let learned = told(&ways, "These are my own words.");
        assert_eq!(learned, [(0, vec!["my own words".into()], 0)]);
    }
}
