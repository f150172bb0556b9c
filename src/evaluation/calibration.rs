//! Whether the probabilities mean what they say.

use serde::Serialize;

use super::{Decision, Label};

/// Bins of equal width.
const BINS: usize = 10;

/// Probabilities beside what people say, borderline decisions left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibration {
    /// The mean distance between a bin's mean probability and its share of points that were made, each
    /// decision counted once: 0 is best. (Expected calibration error, Naeini, Cooper and Hauskrecht 2015.)
    pub expected_error: f64,
    /// From 0 to 1.
    pub bins: Vec<Bin>,
}

/// The decisions whose probability lies between two tenths.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bin {
    /// The lowest probability in it.
    pub from: f64,
    /// The probability at which the next one begins; the last one contains 1.
    pub to: f64,
    /// The mean probability; `None` of nothing.
    pub predicted: Option<f64>,
    /// The share of points that were made, by what people say; `None` of nothing.
    pub covered: Option<f64>,
    /// The number of decisions in it.
    pub decisions: usize,
}

impl Calibration {
    pub(super) fn of(decisions: &[Decision]) -> Self {
        let counted = || decisions.iter().filter(|decision| decision.label != Label::Borderline);
        let bins: Vec<Bin> =
            (0..BINS).map(|number| bin(number, counted().filter(|one| bin_of(one) == number))).collect();
        let distance = |bin: &Bin| {
            let distance = bin.predicted.zip(bin.covered).map(|(predicted, covered)| predicted - covered);
            distance.unwrap_or_default().abs() * bin.decisions as f64
        };
        let expected_error = bins.iter().map(distance).sum::<f64>() / counted().count().max(1) as f64;
        Self { expected_error, bins }
    }
}

fn bin_of(decision: &Decision) -> usize {
    ((decision.probability * BINS as f64) as usize).min(BINS - 1)
}

fn bin<'a>(number: usize, decisions: impl Iterator<Item = &'a Decision>) -> Bin {
    let (mut probability, mut made, mut count) = (0.0, 0.0, 0);
    for decision in decisions {
        probability += decision.probability;
        made += f64::from(u8::from(decision.label == Label::Covered));
        count += 1;
    }
    let mean = |sum: f64| (count > 0).then(|| sum / count as f64);
    Bin {
        from: number as f64 / BINS as f64,
        to: (number + 1) as f64 / BINS as f64,
        predicted: mean(probability),
        covered: mean(made),
        decisions: count,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::evaluation::tests::decision;

    fn with(probability: f64, label: Label) -> Decision {
        Decision { probability, ..decision("a", 1, label) }
    }

    #[test]
    fn probabilities_are_set_beside_the_share_that_was_made() {
        let calibration = Calibration::of(&[
            with(0.0, Label::Missed),
            with(0.1, Label::Covered),
            with(0.7, Label::Covered),
            with(0.79, Label::Missed),
            with(0.75, Label::Borderline),
            with(1.0, Label::Covered),
        ]);
        let counts: Vec<usize> = calibration.bins.iter().map(|bin| bin.decisions).collect();
        assert_eq!(counts, [1, 1, 0, 0, 0, 0, 0, 2, 0, 1]);
        let bin = calibration.bins[7];
        assert_eq!((bin.from, bin.to, bin.covered), (0.7, 0.8, Some(0.5)));
        assert!((bin.predicted.unwrap() - 0.745).abs() < 1e-9);
        assert_eq!((calibration.bins[4].predicted, calibration.bins[4].covered), (None, None));
        // 0, 0.9, twice 0.245 and 0, over five.
        assert!((calibration.expected_error - 0.278).abs() < 1e-9, "{}", calibration.expected_error);
    }

    #[test]
    fn nothing_is_no_fault() {
        let calibration = Calibration::of(&[]);
        assert_eq!((calibration.expected_error, calibration.bins.len()), (0.0, BINS));
    }
}
