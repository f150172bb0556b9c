//! Which stretches of an answer do not count, though the words are there: what the speaker rejects,
//! says they do not know, or only names.
//!
//! In the manner of NegEx and ConText (Chapman et al. 2001, Harkema et al. 2009): a cue casts a shadow
//! over the words after it, up to the end of its clause, or, where it speaks of "it" or "that", over the
//! words before it. Right answers are full of "not", so a plain negation ("the surface isn't convex",
//! "don't normalise over the queries") refuses only what lies wholly in it; what the speaker declines to do,
//! to use or to care about, and what they do not know, reaches further. The idioms for all that stand in
//! `cues.txt`; the grammar round "not", "never" and "no" stands here.

use super::cues::{Cue, Direction, cue_at};
use super::normalise::{Boundary, Token};
use super::ways::{is_light, is_negation};

/// Why a stretch does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The speaker would not do it, or thinks nothing of it.
    Rejected,
    /// The speaker does not know it.
    Unknown,
    /// The speaker prefers something else to it.
    Replaced,
    /// The speaker has met the term, and says no more.
    Named,
    /// The speaker says that it is not so.
    Denied,
}

impl Refusal {
    /// The reason in plain words.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Rejected => "you said you would not",
            Self::Unknown => "you said you did not know",
            Self::Replaced => "you named it as what not to do",
            Self::Named => "you named it and said nothing about it",
            Self::Denied => "you said that it is not so",
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
    /// Where the subject may begin of which what lies in the shadow is denied.
    pub subject: usize,
    /// First token of the cue.
    pub cue: usize,
    /// Last token of the cue, inclusive.
    pub cue_last: usize,
    /// Whether it lies on what the cue's "it" or "that" refers to. What the speaker has put first and then
    /// dismissed is dismissed, whatever stands after it.
    pub on_topic: bool,
    /// Whether what follows is said anew: "I wouldn't keep the activations, I'd recompute them", and not
    /// "I don't need more seeds, one run shows it".
    pub then_turns: bool,
}

impl Shadow {
    /// A shadow on what was put first: all of it, whatever follows.
    fn on_topic(refusal: Refusal, first: usize, last: usize, cue: usize) -> Self {
        Self { refusal, first, last, subject: first, cue, cue_last: cue, on_topic: true, then_turns: false }
    }

    /// Whether a token is what makes the cue one: keywords that contain it ("not gaussian", "can't tell") mean it. The
    /// "not" of "I don't know" alone does not: a way with any "not" in it says nothing of knowing.
    pub fn is_cue(&self, at: usize, token: &Token) -> bool {
        let inside = (self.cue..=self.cue_last).contains(&at);
        match self.refusal {
            Refusal::Unknown if is_negation(&token.text) => false,
            Refusal::Unknown => {
                let text = token.text.as_str();
                at == self.cue || inside && (KNOWING.contains(&text) || TELLING.contains(&text))
            }
            _ => at == self.cue || inside && is_negation(&token.text),
        }
    }

    /// Whether it lies on a token.
    pub fn covers(&self, token: usize) -> bool {
        (self.first..=self.last).contains(&token)
    }
}

/// A shadow ends after so many tokens, whatever the punctuation says.
const REACH: usize = 14;

/// A topic is looked for so far back.
const TOPIC_REACH: usize = 28;

/// A sentence of so few tokens is a piece of one.
const FRAGMENT: usize = 3;

/// Words with which the speaker turns to something else.
const TURNS: [&str; 18] = [
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
    "beyond",
    "otherwise",
];

/// A cue behind one of these is a condition ("if you don't know the family, KDE").
const CONDITIONS: [&str; 9] =
    ["if", "when", "whenever", "where", "whether", "unless", "until", "once", "without"];

const ADVERBS: [&str; 24] = [
    "really",
    "even",
    "also",
    "actually",
    "necessarily",
    "particularly",
    "personally",
    "ever",
    "honestly",
    "much",
    "probably",
    "still",
    "too",
    "exactly",
    "quite",
    "usually",
    "normally",
    "typically",
    "generally",
    "simply",
    "happily",
    "here",
    "anyway",
    "myself",
];

