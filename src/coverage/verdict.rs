//! From matches and their sense to verdicts with evidence.

use std::collections::HashSet;

use super::context::{Place, surroundings};
use super::likeness::{Likeness, Reader, nearest};
use super::normalise::{self, Boundary, Token, text_tokens};
use super::own_words::OwnWords;
use super::sense::{Refusal, Shadow, shadows, turns};
use super::stems::Stems;
use super::ways::{CompiledWay, Index, Match, Vocabulary, WINDOW, is_light};
use super::{Evidence, FoundBy, PointVerdict, Sign, Trace, Verdict, learned, weights};
use crate::loops::{Point, Question, Way};
use crate::transcript::{Transcript, Word};

/// A point without keywords is covered from this share of its own words' weight on.
const COVERED_SHARE: f64 = 0.75;

/// ... and partial from this.
const PARTIAL_SHARE: f64 = 0.5;

/// What a keyword way with one of its parts missing counts for, and the bare words of a point with keywords.
const ALMOST_SHARE: f64 = 0.6;

/// Below this probability of a decisive word the recogniser was guessing.
const UNHEARD_PROBABILITY: f64 = 0.1;

/// Below this probability a word is also taken for what it sounds like. Of tiny.en's words one in four lies below it,
/// and of those that it gets wrong most ("seats" for "seeds": 0.76).
const DOUBTFUL_PROBABILITY: f64 = 0.8;

/// Ways that are found no further apart than so many tokens speak for each other.
const NEAR: usize = 3;

/// So many quotes a point at most.
const MOST_EVIDENCE: usize = 3;

/// A quote is extended to its clause's ends if they are no further than so many tokens.
const QUOTE_REACH: usize = 5;

/// The sign of what holds for every match of its kind, before any word is looked at.
pub const ALWAYS: &str = "always";

/// The number of the way that the bare words of a point with keywords are.
const BARE_WORDS: usize = usize::MAX;

/// A point is covered from this probability on.
pub const COVERED: f64 = 0.5;

/// ... and half from this.
const PARTIAL: f64 = 0.12;

/// ... where it was found by what a sentence means: something or other is always a little like a point.
const PARTIAL_MEANING: f64 = 0.35;

/// Log odds of a match in which only words of the question were repeated.
const REPETITION: f64 = -5.0;

/// Why a match does not count of which no rule says why.
const UNCLEAR: &str = "it does not sound as if you meant it";

/// The probability of a point that was badly heard is at most this.
const UNHEARD: f64 = 0.45;

/// The probability of a point of which nothing was found. Of those, one in twelve turned out to be made.
const NOTHING: f64 = 0.08;

/// What it adds to the log odds that somebody practises: the answers that the weights were fitted to are more than
/// half made to deceive. On the held-out answers F1 is the same for anything from 0 to 0.6.
const PRACTICE: f64 = 0.4;

/// What a rule's refusal adds to the log odds over its fitted weight, so that what is plainly taken back is not
/// credited for the words round it. On the held-out answers F1 is the same from -1 to -2.2.
const REFUSED: f64 = -2.2;

/// What it adds to the log odds of a point without keywords that most of its words were said, and takes from them
/// that half of them were: the fit, on answers most of which are made to deceive by just that, cannot tell.
const TEXT: f64 = 0.8;

/// What a likeness in meaning lacks for a tick, in log odds. Of the ticks given by it alone 98 in 100 are right on
/// honest answers to other questions, 86 on the development split of ArgKP.
const MEANING: f64 = -0.3;

/// How strongly the words in and round a sentence must speak against a likeness in meaning before they count, and
/// what they count for then: they were weighed on interviews about machine learning, the likeness on all kinds of
/// things.
const AGAINST_MEANING: f64 = -1.5;
const AGAINST_MEANING_WEIGHT: f64 = 2.0;

/// What it adds to the log odds that the user has said of these very words that they make the point.
const LEARNED: f64 = 2.0;

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
    /// Per token whether it ends an item of a list: a few words between two commas.
    listed: Vec<bool>,
    reader: &'a dyn Reader,
}

