//! From matches and their sense to verdicts with evidence.

use std::collections::HashSet;

use super::normalise::{self, Boundary, Token, text_tokens};
use super::own_words::OwnWords;
use super::sense::{Refusal, Shadow, shadows, turns};
use super::stems::Stems;
use super::ways::{CompiledWay, Index, Match, Vocabulary, is_light};
use super::{Evidence, FoundBy, PointVerdict, Verdict, learned};
use crate::loops::{Point, Question, Way};
use crate::transcript::{Transcript, Word};

/// A point without keywords is covered from this share of its own words' weight on.
const COVERED_SHARE: f64 = 0.75;

/// ... and partial from this.
const PARTIAL_SHARE: f64 = 0.5;

/// What a keyword way with one of its parts missing counts for, and the bare words of a point with keywords.
const ALMOST_SHARE: f64 = 0.6;

/// Parts further apart than so many tokens belong together less surely.
const LOOSE_SPAN: usize = 10;

/// Below this probability of a decisive word the recogniser was guessing.
const UNHEARD_PROBABILITY: f64 = 0.1;

/// So many quotes a point at most.
const MOST_EVIDENCE: usize = 3;

/// A quote is extended to its clause's ends if they are no further than so many tokens.
const QUOTE_REACH: usize = 5;

/// The probabilities that go with each kind of decision. They order the decisions and keep covered points
/// above one half; they are no more than that until they are fitted.
mod probability {
    pub const COVERED_TWICE: f64 = 0.95;
    pub const COVERED: f64 = 0.9;
    pub const COVERED_LOOSELY: f64 = 0.75;
    pub const UNHEARD: f64 = 0.45;
    pub const PARTIAL: f64 = 0.35;
    pub const REFUSED: f64 = 0.1;
    pub const NOTHING: f64 = 0.02;
}

/// One answer being judged.
pub(super) struct Judge<'a> {
    question: &'a Question,
    words: Vec<&'a Word>,
    tokens: Vec<Token>,
    stems: Stems,
    prompt: HashSet<String>,
    /// Per token whether the question contains it too.
    in_prompt: Vec<bool>,
    shadows: Vec<Shadow>,
    /// Per token the shadows that it lies in.
    covering: Vec<Vec<usize>>,
}

/// What was looked for and where it was found.
struct Found {
    matched: Match,
    by: FoundBy,
    /// 0..1: how much of what was looked for is there.
    share: f64,
}

/// How a point can be recognised.
struct Recognisers {
    keywords: Vec<CompiledWay>,
    heard_as: Vec<CompiledWay>,
    learned: Vec<CompiledWay>,
    own_words: OwnWords,
}

impl<'a> Judge<'a> {
    pub fn new(question: &'a Question, transcript: &'a Transcript) -> Self {
        let words: Vec<&Word> = transcript.words().collect();
        let tokens = normalise::tokens(words.iter().map(|word| word.text.as_str()));
        let mut stems = Stems::new();
        let prompt: HashSet<String> =
            text_tokens(&question.prompt).iter().map(|token| stems.of(&token.text)).collect();
        let in_prompt = tokens.iter().map(|token| prompt.contains(&stems.of(&token.text))).collect();
        let shadows = shadows(&tokens);
        let mut covering = vec![Vec::new(); tokens.len()];
        for (number, shadow) in shadows.iter().enumerate() {
            for covered in &mut covering[shadow.first..=shadow.last] {
                covered.push(number);
            }
        }
        Self { question, words, tokens, stems, prompt, in_prompt, shadows, covering }
    }

    /// One verdict a point, in the checklist's order.
    pub fn verdicts(mut self) -> Vec<PointVerdict> {
        let mut vocabulary = Vocabulary::default();
        let recognisers: Vec<Recognisers> =
            self.question.points.iter().map(|point| self.recognisers(point, &mut vocabulary)).collect();
        let index = Index::new(&self.tokens, &vocabulary, &mut self.stems);
        self.question
            .points
            .iter()
            .zip(&recognisers)
            .map(|(point, recognisers)| self.verdict(point, recognisers, &index))
            .collect()
    }

    fn recognisers(&mut self, point: &Point, vocabulary: &mut Vocabulary) -> Recognisers {
        let stems = &mut self.stems;
        let prompt = &self.prompt;
        let mut compile = |way: &Way| CompiledWay::new(way, vocabulary, stems);
        let keywords = point.keywords.iter().map(&mut compile).collect();
        let heard_as = point.heard_as.iter().map(&mut compile).collect();
        let learned = point.learned.iter().map(|said| compile(&learned::way(said))).collect();
        let own_words = OwnWords::new(&point.text, vocabulary, stems, |stem| prompt.contains(stem));
        Recognisers { keywords, heard_as, learned, own_words }
    }