const AUXILIARIES: [&str; 16] = [
    "would", "will", "do", "did", "should", "could", "can", "need", "have", "am", "are", "might", "must",
    "shall", "does", "had",
];

/// Between a verb and its object.
const PREPOSITIONS: [&str; 10] = ["about", "into", "with", "for", "at", "on", "of", "to", "in", "as"];

const PRONOUNS: [&str; 6] = ["it", "that", "them", "those", "this", "these"];

/// What the speaker says they do not do, and thereby does what was asked: distrust, and not forgetting.
const GOOD_TO_DECLINE: [&str; 40] = [
    "hesitate",
    "trust",
    "rely",
    "accept",
    "expect",
    "assume",
    "conclude",
    "claim",
    "declare",
    "settle",
    "start",
    "forget",
    "skip",
    "ignore",
    "miss",
    "neglect",
    "overlook",
    "omit",
    "stop",
    "wait",
    "be",
    "lose",
    "fit",
    "get",
    "force",
    "return",
    "hand",
    "let",
    "overfit",
    "leak",
    "say",
    "drop",
    "scratch",
    "sacrifice",
    "compromise",
    "negotiate",
    "sign",
    "rule",
    "deploy",
    "ship",
];

/// What right answers say does not happen: "so that it doesn't overflow".
const AVOIDED: [&str; 31] = [
    "overflow",
    "underflow",
    "explode",
    "blow",
    "nan",
    "nans",
    "leak",
    "leakage",
    "leaks",
    "diverge",
    "fail",
    "break",
    "vanish",
    "saturate",
    "collapse",
    "change",
    "matter",
    "sum",
    "see",
    "attend",
    "look",
    "contaminate",
    "materialize",
    "store",
    "want",
    "like",
    "forgive",
    "tolerate",
    "hurt",
    "drift",
    "starve",
];

/// Efforts: whoever declines one, or tells others not to make it, thinks nothing of its object.
const EFFORTS: [&str; 8] = ["bother", "worry", "care", "waste", "fuss", "mess", "overthink", "sweat"];

/// Verbs of knowing.
const KNOWING: [&str; 12] = [
    "know",
    "remember",
    "recall",
    "understand",
    "heard",
    "used",
    "learned",
    "seen",
    "studied",
    "met",
    "tried",
    "understood",
];

/// Verbs of telling, declined only by those who cannot.
const TELLING: [&str; 4] = ["explain", "name", "define", "tell"];

/// What a thing is called that the speaker thinks nothing of.
const DISMISSALS: [&str; 34] = [
    "overkill",
    "pointless",
    "irrelevant",
    "unnecessary",
    "overrated",
    "nonsense",
    "useless",
    "filler",
    "anecdotes",
    "anecdotal",
    "excuse",
    "hype",
    "gimmick",
    "superstition",
    "myth",
    "distraction",
    "overblown",
    "overhyped",
    "decoration",
    "theatre",
    "theater",
    "wasteful",
    "silly",
    "ridiculous",
    "bloat",
    "bureaucracy",
    "busywork",
    "vanity",
    "folklore",
    "luxury",
    "hassle",
    "ceremony",
    "meaningless",
    "worthless",
];

/// Whether the speaker turns to something else with this word.
pub(super) fn turns(text: &str) -> bool {
    TURNS.contains(&text)
}

/// Finds every shadow in an answer.
pub(super) fn shadows(tokens: &[Token]) -> Vec<Shadow> {
    let answer = Answer { tokens };
    (0..tokens.len()).flat_map(|at| [answer.shadow_of(at), answer.shadow_of_phrase(at)]).flatten().collect()
}

struct Answer<'a> {
    tokens: &'a [Token],
}

