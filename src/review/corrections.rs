//! Overruling verdicts of a kept session: from names of points to what is to be kept.

use std::collections::HashSet;

use crate::coverage::{self, PointVerdict, Unfit, Verdict, WordsAlone};
use crate::journal::{AnswerState, KeptSession, KeptTake, Ruling, TakeId};
use crate::loops::{Loop, MAIN_QUESTION, Question, nearest};
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
    /// There is no such point, or nothing was said of it.
    #[error("nothing is changed: {problem}; {remedy}")]
    Unknown {
        /// What is wrong with the name.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// Several have.
    #[error("nothing is changed: `{name}` could be {}; write one of these for it", quoted(candidates, "or"))]
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
        let verdicts = coverage::assess(&question, &self.transcript(), &WordsAlone);
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
        [] => {
            let (problem, remedy) = unknown(kept, candidates, name);
            Err(CorrectionError::Unknown { problem, remedy })
        }
        several => Err(CorrectionError::Ambiguous {
            name: name.to_owned(),
            candidates: several.iter().map(|candidate| shortest_name(candidate, candidates)).collect(),
        }),
    }
}

/// What is wrong with a name that no point goes by, and what to do.
fn unknown(kept: &KeptSession, candidates: &[Candidate<'_>], name: &str) -> (String, String) {
    let session = &kept.summary.id;
    let parts: Vec<&str> = name.split('/').collect();
    let (in_loop, in_question, point) = match parts.as_slice() {
        [point] => (None, None, *point),
        [question, point] => (None, Some(*question), *point),
        [asked, question, point] => (Some(*asked), Some(*question), *point),
        _ => {
            return (
                format!("`{name}` has too many parts"),
                "write `POINT`, `QUESTION/POINT` or `LOOP/QUESTION/POINT`".to_owned(),
            );
        }
    };
    let loops = || (0..).zip(&kept.summary.loops);
    let loop_ids = || loops().map(|(_, asked)| asked.id.as_str());
    let or_list = |near: Option<String>, what: &str, all: &[String]| match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("{what} {}", quoted(all, "and")),
    };
    if let Some(asked) = in_loop.filter(|asked| loop_ids().all(|id| id != *asked)) {
        let near = near(asked, loop_ids()).map(|near| name.replacen(asked, near, 1));
        let all: Vec<String> = loop_ids().map(str::to_owned).collect();
        return (format!("session `{session}` has no loop `{asked}`"), or_list(near, "it has", &all));
    }
    let questions: Vec<(usize, &Loop, &Question)> = loops()
        .filter(|(_, asked)| in_loop.is_none_or(|id| id == asked.id))
        .flat_map(|(position, asked)| asked.questions().map(move |question| (position, asked, question)))
        .collect();
    let is_meant = |question: &Question| match in_question {
        Some(id) => question.id == id,
        // A question by itself, or a point of one that was not answered.
        None => question.id == point || question.points.iter().any(|known| known.id == point),
    };
    let meant = || questions.iter().filter(|(_, _, question)| is_meant(question));
    let judged: Vec<&Candidate<'_>> = candidates
        .iter()
        .filter(|one| {
            meant().any(|(_, asked, question)| one.asked.id == asked.id && one.question.id == question.id)
        })
        .collect();
    if let Some(one) = judged.first() {
        let question = &one.question.id;
        let near = in_question.and(near(point, judged.iter().map(|one| one.point.id.as_str())));
        let near = near.map(|near| name[..name.len() - point.len()].to_owned() + near);
        let all: Vec<String> = judged.iter().map(|one| format!("{question}/{}", one.point.id)).collect();
        return match in_question {
            Some(_) => {
                (format!("the question `{question}` has no point `{point}`"), or_list(near, "it has", &all))
            }
            None => (
                format!("`{name}` is a question, not a point"),
                format!("name one of {}", quoted(&all, "and")),
            ),
        };
    }
    if let Some((position, asked, question)) = meant().next() {
        return nothing_said_of(kept, *position, asked, question);
    }
    if let Some(id) = in_question {
        let called = |name: &str| candidates.iter().any(|one| one.is_called(name));
        // "theory/1" for "theory/prompt/1".
        let in_main = format!("{id}/{MAIN_QUESTION}/{point}");
        let ids = || questions.iter().map(|(_, _, question)| question.id.as_str());
        let other = near(id, ids()).map(|near| format!("{near}/{point}"));
        let near = [Some(in_main), other].into_iter().flatten().find(|name| called(name));
        let mut seen = HashSet::new();
        let all: Vec<String> = ids().filter(|id| seen.insert(*id)).map(str::to_owned).collect();
        return (
            format!("session `{session}` has no question `{id}`"),
            or_list(near, "its questions are", &all),
        );
    }
    let problem = format!("no judged answer of session `{session}` has a point `{name}`");
    if candidates.is_empty() {
        return (problem, format!("none is judged yet; `viva review {session}` says what is wanting"));
    }
    let near = near(point, candidates.iter().map(|one| one.point.id.as_str()));
    let all: Vec<String> = candidates.iter().map(|one| shortest_name(one, candidates)).collect();
    (problem, or_list(near.map(str::to_owned), "it has", &all))
}

/// Why there is nothing to overrule in a question, and what to do.
fn nothing_said_of(
    kept: &KeptSession,
    position: usize,
    asked: &Loop,
    question: &Question,
) -> (String, String) {
    let session = &kept.summary.id;
    let (why, remedy) = match kept.answer(position, &question.id).map(|answer| answer.state) {
        None => ("was not asked", format!("`viva practice {}` asks it", asked.id)),
        Some(AnswerState::Asked | AnswerState::Skipped) => {
            ("was not answered", format!("`viva practice {}` asks it again", asked.id))
        }
        Some(AnswerState::Answered | AnswerState::Transcribed) => {
            ("is not judged yet", format!("`viva review {session}` says what is wanting"))
        }
        Some(AnswerState::Assessed) => ("has no checklist", "there is nothing to overrule".to_owned()),
    };
    (format!("the question `{}` {why} in session `{session}`", question.id), remedy)
}

/// The name that is meant, mistyped or cut short.
fn near<'n>(name: &str, known: impl Iterator<Item = &'n str> + Clone) -> Option<&'n str> {
    const SHORTEST: usize = 4;
    nearest(name, known.clone()).or_else(|| {
        let beginning = |known: &'n str| known.get(..name.len()).filter(|_| name.len() >= SHORTEST);
        let begun = nearest(name, known.clone().filter_map(beginning))?;
        known.into_iter().find(|known| known.starts_with(begun))
    })
}

/// The shortest name that no other point goes by.
fn shortest_name(one: &Candidate<'_>, candidates: &[Candidate<'_>]) -> String {
    let [point, in_question, in_loop] = one.names();
    [point, in_question]
        .into_iter()
        .find(|name| candidates.iter().filter(|candidate| candidate.names().contains(name)).count() == 1)
        .unwrap_or(in_loop)
}

/// Names in a row: "`one`, `two` or `three`".
fn quoted(names: &[String], last: &str) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [first @ .., end] if !first.is_empty() => format!("{} {last} {end}", first.join(", ")),
        names => names.concat(),
    }
}
