//! Which stretches of an answer do not count, though the words are there: what the speaker rejects,
//! says they do not know, or only names.
//!
//! In the manner of NegEx and ConText (Chapman et al. 2001, Harkema et al. 2009): a trigger casts a
//! shadow over the words after it, or before it, up to the end of its clause. Right answers are full of
//! "not", so a plain negation of a thing ("the surface isn't convex", "MSE doesn't") is no trigger: what
//! counts is the speaker declining to do, use or care.

use super::normalise::{Boundary, Token};
use super::ways::is_light;

/// Why a stretch does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The speaker would not do it.
    Rejected,
    /// The speaker does not know it.
    Unknown,
    /// The speaker names something else as the better choice.
    Replaced,
    /// The speaker has met the term, and says no more.
    Named,
}

impl Refusal {
    /// The reason in plain words.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Rejected => "you said you would not",
            Self::Unknown => "you said you did not know",
            Self::Replaced => "you named it as what not to do",
            Self::Named => "you named it without saying anything about it",
        }
    }
}

/// A stretch of tokens that does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shadow {
    /// Why.
    pub refusal: Refusal,
    /// First token in the shadow.
    pub first: usize,
    /// Last token in the shadow, inclusive.
    pub last: usize,
    /// The trigger: keywords that contain it ("not gaussian") mean it.
    pub trigger: usize,
}

/// A shadow ends after so many tokens, whatever the punctuation says.
const REACH: usize = 14;

/// "no ablations": a noun with at most two words before it.
const NOUN_REACH: usize = 3;

/// Words with which the speaker turns to something else.
const TURNS: [&str; 19] = [
    "but",
    "so",
    "because",
    "instead",
    "rather",
    "however",
    "then",
    "although",
    "though",
    "unless",
    "until",
    "without",
    "before",
    "except",
    "whereas",
    "while",
    "since",
    "beyond",
    "otherwise",
];

/// A negation behind one of these is a condition ("if you don't know the family, KDE").
const CONDITIONS: [&str; 8] = ["if", "when", "whenever", "where", "whether", "unless", "until", "once"];

const ADVERBS: [&str; 17] = [
    "really",
    "even",
    "also",
    "actually",
    "necessarily",
    "particularly",
    "personally",
    "ever",
    "honestly",
    "probably",
    "still",
    "be",
    "too",
    "exactly",
    "much",
    "just",
    "quite",
];

const SPEAKERS: [&str; 5] = ["i", "we", "you", "one", "people"];
const AUXILIARIES: [&str; 16] = [
    "would", "will", "do", "did", "should", "could", "can", "need", "have", "am", "are", "might", "must",
    "shall", "does", "had",
];
const PRONOUNS: [&str; 8] = ["it", "that", "them", "those", "this", "these", "any", "either"];

/// Whether the speaker turns to something else with this word.
pub(super) fn turns(text: &str) -> bool {
    TURNS.contains(&text)
}

/// Finds every shadow in an answer.
pub(super) fn shadows(tokens: &[Token]) -> Vec<Shadow> {
    let answer = Answer { tokens };
    (0..tokens.len()).filter_map(|index| answer.shadow_at(index)).collect()
}

struct Answer<'a> {
    tokens: &'a [Token],
}

