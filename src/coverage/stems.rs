//! Stems: what a word has in common with its inflections.

use std::collections::HashMap;

use rust_stemmers::{Algorithm, Stemmer};

/// A Snowball stemmer with a memory, and with the corrections that technical speech needs.
pub(super) struct Stems {
    stemmer: Stemmer,
    known: HashMap<String, String>,
}

impl Stems {
    pub fn new() -> Self {
        Self { stemmer: Stemmer::create(Algorithm::English), known: HashMap::new() }
    }

    /// The stem of a normalised token.
    pub fn of(&mut self, text: &str) -> String {
        if let Some(stem) = self.known.get(text) {
            return stem.clone();
        }
        let spelling = american(text);
        let stem = irregular(&spelling).map_or_else(
            || {
                let stem = self.stemmer.stem(&spelling);
                reunited(&stem).unwrap_or(&stem).to_owned()
            },
            str::to_owned,
        );
        self.known.insert(text.to_owned(), stem.clone());
        stem
    }
}

/// British endings as American ones. It may turn "otherwise" into "otherwize": both sides alike.
fn american(text: &str) -> String {
    let mut spelling = text.replace("isation", "ization");
    for (british, american) in [
        ("ise", "ize"),
        ("ised", "ized"),
        ("ises", "izes"),
        ("ising", "izing"),
        ("yse", "yze"),
        ("ysed", "yzed"),
        ("ysing", "yzing"),
    ] {
        if let Some(start) = spelling.strip_suffix(british)
            && start.chars().count() >= 3
        {
            spelling = format!("{start}{american}");
            break;
        }
    }
    for (british, american) in [("iour", "ior"), ("avour", "avor"), ("olour", "olor")] {
        spelling = spelling.replace(british, american);
    }
    spelling
}

/// Words whose stem no rule finds, and words that the rules would wrongly unite.
fn irregular(text: &str) -> Option<&'static str> {
    Some(match text {
        "analysis" | "analyses" | "analyze" | "analyzed" | "analyzing" | "analyzes" => "analys",
        // "normal" is a distribution.
        "normalize" | "normalized" | "normalizes" | "normalizing" | "normalization" => "normaliz",
        // "general" is not what a model does well on new data.
        "generalize" | "generalized" | "generalizes" | "generalizing" | "generalization" => "generaliz",
        "axes" => "axi",
        "matrices" => "matrix",
        "indices" => "index",
        "criteria" => "criterion",
        "blew" | "blown" => "blow",
        "broke" | "broken" => "break",
        "built" => "build",
        "chose" | "chosen" => "choos",
        "drew" | "drawn" => "draw",
        "fell" | "fallen" => "fall",
        "gave" | "given" => "give",
        "got" | "gotten" => "get",
        "grew" | "grown" => "grow",
        "held" => "hold",
        "hid" | "hidden" => "hide",
        "kept" => "keep",
        "lost" => "lose",
        "made" => "make",
        "ran" => "run",
        "seen" | "saw" => "see",
        "shown" => "show",
        "threw" | "thrown" => "throw",
        "took" | "taken" => "take",
        "went" | "gone" => "go",
        "worse" | "worst" => "wors",
        "wrote" | "written" => "write",
        _ => return None,
    })
}

/// One stem for families that Snowball leaves apart.
fn reunited(stem: &str) -> Option<&'static str> {
    Some(match stem {
        "stabl" => "stabil",
        "divis" => "divid",
        "explos" => "explod",
        "comparison" => "compar",
        "failur" => "fail",
        "uncertainti" => "uncertain",
        "ambiguous" => "ambigu",
        "retriever" => "retriev",
        "logarithm" => "log",
        "infinit" | "inf" => "infin",
        "trunc" => "truncat",
        "maximum" => "max",
        "minimum" => "min",
        "dimens" => "dim",
        "exponenti" | "exponent" => "exp",
        "param" => "paramet",
        "grad" => "gradient",
        "opt" => "optim",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inflections_and_families_meet() {
        let mut stems = Stems::new();
        for family in [
            &["gradient", "gradients", "grads"][..],
            &["calibration", "calibrated", "calibrate"],
            &["ablation", "ablations", "ablate", "ablating"],
            &["normalise", "normalization", "normalized"],
            &["division", "divide", "dividing"],
            &["analysis", "analyse", "analyzing"],
            &["failure", "failures", "fails", "failed"],
            &["behaviour", "behavior"],
            &["stable", "stability"],
            &["dimension", "dim", "dims"],
            &["retriever", "retrieval", "retrieve"],
            &["uncertain", "uncertainty"],
            &["max", "maximum"],
            &["slice", "slices", "slicing", "sliced"],
            &["accumulate", "accumulation", "accumulating"],
        ] {
            let first = stems.of(family[0]);
            for word in family {
                assert_eq!(stems.of(word), first, "{word}");
            }
        }
        assert_ne!(stems.of("normal"), stems.of("normalization"));
    }
}