impl Answer<'_> {
    /// The shadow that a cue at this token casts.
    fn shadow_of(&self, at: usize) -> Option<Shadow> {
        match self.text(at) {
            "not" => self.not(at).or_else(|| self.denial(at)),
            "never" => self.never(at).or_else(|| self.denial(at)),
            "no" => self.no(at).or_else(|| self.denied_existence(at)),
            "instead" if self.says(at, "instead of") => Some(self.forward(Refusal::Replaced, at, at + 2)),
            "rather" if self.says(at, "rather than") => Some(self.forward(Refusal::Replaced, at, at + 2)),
            "forget" if self.asks(at + 1) => None,
            "skip" | "forget" | "ignore"
                if self.speaker_before(at).is_some_and(|speaker| speaker != "people")
                    || self.starts_clause(at) && self.text(at) != "ignore" =>
            {
                let object = at + 1 + usize::from(self.says(at + 1, "about"));
                Some(self.declined(Refusal::Rejected, at, object))
            }
            "leave" if self.by_speaker(at) && self.leaves_off(at) => {
                Some(self.declined(Refusal::Rejected, at, at + 1))
            }
            "heard" | "read" if self.is(at + 1, &["of", "about"]) && !self.refuses_before(at) => {
                Some(self.forward(Refusal::Named, at, at + 2))
            }
            "know" if self.recites(at) => Some(self.sentence(Refusal::Named, at)),
            "buzzwords" | "cv" | "resume" | "lecture" | "degree" => Some(self.sentence(Refusal::Named, at)),
            "something" if self.guesses(at) => Some(self.forward(Refusal::Unknown, at, at + 2)),
            text if DISMISSALS.contains(&text) && self.is_said_of_something(at) => {
                Some(self.dismissal(at, at))
            }
            _ => None,
        }
    }

    /// The shadow that a phrase of `cues.txt` casts, if one begins here.
    fn shadow_of_phrase(&self, at: usize) -> Option<Shadow> {
        let Cue { refusal, direction, last } = cue_at(self.tokens, at)?;
        // "Whether it is a probability is beside the point" sets no condition.
        let is_condition = direction != Direction::Before && self.is_condition(at);
        if is_condition || self.limits(last) || self.refuses_before(at) {
            return None;
        }
        // "If they overlap I say that I can't tell": that is the answer.
        let reports = (at.saturating_sub(2)..at).any(|before| {
            self.is(before, &["say", "saying", "admit", "report", "answer", "output", "return"])
        });
        if reports && refusal == Refusal::Unknown {
            return None;
        }
        let shadow = match direction {
            Direction::After if refusal == Refusal::Unknown => self.ignorance(at, last + 1)?,
            Direction::After => self.declined(refusal, at, last + 1),
            Direction::Before => Shadow { refusal, ..self.dismissal(at, last) },
            Direction::Clause => Shadow::on_topic(refusal, self.clause_start(at), self.clause_end(last), at),
        };
        Some(Shadow { cue_last: last, ..shadow })
    }

    fn not(&self, not: usize) -> Option<Shadow> {
        let auxiliary = not.checked_sub(1)?;
        let verb = (not + 1..).find(|&at| !self.is(at, &ADVERBS))?;
        if self.is_condition(not) || self.limits(not) {
            return None;
        }
        if self.is(verb, &["sure", "certain", "familiar"]) {
            return self.ignorance(not, verb + 1);
        }
        if self.is(auxiliary, &["does", "do", "will", "would", "is", "are", "was", "were"])
            && self.is(
                verb,
                &["matter", "apply", "worth", "needed", "necessary", "important", "relevant", "required"],
            )
        {
            return Some(self.dismissal(not, verb));
        }
        if self.is(auxiliary, &["is", "was"]) && self.is(verb, &["about"]) {
            return Some(self.forward(Refusal::Rejected, not, verb + 1));
        }
        // Recognisers lose a mumbled "I": "Wouldn't use it.", "Don't really buy that."
        let is_lost = self.boundary_before(auxiliary) != Boundary::None
            && (self.is(auxiliary, &["would"])
                || self.is(auxiliary, &["can", "could"]) && self.says(verb, "tell you")
                || self.is(auxiliary, &["do"])
                    && (self.is(verb, &KNOWING) || self.is(verb, &["buy", "think", "believe", "see"])));
        let speaker = if is_lost { Some("i") } else { self.speaker_before(auxiliary) };
        if self.is(verb, &EFFORTS) && self.is(auxiliary, &AUXILIARIES) {
            return Some(self.declined(Refusal::Rejected, not, verb + 1));
        }
        if !self.is(auxiliary, &AUXILIARIES) || speaker.is_none() {
            return None;
        }
        if self.is(verb, &["need", "have"]) && self.is(auxiliary, &["do", "would", "will"]) {
            let clueless = self.says(verb, "have a clue") || self.says(verb, "have any idea");
            let refusal = if clueless { Refusal::Unknown } else { Refusal::Rejected };
            return Some(self.declined(refusal, not, verb + 1));
        }
        if speaker == Some("you") || speaker == Some("people") {
            return None;
        }
        if self.is(verb, &KNOWING) {
            return self.ignorance(not, verb + 1);
        }
        if self.is(auxiliary, &["can", "could", "would"])
            && self.is(verb, &TELLING)
            && (!self.is(verb, &["tell"]) || self.is(verb + 1, &["you"]))
        {
            let object = verb + 1 + usize::from(self.is(verb, &["tell"]));
            return Some(Shadow { cue_last: verb, ..self.declined(Refusal::Unknown, not, object) });
        }
        if self.is(auxiliary, &["can", "could", "have", "had"]) {
            return None;
        }
        if self.is(verb, &["want", "wanna"]) {
            let action = verb + 1 + usize::from(self.is(verb + 1, &["to"]));
            let avoids = self.is(verb, &["want"]) && action == verb + 1 || self.is(action, &GOOD_TO_DECLINE);
            return (!avoids).then(|| self.declined(Refusal::Rejected, not, action + 1));
        }
        if self.is(verb, &["think", "see", "believe"]) {
            let says_in = self.is(verb, &["believe"]) && self.is(verb + 1, &["in"]);
            return (says_in || self.belittles(verb + 1))
                .then(|| self.declined(Refusal::Rejected, not, verb + 1));
        }
        if self.is(verb, &["say"]) {
            return Some(self.unsaid(not, verb));
        }
        let leaves_out = self.is(verb, &["leave"]) && self.leaves_off(verb);
        if self.is(verb, &GOOD_TO_DECLINE) || leaves_out {
            return None;
        }
        // "so I wouldn't use it": the reason given before is meant as one.
        let concludes = self.is(self.clause_start(not), &["so"])
            && self.is(verb, &["use", "pick", "choose", "take", "do"]);
        let mut shadow = self.declined(Refusal::Rejected, not, verb + 1);
        shadow.first = shadow.first.min(verb);
        (!concludes || !shadow.on_topic).then_some(shadow)
    }

    /// "It is not a Bernoulli likelihood", "you don't subtract the maximum", "it gives MSE, never cross-entropy".
    fn denial(&self, not: usize) -> Option<Shadow> {
        let before = not.checked_sub(1)?;
        let object = (not + 1..).find(|&at| !self.is(at, &ADVERBS) && !self.is(at, &["be", "been"]))?;
        let has_auxiliary = self.is(before, &AUXILIARIES)
            || self.is(before, &["is", "was", "were"])
            || self.is(not, &["never"]);
        let is_contrast = self.boundary(before) == Boundary::Comma;
        let is_bare = self.boundary_before(object) != Boundary::None;
        // "An average that doesn't come with a breakdown" denies nothing.
        let is_relative = self.is(before.wrapping_sub(1), &["that", "which", "who"])
            && self.boundary_before(before - 1) == Boundary::None;
        let avoids = (object..=object + 1)
            .any(|at| self.is(at, &GOOD_TO_DECLINE) || self.is(at, &AVOIDED) || self.is(at, &KNOWING));
        if !has_auxiliary && !is_contrast || is_bare || is_relative || avoids {
            return None;
        }
        if self.is_condition(not) || self.limits(not) {
            return None;
        }
        let subject = if is_contrast { self.clause_start(before) } else { self.clause_start(not) };
        Some(Shadow { subject, ..self.forward(Refusal::Denied, not, object) })
    }

    /// "I wouldn't say it's a coin", "a coin, I would never say that".
    fn unsaid(&self, cue: usize, say: usize) -> Shadow {
        let object = say + 1;
        if self.boundary(say) != Boundary::None {
            self.topic(Refusal::Denied, cue, say)
        } else if self.is(object, &PRONOUNS) && self.boundary(object) != Boundary::None {
            self.topic(Refusal::Denied, cue, object)
        } else {
            self.forward(Refusal::Denied, cue, object)
        }
    }

    /// "There is no link between maximum likelihood and cross-entropy", but not "there is no vanishing gradient".
    fn denied_existence(&self, no: usize) -> Option<Shadow> {
        const LINKS: [&str; 7] =
            ["link", "connection", "relation", "relationship", "correspondence", "equivalence", "role"];
        let exists = self.is(no.wrapping_sub(1), &["is", "are", "was", "has", "have"]);
        let denies = (no + 1..=no + 2).any(|at| self.is(at, &LINKS));
        (exists && denies && !self.is_condition(no)).then(|| self.forward(Refusal::Denied, no, no + 1))
    }

    fn never(&self, never: usize) -> Option<Shadow> {
        let verb = (never + 1..).find(|&at| !self.is(at, &ADVERBS))?;
        if self.is(verb, &["mind"]) {
            return Some(self.declined(Refusal::Rejected, never, verb + 1));
        }
        let is_past = !self.is(never.wrapping_sub(1), &["would", "will", "should", "shall"]);
        if is_past && (self.is(verb, &KNOWING) || self.is(verb, &["done", "had", "run"])) {
            return Some(self.declined(Refusal::Unknown, never, verb + 1));
        }
        if self.by_speaker(never) && self.is(verb, &["say"]) {
            return Some(self.unsaid(never, verb));
        }
        let tries = self.is(verb, &["bothered", "cared", "needed", "worried"]) || self.is(verb, &EFFORTS);
        let declines = self.by_speaker(never) && !self.is(verb, &GOOD_TO_DECLINE) && !self.limits(never);
        (tries || declines).then(|| {
            let shadow = self.declined(Refusal::Rejected, never, verb + 1);
            Shadow { first: shadow.first.min(verb), ..shadow }
        })
    }

    /// "no ablations.", "no need for seeds", "no idea what KDE is", "domain shift, no, text is text".
    fn no(&self, no: usize) -> Option<Shadow> {
        if self.is_condition(no) {
            return None;
        }
        if self.is(no + 1, &["idea", "clue"]) {
            return self.ignorance(no, no + 2);
        }
        if self.is(no + 1, &["need", "point"]) {
            return Some(self.declined(Refusal::Rejected, no, no + 2));
        }
        let interjected =
            no > 0 && self.boundary(no) != Boundary::None && self.boundary(no - 1) != Boundary::None;
        if interjected {
            return Some(self.topic(Refusal::Rejected, no, no));
        }
        let end = self.clause_end(no + 1);
        let only_a_noun = end <= no + 3 && self.boundary(end) != Boundary::None;
        let said_outright =
            self.starts_clause(no) || self.is(no.wrapping_sub(1), &["is", "are", "need", "want"]);
        let is_good = ["vanish", "explod", "overflow", "saturat", "leak", "nan"]
            .iter()
            .any(|ill| self.text(no + 1).starts_with(ill));
        (only_a_noun && said_outright && !is_good).then(|| self.forward(Refusal::Rejected, no, no + 1))
    }

    /// What stands from `object` on is declined; if that is only "it" or nothing, what stood before is meant.
    fn declined(&self, refusal: Refusal, cue: usize, object: usize) -> Shadow {
        let end = self.clause_end(object);
        let says_nothing = self.boundary(object - 1) != Boundary::None || turns(self.text(object));
        let first_said = (object..=end).find(|&at| !self.is(at, &PREPOSITIONS) && !self.is(at, &ADVERBS));
        let refers_back = first_said.is_none_or(|at| {
            let alone = self.boundary(at) != Boundary::None
                || at == end
                || self.is(at, &["it", "them"])
                || self.is(at + 1, &ADVERBS)
                || self.is(at + 1, &PREPOSITIONS)
                || self.is(at + 1, &["alone", "out", "is", "has", "either", "matters", "and", "or"]);
            self.is(at, &PRONOUNS) && alone
                || self.says(at, "any of")
                || self.is(at, &["either", "check"]) && at == end
        });
        if says_nothing || refers_back {
            self.topic(refusal, cue, if says_nothing { cue } else { end })
        } else {
            self.forward(refusal, cue, object)
        }
    }

    /// The speaker does not know what stands from `object` on, unless they ask for it ("not sure whether one
    /// means keep") or go on from there ("I don't know the family, so KDE").
    fn ignorance(&self, cue: usize, object: usize) -> Option<Shadow> {
        let shadow = match self.end_of_what_it_does(object) {
            Some(end) => self.topic(Refusal::Unknown, cue, end),
            None => self.declined(Refusal::Unknown, cue, object),
        };
        let goes_on = self.is(shadow.last + 1, &["so", "unless"]);
        let has_forgotten = self.is(object - 1, &["remember", "recall", "idea", "clue"]);
        let asks = self.is(object, &["whether", "if", "which"]) && !has_forgotten;
        (!goes_on && !asks).then_some(Shadow { cue_last: object - 1, ..shadow })
    }

    /// Where "how that works" and "what it is" end: such a clause says only what stood before.
    fn end_of_what_it_does(&self, object: usize) -> Option<usize> {
        let verb = object + 2;
        let refers_back = self.asks(object) && self.is(object + 1, &PRONOUNS);
        let ends = self.boundary(object + 1) != Boundary::None
            || self.is(verb, &["is", "are", "does", "do", "means", "mean", "works", "work", "goes", "go"])
                && (self.boundary(verb) != Boundary::None || self.is(verb + 1, &TURNS));
        (refers_back && ends).then(|| self.clause_end(object))
    }

    /// "what", "how": what follows is not known, rather than declined.
    fn asks(&self, at: usize) -> bool {
        self.is(at, &["what", "how", "why", "which", "where", "who", "whether", "if"])
    }

    /// Something is called pointless at `cue..=end`: the subject of the clause, or what its "that" refers to.
    fn dismissal(&self, cue: usize, end: usize) -> Shadow {
        let end = if self.says(cue, "who cares") { self.clause_end(end) } else { end };
        let start = self.clause_start(cue);
        let has_subject = (start..cue).any(|at| self.is_heavy(at));
        if has_subject {
            Shadow::on_topic(Refusal::Rejected, start, end, cue)
        } else {
            self.topic(Refusal::Rejected, cue, end)
        }
    }

    fn forward(&self, refusal: Refusal, cue: usize, from: usize) -> Shadow {
        let first = from.min(self.tokens.len() - 1);
        let mut last = self.clause_end(from).max(first);
        // "I'd not go above two and accumulate instead": the last part is what is done.
        if self.is(last + 1, &["instead"])
            && let Some(and) = (first..last).rev().find(|&at| self.is(at, &["and"]))
        {
            last = and;
        }
        if refusal == Refusal::Rejected {
            last = self.explanation_end(last);
        }
        let then_turns = self.boundary(last) == Boundary::Sentence
            || self.is(last + 1, &TURNS)
            || self.is(last + 1, &["just", "only"])
            || self.starts_assertion(last + 1);
        Shadow { refusal, first, last, subject: first, cue, cue_last: cue, on_topic: false, then_turns }
    }

    fn topic(&self, refusal: Refusal, cue: usize, end: usize) -> Shadow {
        Shadow::on_topic(refusal, self.topic_start(cue), self.explanation_end(end.max(cue)), cue)
    }

    fn sentence(&self, refusal: Refusal, cue: usize) -> Shadow {
        let first = self.sentence_start(cue, TOPIC_REACH);
        let last = (cue..self.tokens.len())
            .take(TOPIC_REACH)
            .find(|&at| self.boundary(at) == Boundary::Sentence || self.is(at + 1, &["but", "so"]))
            .unwrap_or((cue + TOPIC_REACH).min(self.tokens.len() - 1));
        Shadow::on_topic(refusal, first, last, cue)
    }

    /// The end of a refusal whose clause ends at `last`, with the denial that explains it: "I'd leave that
    /// alone, sampling doesn't change what it knows".
    fn explanation_end(&self, last: usize) -> usize {
        let next = last + 1;
        if self.boundary(last) != Boundary::Comma || turns(self.text(next)) || self.starts_assertion(next) {
            return last;
        }
        let end = self.clause_end(next);
        let denies = (next..=end).any(|at| is_negation(self.text(at)));
        if denies && !(next..=end).any(|at| self.is(at, &["hurt", "harm"])) { end } else { last }
    }

    /// The last token of the clause that goes on at `from`.
    fn clause_end(&self, from: usize) -> usize {
        let last = self.tokens.len() - 1;
        let mut at = from.min(last);
        if from > 0 && self.boundary(from - 1) == Boundary::Sentence {
            return (from - 1).min(last);
        }
        while at < last && at < from + REACH {
            let next = at + 1;
            let ends = match self.boundary(at) {
                Boundary::Sentence => true,
                Boundary::Comma => !self.is(next, &["or", "nor", "and", "any", "either"]),
                Boundary::None => false,
            };
            if ends
                || self.is(next, &TURNS)
                || self.starts_assertion(next)
                || at > from && self.starts_anew(next)
            {
                break;
            }
            at = next;
        }
        at
    }

    /// The first token of the clause that `at` stands in.
    fn clause_start(&self, at: usize) -> usize {
        let mut start = at;
        while start > 0
            && at - start < REACH
            && self.boundary(start - 1) == Boundary::None
            && !self.is(start, &TURNS)
        {
            start -= 1;
        }
        start
    }

    fn sentence_start(&self, at: usize, reach: usize) -> usize {
        let mut start = at;
        while start > 0 && at - start < reach && self.boundary(start - 1) != Boundary::Sentence {
            start -= 1;
        }
        start
    }

    /// Where that starts which a pronoun in the cue's clause refers to: what the sentence has said before,
    /// or, if the clause opens it, the sentence before.
    fn topic_start(&self, cue: usize) -> usize {
        let clause = self.clause_start(cue);
        if (clause..cue).any(|at| self.is_heavy(at)) {
            return clause;
        }
        let mut start = clause;
        while start > 0 && clause - start < TOPIC_REACH && self.boundary(start - 1) != Boundary::Sentence {
            let asserted_before = start < clause
                && (self.is(start, &["but"])
                    || self.is(start, &["so"]) && !self.is(start + 1, &["on", "forth"])
                    || self.starts_assertion(start));
            if asserted_before && (start..clause).any(|at| self.is_heavy(at)) {
                break;
            }
            start -= 1;
        }
        if (start..clause).any(|at| self.is_heavy(at)) || start == 0 {
            return start;
        }
        // "Calibration. Decoding. I'd leave that alone.": pauses that were written down as full stops.
        let mut end = start;
        let mut first = self.sentence_start(end - 1, TOPIC_REACH);
        while end - first <= FRAGMENT && first > 0 && clause - first < TOPIC_REACH {
            let before = self.sentence_start(first - 1, TOPIC_REACH);
            if first - before > FRAGMENT {
                break;
            }
            (end, first) = (first, before);
        }
        first
    }

    /// "I would", "I'm": the speaker says what they do.
    fn starts_assertion(&self, at: usize) -> bool {
        self.is(at, &["i", "we"]) && self.is(at + 1, &["would", "will", "am"]) && !self.is(at + 2, &["not"])
    }

    /// A new statement where a recogniser has written no full stop: "it's not the network it's the parser".
    fn starts_anew(&self, at: usize) -> bool {
        const LINKS: [&str; 11] =
            ["that", "if", "whether", "what", "how", "when", "why", "where", "which", "as", "than"];
        self.is(at, &["it", "that", "you", "we", "they", "i"])
            && self.is(at + 1, &["is", "are", "was", "need", "want", "have", "just", "can", "will", "would"])
            && !self.is(at + 2, &["not"])
            && !self.is(at - 1, &LINKS)
    }

    /// "if it isn't", but not "if they overlap, I wouldn't".
    fn is_condition(&self, cue: usize) -> bool {
        (self.clause_start(cue)..cue).rev().take(8).any(|before| self.is(before, &CONDITIONS))
    }

    /// "not only", "I wouldn't return just a label", "never change two things at once".
    fn limits(&self, cue: usize) -> bool {
        (cue + 1..=self.clause_end(cue + 1).min(cue + 8)).any(|at| {
            self.is(
                at,
                &["only", "just", "merely", "solely", "enough", "blindly", "always", "all", "raw", "else"],
            ) || ["at once", "less than", "anything but"].iter().any(|phrase| self.says(at, phrase))
        })
    }

    /// The subject, if it is one who speaks: "I would", "you really do", "I'm gonna".
    fn speaker_before(&self, auxiliary: usize) -> Option<&str> {
        (0..auxiliary)
            .rev()
            .take(4)
            .take_while(|&before| self.boundary(before) == Boundary::None)
            .find(|&before| {
                !self.is(before, &AUXILIARIES)
                    && !self.is(before, &ADVERBS)
                    && !self.is(before, &["just", "going", "gonna", "to", "rather"])
            })
            .filter(|&before| self.is(before, &["i", "we", "you", "people", "us"]))
            .map(|before| self.text(before))
    }

    fn by_speaker(&self, verb: usize) -> bool {
        self.speaker_before(verb).is_some()
    }

    fn refuses_before(&self, at: usize) -> bool {
        (0..at).rev().take(3).any(|before| self.is(before, &["not", "never"]))
    }

    /// "I don't think it matters", "I don't see why you'd need".
    fn belittles(&self, from: usize) -> bool {
        (from..=self.clause_end(from)).any(|at| {
            self.is(
                at,
                &[
                    "matter",
                    "matters",
                    "need",
                    "needs",
                    "needed",
                    "anything",
                    "worth",
                    "important",
                    "relevant",
                    "necessary",
                    "apply",
                    "applies",
                    "useful",
                    "helps",
                    "help",
                    "issue",
                    "problem",
                    "point",
                    "why",
                ],
            )
        })
    }

    /// "leave that alone", "leave it out", "leave at the default".
    fn leaves_off(&self, leave: usize) -> bool {
        (leave + 1..leave + 7).any(|at| self.is(at, &["alone", "out", "aside", "away", "default"]))
    }

    /// "I know FSDP, ZeRO, Adam", but not "I know that" or "so I know the".
    fn recites(&self, know: usize) -> bool {
        let by_speaker = know > 0 && self.is(know - 1, &["i"]);
        let lists = (know + 1..know + 6)
            .filter(|&at| self.tokens.get(at).is_some_and(|token| token.boundary == Boundary::Comma))
            .count();
        by_speaker
            && (lists > 0 || self.is(know + 1, &["about", "of"]))
            && !self.is(know + 1, &["that", "the", "how", "what", "which", "if", "whether", "it", "i"])
    }

    /// "is it maybe something with gradients?"
    fn guesses(&self, something: usize) -> bool {
        self.is(something + 1, &["with", "about"])
            && (something.saturating_sub(4)..something + 8)
                .any(|at| self.is(at, &["maybe", "perhaps"]) || self.says(at, "is it"))
    }

    /// Behind a copula: "that's overrated", "just anecdotes", but not "isn't overkill".
    fn is_said_of_something(&self, at: usize) -> bool {
        let before = at.saturating_sub(4)..at;
        before
            .clone()
            .any(|before| self.is(before, &["is", "are", "was", "seems", "sounds", "just", "feels"]))
            && !before.clone().any(|before| self.is(before, &["not", "never"]))
    }

    fn starts_clause(&self, at: usize) -> bool {
        at == 0 || self.boundary(at - 1) != Boundary::None || self.is(at - 1, &["so", "and", "but", "just"])
    }

    fn is_heavy(&self, at: usize) -> bool {
        let text = self.text(at);
        !text.is_empty()
            && !is_light(text)
            && !ADVERBS.contains(&text)
            && !PRONOUNS.contains(&text)
            && !AUXILIARIES.contains(&text)
            && !matches!(
                text,
                "not" | "well" | "eh" | "yeah" | "okay" | "oh" | "all" | "like" | "but" | "because"
            )
    }

    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text.as_str())
    }

    fn boundary_before(&self, at: usize) -> Boundary {
        at.checked_sub(1).map_or(Boundary::Sentence, |before| self.boundary(before))
    }

    /// What follows a token; the answer's end is a sentence's end.
    fn boundary(&self, at: usize) -> Boundary {
        match self.tokens.get(at) {
            Some(token) if at + 1 < self.tokens.len() => token.boundary,
            _ => Boundary::Sentence,
        }
    }

    fn is(&self, at: usize, words: &[&str]) -> bool {
        words.contains(&self.text(at))
    }

    /// Whether these words stand here, one after the other.
    fn says(&self, at: usize, phrase: &str) -> bool {
        phrase.split(' ').enumerate().all(|(offset, word)| self.text(at + offset) == word)
    }
}