    fn verdict(&self, point: &Point, recognisers: &Recognisers, index: &Index) -> PointVerdict {
        let mut accepted = Vec::new();
        let mut named = Vec::new();
        let mut refused: Option<(Found, Reason)> = None;
        let mut partial = Vec::new();
        let matches = self.matches(recognisers, index);
        // Where one way lies wholly in a shadow the point is what was declined, and no other way may count
        // that takes some of its words from there.
        let declined: HashSet<usize> = matches
            .iter()
            .filter(|found| found.share >= COVERED_SHARE)
            .flat_map(|found| self.whole_shadows(&found.matched))
            .collect();
        for found in matches {
            match self.refusal(&found.matched, &declined) {
                None if found.share >= COVERED_SHARE => accepted.push(found),
                None => partial.push(found),
                Some(Reason::Sense(Refusal::Named)) => named.push(found),
                Some(reason) if found.share >= COVERED_SHARE && refused.is_none() => {
                    refused = Some((found, reason));
                }
                Some(_) => {}
            }
        }
        let decided = |verdict, probability, evidence: Vec<Found>, reason: Option<&str>| PointVerdict {
            id: point.id.clone(),
            text: point.text.clone(),
            verdict,
            overruled: None,
            probability,
            evidence: self.evidence(evidence),
            reason: reason.map(str::to_owned),
        };
        if !accepted.is_empty() {
            if accepted.iter().all(|found| self.is_badly_heard(&found.matched)) {
                return decided(Verdict::Unheard, probability::UNHEARD, accepted, Some("it was badly heard"));
            }
            return decided(Verdict::Covered, self.certainty(&accepted), accepted, None);
        }
        // What was named and then rejected was rejected.
        let is_rejected = matches!(refused, Some((_, Reason::Sense(_))));
        if !named.is_empty() && !is_rejected {
            let reason = Refusal::Named.reason();
            return decided(Verdict::Partial, probability::PARTIAL, named, Some(reason));
        }
        if let Some((found, reason)) = refused {
            return decided(Verdict::Missed, probability::REFUSED, vec![found], Some(reason.text()));
        }
        let share = partial.iter().map(|found| found.share).fold(0.0, f64::max);
        if share >= PARTIAL_SHARE {
            return decided(Verdict::Partial, probability::PARTIAL * share, partial, None);
        }
        decided(Verdict::Missed, probability::NOTHING, Vec::new(), None)
    }

    fn matches(&self, recognisers: &Recognisers, index: &Index) -> Vec<Found> {
        let whole = |by: FoundBy| move |matched: Match| Found { matched, by, share: 1.0 };
        let heard_as =
            recognisers.heard_as.iter().flat_map(|way| index.find(way)).map(whole(FoundBy::HeardAs));
        let learned = recognisers.learned.iter().flat_map(|way| index.find(way)).map(whole(FoundBy::Learned));
        let mut found: Vec<Found> = recognisers
            .keywords
            .iter()
            .flat_map(|way| index.find(way))
            .map(whole(FoundBy::Keyword))
            .chain(heard_as)
            .chain(learned)
            .collect();
        let own = &recognisers.own_words;
        let counting = own.best(index, |at| self.covering[at].is_empty());
        let own_words = [counting, own.best(index, |_| true)].into_iter().flatten();
        if recognisers.keywords.is_empty() {
            found.extend(own_words.map(|(matched, share)| Found { matched, by: FoundBy::Text, share }));
        } else {
            // The author has said what it takes: the bare words of the list are half of it.
            let almost = recognisers.keywords.iter().flat_map(|way| index.find_almost(way));
            found.extend(almost.map(|matched| Found { matched, by: FoundBy::Keyword, share: ALMOST_SHARE }));
            let named = own_words.filter(|(_, share)| *share >= COVERED_SHARE);
            found.extend(named.map(|(matched, _)| Found { matched, by: FoundBy::Text, share: ALMOST_SHARE }));
        }
        found
    }

    /// Why a match does not count, if it does not.
    fn refusal(&self, matched: &Match, declined: &HashSet<usize>) -> Option<Reason> {
        let heavy = self.heavy_hits(matched);
        if heavy.iter().all(|&hit| self.in_prompt[hit]) {
            return Some(Reason::Repetition);
        }
        self.shadows_on(&heavy)
            .filter(|&number| {
                let shadow = &self.shadows[number];
                let inside = |hit: &usize| shadow.covers(*hit);
                let count = heavy.iter().filter(|hit| inside(hit)).count();
                // "The likelihood is not Bernoulli" denies the whole of "likelihood + bernoulli", but "with MSE the
                // gradient is p minus y, not scaled" nothing of "p minus y".
                if shadow.refusal == Refusal::Denied && !shadow.on_topic {
                    return heavy
                        .iter()
                        .all(|&hit| (shadow.subject..=shadow.last).contains(&hit) || self.in_prompt[hit]);
                }
                if shadow.on_topic || declined.contains(&number) || 2 * count > heavy.len() {
                    return true;
                }
                // "If they overlap, I wouldn't report any confidence" ends in the shadow; "I wouldn't keep the
                // activations, I'd recompute them" leaves it.
                let ends_inside = heavy.last().is_some_and(inside);
                shadow.refusal != Refusal::Replaced && (ends_inside || !shadow.then_turns)
            })
            .map(|number| self.shadows[number].refusal)
            .min_by_key(|&refusal| refusal == Refusal::Named)
            .map(Reason::Sense)
    }

