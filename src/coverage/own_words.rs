//! Points without keywords: matched on the words of their own text, which is how people write lists.

use super::normalise::{Boundary, text_tokens};
use super::stems::Stems;
use super::ways::{Index, Match, Stem, Vocabulary, WINDOW, is_light};

/// Words that a checklist is written with and an answer need not contain.
const CHECKLIST_WORDS: [&str; 44] = [
    "mention",
    "check",
    "discuss",
    "explain",
    "clarify",
    "inspect",
    "describe",
    "use",
    "write",
    "show",
    "state",
    "name",
    "cover",
    "give",
    "understand",
    "know",
    "note",
    "identify",
    "define",
    "intuition",
    "effect",
    "effects",
    "choice",
    "issue",
    "issues",
    "idea",
    "concept",
    "basic",
    "basics",
    "strong",
    "good",
    "better",
    "correct",
    "right",
    "proper",
    "possible",
    "needed",
    "acceptable",
    "appropriate",
    "relevant",
    "leading",
    "via",
    "using",
    "exact",
];

/// What follows one of these is a condition or a comparison, not the point itself.
const ASIDES: [&str; 7] = ["if", "when", "where", "than", "for", "because", "unless"];

const CHECKLIST_WEIGHT: f64 = 0.3;
const PROMPT_WEIGHT: f64 = 0.25;
const ASIDE_WEIGHT: f64 = 0.4;

/// A point's own words with their weights.
pub(super) struct OwnWords {
    slots: Vec<Slot>,
}

/// One word of the text, or several joined by a slash, any of which will do.
struct Slot {
    stems: Vec<Stem>,
    weight: f64,
}

impl OwnWords {
    /// Reads a point's text. `is_in_prompt` tells of a stem whether the question contains it.
    pub fn new(
        text: &str,
        vocabulary: &mut Vocabulary,
        stems: &mut Stems,
        is_in_prompt: impl Fn(&str) -> bool,
    ) -> Self {
        let mut slots: Vec<Slot> = Vec::new();
        let mut in_aside = false;
        for group in text.replace(" / ", "/").split_whitespace() {
            let mut alternatives = Vec::new();
            let mut weight: f64 = 0.0;
            let mut ends = false;
            for token in group.split('/').flat_map(text_tokens) {
                in_aside |= ASIDES.contains(&token.text.as_str());
                ends |= token.boundary != Boundary::None;
                if is_light(&token.text) || ASIDES.contains(&token.text.as_str()) {
                    continue;
                }
                let stem = stems.of(&token.text);
                let own = if is_in_prompt(&stem) {
                    PROMPT_WEIGHT
                } else if CHECKLIST_WORDS.contains(&token.text.as_str()) {
                    CHECKLIST_WEIGHT
                } else {
                    1.0
                };
                weight = weight.max(if in_aside { own * ASIDE_WEIGHT } else { own });
                let stem = vocabulary.number(stem);
                if group.contains('/') {
                    alternatives.push(stem);
                } else {
                    slots.push(Slot { stems: vec![stem], weight });
                }
            }
            if !alternatives.is_empty() {
                slots.push(Slot { stems: alternatives, weight });
            }
            in_aside &= !ends;
        }
        Self { slots }
    }

    /// The stretch with most of the words near each other, and how much of their weight it has, 0..1.
    /// Only words at positions that `counts` are taken.
    pub fn best(&self, index: &Index, counts: impl Fn(usize) -> bool) -> Option<(Match, f64)> {
        let total: f64 = self.slots.iter().map(|slot| slot.weight).sum();
        let mut found: Vec<(usize, usize)> = Vec::new();
        for (slot, content) in self.slots.iter().enumerate() {
            for &stem in &content.stems {
                found.extend(index.positions(stem).filter(|&at| counts(at)).map(|at| (at, slot)));
            }
        }
        found.sort_unstable();
        let mut inside = vec![0_usize; self.slots.len()];
        let mut weight = 0.0;
        let mut from = 0;
        let mut best: Option<(f64, usize, usize)> = None;
        for (to, &(at, slot)) in found.iter().enumerate() {
            if inside[slot] == 0 {
                weight += self.slots[slot].weight;
            }
            inside[slot] += 1;
            // Drop what is too far away, and what the stretch has again further on.
            while at - found[from].0 >= WINDOW || inside[found[from].1] > 1 {
                inside[found[from].1] -= 1;
                if inside[found[from].1] == 0 {
                    weight -= self.slots[found[from].1].weight;
                }
                from += 1;
            }
            if best.is_none_or(|(most, _, _)| weight > most + 1e-9) {
                best = Some((weight, from, to));
            }
        }
        let (weight, from, to) = best?;
        let mut hits: Vec<usize> = found[from..=to].iter().map(|(at, _)| *at).collect();
        hits.dedup();
        Some((Match { first: hits[0], last: *hits.last()?, hits }, weight / total))
    }
}
