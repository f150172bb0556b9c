//! Precision, recall and their kin over decisions.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::confusion::confusions;
use super::{Calibration, Confusion, Decision, Label};
use crate::coverage::Verdict;

/// The styles of answers that try to be credited for what they do not say.
const TRAPS: [&str; 4] = ["negated", "namedrop", "echo", "unknown"];

/// A point with half of its stems said is covered by the baseline that counts stems.
const STEMS_SHARE: f64 = 0.5;

/// So many thresholds of similarity are tried.
const THRESHOLDS: usize = 100;

/// So often are the answers drawn anew for an interval.
const RESAMPLES: usize = 1_000;

/// How decisions agree with labels; borderline ones are left out. Positive is `covered`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figures {
    /// The share of ticks that people would give too.
    pub precision: f64,
    /// The share of people's ticks that are given.
    pub recall: f64,
    /// The harmonic mean of the two; 0 where there is nothing to find.
    pub f1: f64,
    /// Its 95% interval, by drawing answers anew (bootstrap, 1,000 times); too narrow where there are few.
    pub f1_interval: [f64; 2],
    /// The number of decisions.
    pub decisions: usize,
}

/// Missed points of answers that try to be credited for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Traps {
    /// Credited all the same.
    pub credited: usize,
    /// All.
    pub decisions: usize,
}

impl Traps {
    /// Whether answers of this style have the words of points that they do not make.
    pub fn are_in(style: &str) -> bool {
        TRAPS.contains(&style)
    }
}

/// The judgement measured: `viva.evaluation/1`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// Always `viva.evaluation/1`.
    pub schema: &'static str,
    /// Over all decisions.
    pub overall: Figures,
    /// The same as in `overall`, from where it stood there alone.
    pub f1_interval: [f64; 2],
    /// For each style.
    pub styles: BTreeMap<String, Figures>,
    /// Traps.
    pub traps: Traps,
    /// The mean squared difference between probability and label (Brier score): 0 is best.
    pub brier: f64,
    /// The probabilities beside what people say.
    pub calibration: Calibration,
    /// Points that were credited by words that make another one, the commonest first.
    pub confusions: Vec<Confusion>,
    /// What simple programs reach: `everything` ticks every point, `stems` those with half of their
    /// text's stems said anywhere, `similarity` those whose text and nearest sentence have like directions, with the
    /// threshold that is best for these answers (where the model for that is there).
    pub baselines: BTreeMap<&'static str, Figures>,
    /// Every decision, borderline ones too.
    pub decisions: Vec<Decision>,
}

impl Evaluation {
    /// Measures decisions.
    pub fn of(decisions: Vec<Decision>) -> Self {
        let mut styles: BTreeMap<String, Vec<&Decision>> = BTreeMap::new();
        for decision in &decisions {
            styles.entry(decision.style.clone()).or_default().push(decision);
        }
        let counted = || decisions.iter().filter(|decision| decision.label != Label::Borderline);
        let traps =
            || counted().filter(|decision| decision.label == Label::Missed && Traps::are_in(&decision.style));
        let overall = Figures::of(&decisions, is_ticked);
        let squared = |decision: &Decision| {
            let label = f64::from(u8::from(decision.label == Label::Covered));
            (decision.probability - label).powi(2)
        };
        Self {
            schema: "viva.evaluation/1",
            overall,
            f1_interval: overall.f1_interval,
            styles: styles
                .into_iter()
                .map(|(style, decisions)| (style, Figures::of(decisions, is_ticked)))
                .collect(),
            traps: Traps {
                credited: traps().filter(|decision| is_ticked(decision)).count(),
                decisions: traps().count(),
            },
            brier: counted().map(squared).sum::<f64>() / counted().count().max(1) as f64,
            calibration: Calibration::of(&decisions),
            confusions: confusions(&decisions),
            baselines: [
                ("everything", Some(Figures::of(&decisions, |_| true))),
                ("stems", Some(Figures::of(&decisions, |decision| decision.stems >= STEMS_SHARE))),
                ("similarity", similarity(&decisions)),
            ]
            .into_iter()
            .filter_map(|(name, figures)| Some((name, figures?)))
            .collect(),
            decisions,
        }
    }
}

