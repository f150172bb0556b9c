//! Overruling verdicts of a kept session: from names of points to what is to be kept.

use std::collections::HashSet;

use crate::coverage::{self, PointVerdict, Unfit, Verdict};
use crate::journal::{KeptSession, KeptTake, Ruling, TakeId};
use crate::loops::{Loop, Question, nearest};
use crate::transcript::Transcript;

/// What a person wants a verdict to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The point as they name it: `[[LOOP/]QUESTION/]POINT`, the point by id or by its number in the
    /// checklist.
    pub name: String,
    /// What it is to be.
    pub verdict: Verdict,
}

/// What there is to do about one of them.
#[derive(Debug, Clone)]
pub struct Change<'a> {
    /// The loop as it was asked.
    pub asked: &'a Loop,
    /// The question.
    pub question: &'a Question,
    /// The take that counts.
    pub take: &'a KeptTake,
    /// The point with the verdict that holds now.
    pub point: PointVerdict,
    /// What it is to be.
    pub verdict: Verdict,
    /// What is to be kept; `None` where it is so already.
    pub ruling: Option<Ruling>,
    /// The shortest name that means the point alone.
    pub name: String,
}

/// Why nothing is changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CorrectionError {
    /// No judged answer has such a point.
    #[error("nothing is changed: no judged answer of session `{session}` has a point `{name}`; {remedy}")]
    Unknown {
        /// The session.
        session: String,
        /// What was named.
        name: String,
        /// What to do.
        remedy: String,
    },
    /// Several have.
    #[error("nothing is changed: `{name}` could be {}; say which", quoted(candidates))]
    Ambiguous {
        /// What was named.
        name: String,
        /// What it could be.
        candidates: Vec<String>,
    },
    /// One point is named twice.
    #[error("nothing is changed: `{name}` is set twice; say once what it is to be")]
    Twice {
        /// The point.
        name: String,
    },
    /// Only viva says such a thing.
    #[error(
        "nothing is changed: viva does not say {} of `{name}`, but {}; set it to covered or missed",
        .wanted.name(), .said.name()
    )]
    NotSaid {
        /// The point.
        name: String,
        /// What it was to be.
        wanted: Verdict,
        /// What viva said.
        said: Verdict,
    },
}

/// A judged point and what it goes by.
struct Candidate<'a> {
    asked: &'a Loop,
    question: &'a Question,
    take: &'a KeptTake,
    point: PointVerdict,
    /// From 1.
    number: usize,
}

impl Change<'_> {
    /// The words of the answer that a phrase points at, if they can be learned for the point.
    ///
    /// # Errors
    /// They cannot; why not.
    pub fn wording(&self, phrase: &str) -> Result<String, Unfit> {
        coverage::wording(self.question, &self.transcript(), phrase)
    }

    /// Why a wording of the point, said as in this answer, does not count; `None` where it does.
    pub fn refusal(&self, said: &str) -> Option<String> {
        let mut question = self.question.clone();
        question.points.retain(|point| point.id == self.point.id);
        for point in &mut question.points {
            point.learned.push(said.to_owned());
        }
        let verdicts = coverage::assess(&question, &self.transcript());
        verdicts.into_iter().find_map(|point| point.reason.filter(|_| point.verdict != Verdict::Covered))
    }

    fn transcript(&self) -> Transcript {
        // Only what is judged can be changed.
        self.take.assessments.last().map(|kept| kept.assessment.transcript.clone()).unwrap_or_default()
    }
}

impl Candidate<'_> {
    fn is_called(&self, name: &str) -> bool {
        let mut parts = name.rsplit('/');
        let point = parts.next().unwrap_or_default();
        (point == self.point.id || point.parse() == Ok(self.number))
            && parts.next().is_none_or(|question| question == self.question.id)
            && parts.next().is_none_or(|asked| asked == self.asked.id)
            && parts.next().is_none()
    }

    fn names(&self) -> [String; 3] {
        let (asked, question, point) = (&self.asked.id, &self.question.id, &self.point.id);
        [point.clone(), format!("{question}/{point}"), format!("{asked}/{question}/{point}")]
    }
}

