//! Kept sessions for people, as plain lines.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::assessment::{Assessment, Delivery, Source};
use crate::coverage::{PointVerdict, Verdict};
use crate::journal::{
    AnswerState, Content, InputKind, KeptAnswer, KeptSession, KeptTake, SessionState, Summary,
};
use crate::loops::Question;
use crate::transcript::Transcript;
use crate::ui::plain::{clock, describe, moment, printable, word_for};

/// How a page is laid out.
#[derive(Debug, Clone, PartialEq)]
pub struct Style {
    /// Columns to wrap at; `None` where the reader wraps for itself.
    pub width: Option<usize>,
    /// Whether evidence is bold as well as marked.
    pub bold: bool,
    /// The reader's time zone.
    pub zone: TimeZone,
}

/// One line a session, in the order given.
pub fn list(sessions: &[Summary], style: &Style) -> String {
    let rows: Vec<[String; 5]> = sessions
        .iter()
        .map(|session| {
            [
                date(session.started_at, style),
                state(session.state).to_owned(),
                covered(session),
                session.id.clone(),
                subject(session),
            ]
        })
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (states, coverages, ids) = (width(1), width(2), width(3));
    let mut page = String::new();
    for [date, state, covered, id, subject] in &rows {
        // Writing to a string cannot fail.
        _ = writeln!(page, "{date}  {state:<states$}  {covered:>coverages$}  {id:<ids$}  {subject}");
    }
    page
}

/// A whole session.
pub fn session(kept: &KeptSession, style: &Style) -> String {
    let mut page = Page { text: String::new(), style };
    let summary = &kept.summary;
    page.line(&format!("Session {}", summary.id));
    let mut facts = vec![date(summary.started_at, style), state(summary.state).to_owned()];
    if summary.coverage.total > 0 {
        facts.push(format!("{} of {} points covered", summary.coverage.covered, summary.coverage.total));
    }
    facts.push(match (summary.input, &summary.model) {
        (InputKind::Typed, _) => "typed".to_owned(),
        (InputKind::Files, Some(model)) => format!("from recordings, transcribed with {model}"),
        (InputKind::Files, None) => "from recordings".to_owned(),
        (InputKind::Microphone, Some(model)) => format!("spoken, transcribed with {model}"),
        (InputKind::Microphone, None) => "spoken".to_owned(),
    });
    page.line(&facts.join(", "));
    for (position, asked) in summary.loops.iter().enumerate() {
        page.blank();
        page.line(&format!("{} ({})", asked.title, asked.id));
        for (index, question) in asked.questions().enumerate() {
            page.blank();
            let label = match index {
                0 => "Question".to_owned(),
                _ => format!("Follow-up {index} of {}", asked.follow_ups.len()),
            };
            page.hanging(&format!("{label}: "), "  ", &question.prompt);
            match kept.answer(position, &question.id) {
                Some(answer) => page.answer(question, answer),
                None => page.paragraph("  ", "Not asked."),
            }
        }
    }
    page.text
}

/// One judged answer.
pub fn assessment(question: &Question, assessment: &Assessment, style: &Style) -> String {
    let mut page = Page { text: String::new(), style };
    match (&assessment.source, assessment.speech) {
        (Source::Audio { .. }, false) => page.paragraph("  ", "No speech heard."),
        (Source::Text, false) => page.paragraph("  ", "Nothing written."),
        (source, true) => {
            let heading = match source {
                Source::Audio { .. } => "What was heard:",
                Source::Text => "What was written:",
            };
            page.paragraph("  ", heading);
            page.transcript(&assessment.transcript, &assessment.points);
        }
    }
    page.assessment(question, assessment, 1);
    page.text
}

struct Page<'a> {
    text: String,
    style: &'a Style,
}

