//! Why the points of an answer are judged as they are: for each what was found, and what speaks for and against it.

use super::text::Style;
use crate::assessment::Assessment;
use crate::coverage::{ALWAYS, COVERED, Finder, FoundBy, Reader, Sign, Trace, finder, traces};
use crate::loops::{Point, Question};
use crate::transcript::Transcript;
use crate::ui::page::Page;

/// So many matches of a point are explained.
const EXPLAINED: usize = 3;

/// So many signs are named on either side of a match.
const NAMED: usize = 4;

/// So many alternatives are named of what was not said.
const ALTERNATIVES: usize = 3;

/// What the matches of each point are, the likeliest first, with a legend.
pub fn why(question: &Question, assessment: &Assessment, reader: &dyn Reader, style: &Style) -> String {
    let mut page = style.page();
    page.blank();
    page.paragraph("  ", "Why:");
    if question.points.is_empty() {
        page.paragraph("    ", "there is no checklist to judge by");
        return page.into_text();
    }
    legend(&mut page);
    let transcript = &assessment.transcript;
    let points = question.points.iter().zip(&assessment.points).zip(traces(question, transcript, reader));
    for (number, ((point, verdict), traces)) in (1..).zip(points) {
        page.blank();
        let heading = format!("{}, probability {:.2}", verdict.verdict.name(), verdict.probability);
        page.hanging(&format!("    [{number}] "), "        ", &format!("{}: {heading}", point.text));
        let all = traces.len();
        let shown = telling(traces);
        for trace in &shown {
            explain(&mut page, point, trace, transcript);
        }
        match all - shown.len() {
            _ if shown.is_empty() => page.paragraph("        ", "nothing of it was found"),
            0 => {}
            more => page.paragraph("        ", &format!("and {more} more in the same words, or less likely")),
        }
    }
    page.into_text()
}

fn legend(page: &mut Page) {
    for (sign, meaning) in [
        (
            "\"words\"",
            &format!(
                "what was found of a point, and how probable it is that they make it: the best one decides, and from \
                 {COVERED:.2} on the point is covered"
            )[..],
        ),
        ("a + b", "the way that they were found by: its parts, as they were said near each other"),
        (
            "for",
            "what makes it likelier, the heaviest first: how it was found, and words in it or round it, each with its \
             weight in log odds",
        ),
        ("against", "what makes it less likely"),
        ("in all", "the weights added up: 0 is a probability of 0.50, +1 of 0.73, +3 of 0.95, -1 of 0.27"),
    ] {
        page.hanging(&format!("    {sign:<9}"), "             ", meaning);
    }
    page.paragraph(
        "    ",
        "The weights were fitted to answers that people judged: a single word often weighs what no grammar explains, \
         it is the sum that tells. `--json` has everything that was found.",
    );
}

/// The matches that the verdict rests on, the likeliest first and none of which overlap.
fn telling(mut traces: Vec<Trace>) -> Vec<Trace> {
    let is_whole_answer = |trace: &Trace| trace.is_whole && !trace.repeats_question;
    // Where the whole of a way was said, a part of one has no say.
    if traces.iter().any(is_whole_answer) {
        traces.retain(is_whole_answer);
    }
    traces.sort_by(|one, other| other.probability.total_cmp(&one.probability));
    let mut telling: Vec<Trace> = Vec::new();
    for trace in traces {
        let overlaps =
            |other: &Trace| trace.first_word <= other.last_word && other.first_word <= trace.last_word;
        if telling.len() < EXPLAINED && !telling.iter().any(overlaps) {
            telling.push(trace);
        }
    }
    telling
}

