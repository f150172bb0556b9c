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
    /// The 95% interval of the overall F1, by drawing answers anew (bootstrap, 1,000 times).
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
    /// text's stems said anywhere.
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
        let squared = |decision: &Decision| {
            let label = f64::from(u8::from(decision.label == Label::Covered));
            (decision.probability - label).powi(2)
        };
        Self {
            schema: "viva.evaluation/1",
            overall: Counts::of(&decisions, is_ticked).figures(),
            f1_interval: interval(&decisions),
            styles: styles
                .into_iter()
                .map(|(style, decisions)| (style, Counts::of(decisions, is_ticked).figures()))
                .collect(),
            traps: Traps {
                credited: traps().filter(|decision| is_ticked(decision)).count(),
                decisions: traps().count(),
            },
            brier: counted().map(squared).sum::<f64>() / counted().count().max(1) as f64,
            calibration: Calibration::of(&decisions),
            confusions: confusions(&decisions),
            baselines: BTreeMap::from([
                ("everything", Counts::of(&decisions, |_| true).figures()),
                ("stems", Counts::of(&decisions, |decision| decision.stems >= STEMS_SHARE).figures()),
            ]),
            decisions,
        }
    }
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
    fn of<'a>(
        decisions: impl IntoIterator<Item = &'a Decision>,
        is_ticked: impl Fn(&Decision) -> bool,
    ) -> Self {
        let mut counts = Self::default();
        for decision in decisions.into_iter().filter(|decision| decision.label != Label::Borderline) {
            let (expected, ticked) = (decision.label == Label::Covered, is_ticked(decision));
            counts.right += usize::from(expected && ticked);
            counts.ticked += usize::from(ticked);
            counts.expected += usize::from(expected);
            counts.decisions += 1;
        }
        counts
    }

    fn plus(self, other: Self) -> Self {
        Self {
            right: self.right + other.right,
            ticked: self.ticked + other.ticked,
            expected: self.expected + other.expected,
            decisions: self.decisions + other.decisions,
        }
    }

    fn figures(self) -> Figures {
        let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
        Figures {
            precision: share(self.right, self.ticked),
            recall: share(self.right, self.expected),
            f1: share(2 * self.right, self.ticked + self.expected),
            decisions: self.decisions,
        }
    }
}

/// The 95% interval of F1 when other answers of the kind had been collected: the points of one answer
/// stay together, since they hang on the same words.
fn interval(decisions: &[Decision]) -> [f64; 2] {
    let mut answers: HashMap<&str, Vec<&Decision>> = HashMap::new();
    let mut order = Vec::new();
    for decision in decisions {
        let answer = answers.entry(&decision.id).or_default();
        if answer.is_empty() {
            order.push(decision.id.as_str());
        }
        answer.push(decision);
    }
    let counts: Vec<Counts> =
        order.iter().map(|id| Counts::of(answers[id].iter().copied(), is_ticked)).collect();
    if counts.is_empty() {
        return [0.0, 0.0];
    }
    // A linear congruential generator (Knuth's MMIX constants), so that figures can be repeated.
    let mut state = 1_u64;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        counts[(state >> 33) as usize % counts.len()]
    };
    let mut scores: Vec<f64> = (0..RESAMPLES)
        .map(|_| (0..counts.len()).fold(Counts::default(), |sum, _| sum.plus(draw())).figures().f1)
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
        let expected = Figures { precision: 0.5, recall: 0.5, f1: 0.5, decisions: 4 };
        assert_eq!(evaluation.overall, expected);
        assert_eq!(evaluation.styles["strong"].recall, 0.5);
        assert_eq!(evaluation.styles["negated"].f1, 0.0);
        assert_eq!(evaluation.traps, Traps { credited: 1, decisions: 2 });
        assert_eq!(evaluation.brier, 0.5);
        assert_eq!(evaluation.baselines["everything"].recall, 1.0);
        assert_eq!(evaluation.baselines["everything"].precision, 0.5);
        assert_eq!(evaluation.baselines["stems"].f1, 1.0);
        let [low, high] = evaluation.f1_interval;
        assert!(low <= 0.5 && high >= 0.5, "{low} {high}");
    }

    #[test]
    fn nothing_gives_noughts_and_no_fault() {
        let evaluation = Evaluation::of(Vec::new());
        assert_eq!((evaluation.overall.f1, evaluation.f1_interval), (0.0, [0.0, 0.0]));
    }
}