impl Page<'_> {
    fn blank(&mut self) {
        self.text.push('\n');
    }

    fn line(&mut self, text: &str) {
        self.paragraph("", text);
    }

    fn paragraph(&mut self, indent: &str, text: &str) {
        self.hanging(indent, indent, text);
    }

    /// An item whose first line begins with `first` and the others with `rest`.
    fn hanging(&mut self, first: &str, rest: &str, text: &str) {
        let text = printable(text);
        match self.style.width {
            None => _ = writeln!(self.text, "{first}{text}"),
            Some(width) => {
                let options = textwrap::Options::new(width)
                    .initial_indent(first)
                    .subsequent_indent(rest)
                    // Paths stay in one piece, so that they can be copied.
                    .word_splitter(textwrap::WordSplitter::NoHyphenation)
                    .break_words(false);
                for line in textwrap::wrap(&text, options) {
                    _ = writeln!(self.text, "{}", line.trim_end());
                }
            }
        }
    }

    fn answer(&mut self, question: &Question, answer: &KeptAnswer) {
        if answer.state == AnswerState::Skipped {
            self.paragraph("  ", "Skipped: counted as not answered.");
        }
        match answer.take() {
            Some(take) => self.take(question, take, answer.state),
            None if answer.state == AnswerState::Asked => self.paragraph("  ", "Asked, but not answered."),
            None => {}
        }
        let others: Vec<String> =
            answer.takes.iter().filter(|take| !take.counts).filter_map(other_take).collect();
        if !others.is_empty() {
            self.blank();
            self.paragraph("  ", "Other takes:");
            for other in others {
                self.hanging("    ", "      ", &other);
            }
        }
    }

    fn take(&mut self, question: &Question, take: &KeptTake, state: AnswerState) {
        if let Content::Audio { path, seconds } = &take.content {
            let length = seconds.map(|seconds| format!(" ({})", clock(seconds))).unwrap_or_default();
            let gone = if path.exists() { "" } else { ": the file is not there any more" };
            self.hanging("  ", "    ", &format!("Recording{length}: {}{gone}", path.display()));
        }
        let assessment = take.assessments.last().map(|kept| &kept.assessment);
        match (take.transcript(), &take.content) {
            (None, _) if state == AnswerState::Skipped => {}
            (None, _) => {
                self.paragraph(
                    "  ",
                    "Not transcribed yet: `viva review` does it as soon as a model is there.",
                );
            }
            (Some(transcript), Content::Audio { .. }) if transcript.is_empty() => {
                self.paragraph("  ", "No speech heard.");
            }
            (Some(transcript), Content::Typed { .. }) if transcript.is_empty() => {
                self.paragraph("  ", "Nothing written.");
            }
            (Some(transcript), content) => {
                let heading = match content {
                    Content::Audio { .. } => "What was heard:",
                    Content::Typed { .. } => "What was written:",
                };
                self.blank();
                self.paragraph("  ", heading);
                // Evidence refers to the words of the transcript that was judged.
                let judged = assessment.map_or(&transcript, |assessment| &assessment.transcript);
                self.transcript(judged, assessment.map_or(&[], |assessment| &assessment.points));
            }
        }
        if let Some(assessment) = assessment {
            self.assessment(question, assessment, take.assessments.len());
        }
    }

    fn transcript(&mut self, transcript: &Transcript, points: &[PointVerdict]) {
        let lines = mark(transcript, points);
        for (segment, line) in transcript.segments.iter().zip(lines) {
            let begin = self.text.len();
            match segment.start_seconds {
                Some(start) => self.hanging(&format!("    {:>5}  ", moment(start)), "           ", &line),
                None => self.paragraph("    ", &line),
            }
            if self.style.bold {
                let bold = self.text[begin..].replace(OPEN, "\x1b[1m«").replace(CLOSE, "»\x1b[22m");
                self.text.truncate(begin);
                self.text.push_str(&bold);
            }
        }
    }

    fn assessment(&mut self, question: &Question, assessment: &Assessment, judgements: usize) {
        if question.points.is_empty() {
            self.blank();
            self.paragraph("  ", "This question has no checklist: the answer is kept, but not judged.");
        } else {
            let tally = assessment.coverage;
            self.blank();
            self.paragraph(
                "  ",
                &format!("{}: {} of {} covered", question.checklist_heading, tally.covered, tally.total),
            );
            for (number, point) in assessment.points.iter().enumerate() {
                let label = format!("    [{}] {:<7}  ", number + 1, word_for(point.verdict));
                self.hanging(&label, "        ", &describe(point));
            }
            let missed: Vec<&str> = assessment
                .points
                .iter()
                .filter(|point| point.verdict == Verdict::Missed)
                .map(|point| point.text.as_str())
                .collect();
            if !missed.is_empty() {
                self.hanging("  Missed: ", "    ", &missed.join("; "));
            }
        }
        if let Some(delivery) = delivery(&assessment.delivery) {
            self.hanging("  Delivery: ", "    ", &delivery);
        }
        if judgements > 1 {
            self.paragraph(
                "  ",
                &format!("Judged {judgements} times; this is the last one, by viva {}.", assessment.engine),
            );
        }
    }
}

