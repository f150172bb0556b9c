//! Lays out what people read, practising and looking back: paragraphs, items, judgements, and the
//! words for numbers and times.

use crate::assessment::{Assessment, Delivery};
use crate::coverage::{PointVerdict, Verdict};
use crate::loops::Question;

/// Lines are not wrapped wider than this: longer ones are hard to read.
const WIDEST: u16 = 100;
/// Nor narrower than this, whatever the terminal says of itself.
const NARROWEST: u16 = 20;

/// Stands before a piece of evidence in a transcript.
pub const OPEN: &str = "«";
/// Stands after one.
pub const CLOSE: &str = "»";

/// Lines of text, laid out for a reader.
#[derive(Debug)]
pub struct Page {
    text: String,
    width: Option<usize>,
    bold: bool,
}

/// The width of lines in a terminal of so many columns.
pub fn width(columns: u16) -> usize {
    usize::from(columns.clamp(NARROWEST, WIDEST))
}

impl Page {
    /// An empty page: with the columns to wrap at, or `None` where the reader wraps for itself, and
    /// whether evidence is bold as well as marked.
    pub fn new(width: Option<usize>, bold: bool) -> Self {
        Self { text: String::new(), width, bold }
    }

    /// What has been laid out, each line with its end.
    pub fn into_text(self) -> String {
        self.text
    }

    /// An empty line.
    pub fn blank(&mut self) {
        self.text.push('\n');
    }

    /// A paragraph from the margin.
    pub fn line(&mut self, text: &str) {
        self.paragraph("", text);
    }

    /// A paragraph with each line indented.
    pub fn paragraph(&mut self, indent: &str, text: &str) {
        self.hanging(indent, indent, text);
    }

    /// An item whose first line begins with `first` and the others with `rest`.
    pub fn hanging(&mut self, first: &str, rest: &str, text: &str) {
        let text = printable(text);
        let Some(width) = self.width else {
            self.push(&format!("{first}{text}"));
            return;
        };
        let options = textwrap::Options::new(width)
            .initial_indent(first)
            .subsequent_indent(rest)
            // Commands, options and paths stay in one piece, so that they can be copied.
            .word_separator(textwrap::WordSeparator::AsciiSpace)
            .word_splitter(textwrap::WordSplitter::NoHyphenation)
            .break_words(false);
        for line in textwrap::wrap(&text, options) {
            self.push(line.trim_end());
        }
    }

    /// The same, with what stands between [`OPEN`] and [`CLOSE`] bold where that can be shown.
    pub fn marked(&mut self, first: &str, rest: &str, text: &str) {
        let begin = self.text.len();
        self.hanging(first, rest, text);
        if self.bold {
            let bold = self.text[begin..].replace(OPEN, "\x1b[1m«").replace(CLOSE, "»\x1b[22m");
            self.text.truncate(begin);
            self.text.push_str(&bold);
        }
    }

    fn push(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// The heading over what was said or typed, or that there is nothing.
    pub fn heading(&mut self, indent: &str, typed: bool, anything: bool) {
        self.paragraph(
            indent,
            match (typed, anything) {
                (false, true) => "What was heard:",
                (false, false) => "No speech heard.",
                (true, true) => "What was written:",
                (true, false) => "Nothing written.",
            },
        );
    }

    /// The verdict on each point of the checklist, and the points missed; `numbered` as the evidence is
    /// in a marked transcript.
    pub fn checklist(&mut self, indent: &str, numbered: bool, question: &Question, assessment: &Assessment) {
        if question.points.is_empty() {
            let text = "This question has no checklist: the answer is kept, but not judged.";
            return self.paragraph(indent, text);
        }
        self.points(indent, numbered, question, assessment);
        self.blank();
        let tally = assessment.coverage;
        if tally.covered == tally.total {
            return self.paragraph(indent, "Every point was made.");
        }
        self.paragraph(indent, "Missed:");
        for point in &assessment.points {
            let note = match point.verdict {
                Verdict::Covered => continue,
                Verdict::Missed => "",
                Verdict::Partial => " (half made)",
                Verdict::Unheard => " (badly heard; did you say it?)",
            };
            let bullet = format!("{indent}  - ");
            self.hanging(&bullet, &" ".repeat(bullet.len()), &format!("{}{note}", point.text));
        }
    }

    /// The verdict on each point of the checklist.
    pub fn points(&mut self, indent: &str, numbered: bool, question: &Question, assessment: &Assessment) {
        let tally = assessment.coverage;
        let heading = &question.checklist_heading;
        self.paragraph(indent, &format!("{heading}: {} of {} covered", tally.covered, tally.total));
        for (number, point) in (1..).zip(&assessment.points) {
            let number = if numbered { format!("[{number}] ") } else { String::new() };
            let label = format!("{indent}  {number}{:<8} ", point.verdict.name());
            let rest = " ".repeat(label.len());
            match point.overruled {
                None => self.hanging(&label, &rest, &describe(point)),
                Some(said) => {
                    let whose = format!("{} (you; viva said {})", label.trim_end(), said.name());
                    self.hanging(&format!("{whose} "), &rest, &describe(point));
                }
            }
        }
    }
}

/// How an answer was delivered.
pub fn delivery(delivery: &Delivery) -> String {
    let mut said = vec![counted(delivery.words, "word")];
    if let Some(rate) = delivery.words_per_minute {
        said.push(format!("{rate:.0} words a minute"));
    }
    if let Some(pause) = delivery.longest_pause_seconds {
        said.push(format!("longest pause {pause:.1} s"));
    }
    if let Some(seconds) = delivery.time_to_first_word_seconds {
        said.push(format!("first word after {seconds:.1} s"));
    }
    said.join(", ")
}

/// A number of things: `1 word`, `2 words`.
pub fn counted(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// What a loop or a session came to: the points covered of all there are, and in brackets what is
/// [outstanding].
pub fn points_covered(covered: usize, total: usize, not_answered: usize, not_judged: usize) -> String {
    format!("{covered} of {} covered{}", counted(total, "point"), outstanding(not_answered, not_judged))
}

/// Questions that were not answered and answers that wait to be judged, in brackets after a space;
/// empty where there are none.
pub fn outstanding(not_answered: usize, not_judged: usize) -> String {
    let parts: Vec<String> =
        [(not_answered, "question", "not answered"), (not_judged, "answer", "not judged yet")]
            .iter()
            .filter(|(number, ..)| *number > 0)
            .map(|(number, thing, what)| format!("{} {what}", counted(*number, thing)))
            .collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
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

/// A text in one line of at most so many characters.
pub fn clip(text: &str, width: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= width {
        return line;
    }
    format!("{}...", line.chars().take(width - 3).collect::<String>())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_options_and_times_are_not_broken() {
        let mut page = Page::new(Some(24), false);
        page.hanging(
            "- ",
            "  ",
            "go on with `--input` or cross-entropy after 2 s: /a/path-that/is-longer-than/a-line",
        );
        assert_eq!(
            page.into_text(),
            "- go on with `--input`\n  or cross-entropy after\n  2 s:\n  /a/path-that/is-longer-than/a-line\n"
        );
    }

    #[test]
    fn what_is_outstanding_is_named() {
        assert_eq!(
            points_covered(4, 13, 3, 1),
            "4 of 13 points covered (3 questions not answered, 1 answer not judged yet)"
        );
        assert_eq!(points_covered(1, 1, 0, 0), "1 of 1 point covered");
        assert_eq!(delivery(&Delivery { words: 1, ..Delivery::default() }), "1 word");
    }
}
