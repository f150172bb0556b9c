//! Testing a checklist: its examples, and ways to say a point that cannot tell it from others.
//!
//! A rubric is code that judges people, so that it is tested like code. Everything here asks
//! [`super::assess`], so that what is tested is what judges.

use std::collections::{HashMap, HashSet};

use super::learned::is_common;
use super::normalise::text_tokens;
use super::stems::Stems;
use super::ways::is_light;
use super::{
    Evidence, Finder, FoundBy, PointVerdict, Reader, Trace, Verdict, WordsAlone, assess, finder,
    satisfied_by_prompt, traces,
};
use crate::loops::{Example, Finding, Place, Question, Severity, Way};
use crate::transcript::Transcript;

/// So many common words come together by chance. Of the 54 built-in ways that common words satisfied on 2026-11-24,
/// 25 took one or two, and of these 13 were found in 175 answers to other loops; of the other 29 one was.
const FEW_COMMON: usize = 2;

/// What is wrong, or doubtful, with how a question is judged: points that the question gives away, examples that are
/// judged otherwise than they say (errors), ways that anybody satisfies and ways that two points share (warnings).
pub fn test_rubric(question: &Question, reader: &dyn Reader) -> Vec<Finding> {
    let mut findings = Vec::new();
    let given_away = satisfied_by_prompt(question);
    for (index, point) in question.points.iter().enumerate() {
        if given_away.contains(&point.id) {
            let message = format!(
                "repeating the question alone would tick the point `{}`; give it `keywords` that the question does \
                 not contain",
                point.id
            );
            findings.push(Finding { place: Place::Point(index), severity: Severity::Error, message });
        }
    }
    for (index, example) in question.examples.iter().enumerate() {
        let place = Place::Example(index);
        let error = |message| Finding { place, severity: Severity::Error, message };
        findings.extend(wrong_verdicts(question, example, reader).into_iter().map(error));
    }
    findings.extend(common_ways(question));
    findings.extend(shared_ways(question));
    findings
}

/// Each verdict on an example that is not the one it is to have.
fn wrong_verdicts(question: &Question, example: &Example, reader: &dyn Reader) -> Vec<String> {
    let transcript = Transcript::typed(&example.answer);
    let verdicts = assess(question, &transcript, reader);
    question
        .points
        .iter()
        .enumerate()
        .zip(&verdicts)
        .filter(|((_, point), _)| !example.either.contains(&point.id))
        .filter(|((_, point), verdict)| {
            example.covered.contains(&point.id) != (verdict.verdict == Verdict::Covered)
        })
        .map(|((point, _), verdict)| explain(question, point, verdict, &transcript))
        .collect()
}

/// What is wrong about a verdict, and what to do.
fn explain(question: &Question, point: usize, verdict: &PointVerdict, transcript: &Transcript) -> String {
    let id = &verdict.id;
    let Some(evidence) = verdict.evidence.first() else {
        return format!(
            "this answer makes `{id}`, but nothing of it is found; add to its `keywords` what the answer says"
        );
    };
    let found =
        format!("\"{}\", found by {}", evidence.quote, found_by(question, point, evidence, transcript));
    if verdict.verdict == Verdict::Covered {
        return format!(
            "this answer does not make `{id}`, but it is covered by {found}; narrow that, or add the point to \
             `covered` or `either`"
        );
    }
    match &verdict.reason {
        Some(reason) => format!(
            "this answer makes `{id}`, but {found}, does not count: {reason}; add to its `keywords` what else the \
             answer says, or take the point out of `covered`"
        ),
        None => format!(
            "this answer makes `{id}`, but only part of it is found: {found}; add to its `keywords` what the answer \
             says"
        ),
    }
}

/// What a piece of evidence was found by, in words: of a way only the alternatives that were said.
fn found_by(question: &Question, point: usize, evidence: &Evidence, transcript: &Transcript) -> String {
    let of_evidence = |trace: &Trace| {
        trace.by == evidence.by
            && evidence.first_word <= trace.first_word
            && trace.last_word <= evidence.last_word
    };
    if evidence.by == FoundBy::Meaning {
        return "what it means".to_owned();
    }
    let traces = traces(question, transcript, &WordsAlone).swap_remove(point);
    let found = traces.iter().filter(|trace| of_evidence(trace));
    let best = found.max_by(|one, other| {
        one.is_whole.cmp(&other.is_whole).then(one.probability.total_cmp(&other.probability))
    });
    match best.and_then(|best| finder(&question.points[point], best, transcript)) {
        Some(Finder { key, number, said, .. }) => {
            format!("way {} of its `{key}` (`{}`)", number + 1, said.join(" + "))
        }
        None => "the point's own words".to_owned(),
    }
}