impl Answer<'_> {
    fn text(&self, index: usize) -> &str {
        self.tokens.get(index).map_or("", |token| token.text.as_str())
    }

    fn is(&self, index: usize, words: &[&str]) -> bool {
        words.contains(&self.text(index))
    }

    /// Whether these words stand here, one after the other.
    fn says(&self, index: usize, phrase: &str) -> bool {
        phrase.split(' ').enumerate().all(|(offset, word)| self.text(index + offset) == word)
    }

    fn shadow_at(&self, index: usize) -> Option<Shadow> {
        match self.text(index) {
            "not" => self.negated(index),
            "no" => self.none(index),
            "never" if self.says(index, "never mind") => {
                Some(self.forward(Refusal::Rejected, index, index + 2))
            }
            "never" if self.is(index + 1, &["heard", "used", "learned", "understood", "met", "studied"]) => {
                Some(self.forward(Refusal::Unknown, index, index + 2))
            }
            "instead" | "rather" if self.says(index, "instead of") || self.says(index, "rather than") => {
                Some(self.forward(Refusal::Replaced, index, index + 2))
            }
            "forget" if self.starts_clause(index) || self.speaker_before(index) => {
                let refusal = if self.text(index.wrapping_sub(1)) == "i" {
                    Refusal::Unknown
                } else {
                    Refusal::Rejected
                };
                Some(self.forward(refusal, index, index + 1))
            }
            "skip" | "ignore" | "leave" | "avoid" if self.speaker_before(index) => {
                if self.text(index) == "leave" && !self.leaves_alone(index) {
                    return None;
                }
                Some(self.rejecting(index, index + 1))
            }
            "waste" if self.says(index, "waste of") => Some(self.backward(index)),
            "overkill" | "pointless" | "irrelevant" | "unnecessary" | "overrated" | "nonsense"
            | "distraction" | "useless" => Some(self.backward(index)),
            "heard" if self.is(index + 1, &["of", "about"]) => {
                Some(self.forward(Refusal::Named, index, index + 2))
            }
            "know" if self.names(index) => Some(self.forward(Refusal::Named, index, index + 1)),
            _ => None,
        }
    }

    /// "not": the speaker's own refusal or ignorance, or a thing's lack of importance.
    fn negated(&self, not: usize) -> Option<Shadow> {
        let auxiliary = not.checked_sub(1)?;
        let mut verb = not + 1;
        while self.is(verb, &ADVERBS) {
            if self.is(verb, &["just"]) {
                return None;
            }
            verb += 1;
        }
        if self.is(verb, &["only", "merely", "simply", "enough", "because", "all", "always"])
            || self.conditional(not)
        {
            return None;
        }
        if self.is(verb, &["matter", "apply", "help", "change"])
            && self.is(auxiliary, &["does", "do", "will", "would"])
            && self.is(verb, &["matter", "apply"])
        {
            return Some(self.backward(not));
        }
        if self
            .is(verb, &["worth", "needed", "necessary", "important", "relevant", "required", "interesting"])
            && self.is(auxiliary, &["is", "are", "was", "were"])
        {
            return Some(self.backward(not));
        }
        if self.is(verb, &["sure", "familiar"]) {
            return Some(self.forward(Refusal::Unknown, not, verb + 1));
        }
        let subject = auxiliary.checked_sub(1);
        let by_speaker = self.is(auxiliary, &AUXILIARIES)
            && (subject.is_none_or(|subject| {
                self.is(subject, &SPEAKERS) || self.tokens[subject].boundary != Boundary::None
            }) || self.speaker_before(auxiliary));
        if !by_speaker {
            let about = self.says(verb, "about") && self.is(auxiliary, &["is", "was"]);
            return about.then(|| self.forward(Refusal::Rejected, not, verb + 1));
        }
        match self.text(verb) {
            "know" | "remember" | "recall" | "understand" | "heard" | "used" | "learned" | "seen"
            | "come" => Some(self.forward(Refusal::Unknown, not, verb + 1)),
            "tell" | "name" | "explain" => Some(self.forward(Refusal::Unknown, not, verb + 1)),
            "have" if self.says(verb, "have a clue") || self.says(verb, "have any idea") => {
                Some(self.forward(Refusal::Unknown, not, verb + 3))
            }
            // Distrust is what the question asks for, and not forgetting is doing.
            "trust" | "rely" | "accept" | "forget" | "skip" | "ignore" | "miss" | "neglect" | "overlook"
            | "stop" | "be" | "want" | "wanna" | "lose" | "fit" | "get" | "assume" | "force" => None,
            "believe" if self.text(verb + 1) != "in" => None,
            "think" => {
                let end = self.clause_end(verb + 1);
                let belittles = (verb + 1..=end).any(|at| {
                    self.is(
                        at,
                        &[
                            "matter",
                            "need",
                            "anything",
                            "worth",
                            "important",
                            "relevant",
                            "necessary",
                            "apply",
                            "useful",
                            "bother",
                            "helps",
                        ],
                    )
                });
                belittles.then(|| self.rejecting(not, verb + 1))
            }
            _ if self.is(auxiliary, &["can", "could"]) && !self.is(verb, &["use", "bother", "care"]) => None,
            _ => Some(self.rejecting(not, verb)),
        }
    }

    /// "no ablations", "no idea what KDE is", "domain shift, no, text is text".
    fn none(&self, no: usize) -> Option<Shadow> {
        if self.conditional(no)
            || self.is(no + 1, &["matter", "reason", "wonder", "longer", "more", "one", "single"])
        {
            return None;
        }
        if self.is(no + 1, &["idea", "clue"]) {
            return Some(self.forward(Refusal::Unknown, no, no + 2));
        }
        if self.is(no + 1, &["need", "point"]) {
            return Some(self.rejecting(no, no + 2));
        }
        let alone = no > 0
            && self.tokens[no].boundary != Boundary::None
            && self.tokens[no - 1].boundary == Boundary::Comma;
        if alone {
            return Some(self.backward(no));
        }
        let mut shadow = self.forward(Refusal::Rejected, no, no + 1);
        shadow.last = shadow.last.min(no + NOUN_REACH);
        Some(shadow)
    }

    /// Something is rejected from `from` on; if that is only "it" or "that", what stood before is meant.
    fn rejecting(&self, trigger: usize, from: usize) -> Shadow {
        let end = self.clause_end(from);
        let object = (from..=end.min(from + 3)).find(|&at| self.is(at, &PRONOUNS));
        let names_something = |last: usize| (from + 1..last).any(|at| self.is_heavy(at));
        let concludes = self.is(self.clause_start(trigger), &["so"]);
        match object {
            Some(pronoun) if !names_something(pronoun) && self.refers_back(pronoun) && !concludes => Shadow {
                first: self.referent_start(trigger),
                ..self.forward(Refusal::Rejected, trigger, from)
            },
            _ => self.forward(Refusal::Rejected, trigger, from),
        }
    }

    /// "that" as the object itself, not "that kernel" or "any of that stuff" before a noun.
    fn refers_back(&self, pronoun: usize) -> bool {
        self.tokens[pronoun].boundary != Boundary::None
            || matches!(self.text(pronoun), "it" | "them" | "those")
            || !self.is_heavy(pronoun + 1)
            || self.is(pronoun + 1, &["alone", "out", "either", "got", "has", "matters", "one"])
    }

    fn forward(&self, refusal: Refusal, trigger: usize, from: usize) -> Shadow {
        Shadow { refusal, first: from.min(self.tokens.len() - 1), last: self.clause_end(from), trigger }
    }

    /// What stood before in the clause, or, if that is only "it", in the clauses before.
    fn backward(&self, trigger: usize) -> Shadow {
        let start = self.clause_start(trigger);
        let names_something = (start..trigger).any(|at| self.is_heavy(at) && !self.is(at, &AUXILIARIES));
        let first = if names_something { start } else { self.referent_start(trigger) };
        Shadow { refusal: Refusal::Rejected, first, last: trigger, trigger }
    }

    /// Where the clause that `from` stands in ends: the last token of it.
    fn clause_end(&self, from: usize) -> usize {
        let last = self.tokens.len() - 1;
        let mut at = from.min(last);
        if from > 0 && self.tokens[from - 1].boundary == Boundary::Sentence {
            return from - 1;
        }
        while at < last && at < from + REACH {
            let next = at + 1;
            let ends = match self.tokens[at].boundary {
                Boundary::Sentence => true,
                Boundary::Comma => !self.is(next, &["or", "nor", "and", "any", "either"]),
                Boundary::None => false,
            };
            let turns = at > from && (self.is(next, &TURNS) || self.starts_first_person(next));
            if ends || turns {
                break;
            }
            at = next;
        }
        at
    }

    fn starts_first_person(&self, at: usize) -> bool {
        self.is(at, &["i"]) && self.is(at + 1, &["would", "will", "am", "do", "have"])
    }

    /// Where the clause of `at` starts.
    fn clause_start(&self, at: usize) -> usize {
        (0..at)
            .rev()
            .take(REACH)
            .take_while(|&before| self.tokens[before].boundary == Boundary::None)
            .take_while(|&before| !self.is(before + 1, &TURNS))
            .last()
            .unwrap_or(at)
    }

    /// Where that starts which a pronoun in the clause of `trigger` refers to: its own sentence, or, if
    /// the clause opens that, the sentence before.
    fn referent_start(&self, trigger: usize) -> usize {
        let sentence = |at: usize| {
            (0..at)
                .rev()
                .take(2 * REACH)
                .take_while(|&before| self.tokens[before].boundary != Boundary::Sentence)
                .last()
        };
        let clause = self.clause_start(trigger);
        match sentence(clause) {
            Some(start) if (start..clause).any(|at| self.is_heavy(at)) => start,
            _ => clause.checked_sub(1).map_or(clause, |before| sentence(before).unwrap_or(before)),
        }
    }

    fn conditional(&self, at: usize) -> bool {
        let start = self.clause_start(at);
        (start..at).rev().take(6).any(|before| self.is(before, &CONDITIONS))
    }

    fn starts_clause(&self, at: usize) -> bool {
        at == 0
            || self.tokens[at - 1].boundary != Boundary::None
            || self.is(at - 1, &["so", "and", "but", "just"])
    }

    /// "I would", "I'd just", "you can", "let us".
    fn speaker_before(&self, at: usize) -> bool {
        (0..at)
            .rev()
            .take(4)
            .take_while(|&before| self.tokens[before].boundary == Boundary::None)
            .find(|&before| {
                !self.is(before, &AUXILIARIES)
                    && !self.is(before, &ADVERBS)
                    && !self.is(before, &["just", "going", "gonna", "to", "happily"])
            })
            .is_some_and(|before| self.is(before, &SPEAKERS) || self.is(before, &["us"]))
    }

    fn leaves_alone(&self, leave: usize) -> bool {
        (leave + 1..leave + 6).any(|at| self.is(at, &["alone", "out", "aside", "away"]))
    }

    /// "I know FSDP, ZeRO, Adam", but not "I know that" or "so I know the".
    fn names(&self, know: usize) -> bool {
        know.checked_sub(1).is_some_and(|before| self.is(before, &["i"]))
            && (self.is(know + 1, &["about", "of"])
                || self.tokens[know..].iter().take(5).any(|token| token.boundary == Boundary::Comma))
            && !self.is(know + 1, &["that", "the", "how", "what", "which", "if", "whether", "it"])
    }

    fn is_heavy(&self, at: usize) -> bool {
        let text = self.text(at);
        !text.is_empty() && !is_light(text) && !ADVERBS.contains(&text) && !PRONOUNS.contains(&text)
    }
}
