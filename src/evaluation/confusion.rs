//! Points that were credited by words that make another one.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Decision, Label};
use crate::coverage::Verdict;

/// Two points of a question that are taken for each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Confusion {
    /// The question, as [`super::Answer::asked`] has it.
    pub question: String,
    /// The number, from 1, of the point that was credited and not made.
    pub credited: usize,
    /// Its text.
    pub credited_text: String,
    /// The number, from 1, of the point that was made, and whose evidence shares words with it.
    pub made: usize,
    /// Its text.
    pub made_text: String,
    /// In so many answers.
    pub answers: usize,
}

/// The pairs of points that are taken for each other, commonest first.
pub(super) fn confusions(decisions: &[Decision]) -> Vec<Confusion> {
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    // The points of an answer stand together and in order. Its id is no help: two answers may have the same.
    for answer in decisions.chunk_by(|one, next| one.id == next.id && next.point == one.point + 1) {
        let wrong = answer.iter().filter(|one| one.label == Label::Missed && one.verdict == Verdict::Covered);
        for credited in wrong {
            let made = answer.iter().filter(|one| one.label == Label::Covered && shares_words(one, credited));
            for made in made {
                let pair = (&credited.question, credited.point, made.point, &credited.text, &made.text);
                *counts.entry(pair).or_default() += 1;
            }
        }
    }
    let mut confusions: Vec<Confusion> = counts
        .into_iter()
        .map(|((question, credited, made, credited_text, made_text), answers)| Confusion {
            question: question.clone(),
            credited,
            credited_text: credited_text.clone(),
            made,
            made_text: made_text.clone(),
            answers,
        })
        .collect();
    confusions.sort_by_key(|confusion| std::cmp::Reverse(confusion.answers));
    confusions
}

fn shares_words(one: &Decision, other: &Decision) -> bool {
    one.evidence.iter().any(|one| {
        other.evidence.iter().any(|other| one.start() <= other.end() && other.start() <= one.end())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::ops::RangeInclusive;

    use super::*;
    use crate::evaluation::tests::decision;

    fn with(
        id: &str,
        point: usize,
        label: Label,
        verdict: Verdict,
        evidence: RangeInclusive<usize>,
    ) -> Decision {
        Decision { verdict, evidence: vec![evidence], ..decision(id, point, label) }
    }

    fn pairs(decisions: &[Decision]) -> Vec<(usize, usize, usize)> {
        confusions(decisions).iter().map(|one| (one.credited, one.made, one.answers)).collect()
    }

    #[test]
    fn a_point_credited_by_the_words_of_another_is_counted_commonest_first() {
        use Verdict::{Covered, Partial};
        let decisions = [
            with("a", 1, Label::Covered, Covered, 3..=6),
            with("a", 2, Label::Missed, Covered, 6..=9),
            with("a", 3, Label::Missed, Covered, 7..=9),
            with("b", 1, Label::Covered, Covered, 0..=1),
            // What viva makes of the point that was made does not matter: it may have taken the one for the other.
            with("b", 2, Label::Covered, Partial, 4..=8),
            with("b", 3, Label::Missed, Covered, 5..=6),
            with("c", 1, Label::Covered, Covered, 0..=9),
            with("c", 2, Label::Missed, Covered, 0..=0),
            with("c", 3, Label::Missed, Partial, 0..=9),
        ];
        assert_eq!(pairs(&decisions), [(2, 1, 2), (3, 2, 1)]);
    }

    #[test]
    fn the_points_of_two_answers_are_never_compared() {
        let decisions = [
            with("same", 1, Label::Covered, Verdict::Covered, 0..=9),
            with("same", 1, Label::Missed, Verdict::Covered, 0..=9),
            with("other", 2, Label::Missed, Verdict::Covered, 0..=9),
        ];
        assert_eq!(pairs(&decisions), []);
    }

    #[test]
    fn a_borderline_point_neither_confuses_nor_is_confused() {
        let decisions = [
            with("a", 1, Label::Borderline, Verdict::Covered, 0..=9),
            with("a", 2, Label::Missed, Verdict::Covered, 0..=9),
            with("b", 1, Label::Covered, Verdict::Covered, 0..=9),
            with("b", 2, Label::Borderline, Verdict::Covered, 0..=9),
        ];
        assert_eq!(pairs(&decisions), []);
    }
}