/// Ways that a word or two of the commonest satisfy: people say those near each other whatever they are asked.
fn common_ways(question: &Question) -> Vec<Finding> {
    let mut stems = Stems::new();
    let mut said = |way: &Way| {
        let mut weight = 0;
        let mut phrases = Vec::new();
        for part in &way.parts {
            let weighed =
                part.iter().filter_map(|phrase| Some((common_weight(phrase, &mut stems)?, phrase.as_str())));
            let (least, phrase) = weighed.min_by_key(|(weight, _)| *weight)?;
            weight += least;
            phrases.push(phrase);
        }
        (weight <= FEW_COMMON).then(|| phrases.join(" + "))
    };
    ways(question)
        .filter_map(|(place, way)| {
            let message = format!(
                "`{}` is enough for this way, and people say that of anything; use words of the matter",
                said(way)?
            );
            Some(Finding { place, severity: Severity::Warning, message })
        })
        .collect()
}

/// How many words of a phrase are looked for, where all of them are common.
fn common_weight(phrase: &str, stems: &mut Stems) -> Option<usize> {
    let tokens = text_tokens(phrase);
    let is_common = tokens.iter().all(|token| is_light(&token.text) || is_common(&stems.of(&token.text)));
    is_common.then(|| tokens.iter().filter(|token| !is_light(&token.text)).count())
}

/// Ways whose every match is a match of a sibling point's way too: both points are ticked for one thing said.
fn shared_ways(question: &Question) -> Vec<Finding> {
    let mut stems = Stems::new();
    let all: Vec<(Place, &Way, Shape)> =
        ways(question).map(|(place, way)| (place, way, Shape::new(way, &mut stems))).collect();
    // Whoever implies a way says the first word of one of the phrases of its first part.
    let mut by_first_word: HashMap<&str, Vec<usize>> = HashMap::new();
    for (number, (_, _, shape)) in all.iter().enumerate() {
        let first_words: HashSet<&str> = shape
            .parts
            .first()
            .into_iter()
            .flatten()
            .filter_map(|phrase| phrase.first())
            .map(String::as_str)
            .collect();
        for word in first_words {
            by_first_word.entry(word).or_default().push(number);
        }
    }
    let point_of = |place: Place| match place {
        Place::Way { point, .. } | Place::Point(point) => point,
        Place::Example(_) => usize::MAX,
    };
    let mut findings = Vec::new();
    for (number, (place, way, shape)) in all.iter().enumerate() {
        let words = shape.parts.iter().filter_map(|part| part.first()).flatten();
        let mut candidates: Vec<usize> =
            words.filter_map(|word| by_first_word.get(word.as_str())).flatten().copied().collect();
        candidates.sort_unstable();
        candidates.dedup();
        let sibling = candidates.into_iter().find(|&other| {
            let (other_place, _, other_shape) = &all[other];
            point_of(*other_place) != point_of(*place)
                && shape.implies(other_shape)
                // Of two that are the same, the second is told.
                && !(other > number && other_shape.implies(shape))
        });
        let Some(sibling) = sibling else { continue };
        let (sibling_place, sibling_way, _) = &all[sibling];
        findings.push(Finding {
            place: *place,
            severity: Severity::Warning,
            message: format!(
                "whoever says `{}` makes `{}` as well, by its way `{}`; let each have words of its own",
                String::from((*way).clone()),
                question.points[point_of(*sibling_place)].id,
                String::from((*sibling_way).clone()),
            ),
        });
    }
    findings
}

/// All ways of a question and where they stand.
fn ways(question: &Question) -> impl Iterator<Item = (Place, &Way)> {
    question.points.iter().enumerate().flat_map(|(point, content)| {
        let ways = content.keywords.iter().chain(&content.heard_as).enumerate();
        ways.map(move |(way, content)| (Place::Way { point, way }, content))
    })
}

/// A way by its stems: parts, alternatives, words.
struct Shape {
    parts: Vec<Vec<Vec<String>>>,
}

impl Shape {
    fn new(way: &Way, stems: &mut Stems) -> Self {
        let mut phrase = |phrase: &String| -> Vec<String> {
            let tokens = text_tokens(phrase);
            let heavy: Vec<String> = tokens
                .iter()
                .filter(|token| !is_light(&token.text))
                .map(|token| stems.of(&token.text))
                .collect();
            // A phrase of light words alone is taken word for word.
            if heavy.is_empty() { tokens.iter().map(|token| stems.of(&token.text)).collect() } else { heavy }
        };
        let parts = way.parts.iter().map(|part| part.iter().map(&mut phrase).collect()).collect();
        Self { parts }
    }

    /// Whether every match of this way is a match of the other: each part of the other is said with a part of
    /// this one, no two with the same.
    fn implies(&self, other: &Self) -> bool {
        let mut free: Vec<&Vec<Vec<String>>> = self.parts.iter().collect();
        // Taking the first that fits misses a warning at worst.
        other.parts.iter().all(|wanted| {
            let says = |part: &&Vec<Vec<String>>| {
                part.iter().all(|phrase| wanted.iter().any(|wanted| contains(phrase, wanted)))
            };
            free.iter().position(says).map(|at| free.swap_remove(at)).is_some()
        })
    }
}

/// Whether a phrase has another in it, word after word.
fn contains(phrase: &[String], wanted: &[String]) -> bool {
    phrase.windows(wanted.len().max(1)).any(|words| words == wanted)
}
