//! One sitting: a pure state machine and the runner that carries its effects out.

mod capture;
pub mod feedback;
mod keeper;
pub mod runner;
mod scribe;
pub mod session;
mod voice;

pub use capture::OpenSource;
pub use scribe::{OpenTranscriber, Scribe};

use crate::journal::{AnswerState, KeptAnswer};
use crate::loops::Loop;
use session::Outcome;

/// What became of the questions of the loop at a position of a kept session.
pub fn outcomes(practised: &Loop, loop_position: usize, answers: &[KeptAnswer]) -> Vec<Outcome> {
    let outcome = |answer: &KeptAnswer| match (answer.state, answer.assessment()) {
        (AnswerState::Asked | AnswerState::Skipped, _) => Outcome::Skipped,
        (_, Some(assessment)) => Outcome::Judged(Box::new(assessment)),
        (_, None) => Outcome::Kept,
    };
    practised
        .questions()
        .map(|question| {
            answers
                .iter()
                .find(|answer| answer.loop_position == loop_position && answer.question == question.id)
                .map_or(Outcome::Skipped, outcome)
        })
        .collect()
}

#[cfg(test)]
mod tests;
