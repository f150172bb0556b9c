//! Practice as plain lines: for terminals, pipes and screen readers alike.
//!
//! In a terminal the running clock stands on the last line and is written over; everywhere else the
//! time is announced in lines.

use std::io::{self, Write};

use super::{Notice, View};
use crate::assessment::{Assessment, Delivery, Source};
use crate::coverage::{PointVerdict, Verdict};
use crate::loops::Question;
use crate::practice::feedback::{Feedback, QuestionResult};
use crate::practice::session::{Awaited, Remaining};

/// Columns of the level meter.
const METER: usize = 10;
/// Lines are not wrapped wider than this: longer ones are hard to read.
const WIDEST: usize = 100;
/// Nor narrower than this, whatever the terminal says of itself.
const NARROWEST: usize = 20;

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
        self.columns.map(|columns| usize::from(columns()).clamp(NARROWEST, WIDEST))
    }

    /// Writes a paragraph, wrapped and indented; the live line is taken away first.
    fn paragraph(&mut self, indent: &str, text: &str) -> io::Result<()> {
        self.hanging(indent, indent, text)
    }

    /// Writes an item whose first line begins with `first` and the others with `rest`.
    fn hanging(&mut self, first: &str, rest: &str, text: &str) -> io::Result<()> {
        self.clear_live_line()?;
        match self.width() {
            None => self.end_line(&format!("{first}{text}")),
            Some(width) => {
                let options = textwrap::Options::new(width).initial_indent(first).subsequent_indent(rest);
                for line in textwrap::wrap(text, options) {
                    self.end_line(line.trim_end())?;
                }
                Ok(())
            }
        }
    }

    fn blank(&mut self) -> io::Result<()> {
        self.clear_live_line()?;
        self.end_line("")
    }

    /// In a terminal keys are read one by one, and then a bare line feed does not return to the
    /// first column.
    fn end_line(&mut self, line: &str) -> io::Result<()> {
        self.out.write_all(printable(line).as_bytes())?;
        self.out.write_all(if self.live_line { b"\r\n" } else { b"\n" })
    }

    fn show_live(&mut self, text: String) -> io::Result<()> {
        if !self.live_line || self.shown.as_deref() == Some(&text) {
            return Ok(());
        }
        let columns = self.width().unwrap_or(WIDEST).saturating_sub(1);
        let text: String = printable(&text).chars().take(columns).collect();
        write!(self.out, "\r\x1b[K{text}")?;
        self.shown = Some(text);
        Ok(())
    }

    fn clear_live_line(&mut self) -> io::Result<()> {
        if self.shown.take().is_some() {
            write!(self.out, "\r\x1b[K")?;
        }
        Ok(())
    }

    fn coverage(&mut self, question: &Question, assessment: &Assessment) -> io::Result<()> {
        self.blank()?;
        if !assessment.speech {
            let what = match assessment.source {
                Source::Audio { .. } => "No speech heard.",
                Source::Text => "Nothing written.",
            };
            self.paragraph("", what)?;
        } else {
            self.paragraph(
                "",
                match assessment.source {
                    Source::Audio { .. } => "What was heard:",
                    Source::Text => "What was written:",
                },
            )?;
            self.paragraph("  ", &assessment.transcript.text)?;
        }
        if question.points.is_empty() {
            return self.paragraph("", "This question has no checklist: the answer is kept, but not judged.");
        }
        self.blank()?;
        let tally = assessment.coverage;
        self.paragraph(
            "",
            &format!("{}: {} of {} covered", question.checklist_heading, tally.covered, tally.total),
        )?;
        for point in &assessment.points {
            self.hanging(&format!("  {:<8} ", word_for(point.verdict)), "           ", &describe(point))?;
        }
        let missed: Vec<&PointVerdict> =
            assessment.points.iter().filter(|point| point.verdict != Verdict::Covered).collect();
        self.blank()?;
        if missed.is_empty() {
            return self.paragraph("", "Every point was made.");
        }
        self.paragraph("", "Missed:")?;
        for point in missed {
            let note = match point.verdict {
                Verdict::Partial => " (half made)",
                Verdict::Unheard => " (badly heard; did you say it?)",
                Verdict::Covered | Verdict::Missed => "",
            };
            self.hanging("  - ", "    ", &format!("{}{note}", point.text))?;
        }
        Ok(())
    }

    fn feedback(&mut self, feedback: &Feedback) -> io::Result<()> {
        self.blank()?;
        let (covered, total) = feedback.coverage();
        self.paragraph("", &format!("Feedback on {}: {covered} of {total} points covered", feedback.title))?;
        for (number, question) in feedback.questions.iter().enumerate() {
            self.hanging(&format!("  {}. ", number + 1), "     ", &question.prompt)?;
            match &question.result {
                QuestionResult::Judged { covered, unsure, missed, delivery } => {
                    let total = covered.len() + unsure.len() + missed.len();
                    self.paragraph("     ", &format!("{} of {total} covered", covered.len()))?;
                    for (label, points) in [("covered", covered), ("half made", unsure), ("missed", missed)] {
                        if !points.is_empty() {
                            self.hanging("     ", "       ", &format!("{label}: {}", points.join("; ")))?;
                        }
                    }
                    self.delivery(delivery)?;
                }
                QuestionResult::WithoutChecklist(delivery) => {
                    self.paragraph("     ", "answered and kept; there is no checklist to judge it by")?;
                    self.delivery(delivery)?;
                }
                QuestionResult::Kept => {
                    self.paragraph("     ", "answered and kept; not transcribed yet: `viva review` does it")?;
                }
                QuestionResult::NotAnswered => self.paragraph("     ", "not answered")?,
            }
        }
        let again = feedback.look_at_again();
        self.blank()?;
        if again.is_empty() {
            return self.paragraph("", "Nothing was missed.");
        }
        self.paragraph("", "Look at again:")?;
        for (prompt, points) in again {
            let points = if points.is_empty() { "not answered".to_owned() } else { points.join("; ") };
            self.hanging("  - ", "    ", &format!("{prompt} {points}"))?;
        }
        Ok(())
    }

    fn delivery(&mut self, delivery: &Delivery) -> io::Result<()> {
        let mut said = vec![format!("{} words", delivery.words)];
        if let Some(rate) = delivery.words_per_minute {
            said.push(format!("{rate:.0} words a minute"));
        }
        if let Some(pause) = delivery.longest_pause_seconds {
            said.push(format!("longest pause {pause:.1} s"));
        }
        self.paragraph("     ", &said.join(", "))
    }
}

