//! Practice as plain lines: for terminals, pipes and screen readers alike.
//!
//! In a terminal the running clock stands on the last line and is written over; everywhere else the
//! time is announced in lines.

use std::io::{self, Write};

use super::page::{self, Page, clock, points_covered, printable};
use super::{Notice, View};
use crate::assessment::{Assessment, Source};
use crate::loops::Question;
use crate::practice::feedback::{Feedback, QuestionResult};
use crate::practice::session::{Awaited, Remaining};

/// Columns of the level meter.
const METER: usize = 10;

/// The plain view.
pub struct Plain<W: Write> {
    out: W,
    /// Tells the columns to wrap at; `None` where the reader wraps for itself.
    columns: Option<fn() -> u16>,
    /// Whether keys are read one by one and the clock is written over on the last line.
    live_line: bool,
    /// What stands on the last line now.
    shown: Option<String>,
}

impl<W: Write> Plain<W> {
    /// A view that writes whole lines and nothing else: for pipes and screen readers.
    pub fn lines(out: W) -> Self {
        Self { out, columns: None, live_line: false, shown: None }
    }

    /// A view on a terminal of so many columns, in which lines are typed.
    pub fn wrapped(out: W, columns: fn() -> u16) -> Self {
        Self { columns: Some(columns), ..Self::lines(out) }
    }

    /// A view on a terminal of so many columns, in which keys are read one by one (raw mode): the
    /// clock runs on the last line.
    pub fn live(out: W, columns: fn() -> u16) -> Self {
        Self { live_line: true, ..Self::wrapped(out, columns) }
    }

    fn width(&self) -> Option<usize> {
        self.columns.map(|columns| page::width(columns()))
    }

    /// Writes lines; the live line is taken away first.
    fn write(&mut self, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        if self.shown.take().is_some() {
            write!(self.out, "\r\x1b[K")?;
        }
        if self.live_line {
            // Where keys are read one by one, a bare line feed does not return to the first column.
            self.out.write_all(text.replace('\n', "\r\n").as_bytes())
        } else {
            self.out.write_all(text.as_bytes())
        }
    }

    fn show_live(&mut self, text: String) -> io::Result<()> {
        if !self.live_line || self.shown.as_deref() == Some(&text) {
            return Ok(());
        }
        let columns = self.width().map_or(usize::MAX, |width| width - 1);
        let text: String = printable(&text).chars().take(columns).collect();
        write!(self.out, "\r\x1b[K{text}")?;
        self.shown = Some(text);
        Ok(())
    }

    /// What is being written, its end where it is longer than the line.
    fn show_writing(&mut self, text: &str) -> io::Result<()> {
        let room = self.width().map_or(usize::MAX, |width| width.saturating_sub(4));
        let hidden = text.chars().count().saturating_sub(room);
        self.show_live(format!("> {}", text.chars().skip(hidden).collect::<String>()))
    }

    /// The clock is on the live line where there is one, so that times are not announced as well.
    fn remaining(&self, page: &mut Page, remaining: Remaining, typed: bool) {
        let text = match remaining {
            Remaining::TimeIsUp if typed => "Time is up: finish the line; it ends the answer.".to_owned(),
            Remaining::TimeIsUp => "Time is up.".to_owned(),
            _ if self.live_line => return,
            Remaining::Half(seconds) => format!("Half of the time: {} left.", clock(f64::from(seconds))),
            Remaining::OneMinute => "One minute left.".to_owned(),
            Remaining::TenSeconds => "Ten seconds left.".to_owned(),
        };
        // The terminal may stand in the middle of a line that is being typed.
        if typed && self.columns.is_some() {
            page.blank();
        }
        page.line(&text);
    }
}

fn coverage(page: &mut Page, question: &Question, assessment: &Assessment) {
    page.blank();
    page.heading("", assessment.source == Source::Text, assessment.speech);
    if assessment.speech {
        page.paragraph("  ", &assessment.transcript.text);
    }
    page.blank();
    page.checklist("", false, question, assessment);
}