/// What was looked for and where it was found.
struct Found {
    matched: Match,
    by: FoundBy,
    /// 0..1: how much of what was looked for is there.
    share: f64,
    /// Which of the point's ways it is; `None` for its own words.
    way: Option<usize>,
    /// Why the rules would refuse it.
    refusal: Option<Reason>,
    /// Whether some of its words only sound like what was looked for.
    by_sound: bool,
    /// The log odds that its likeness in meaning gives it, where it was found by that.
    likeness: Option<f64>,
}

impl Found {
    /// How it was found, as it is told.
    fn told_by(&self) -> FoundBy {
        if self.by_sound { FoundBy::SoundAlike } else { self.by }
    }

    /// Whether enough of what was looked for is there.
    fn is_whole(&self) -> bool {
        self.share >= COVERED_SHARE
    }

    /// ... and not in the question's own words alone.
    fn is_whole_answer(&self) -> bool {
        self.is_whole() && self.refusal != Some(Reason::Repetition)
    }
}

/// What was found, and what the weights make of it.
struct Judged {
    found: Found,
    log_odds: f64,
}

/// How many of the other points the rules refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    None,
    Some,
    Most,
}

/// For each point what the speaker does with the others: who dismisses most of them will hardly mean this one.
fn moods(found: &[Vec<Found>]) -> Vec<Mood> {
    let is_refused = |found: &Vec<Found>| {
        let mut whole = found.iter().filter(|found| found.is_whole()).peekable();
        whole.peek()?;
        Some(whole.all(|found| found.refusal.is_some()))
    };
    let refused: Vec<Option<bool>> = found.iter().map(is_refused).collect();
    (0..found.len())
        .map(|point| {
            let others =
                || (0..found.len()).filter(|other| *other != point).filter_map(|other| refused[other]);
            match (others().filter(|refused| *refused).count(), others().count()) {
                (0, _) => Mood::None,
                (refused, all) if 2 * refused >= all => Mood::Most,
                _ => Mood::Some,
            }
        })
        .collect()
}

/// Per token whether a piece of at most three words ends with it that stands between commas or full stops.
fn list_items(tokens: &[Token]) -> Vec<bool> {
    let mut length = 0;
    tokens
        .iter()
        .map(|token| {
            length += 1;
            let ends = token.boundary != Boundary::None;
            let is_item = ends && length <= 3;
            if ends {
                length = 0;
            }
            is_item
        })
        .collect()
}

/// What is known of a match besides the fitted weights, in log odds.
fn prior(found: &Found) -> f64 {
    match (found.refusal, found.by) {
        (Some(_), _) => REFUSED,
        (None, FoundBy::Meaning) => MEANING,
        (None, FoundBy::Learned) => PRACTICE + LEARNED,
        (None, FoundBy::Text) if found.way.is_none() && !found.is_whole() => PRACTICE - TEXT,
        (None, FoundBy::Text) if found.way.is_none() => PRACTICE + TEXT,
        (None, _) => PRACTICE,
    }
}

/// The probability that goes with log odds, to a thousandth.
fn probability(log_odds: f64) -> f64 {
    (1000.0 / (1.0 + (-log_odds).exp())).round() / 1000.0
}

/// How a point can be recognised.
struct Recognisers {
    keywords: Vec<CompiledWay>,
    heard_as: Vec<CompiledWay>,
    learned: Vec<CompiledWay>,
    own_words: OwnWords,
}

impl<'a> Judge<'a> {
    pub fn new(question: &'a Question, transcript: &'a Transcript, reader: &'a dyn Reader) -> Self {
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
        let listed = list_items(&tokens);
        Self { question, words, tokens, stems, prompt, in_prompt, shadows, covering, listed, reader }
    }

    /// One verdict a point, in the checklist's order.
    pub fn verdicts(mut self) -> Vec<PointVerdict> {
        let found = self.found();
        let moods = moods(&found);
        let judged: Vec<Vec<Judged>> = found
            .into_iter()
            .zip(moods)
            .map(|(found, mood)| {
                let odds: Vec<f64> = (0..found.len()).map(|at| self.log_odds(&found, at, mood)).collect();
                found.into_iter().zip(odds).map(|(found, log_odds)| Judged { found, log_odds }).collect()
            })
            .collect();
        self.question.points.iter().zip(judged).map(|(point, judged)| self.verdict(point, judged)).collect()
    }

