//! Kept sessions for people, as plain lines.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::assessment::{Assessment, Source};
use crate::coverage::{PointVerdict, Tally, Verdict};
use crate::journal::{
    AnswerState, Content, InputKind, KeptAnswer, KeptSession, KeptTake, SessionState, Summary,
};
use crate::loops::{Loop, Question};
use crate::practice::feedback::Feedback;
use crate::practice::outcomes;
use crate::transcript::Transcript;
use crate::ui::page::{CLOSE, OPEN, Page, clock, delivery, moment, outstanding, points_covered, printable};

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

impl Style {
    pub(super) fn page(&self) -> Page {
        Page::new(self.width, self.bold)
    }
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
    let mut page = style.page();
    let summary = &kept.summary;
    page.line(&format!("Session {}", summary.id));
    let mut facts = vec![date(summary.started_at, style), state(summary.state).to_owned()];
    if summary.coverage.total > 0 {
        let (not_answered, not_judged) = summary.questions.outstanding();
        let Tally { covered, total, .. } = summary.coverage;
        facts.push(points_covered(covered, total, not_answered, not_judged));
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
        page.line(&loop_heading(kept, position, asked));
        for (index, question) in asked.questions().enumerate() {
            page.blank();
            let label = match index {
                0 => "Question".to_owned(),
                _ => format!("Follow-up {index} of {}", asked.follow_ups.len()),
            };
            page.hanging(&format!("{label}: "), "  ", &question.prompt);
            match kept.answer(position, &question.id) {
                Some(given) => answer(&mut page, question, given),
                None => page.paragraph("  ", "Not asked."),
            }
        }
    }
    page.into_text()
}

/// A loop's title, and among several what it came to.
fn loop_heading(kept: &KeptSession, position: usize, asked: &Loop) -> String {
    let heading = format!("{} ({})", asked.title, asked.id);
    let feedback = Feedback::on(asked, &outcomes(asked, position, &kept.answers));
    let (covered, total) = feedback.coverage();
    if kept.summary.loops.len() == 1 || total == 0 {
        return heading;
    }
    let (not_answered, not_judged) = feedback.outstanding();
    format!("{heading}: {}", points_covered(covered, total, not_answered, not_judged))
}

/// One judged answer.
pub fn assessment(question: &Question, assessment: &Assessment, style: &Style) -> String {
    let mut page = style.page();
    page.heading("  ", assessment.source == Source::Text, assessment.speech);
    transcript(&mut page, &assessment.transcript, &assessment.points);
    judgement(&mut page, question, assessment);
    page.into_text()
}

fn answer(page: &mut Page, question: &Question, answer: &KeptAnswer) {
    if answer.state == AnswerState::Skipped {
        page.paragraph("  ", "Skipped: counted as not answered.");
    }
    match answer.take() {
        Some(counting) => take(page, question, counting, answer.state),
        None if answer.state == AnswerState::Asked => page.paragraph("  ", "Asked, but not answered."),
        None => {}
    }
    let others: Vec<String> =
        answer.takes.iter().filter(|take| !take.counts).filter_map(other_take).collect();
    if !others.is_empty() {
        page.blank();
        page.paragraph("  ", "Other takes:");
        for other in others {
            page.hanging("    ", "      ", &other);
        }
    }
}

fn take(page: &mut Page, question: &Question, take: &KeptTake, state: AnswerState) {
    if let Content::Audio { path, seconds } = &take.content {
        let length = seconds.map(|seconds| format!(" ({})", clock(seconds))).unwrap_or_default();
        let gone = if path.exists() { "" } else { ": the file is not there any more" };
        page.hanging("  ", "    ", &format!("Recording{length}: {}{gone}", path.display()));
    }
    let assessment = take.assessment();
    match take.transcript() {
        None if state == AnswerState::Skipped => {}
        None => {
            page.paragraph("  ", "Not transcribed yet: `viva review` does it as soon as a model is there.");
        }
        Some(heard) => {
            if !heard.is_empty() {
                page.blank();
            }
            page.heading("  ", matches!(take.content, Content::Typed { .. }), !heard.is_empty());
            // Evidence refers to the words of the transcript that was judged.
            let judged = assessment.as_ref().map_or(&heard, |assessment| &assessment.transcript);
            transcript(page, judged, assessment.as_ref().map_or(&[], |assessment| &assessment.points));
        }
    }
    let Some(assessment) = assessment else { return };
    judgement(page, question, &assessment);
    let judgements = take.assessments.len();
    if judgements > 1 {
        let engine = &assessment.engine;
        page.paragraph("  ", &format!("Judged {judgements} times; this is the last one, by viva {engine}."));
    }
}

fn transcript(page: &mut Page, transcript: &Transcript, points: &[PointVerdict]) {
    for (segment, line) in transcript.segments.iter().zip(mark(transcript, points)) {
        match segment.start_seconds {
            Some(start) => page.marked(&format!("    {:>5}  ", moment(start)), "           ", &line),
            None => page.marked("    ", "    ", &line),
        }
    }
}

fn judgement(page: &mut Page, question: &Question, assessment: &Assessment) {
    page.blank();
    page.checklist("  ", true, question, assessment);
    if assessment.delivery.words > 0 {
        page.blank();
        page.hanging("  Delivery: ", "    ", &delivery(&assessment.delivery));
    }
}

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
    let (not_answered, not_judged) = session.questions.outstanding();
    subject.push_str(&outstanding(not_answered, not_judged));
    printable(&subject)
}