/// What there is to do so that verdicts are as they are wanted: for all of them, or nothing.
///
/// # Errors
/// One of them cannot be done.
pub fn plan<'a>(kept: &'a KeptSession, wanted: &[Wanted]) -> Result<Vec<Change<'a>>, CorrectionError> {
    let candidates = candidates(kept);
    let mut changes = Vec::with_capacity(wanted.len());
    let mut seen: HashSet<(TakeId, &str)> = HashSet::new();
    for Wanted { name, verdict } in wanted {
        let found = find(kept, &candidates, name)?;
        if !seen.insert((found.take.id, &found.point.id)) {
            return Err(CorrectionError::Twice { name: shortest_name(found, &candidates) });
        }
        changes.push(change(found, *verdict, shortest_name(found, &candidates))?);
    }
    Ok(changes)
}

fn change<'a>(found: &Candidate<'a>, verdict: Verdict, name: String) -> Result<Change<'a>, CorrectionError> {
    let Candidate { asked, question, take, ref point, .. } = *found;
    let said = point.overruled.unwrap_or(point.verdict);
    let ruling = match verdict {
        _ if verdict == point.verdict => None,
        _ if verdict == said => Some(Ruling::Withdrawn),
        Verdict::Covered => Some(Ruling::Covered),
        Verdict::Missed => Some(Ruling::Missed),
        wanted => return Err(CorrectionError::NotSaid { name, wanted, said }),
    };
    Ok(Change { asked, question, take, point: point.clone(), verdict, ruling, name })
}

/// All points of the answers that count and are judged.
fn candidates(kept: &KeptSession) -> Vec<Candidate<'_>> {
    let mut candidates: Vec<Candidate<'_>> = Vec::new();
    for answer in &kept.answers {
        let asked = kept.summary.loops.get(answer.loop_position);
        let question =
            asked.and_then(|asked| asked.questions().find(|question| question.id == answer.question));
        let (Some(asked), Some(question), Some(take)) = (asked, question, answer.take()) else { continue };
        let Some(assessment) = take.assessment() else { continue };
        // Of a loop practised twice in a sitting the last answer is meant.
        candidates.retain(|earlier| (&earlier.asked.id, &earlier.question.id) != (&asked.id, &question.id));
        candidates.extend((1..).zip(assessment.points).map(|(number, point)| Candidate {
            asked,
            question,
            take,
            point,
            number,
        }));
    }
    candidates
}

fn find<'c, 'a>(
    kept: &KeptSession,
    candidates: &'c [Candidate<'a>],
    name: &str,
) -> Result<&'c Candidate<'a>, CorrectionError> {
    let called: Vec<&Candidate<'a>> =
        candidates.iter().filter(|candidate| candidate.is_called(name)).collect();
    // An id may look like a number.
    let by_id: Vec<&Candidate<'a>> = called
        .iter()
        .copied()
        .filter(|candidate| name.rsplit('/').next() == Some(&candidate.point.id))
        .collect();
    match if by_id.is_empty() { called } else { by_id }.as_slice() {
        [only] => Ok(only),
        [] => Err(CorrectionError::Unknown {
            session: kept.summary.id.clone(),
            name: name.to_owned(),
            remedy: remedy(candidates, name),
        }),
        several => Err(CorrectionError::Ambiguous {
            name: name.to_owned(),
            candidates: several.iter().map(|candidate| shortest_name(candidate, candidates)).collect(),
        }),
    }
}

fn remedy(candidates: &[Candidate<'_>], name: &str) -> String {
    let names: Vec<[String; 3]> = candidates.iter().map(Candidate::names).collect();
    if let Some(near) = nearest(name, names.iter().flatten().map(String::as_str)) {
        return format!("did you mean `{near}`?");
    }
    if candidates.is_empty() {
        return "none is judged yet".to_owned();
    }
    let names: Vec<String> =
        candidates.iter().map(|candidate| shortest_name(candidate, candidates)).collect();
    format!("it has {}", quoted(&names))
}

/// The shortest name that no other point goes by.
fn shortest_name(one: &Candidate<'_>, candidates: &[Candidate<'_>]) -> String {
    let [point, in_question, in_loop] = one.names();
    [point, in_question]
        .into_iter()
        .find(|name| candidates.iter().filter(|candidate| candidate.names().contains(name)).count() == 1)
        .unwrap_or(in_loop)
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