    /// Everything that was found for each point, with all that speaks for and against it.
    pub fn traces(mut self) -> Vec<Vec<Trace>> {
        let found = self.found();
        let moods = moods(&found);
        let trace = |found: &[Found], at: usize, mood: Mood| {
            let mut signs = Vec::new();
            let mut sign = |words: &str, weight| {
                signs.push(Sign { place: Place::Match.name(), words: words.to_owned(), weight });
            };
            if let Some(likeness) = found[at].likeness {
                sign(ALWAYS, prior(&found[at]));
                sign("likeness in meaning", likeness);
                sign("words in and round it", self.against_meaning(found, at, mood));
            } else {
                sign(ALWAYS, weights::bias() + prior(&found[at]));
                self.features(found, at, mood, &mut |place, words| {
                    let weight = weights::weight(weights::key(place, words));
                    signs.push(Sign { place: place.name(), words: words.join(" "), weight });
                });
            }
            signs.sort_by(|one, other| (one.place, &one.words).cmp(&(other.place, &other.words)));
            signs.dedup_by(|one, other| one.place == other.place && one.words == other.words);
            let log_odds = self.log_odds(found, at, mood);
            let (first, last) = (found[at].matched.first, found[at].matched.last);
            Trace {
                first_word: self.tokens[first].word,
                last_word: self.tokens[last].word,
                by: found[at].told_by(),
                way: found[at].way.filter(|way| *way != BARE_WORDS),
                share: found[at].share,
                is_whole: found[at].is_whole(),
                refusal: found[at].refusal.map(Reason::text),
                repeats_question: found[at].refusal == Some(Reason::Repetition),
                probability: probability(log_odds),
                signs,
            }
        };
        found
            .iter()
            .zip(moods)
            .map(|(found, mood)| (0..found.len()).map(|at| trace(found, at, mood)).collect())
            .collect()
    }

    /// For each point whether the whole of it was said, and no rule refuses it, whatever the weights say.
    pub fn satisfied(mut self) -> Vec<bool> {
        let counts = |found: &Found| found.is_whole() && found.refusal.is_none();
        self.found().iter().map(|found| found.iter().any(counts)).collect()
    }

    /// What stands round a given stretch of words: for fitting the weights on quotes.
    pub fn surroundings(&self, first_word: usize, last_word: usize) -> Vec<(&'static str, String)> {
        let inside = |token: &Token| (first_word..=last_word).contains(&token.word);
        let (Some(first), Some(last)) =
            (self.tokens.iter().position(inside), self.tokens.iter().rposition(inside))
        else {
            return Vec::new();
        };
        let mut signs = Vec::new();
        surroundings(&self.tokens, first, last, |place, words| signs.push((place.name(), words.join(" "))));
        signs.sort();
        signs.dedup();
        signs
    }

    /// What was found for each point, and what the rules say of it.
    fn found(&mut self) -> Vec<Vec<Found>> {
        let mut vocabulary = Vocabulary::default();
        let recognisers: Vec<Recognisers> =
            self.question.points.iter().map(|point| self.recognisers(point, &mut vocabulary)).collect();
        let is_doubtful = |word: &Word| word.probability.is_some_and(|known| known < DOUBTFUL_PROBABILITY);
        // Where a third of it was guessed it is nonsense, and nonsense sounds like anything.
        let is_nonsense = 3 * self.words.iter().filter(|word| is_doubtful(word)).count() > self.words.len();
        let doubtful = |token: &Token| !is_nonsense && is_doubtful(self.words[token.word]);
        let index = Index::new(&self.tokens, &vocabulary, &mut self.stems, doubtful);
        let likenesses = if is_nonsense { Vec::new() } else { self.likenesses() };
        recognisers
            .iter()
            .enumerate()
            .map(|(point, recognisers)| {
                let likenesses = likenesses.get(point).map(Vec::as_slice);
                let mut found = self.matches(recognisers, &index, likenesses);
                found.sort_by_key(|found| (found.matched.first, found.matched.last));
                // Where one way lies wholly in a shadow the point is what was declined, and no other way may count
                // that takes some of its words from there.
                let declined: HashSet<usize> = found
                    .iter()
                    .filter(|found| found.is_whole())
                    .flat_map(|found| self.whole_shadows(&found.matched))
                    .collect();
                for found in &mut found {
                    found.refusal = self.refusal(found, &declined);
                    // What is taken back is not made, however alike it is.
                    if found.refusal.is_some() {
                        found.likeness = found.likeness.map(|likeness| likeness.min(0.0));
                    }
                    found.by_sound = found.by != FoundBy::Meaning && index.is_by_sound(&found.matched);
                }
                found
            })
            .collect()
    }