impl<W: Write> View for Plain<W> {
    fn show(&mut self, notice: Notice<'_>) -> io::Result<()> {
        match notice {
            Notice::Rules(rules) => {
                for rule in rules {
                    self.paragraph("", rule)?;
                }
            }
            Notice::Controls(text) => self.paragraph("", text)?,
            Notice::AwaitGoAhead { awaited, typed } => {
                self.blank()?;
                let what = match awaited {
                    Awaited::Beginning => "begins",
                    Awaited::FollowUp => "asks the follow-up",
                    Awaited::NextLoop => "begins the next loop",
                };
                let leave = if typed { "; Ctrl-C leaves" } else { ", q leaves" };
                self.paragraph("", &format!("Enter {what}{leave}."))?;
            }
            Notice::Loop { practised, number: (number, total) } => {
                self.blank()?;
                let count = if total > 1 { format!("Loop {number} of {total}") } else { "Loop".to_owned() };
                self.paragraph("", &format!("{count}: {}", practised.title))?;
            }
            Notice::Question { question, follow_up: (number, total) } => {
                self.blank()?;
                let label = match number {
                    0 => "Question".to_owned(),
                    _ => format!("Follow-up {number} of {total}"),
                };
                self.hanging(&format!("{label}: "), "  ", &question.prompt)?;
            }
            Notice::Go { seconds, typed } => {
                let how = if typed { "; a line with a single \".\" ends the answer" } else { "" };
                self.paragraph("", &format!("Go: you have {}{how}.", clock(f64::from(seconds))))?;
            }
            Notice::Remaining(remaining) => match remaining {
                Remaining::Half(seconds) if !self.live_line => {
                    self.paragraph("", &format!("Half of the time: {} left.", clock(f64::from(seconds))))?;
                }
                Remaining::OneMinute if !self.live_line => self.paragraph("", "One minute left.")?,
                Remaining::TenSeconds if !self.live_line => self.paragraph("", "Ten seconds left.")?,
                Remaining::TimeIsUp => self.paragraph("", "Time is up.")?,
                _ => {}
            },
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
            Notice::Paused(paused) => {
                if !self.live_line {
                    self.paragraph("", if paused { "Paused." } else { "Going on." })?;
                }
            }
            Notice::NewTake => self.paragraph("", "A new take; the earlier one is kept.")?,
            Notice::Transcribing(done, length) => {
                self.show_live(format!("Writing down what you said: {} of {}", clock(done), clock(length)))?;
            }
            Notice::Coverage { question, assessment } => self.coverage(question, assessment)?,
            Notice::Skipped => self.paragraph("", "Skipped: counted as not answered.")?,
            Notice::Feedback(feedback) => self.feedback(feedback)?,
            Notice::Remark(text) => self.paragraph("", text)?,
            Notice::Warning(text) => self.hanging("warning: ", "  ", text)?,
        }
        self.out.flush()
    }
}

/// Minutes and seconds; a part of a second counts as a whole one, so that 0:00 means no time at all.
pub fn clock(seconds: f64) -> String {
    let seconds = seconds.max(0.0).ceil() as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// A moment in a recording, in minutes and whole seconds that have passed.
pub fn moment(seconds: f64) -> String {
    clock(seconds.max(0.0).floor())
}

/// The verdict as people read it.
pub fn word_for(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Covered => "covered",
        Verdict::Partial => "partial",
        Verdict::Unheard => "unheard",
        Verdict::Missed => "missed",
    }
}

/// A point with the words that its verdict rests on, or why they were refused.
pub fn describe(point: &PointVerdict) -> String {
    let mut text = point.text.clone();
    if let Some(evidence) = point.evidence.first() {
        text.push_str(&format!(": \"{}\"", evidence.quote));
        if let Some(start) = evidence.start_seconds {
            text.push_str(&format!(" at {}", moment(start)));
        }
    }
    if let Some(reason) = &point.reason {
        text.push_str(&format!(" ({reason})"));
    }
    text
}

/// Text without characters that would steer the terminal; line feeds stay.
pub fn printable(text: &str) -> String {
    text.chars().map(|char| if char.is_control() && char != '\n' { ' ' } else { char }).collect()
}
