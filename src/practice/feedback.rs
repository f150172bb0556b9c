//! Looking back on one loop: what was covered, what was missed, how it was said, what to do next.

use super::session::Outcome;
use crate::assessment::Delivery;
use crate::coverage::Verdict;
use crate::loops::{Loop, Question};

/// Feedback on a loop.
#[derive(Debug, Clone, PartialEq)]
pub struct Feedback {
    /// The loop's title.
    pub title: String,
    /// One entry a question, in the order they were asked.
    pub questions: Vec<QuestionFeedback>,
}

/// Feedback on one question.
#[derive(Debug, Clone, PartialEq)]
pub struct QuestionFeedback {
    /// The question.
    pub prompt: String,
    /// Number of points of its checklist.
    pub points: usize,
    /// What became of it.
    pub result: QuestionResult,
}

/// What became of a question.
#[derive(Debug, Clone, PartialEq)]
pub enum QuestionResult {
    /// Answered and judged against its checklist.
    Judged {
        /// Texts of the points made.
        covered: Vec<String>,
        /// Texts of the points half made or probably made but badly heard.
        unsure: Vec<String>,
        /// Texts of the points missed.
        missed: Vec<String>,
        /// How it was said.
        delivery: Delivery,
    },
    /// Answered; there is no checklist to judge by.
    WithoutChecklist(Delivery),
    /// Answered and kept, not transcribed yet.
    Kept,
    /// Not answered.
    NotAnswered,
}

impl Feedback {
    /// Looks back on a loop; `outcomes` are those of its questions, in order.
    pub fn on(practised: &Loop, outcomes: &[Outcome]) -> Self {
        let questions = practised
            .questions()
            .zip(outcomes)
            .map(|(question, outcome)| QuestionFeedback {
                prompt: question.prompt.clone(),
                points: question.points.len(),
                result: QuestionResult::of(question, outcome),
            })
            .collect();
        Self { title: practised.title.clone(), questions }
    }

    /// Points covered, and points in all: those of all questions, answered or not.
    pub fn coverage(&self) -> (usize, usize) {
        let covered = |question: &QuestionFeedback| match &question.result {
            QuestionResult::Judged { covered, .. } => covered.len(),
            _ => 0,
        };
        let total = self.questions.iter().map(|question| question.points).sum();
        (self.questions.iter().map(covered).sum(), total)
    }

    /// Questions that were not answered, and answers that are not judged yet.
    pub fn outstanding(&self) -> (usize, usize) {
        let count = |what| self.questions.iter().filter(|question| question.result == what).count();
        (count(QuestionResult::NotAnswered), count(QuestionResult::Kept))
    }

    /// What to look at again: per question with anything amiss, its prompt and the points that were
    /// missed or only half made. No points stand for a question that was not answered.
    pub fn look_at_again(&self) -> Vec<(&str, Vec<&str>)> {
        self.questions
            .iter()
            .filter_map(|question| match &question.result {
                QuestionResult::Judged { unsure, missed, .. } => {
                    let points: Vec<&str> = missed.iter().chain(unsure).map(String::as_str).collect();
                    (!points.is_empty()).then_some((question.prompt.as_str(), points))
                }
                QuestionResult::NotAnswered => Some((question.prompt.as_str(), Vec::new())),
                QuestionResult::WithoutChecklist(_) | QuestionResult::Kept => None,
            })
            .collect()
    }
}

impl QuestionResult {
    fn of(question: &Question, outcome: &Outcome) -> Self {
        let assessment = match outcome {
            Outcome::Skipped => return Self::NotAnswered,
            Outcome::Kept => return Self::Kept,
            Outcome::Judged(assessment) => assessment,
        };
        let delivery = assessment.delivery.clone();
        if question.points.is_empty() {
            return Self::WithoutChecklist(delivery);
        }
        let texts = |wanted: &[Verdict]| {
            assessment
                .points
                .iter()
                .filter(|point| wanted.contains(&point.verdict))
                .map(|point| point.text.clone())
                .collect()
        };
        Self::Judged {
            covered: texts(&[Verdict::Covered]),
            unsure: texts(&[Verdict::Partial, Verdict::Unheard]),
            missed: texts(&[Verdict::Missed]),
            delivery,
        }
    }
}