    /// The shadows that the whole of a match lies in.
    fn whole_shadows(&self, matched: &Match) -> Vec<usize> {
        let heavy = self.heavy_hits(matched);
        self.shadows_on(&heavy)
            .filter(|&number| self.shadows[number].refusal != Refusal::Replaced)
            .filter(|&number| heavy.iter().all(|&hit| self.shadows[number].covers(hit)))
            .collect()
    }

    /// The shadows that lie on some of a match, those left out whose cue the match itself contains.
    fn shadows_on(&self, heavy: &[usize]) -> impl Iterator<Item = usize> + '_ {
        let mut shadows: Vec<usize> = heavy.iter().flat_map(|&hit| &self.covering[hit]).copied().collect();
        shadows.sort_unstable();
        shadows.dedup();
        shadows
            .retain(|&number| !heavy.iter().any(|&hit| self.shadows[number].is_cue(hit, &self.tokens[hit])));
        shadows.into_iter()
    }

    fn heavy_hits(&self, matched: &Match) -> Vec<usize> {
        matched.hits.iter().copied().filter(|&hit| !is_light(&self.tokens[hit].text)).collect()
    }

    /// Whether one of the words that it takes was a guess of the recogniser's.
    fn is_badly_heard(&self, matched: &Match) -> bool {
        matched
            .hits
            .iter()
            .filter(|&&hit| !is_light(&self.tokens[hit].text))
            .filter_map(|&hit| self.words[self.tokens[hit].word].probability)
            .any(|probability| probability < UNHEARD_PROBABILITY)
    }

    fn certainty(&self, accepted: &[Found]) -> f64 {
        let share = accepted.iter().map(|found| found.share).fold(0.0, f64::max);
        let is_tight = |found: &Found| found.matched.last - found.matched.first < LOOSE_SPAN;
        let certainty = match accepted.len() {
            1 if !is_tight(&accepted[0]) => probability::COVERED_LOOSELY,
            1 => probability::COVERED,
            _ => probability::COVERED_TWICE,
        };
        certainty * share
    }

    /// The best matches as quotes, none of which overlap.
    fn evidence(&self, mut found: Vec<Found>) -> Vec<Evidence> {
        let rank = |found: &Found| {
            let missing = (1000.0 * (1.0 - found.share)) as usize;
            let span = found.matched.last - found.matched.first;
            (self.is_badly_heard(&found.matched), missing, span, found.matched.first)
        };
        found.sort_by_cached_key(rank);
        let mut evidence: Vec<Evidence> = Vec::new();
        for found in found {
            let (first, last) = self.readable(&found.matched);
            let (first_word, last_word) = (self.tokens[first].word, self.tokens[last].word);
            if evidence.iter().any(|other| first_word <= other.last_word && other.first_word <= last_word) {
                continue;
            }
            let words = &self.words[first_word..=last_word];
            let quote = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
            evidence.push(Evidence {
                quote: quote.trim_end_matches([',', ';', ':']).to_owned(),
                start_seconds: words[0].start_seconds,
                end_seconds: words[words.len() - 1].end_seconds,
                first_word,
                last_word,
                by: found.by,
            });
            if evidence.len() == MOST_EVIDENCE {
                break;
            }
        }
        evidence
    }

    /// A match extended to the ends of its clause, where they are near.
    fn readable(&self, matched: &Match) -> (usize, usize) {
        let first = (0..=matched.first)
            .rev()
            .take(QUOTE_REACH + 1)
            .find(|&at| {
                at == 0 || self.tokens[at - 1].boundary != Boundary::None || turns(&self.tokens[at].text)
            })
            .unwrap_or(matched.first);
        let last = (matched.last..self.tokens.len())
            .take(QUOTE_REACH + 1)
            .find(|&at| {
                self.tokens[at].boundary != Boundary::None
                    || self.tokens.get(at + 1).is_none_or(|next| turns(&next.text))
            })
            .unwrap_or(matched.last);
        (first, last)
    }
}

/// Why a match does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    Sense(Refusal),
    Repetition,
}

impl Reason {
    fn text(self) -> &'static str {
        match self {
            Self::Sense(refusal) => refusal.reason(),
            Self::Repetition => "this only repeats the question",
        }
    }
}