fn feedback(page: &mut Page, feedback: &Feedback) {
    page.blank();
    let (covered, total) = feedback.coverage();
    let (not_answered, not_judged) = feedback.outstanding();
    let covered = points_covered(covered, total, not_answered, not_judged);
    page.line(&format!("Feedback on {}: {covered}", feedback.title));
    for (number, question) in (1..).zip(&feedback.questions) {
        page.hanging(&format!("  {number}. "), "     ", &question.prompt);
        let delivery = match &question.result {
            QuestionResult::Judged { covered, unsure, missed, delivery } => {
                page.paragraph("     ", &format!("{} of {} covered", covered.len(), question.points));
                for (label, points) in [("covered", covered), ("half made", unsure), ("missed", missed)] {
                    if !points.is_empty() {
                        page.hanging("     ", "       ", &format!("{label}: {}", points.join("; ")));
                    }
                }
                delivery
            }
            QuestionResult::WithoutChecklist(delivery) => {
                page.paragraph("     ", "answered and kept; there is no checklist to judge it by");
                delivery
            }
            QuestionResult::Kept => {
                page.paragraph("     ", "answered and kept; not transcribed yet: `viva review` does it");
                continue;
            }
            QuestionResult::NotAnswered => {
                page.paragraph("     ", "not answered");
                continue;
            }
        };
        page.paragraph("     ", &page::delivery(delivery));
    }
    let again = feedback.look_at_again();
    page.blank();
    if again.is_empty() {
        return page.line("Nothing was missed.");
    }
    page.line("Look at again:");
    for (prompt, points) in again {
        let note = if points.is_empty() { " (not answered)" } else { "" };
        page.hanging("  ", "    ", &format!("{prompt}{note}"));
        for point in points {
            page.hanging("    - ", "      ", point);
        }
    }
}

impl<W: Write> View for Plain<W> {
    fn show(&mut self, notice: Notice<'_>) -> io::Result<()> {
        let mut page = Page::new(self.width(), false);
        match notice {
            Notice::Rules(rules) => rules.iter().for_each(|rule| page.line(rule)),
            Notice::Controls(text) | Notice::Remark(text) => page.line(text),
            Notice::AwaitGoAhead { awaited, typed, overrulable } => {
                page.blank();
                let what = match awaited {
                    Awaited::Beginning => "begins",
                    Awaited::FollowUp => "asks the follow-up",
                    Awaited::Feedback => "shows the feedback",
                    Awaited::NextLoop => "begins the next loop",
                };
                let overrule = match (overrulable, typed) {
                    (false, _) => "",
                    (true, false) => ", o overrules a verdict",
                    (true, true) => ", \"o\" overrules a verdict",
                };
                let leave = if typed { "; Ctrl-C leaves" } else { ", q leaves" };
                page.line(&format!("Enter {what}{overrule}{leave}."));
            }
            Notice::WhichPoint { question, assessment } => {
                page.blank();
                page.points("", true, question, assessment);
                page.line("Which point do you overrule? Its number; Enter alone leaves all as they are.");
            }
            Notice::WhichWords(point) => page.line(&format!(
                "Which of your words made it (\"{}\")? They count for it from now on; Enter alone: none.",
                point.text
            )),
            Notice::Writing(text) => self.show_writing(text)?,
            Notice::Corrected { point, number } => {
                let verdict = match point.overruled {
                    Some(said) => format!("{} (you; viva said {})", point.verdict.name(), said.name()),
                    None => format!("{} again, as viva said", point.verdict.name()),
                };
                page.line(&format!("{}: {verdict}. o and {number} turn it back.", point.text));
            }
            Notice::Loop { practised, number: (number, total) } => {
                page.blank();
                let count = if total > 1 { format!("Loop {number} of {total}") } else { "Loop".to_owned() };
                page.line(&format!("{count}: {}", practised.title));
            }
            Notice::Question { question, follow_up: (number, total) } => {
                page.blank();
                let label = match number {
                    0 => "Question".to_owned(),
                    _ => format!("Follow-up {number} of {total}"),
                };
                page.hanging(&format!("{label}: "), "  ", &question.prompt);
            }
            Notice::Go { seconds, typed } => {
                let how = if typed { "; a line with a single \".\" ends the answer" } else { "" };
                page.line(&format!("Go: you have {}{how}.", clock(f64::from(seconds))));
            }
            Notice::Remaining { remaining, typed } => self.remaining(&mut page, remaining, typed),
            Notice::Clock { seconds_left, level, paused } => {
                let filled = ((level.clamp(0.0, 1.0) * METER as f32).round() as usize).min(METER);
                let state = if paused { "paused" } else { "left" };
                self.show_live(format!(
                    "{} {state} [{}{}] Enter ends, p pauses, r starts again, s skips, q leaves",
                    clock(seconds_left),
                    "#".repeat(filled),
                    ".".repeat(METER - filled),
                ))?;
            }
            Notice::Paused(paused) if !self.live_line => {
                page.line(if paused { "Paused." } else { "Going on." });
            }
            Notice::Paused(_) => {}
            Notice::Transcribing(done, length) => {
                self.show_live(format!("Writing down what you said: {} of {}", clock(done), clock(length)))?;
            }
            Notice::Coverage { question, assessment } => coverage(&mut page, question, assessment),
            Notice::Skipped => page.line("Skipped: counted as not answered."),
            Notice::NoRecording => page.line("No recording for this question: counted as not answered."),
            Notice::Feedback(looked_back) => feedback(&mut page, looked_back),
            Notice::Warning(text) => page.hanging("warning: ", "  ", text),
        }
        self.write(&page.into_text())?;
        self.out.flush()
    }
}