/// What the cosine of a point and the nearest sentence reaches with the threshold that is best for these very
/// decisions, which nobody could know beforehand; `None` where the cosines are not known.
fn similarity(decisions: &[Decision]) -> Option<Figures> {
    let mut cosines: Vec<f64> =
        decisions.iter().map(|decision| decision.similarity).collect::<Option<_>>()?;
    cosines.sort_by(f64::total_cmp);
    let is_near = |decision: &Decision, least| decision.similarity.is_some_and(|cosine| cosine >= least);
    let score = |least: f64| {
        let mut counts = Counts::default();
        decisions.iter().for_each(|decision| counts.add(decision, is_near(decision, least)));
        counts.f1()
    };
    let every = cosines.len().div_ceil(THRESHOLDS).max(1);
    let thresholds = cosines.into_iter().step_by(every);
    let least = thresholds.max_by(|one, other| score(*one).total_cmp(&score(*other)))?;
    Some(Figures::of(decisions, |decision| is_near(decision, least)))
}

fn is_ticked(decision: &Decision) -> bool {
    decision.verdict == Verdict::Covered
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    /// Ticked, and rightly.
    right: usize,
    ticked: usize,
    expected: usize,
    decisions: usize,
}

impl Counts {
    fn add(&mut self, decision: &Decision, is_ticked: bool) {
        if decision.label == Label::Borderline {
            return;
        }
        let expected = decision.label == Label::Covered;
        self.right += usize::from(expected && is_ticked);
        self.ticked += usize::from(is_ticked);
        self.expected += usize::from(expected);
        self.decisions += 1;
    }

    fn plus(self, other: Self) -> Self {
        Self {
            right: self.right + other.right,
            ticked: self.ticked + other.ticked,
            expected: self.expected + other.expected,
            decisions: self.decisions + other.decisions,
        }
    }

    fn f1(self) -> f64 {
        share(2 * self.right, self.ticked + self.expected)
    }
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

impl Figures {
    fn of<'a>(
        decisions: impl IntoIterator<Item = &'a Decision>,
        is_ticked: impl Fn(&Decision) -> bool,
    ) -> Self {
        // The points of one answer stay together, since they hang on the same words.
        let mut answers: Vec<Counts> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for decision in decisions {
            let place = *places.entry(&decision.id).or_insert(answers.len());
            if place == answers.len() {
                answers.push(Counts::default());
            }
            answers[place].add(decision, is_ticked(decision));
        }
        let all = answers.iter().fold(Counts::default(), |sum, answer| sum.plus(*answer));
        Self {
            precision: share(all.right, all.ticked),
            recall: share(all.right, all.expected),
            f1: all.f1(),
            f1_interval: interval(&answers),
            decisions: all.decisions,
        }
    }
}

