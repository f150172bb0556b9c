//! What people see while they practise. A view renders what the session says and owns no logic.

pub mod keyboard;
pub mod page;
pub mod plain;

use std::io;

use crate::assessment::Assessment;
use crate::coverage::PointVerdict;
use crate::loops::{Loop, Question};
use crate::practice::feedback::Feedback;
use crate::practice::session::{Awaited, Remaining};

/// Something to show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Notice<'a> {
    /// The rules of practice.
    Rules(&'a [&'a str]),
    /// What the user can press or type.
    Controls(&'a str),
    /// Enter is awaited.
    AwaitGoAhead {
        /// What for.
        awaited: Awaited,
        /// Whether answers are typed, so that single keys mean nothing.
        typed: bool,
        /// Whether a verdict can be overruled now.
        overrulable: bool,
    },
    /// The number of the point to overrule is awaited.
    WhichPoint {
        /// The question.
        question: &'a Question,
        /// The judgement as it stands.
        assessment: &'a Assessment,
    },
    /// The words that made a point are awaited.
    WhichWords(&'a PointVerdict),
    /// What has been written so far, where keys are read one by one.
    Writing(&'a str),
    /// A verdict was turned round.
    Corrected {
        /// The point as it stands now.
        point: &'a PointVerdict,
        /// Its number, from 1.
        number: usize,
    },
    /// A loop begins.
    Loop {
        /// The loop.
        practised: &'a Loop,
        /// Its number in the sitting, from 1, and how many there are.
        number: (usize, usize),
    },
    /// A question is asked.
    Question {
        /// The question.
        question: &'a Question,
        /// 0 for the main question, else the follow-up's number, and how many follow-ups there are.
        follow_up: (usize, usize),
    },
    /// The clock runs; the answer can begin.
    Go {
        /// The time there is, in seconds.
        seconds: u32,
        /// Whether the answer is typed.
        typed: bool,
    },
    /// How much time is left.
    Remaining {
        /// How much.
        remaining: Remaining,
        /// Whether somebody types, perhaps in the middle of a line.
        typed: bool,
    },
    /// The running clock: seconds left, level of the microphone 0..1, paused or not.
    Clock {
        /// Seconds left, below zero in the tail.
        seconds_left: f64,
        /// Level of the microphone, 0..1.
        level: f32,
        /// Whether clock and recording stand.
        paused: bool,
    },
    /// Clock and recording stand, or run again.
    Paused(bool),
    /// The answer is being transcribed; the seconds of it that are done, and its length.
    Transcribing(f64, f64),
    /// The judgement of an answer.
    Coverage {
        /// The question.
        question: &'a Question,
        /// The judgement.
        assessment: &'a Assessment,
    },
    /// The question is not answered.
    Skipped,
    /// It is not answered because there is no recording for it.
    NoRecording,
    /// Feedback on a loop.
    Feedback(&'a Feedback),
    /// Something the user should know.
    Remark(&'a str),
    /// Something went wrong; what the user can do.
    Warning(&'a str),
}

/// Shows notices. The only thing that can go wrong is that nobody is there to see them.
pub trait View {
    /// Shows one notice.
    ///
    /// # Errors
    /// The terminal or the pipe is gone.
    fn show(&mut self, notice: Notice<'_>) -> io::Result<()>;
}