    /// For each point the sentences that are nearest to it in meaning; nothing where no point is judged by that.
    fn likenesses(&self) -> Vec<Vec<Likeness>> {
        let points = &self.question.points;
        if self.words.is_empty() || points.iter().all(|point| !point.keywords.is_empty()) {
            return Vec::new();
        }
        let said: Vec<&str> = self.words.iter().map(|word| word.text.as_str()).collect();
        nearest(self.reader, self.question, &said).unwrap_or_default()
    }

    /// A sentence that is like a point in meaning, as a match of the words that come nearest; `None` where the
    /// sentence only repeats the question.
    fn alike(&self, likeness: &Likeness) -> Option<Found> {
        let hits_in = |words: &dyn Fn(usize) -> bool| {
            (0..self.tokens.len()).filter(|&at| words(self.tokens[at].word)).collect::<Vec<usize>>()
        };
        let sentence = hits_in(&|word| likeness.sentence.contains(&word));
        let is_repeated = |&hit: &usize| self.in_prompt[hit] || is_light(&self.tokens[hit].text);
        if sentence.iter().all(is_repeated) {
            return None;
        }
        let hits = hits_in(&|word| likeness.words.contains(&word));
        let log_odds = likeness.log_odds();
        Some(Found {
            matched: Match { first: *hits.first()?, last: *hits.last()?, hits },
            by: FoundBy::Meaning,
            share: if log_odds + MEANING >= 0.0 { 1.0 } else { ALMOST_SHARE },
            way: None,
            refusal: None,
            by_sound: false,
            likeness: Some(log_odds),
        })
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

    fn verdict(&self, point: &Point, mut judged: Vec<Judged>) -> PointVerdict {
        // Where the whole of a way was said, a part of one has nothing to add.
        if judged.iter().any(|judged| judged.found.is_whole_answer()) {
            judged.retain(|judged| judged.found.is_whole_answer());
        }
        judged.sort_by(|one, other| other.log_odds.total_cmp(&one.log_odds));
        let best = judged.first().map_or(NOTHING, |best| probability(best.log_odds));
        let decided = |verdict, probability, evidence: Vec<Judged>, reason: Option<&str>| PointVerdict {
            id: point.id.clone(),
            text: point.text.clone(),
            verdict,
            overruled: None,
            probability,
            evidence: self.evidence(evidence),
            reason: reason.map(str::to_owned),
        };
        let counting = |judged: &&Judged| probability(judged.log_odds) >= COVERED.min(best);
        let is_badly_heard = |judged: &Judged| self.is_badly_heard(&judged.found);
        if best >= PARTIAL && judged.iter().filter(counting).all(is_badly_heard) {
            judged.retain(|judged| counting(&judged));
            return decided(Verdict::Unheard, best.min(UNHEARD), judged, Some("it was badly heard"));
        }
        if best >= COVERED {
            judged.retain(|judged| counting(&judged));
            return decided(Verdict::Covered, best, judged, None);
        }
        let whole = || judged.iter().filter(|judged| judged.found.is_whole());
        // That a sentence a little like the point was refused tells nothing.
        let parts = || judged.iter().filter(|judged| judged.found.by != FoundBy::Meaning);
        let refusals = || whole().chain(parts()).filter_map(|judged| judged.found.refusal);
        let is_named = |reason: Reason| reason == Reason::Sense(Refusal::Named);
        let reason = refusals().find(|reason| !is_named(*reason)).or_else(|| refusals().next());
        let by_meaning = judged.first().is_some_and(|best| best.found.by == FoundBy::Meaning);
        let least = if by_meaning { PARTIAL_MEANING } else { PARTIAL };
        // What was named and then rejected was rejected.
        let is_half = match reason {
            None => best >= least,
            Some(reason) => is_named(reason) && whole().next().is_some(),
        };
        let reason = reason.map(Reason::text);
        if is_half {
            return decided(Verdict::Partial, best, judged, reason);
        }
        judged.retain(|judged| judged.found.is_whole());
        let reason = reason.or_else(|| (!judged.is_empty()).then_some(UNCLEAR));
        decided(Verdict::Missed, best, judged, reason)
    }

    fn log_odds(&self, found: &[Found], at: usize, mood: Mood) -> f64 {
        if found[at].refusal == Some(Reason::Repetition) {
            return REPETITION;
        }
        match found[at].likeness {
            Some(likeness) => likeness + prior(&found[at]) + self.against_meaning(found, at, mood),
            None => weights::bias() + prior(&found[at]) + self.weigh(found, at, mood, |_| true),
        }
    }

    /// What the words in and round a sentence say against its likeness to the point.
    fn against_meaning(&self, found: &[Found], at: usize, mood: Mood) -> f64 {
        let words = self.weigh(found, at, mood, |place| place != Place::Match);
        AGAINST_MEANING_WEIGHT * (words - AGAINST_MEANING).min(0.0)
    }

    /// The weights of the features in some places, added up.
    fn weigh(&self, found: &[Found], at: usize, mood: Mood, counts: impl Fn(Place) -> bool) -> f64 {
        let mut keys = Vec::new();
        self.features(found, at, mood, &mut |place, words| {
            if counts(place) {
                keys.push(weights::key(place, words));
            }
        });
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter().map(weights::weight).sum()
    }

    /// All that speaks for and against a match.
    fn features<'s>(
        &'s self,
        found: &[Found],
        at: usize,
        mood: Mood,
        emit: &mut dyn FnMut(Place, &[&'s str]),
    ) {
        let Found { matched, by, refusal, .. } = &found[at];
        let (first, last) = (matched.first, matched.last);
        emit(
            Place::Match,
            &[match by {
                FoundBy::Text if found[at].way.is_some() => "bare words",
                FoundBy::Text => "text",
                FoundBy::Meaning => "meaning",
                _ if !found[at].is_whole() => "almost",
                FoundBy::Keyword | FoundBy::SoundAlike => "keyword",
                FoundBy::HeardAs => "heard as",
                FoundBy::Learned => "learned",
            }],
        );
        if let Some(reason) = refusal {
            emit(Place::Match, &[reason.name()]);
        }
        emit(
            Place::Match,
            &[match last - first {
                0 => "span: 1",
                1..4 => "span: 2-4",
                4..9 => "span: 5-9",
                _ => "span: 10 and more",
            }],
        );
        let from = found.partition_point(|other| other.matched.first + 2 * WINDOW < first);
        let mut ways: Vec<usize> = found[from..]
            .iter()
            .take_while(|other| other.matched.first <= last + NEAR)
            .filter(|other| other.is_whole() && first <= other.matched.last + NEAR)
            .filter_map(|other| other.way)
            .collect();
        ways.sort_unstable();
        ways.dedup();
        emit(Place::Match, &[["ways: 0", "ways: 1", "ways: 2", "ways: 3 and more"][ways.len().min(3)]]);
        let items = self.listed[first.saturating_sub(10)..(last + 10).min(self.tokens.len())]
            .iter()
            .filter(|listed| **listed)
            .count();
        emit(
            Place::Match,
            &[match items {
                0 => "list: none",
                1..3 => "list: 1-2",
                3..5 => "list: 3-4",
                _ => "list: 5 and more",
            }],
        );
        emit(
            Place::Match,
            &[match mood {
                Mood::None => "others refused: none",
                Mood::Some => "others refused: some",
                Mood::Most => "others refused: most",
            }],
        );
        if matched.hits.iter().any(|&hit| self.in_prompt[hit] && !is_light(&self.tokens[hit].text)) {
            emit(Place::Match, &["words of the question"]);
        }
        surroundings(&self.tokens, first, last, emit);
    }

    fn matches(
        &self,
        recognisers: &Recognisers,
        index: &Index,
        likenesses: Option<&[Likeness]>,
    ) -> Vec<Found> {
        let found = |matched, by, share, way| Found {
            matched,
            by,
            share,
            way,
            refusal: None,
            by_sound: false,
            likeness: None,
        };
        let mut all = Vec::new();
        let ways = [
            (FoundBy::Keyword, &recognisers.keywords),
            (FoundBy::HeardAs, &recognisers.heard_as),
            (FoundBy::Learned, &recognisers.learned),
        ];
        let ways = ways.iter().flat_map(|(by, ways)| ways.iter().map(|way| (*by, way)));
        for (number, (by, way)) in ways.enumerate() {
            all.extend(index.find(way).into_iter().map(|matched| found(matched, by, 1.0, Some(number))));
        }
        let own = &recognisers.own_words;
        let counting = own.best(index, |at| self.covering[at].is_empty());
        let own_words = [counting, own.best(index, |_| true)].into_iter().flatten();
        if let (true, Some(likenesses)) = (recognisers.keywords.is_empty(), likenesses) {
            all.extend(likenesses.iter().filter_map(|likeness| self.alike(likeness)));
        } else if recognisers.keywords.is_empty() {
            let enough = own_words.filter(|(_, share)| *share >= PARTIAL_SHARE);
            all.extend(enough.map(|(matched, share)| found(matched, FoundBy::Text, share, None)));
        } else {
            // The author has said what it takes: the bare words of the list are half of it.
            for (number, way) in recognisers.keywords.iter().enumerate() {
                let almost = index.find_almost(way).into_iter();
                all.extend(
                    almost.map(|matched| found(matched, FoundBy::Keyword, ALMOST_SHARE, Some(number))),
                );
            }
            let named = own_words.filter(|(_, share)| *share >= COVERED_SHARE);
            all.extend(
                named.map(|(matched, _)| found(matched, FoundBy::Text, ALMOST_SHARE, Some(BARE_WORDS))),
            );
        }
        all
    }

    /// Why a match does not count, if it does not.
    fn refusal(&self, found: &Found, declined: &HashSet<usize>) -> Option<Reason> {
        let heavy = self.heavy_hits(&found.matched);
        if found.by != FoundBy::Meaning && !heavy.is_empty() && heavy.iter().all(|&hit| self.in_prompt[hit]) {
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
    fn is_badly_heard(&self, found: &Found) -> bool {
        // What a sentence means does not hang on one word.
        found.by != FoundBy::Meaning
            && found
                .matched
                .hits
                .iter()
                .filter(|&&hit| !is_light(&self.tokens[hit].text))
                .filter_map(|&hit| self.words[self.tokens[hit].word].probability)
                .any(|probability| probability < UNHEARD_PROBABILITY)
    }

    /// The best matches as quotes, none of which overlap.
    fn evidence(&self, mut judged: Vec<Judged>) -> Vec<Evidence> {
        let rank = |judged: &Judged| {
            let found = &judged.found;
            let missing = (1000.0 * (1.0 - found.share)) as usize;
            let span = found.matched.last - found.matched.first;
            (self.is_badly_heard(found), missing, span, found.matched.first)
        };
        judged.sort_by_cached_key(rank);
        let mut evidence: Vec<Evidence> = Vec::new();
        for Judged { found, .. } in judged {
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
                by: found.told_by(),
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
    /// As it stands in the file of weights.
    fn name(self) -> &'static str {
        match self {
            Self::Sense(Refusal::Rejected) => "refused: rejected",
            Self::Sense(Refusal::Unknown) => "refused: unknown",
            Self::Sense(Refusal::Replaced) => "refused: replaced",
            Self::Sense(Refusal::Named) => "refused: named",
            Self::Sense(Refusal::Denied) => "refused: denied",
            Self::Repetition => "refused: repetition",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Sense(refusal) => refusal.reason(),
            Self::Repetition => "this only repeats the question",
        }
    }
}