/// The 95% interval of F1 when other answers of the kind had been collected.
fn interval(answers: &[Counts]) -> [f64; 2] {
    if answers.is_empty() {
        return [0.0, 0.0];
    }
    // A linear congruential generator (Knuth's MMIX constants), so that figures can be repeated.
    let mut state = 1_u64;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        answers[(state >> 33) as usize % answers.len()]
    };
    let mut scores: Vec<f64> = (0..RESAMPLES)
        .map(|_| (0..answers.len()).fold(Counts::default(), |sum, _| sum.plus(draw())).f1())
        .collect();
    scores.sort_by(f64::total_cmp);
    [scores[RESAMPLES / 40], scores[RESAMPLES - 1 - RESAMPLES / 40]]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::evaluation::tests::decision as known;

    fn decision(id: &str, style: &str, label: Label, verdict: Verdict, stems: f64) -> Decision {
        let probability = if verdict == Verdict::Covered { 1.0 } else { 0.0 };
        Decision { style: style.into(), verdict, probability, stems, ..known(id, 1, label) }
    }

    #[test]
    fn ticks_are_counted_against_labels_and_borderline_ones_left_out() {
        let evaluation = Evaluation::of(vec![
            decision("a", "strong", Label::Covered, Verdict::Covered, 1.0),
            decision("a", "strong", Label::Covered, Verdict::Partial, 0.5),
            decision("a", "strong", Label::Borderline, Verdict::Covered, 0.0),
            decision("b", "negated", Label::Missed, Verdict::Covered, 0.4),
            decision("b", "negated", Label::Missed, Verdict::Missed, 0.0),
        ]);
        let Figures { precision, recall, f1, f1_interval, decisions } = evaluation.overall;
        assert_eq!((precision, recall, f1, decisions), (0.5, 0.5, 0.5, 4));
        assert_eq!(evaluation.styles["strong"].recall, 0.5);
        assert_eq!(evaluation.styles["negated"].f1, 0.0);
        assert_eq!(evaluation.traps, Traps { credited: 1, decisions: 2 });
        assert_eq!(evaluation.brier, 0.5);
        assert_eq!(evaluation.baselines["everything"].recall, 1.0);
        assert_eq!(evaluation.baselines["everything"].precision, 0.5);
        assert_eq!(evaluation.baselines["stems"].f1, 1.0);
        assert!(!evaluation.baselines.contains_key("similarity"), "no cosine is known");
        let [low, high] = evaluation.f1_interval;
        assert!(low <= 0.5 && high >= 0.5, "{low} {high}");
        assert_eq!(evaluation.f1_interval, f1_interval);
    }

    #[test]
    fn intervals_are_of_their_own_answers_and_narrow_with_their_number() {
        // Every third answer is judged wrongly, in each style.
        let of_style = |style: &'static str, count: usize| {
            (0..count).map(move |number| {
                let verdict = if number % 3 == 0 { Verdict::Missed } else { Verdict::Covered };
                decision(&format!("{style}{number}"), style, Label::Covered, verdict, 0.0)
            })
        };
        let right = ["a", "b"].map(|id| decision(id, "right", Label::Covered, Verdict::Covered, 0.0));
        let all = of_style("few", 9).chain(of_style("many", 300)).chain(right).collect();
        let styles = Evaluation::of(all).styles;
        let width = |style: &str| styles[style].f1_interval[1] - styles[style].f1_interval[0];
        assert_eq!(styles["few"].f1, styles["many"].f1);
        for style in ["few", "many"] {
            let Figures { f1, f1_interval: [low, high], .. } = styles[style];
            assert!(low < f1 && f1 < high, "{style}: {low} {f1} {high}");
        }
        assert!(width("many") < 0.1 && width("few") > 3.0 * width("many"), "{styles:?}");
        assert_eq!(styles["right"].f1_interval, [1.0, 1.0]);
    }

    #[test]
    fn similarity_is_given_the_threshold_that_is_best_for_it() {
        let with = |label, cosine| Decision {
            similarity: Some(cosine),
            ..decision("a", "strong", label, Verdict::Missed, 0.0)
        };
        let decisions = vec![
            with(Label::Covered, 0.9),
            with(Label::Missed, 0.3),
            with(Label::Covered, 0.4),
            with(Label::Missed, 0.6),
        ];
        let similarity = Evaluation::of(decisions).baselines["similarity"];
        assert_eq!((similarity.precision, similarity.recall), (2.0 / 3.0, 1.0));
    }

    #[test]
    fn nothing_gives_noughts_and_no_fault() {
        let evaluation = Evaluation::of(Vec::new());
        assert_eq!((evaluation.overall.f1, evaluation.f1_interval), (0.0, [0.0, 0.0]));
    }
}