const OPEN: &str = "«";
const CLOSE: &str = "»";

/// Each segment's text with the evidence of its points between guillemets and the points' numbers
/// after it: `a «coin flip»[2] decides`. Pieces of evidence that overlap become one.
pub(super) fn mark(transcript: &Transcript, points: &[PointVerdict]) -> Vec<String> {
    let mut spans: Vec<(usize, usize, usize)> = points
        .iter()
        .enumerate()
        // Evidence that was refused stands with its reason in the checklist.
        .filter(|(_, point)| point.verdict != Verdict::Missed)
        .flat_map(|(index, point)| {
            point.evidence.iter().map(move |evidence| (evidence.first_word, evidence.last_word, index + 1))
        })
        .collect();
    spans.sort_unstable();
    let mut merged: Vec<(usize, usize, Vec<usize>)> = Vec::new();
    for (first, last, number) in spans {
        match merged.last_mut() {
            Some((_, end, numbers)) if first <= *end => {
                *end = last.max(*end);
                if !numbers.contains(&number) {
                    numbers.push(number);
                }
            }
            _ => merged.push((first, last, vec![number])),
        }
    }
    let mut begin = 0;
    let mut lines = Vec::with_capacity(transcript.segments.len());
    for segment in &transcript.segments {
        let end = begin + segment.words.len();
        let mut words: Vec<String> = segment.words.iter().map(|word| word.text.clone()).collect();
        for (first, last, numbers) in &merged {
            // Evidence that goes over into the next segment is marked in both.
            let (first, last) = ((*first).max(begin), (last + 1).min(end));
            if first < last {
                words[first - begin].insert_str(0, OPEN);
                _ = write!(words[last - 1 - begin], "{CLOSE}[{}]", list_of(numbers));
            }
        }
        lines.push(words.join(" "));
        begin = end;
    }
    lines
}

fn list_of(numbers: &[usize]) -> String {
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// A take that does not count; `None` if it holds nothing.
fn other_take(take: &KeptTake) -> Option<String> {
    let number = take.number;
    match &take.content {
        Content::Audio { seconds: Some(0.0), .. } => None,
        Content::Audio { path, seconds } => {
            let length = seconds.map_or_else(|| "not whole".to_owned(), clock);
            Some(format!("{number} ({length}): {}", path.display()))
        }
        Content::Typed { text } if text.trim().is_empty() => None,
        Content::Typed { text } => {
            Some(format!("{number}: {}", text.split_whitespace().collect::<Vec<_>>().join(" ")))
        }
    }
}

fn delivery(delivery: &Delivery) -> Option<String> {
    if delivery.words == 0 {
        return None;
    }
    let mut said = vec![format!("{} words", delivery.words)];
    if let Some(rate) = delivery.words_per_minute {
        said.push(format!("{rate:.0} words a minute"));
    }
    if let Some(pause) = delivery.longest_pause_seconds {
        said.push(format!("longest pause {pause:.1} s"));
    }
    if let Some(seconds) = delivery.time_to_first_word_seconds {
        said.push(format!("first word after {seconds:.1} s"));
    }
    Some(said.join(", "))
}

fn date(time: Timestamp, style: &Style) -> String {
    time.to_zoned_datetime(style.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

fn state(state: SessionState) -> &'static str {
    match state {
        SessionState::Running => "still running",
        other => other.name(),
    }
}

fn covered(session: &Summary) -> String {
    match session.coverage.total {
        0 => "-".to_owned(),
        total => format!("{}/{total} covered", session.coverage.covered),
    }
}

/// The loops' titles, and what is still to be done.
fn subject(session: &Summary) -> String {
    let titles: Vec<&str> = session.loops.iter().map(|asked| asked.title.as_str()).collect();
    let mut subject = match titles.as_slice() {
        [first, second, rest @ ..] if rest.len() > 1 => format!("{first}, {second} and {} more", rest.len()),
        all => all.join(", "),
    };
    match session.questions.waiting {
        0 => {}
        1 => subject.push_str(" (1 answer not judged yet)"),
        waiting => _ = write!(subject, " ({waiting} answers not judged yet)"),
    }
    printable(&subject)
}