fn explain(page: &mut Page, point: &Point, trace: &Trace, transcript: &Transcript) {
    const INDENT: &str = "          ";
    const DEEPER: &str = "            ";
    let words = transcript.words().take(trace.last_word + 1).skip(trace.first_word);
    let quote = words.map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    page.hanging("        ", INDENT, &format!("\"{quote}\": {:.2}", trace.probability));
    page.hanging(INDENT, DEEPER, &format!("found by {}", found_by(point, trace, transcript)));
    if trace.repeats_question {
        return page.paragraph(INDENT, "never counts: this only repeats the question");
    }
    if let Some(refusal) = trace.refusal {
        page.hanging(INDENT, DEEPER, &format!("refused by a rule: {refusal}"));
    }
    for (name, side) in [("for", 1.0), ("against", -1.0)] {
        let mut signs: Vec<&Sign> = trace.signs.iter().filter(|sign| sign.weight * side > 0.0).collect();
        signs.sort_by(|one, other| (other.weight * side).total_cmp(&(one.weight * side)));
        let sum: f64 = signs.iter().map(|sign| sign.weight).sum();
        let mut named: Vec<String> = signs.iter().take(NAMED).map(|sign| describe(sign)).collect();
        match signs.len().saturating_sub(NAMED) {
            0 => {}
            more => named.push(format!("and {more} more")),
        }
        if !named.is_empty() {
            page.hanging(INDENT, DEEPER, &format!("{name} {sum:+.2}: {}", named.join(", ")));
        }
    }
    let sum: f64 = trace.signs.iter().map(|sign| sign.weight).sum();
    page.paragraph(INDENT, &format!("in all {sum:+.2}: probability {:.2}", trace.probability));
}

fn found_by(point: &Point, trace: &Trace, transcript: &Transcript) -> String {
    if trace.by == FoundBy::Meaning {
        return "what the sentence means, beside the point and the other points".to_owned();
    }
    let Some(Finder { key, number, said, unsaid }) = finder(point, trace, transcript) else {
        return "the words of the point's own text".to_owned();
    };
    if key == "learned" {
        return format!("your wording \"{}\"", said.join(" "));
    }
    let mut found = format!("way {} of its `{key}`: {}", number + 1, said.join(" + "));
    for part in unsaid {
        let mut alternatives = part.iter().take(ALTERNATIVES).cloned().collect::<Vec<_>>().join(", ");
        if part.len() > ALTERNATIVES {
            alternatives.push_str(", ...");
        }
        found.push_str(&format!("; its part {alternatives} is missing"));
    }
    found
}

/// A sign in plain words, with its weight.
fn describe(sign: &Sign) -> String {
    let words = sign.words.as_str();
    let place = match sign.place {
        "match" => return format!("{} ({:+.2})", of_match(words), sign.weight),
        "inside" => "in it",
        "before" => "before it",
        "before," => "earlier in its sentence",
        "before." => "in the sentence before",
        "after" => "after it",
        "after," => "later in its sentence",
        "after." => "in the sentence after",
        "near" => "near it",
        other => other,
    };
    format!("\"{words}\" {place} ({:+.2})", sign.weight)
}

/// How a match was found, as the weights name it, in plain words.
fn of_match(name: &str) -> &str {
    match name {
        ALWAYS => "to begin with",
        "keyword" => "by keywords",
        "heard as" => "by what the recogniser makes of it",
        "learned" => "by your own wording",
        "text" => "by the point's own text",
        "bare words" => "by the bare words of the point",
        "almost" => "a part is missing",
        "ways: 0" => "no way is whole",
        "ways: 1" => "1 way found there",
        "ways: 2" => "2 ways found there",
        "ways: 3 and more" => "3 ways or more found there",
        "span: 1" => "1 word long",
        "span: 2-4" => "2 to 4 words long",
        "span: 5-9" => "5 to 9 words long",
        "span: 10 and more" => "10 words or more long",
        "list: none" => "not in a list",
        "list: 1-2" => "1 or 2 items of a list near",
        "list: 3-4" => "3 or 4 items of a list near",
        "list: 5 and more" => "5 items of a list or more near",
        "others refused: none" => "no other point refused",
        "others refused: some" => "some other points refused",
        "others refused: most" => "most other points refused",
        "words of the question" => "has words of the question",
        refused if refused.starts_with("refused: ") => "the rule that refuses it",
        other => other,
    }
}
