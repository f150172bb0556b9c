//! From plain lists of questions to loops: the form that the first eight loops were written in.
//!
//! ```text
//! Loop 1: Title
//! Prompt
//! What is asked.
//! Expected strong answer
//! You should cover:
//! - a point
//! Follow-ups
//! - What is asked next?
//! ```
//!
//! Text exports break code spans out of such lists: white space before a code span becomes a line
//! break, or is lost where the line has been broken already, and the break before the next item
//! becomes a space. `Why p - y?` and the item after it arrive as `- Why`, `p - y? - When so?`. The
//! reader puts such lines together again and says where it did.

use std::collections::HashSet;
use std::path::Path;

use super::read::{
    DEFAULT_FOLLOW_UP_SECONDS, DEFAULT_HEADING, DEFAULT_PROMPT_SECONDS, id_from, is_id, one_line, unfit_point,
};
use super::{Fault, Loop, MAIN_QUESTION, Point, Question, Severity};

/// What was read from a plain list.
#[derive(Debug)]
pub struct Imported {
    /// The loops in their order, each with the number that the list gives it (its place, where it
    /// gives none).
    pub loops: Vec<(usize, Loop)>,
    /// Warnings: where broken lines were put together.
    pub repairs: Vec<Fault>,
}

/// Reads a plain list of loops. Ids are made from the titles and differ from those in `taken`; `path`
/// is only named in faults.
///
/// # Errors
/// Every place where the text is not in the form, in the order of its lines.
pub fn import(source: &str, path: &Path, taken: &HashSet<String>) -> Result<Imported, Vec<Fault>> {
    let mut importer = Importer { path, faults: Vec::new() };
    let drafts = importer.drafts(&lines(source));
    if drafts.is_empty() && importer.faults.is_empty() {
        let message = if source.contains("viva.loop/") {
            "is a loop file already; copy it to your loops folder as it is"
        } else {
            "has no loop in it; a loop begins with a line like `Loop 1: Title`, then come `Prompt`, \
             `Expected strong answer` and `Follow-ups`, each on a line of its own"
        };
        importer.faults.push(Fault::of_file(path, message));
    }
    // A list that is broken throughout is taken to be written like the others.
    let punctuated = ends_sentences(drafts.iter().flat_map(|draft| &draft.follow_ups)).unwrap_or(false);
    let mut taken = taken.clone();
    let loops: Vec<(usize, Loop)> = (1..)
        .zip(drafts)
        .map(|(place, draft)| {
            (draft.number.unwrap_or(place), importer.finish(draft, place, punctuated, &mut taken))
        })
        .collect();
    importer.faults.sort_by_key(|fault| fault.line);
    let (errors, repairs): (Vec<Fault>, Vec<Fault>) = importer.faults.into_iter().partition(Fault::is_error);
    if errors.is_empty() { Ok(Imported { loops, repairs }) } else { Err(errors) }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Prompt,
    Expected,
    FollowUps,
}

impl Section {
    fn name(self) -> &'static str {
        match self {
            Self::Prompt => "Prompt",
            Self::Expected => "Expected strong answer",
            Self::FollowUps => "Follow-ups",
        }
    }

    /// The section that a line's words name, in the ways that people name them.
    fn named(words: &str) -> Option<Self> {
        match words.trim().to_lowercase().replace(['-', '‑'], " ").as_str() {
            "prompt" | "question" | "main question" => Some(Self::Prompt),
            "expected strong answer"
            | "expected answer"
            | "expected points"
            | "expectations"
            | "strong answer"
            | "checklist" => Some(Self::Expected),
            "follow ups" | "followups" | "follow up" | "follow up questions" | "followup questions" => {
                Some(Self::FollowUps)
            }
            _ => None,
        }
    }
}

/// What a line is by itself.
#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Blank,
    /// `Loop 1: Title`
    Loop(usize, String),
    /// A Markdown heading that names no section: a loop's title, or something unknown.
    Heading(String),
    /// A section's name, and what follows it on the line.
    Section(Section, String),
    /// `- text`
    Item(Marker, String),
    Text {
        text: String,
        indented: bool,
    },
}

/// What begins an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marker {
    /// `-`, `*`, `•`
    Sign(char),
    /// `1.`, `1)`
    Number(usize),
}

#[derive(Debug, Clone)]
struct Line {
    number: usize,
    kind: Kind,
}

fn lines(source: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for (number, line) in (1..).zip(source.lines()) {
        let line: String = line
            .chars()
            .filter(|&character| {
                (character.is_whitespace() || !character.is_control())
                    && !matches!(character, '\u{feff}' | '\u{200b}')
            })
            .collect();
        lines.push(Line { number, kind: kind(&line) });
    }
    let mut index = 1;
    while index < lines.len() {
        if let Some((text, next)) = swallowed_heading(&lines, index) {
            let number = lines[index].number;
            lines[index].kind = Kind::Text { text, indented: false };
            lines.insert(index + 1, Line { number, kind: next });
        }
        index += 1;
    }
    lines
}

fn kind(line: &str) -> Kind {
    let indented = line.starts_with(char::is_whitespace);
    let text = one_line(line);
    if text.is_empty() || is_rule(&text) {
        return Kind::Blank;
    }
    // "#pragma" is code.
    let after_signs = text.trim_start_matches('#').strip_prefix(' ').filter(|_| text.starts_with('#'));
    let heading = after_signs.is_some();
    let bare = without_bold(after_signs.unwrap_or(&text)).trim().trim_matches('_').to_owned();
    if let Some((number, title)) = loop_heading(&bare) {
        return Kind::Loop(number, title);
    }
    if let Some(section) = Section::named(bare.trim_end_matches(':')) {
        return Kind::Section(section, String::new());
    }
    if let Some((name, rest)) = bare.split_once(':')
        && let Some(section) = Section::named(name)
    {
        return Kind::Section(section, rest.trim().to_owned());
    }
    if heading {
        return Kind::Heading(bare);
    }
    if let Some((marker, rest)) = item(&text) {
        return Kind::Item(marker, rest.to_owned());
    }
    Kind::Text { text, indented }
}

/// A line that only draws one.
fn is_rule(text: &str) -> bool {
    [('-', 3), ('_', 3), ('*', 3), ('=', 4)]
        .iter()
        .any(|&(sign, least)| text.len() >= least && text.chars().all(|character| character == sign))
}

/// `Loop 1: Title`, with any of the usual signs after the number.
fn loop_heading(text: &str) -> Option<(usize, String)> {
    let (first, rest) = text.split_once(' ')?;
    if !first.eq_ignore_ascii_case("loop") {
        return None;
    }
    let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    let number = rest[..end].parse().ok()?;
    let rest = rest[end..].trim_start();
    let title = rest.strip_prefix([':', '.', ')', '-', '–', '—']);
    // "Loop 3" alone is a loop without a title; "Loop 3 times" is somebody's sentence.
    if title.is_none() && !rest.is_empty() {
        return None;
    }
    Some((number, title.unwrap_or("").trim().to_owned()))
}

/// The text of `- text`, `* text`, `• text`, `1. text`, `1) text`, `- [ ] text`.
fn item(text: &str) -> Option<(Marker, &str)> {
    let (marker, rest) = text.split_once(' ').unwrap_or((text, ""));
    if let Some(number) = marker.strip_suffix(['.', ')']) {
        return Some((Marker::Number(number.parse().ok()?), rest));
    }
    let sign = marker.chars().next()?;
    if marker.len() > sign.len_utf8() || !matches!(sign, '-' | '*' | '•' | '–' | '—') {
        return None;
    }
    let unticked = ["[ ] ", "[x] ", "[X] "].iter().find_map(|tick| rest.strip_prefix(tick));
    Some((Marker::Sign(sign), unticked.unwrap_or(rest)))
}

/// A heading at the end of a line that a code span broke, where the export made a space of the break
/// before it: `p - y? Follow-ups`. Only where what comes next fits the heading.
fn swallowed_heading(lines: &[Line], index: usize) -> Option<(String, Kind)> {
    let Kind::Text { text, indented: false } = &lines[index].kind else { return None };
    let next = lines[index + 1..].iter().map(|line| &line.kind).find(|kind| **kind != Kind::Blank);
    for section in ["Expected strong answer", "Expectations", "Follow-ups"] {
        let (Some(before), Some(named)) = (text.strip_suffix(section), Section::named(section)) else {
            continue;
        };
        let fits = match next {
            Some(Kind::Item(..)) => true,
            Some(Kind::Text { text, .. }) => named == Section::Expected && text.ends_with(':'),
            _ => false,
        };
        if fits && before.ends_with(' ') && !before.trim().is_empty() {
            return Some((before.trim().to_owned(), Kind::Section(named, String::new())));
        }
    }
    let at = text.rfind(" Loop ")?;
    let (number, title) = loop_heading(text[at..].trim())?;
    (matches!(next, Some(Kind::Section(Section::Prompt, _))) && !title.is_empty())
        .then(|| (text[..at].trim().to_owned(), Kind::Loop(number, title)))
}

/// One line's worth of a list item or a prompt.
#[derive(Debug, Clone)]
struct Piece {
    line: usize,
    text: String,
    /// Whether it stands on an unindented line that begins neither an item nor anything else: what
    /// a code span leaves behind.
    broken: bool,
}

/// A list item as it stands in the text, perhaps with others run into it.
#[derive(Debug, Clone)]
struct Item {
    marker: Marker,
    pieces: Vec<Piece>,
}

/// A loop as it stands in the text.
#[derive(Debug)]
struct Draft {
    line: usize,
    number: Option<usize>,
    title: String,
    sections: Vec<Section>,
    prompt: Vec<Piece>,
    heading: Vec<Piece>,
    points: Vec<Item>,
    follow_ups: Vec<Item>,
}

struct Importer<'p> {
    path: &'p Path,
    faults: Vec<Fault>,
}

impl Importer<'_> {
    fn report(&mut self, severity: Severity, line: usize, message: impl Into<String>) {
        self.faults.push(Fault {
            path: self.path.to_owned(),
            line: Some(line),
            column: None,
            severity,
            message: message.into(),
        });
    }

    fn error(&mut self, line: usize, message: impl Into<String>) {
        self.report(Severity::Error, line, message);
    }

    /// Sorts the lines into loops and their sections.
    fn drafts(&mut self, lines: &[Line]) -> Vec<Draft> {
        let mut drafts: Vec<Draft> = Vec::new();
        let mut after_blank = false;
        for (index, Line { number: line, kind }) in lines.iter().enumerate() {
            let line = *line;
            let was_blank = std::mem::replace(&mut after_blank, *kind == Kind::Blank);
            let begins = match kind {
                Kind::Loop(number, title) => Some((Some(*number), title.clone())),
                Kind::Heading(title) => titles_a_loop(lines, index).then(|| numbered_title(title)),
                _ => None,
            };
            if let Some((number, title)) = begins {
                if title.is_empty() {
                    self.error(line, "this loop has no title; write `Loop 1: Title`");
                }
                drafts.push(Draft {
                    line,
                    number,
                    title,
                    sections: Vec::new(),
                    prompt: Vec::new(),
                    heading: Vec::new(),
                    points: Vec::new(),
                    follow_ups: Vec::new(),
                });
                continue;
            }
            let Some(draft) = drafts.last_mut() else {
                // What stands before the first loop is about the list as a whole.
                if let Kind::Section(section, _) = kind {
                    self.error(
                        line,
                        format!(
                            "`{}` stands before any loop; begin each loop with a line like `Loop 1: Title`",
                            section.name()
                        ),
                    );
                }
                continue;
            };
            let section = draft.sections.last().copied();
            let piece = |text: &str, broken| Piece { line, text: text.to_owned(), broken };
            match (kind, section) {
                (Kind::Blank | Kind::Loop(..), _) => {}
                (Kind::Section(next, rest), _) => {
                    if draft.sections.contains(next) {
                        let message = format!(
                            "a second `{}` in this loop; does a line like `Loop 2: Title` go above it?",
                            next.name()
                        );
                        self.error(line, message);
                        continue;
                    }
                    draft.sections.push(*next);
                    if !rest.is_empty() {
                        match next {
                            Section::Prompt => draft.prompt.push(piece(rest, false)),
                            Section::Expected => draft.heading.push(piece(rest, false)),
                            Section::FollowUps => self.error(
                                line,
                                "write `Follow-ups` on a line of its own, and below it one `- ` a follow-up",
                            ),
                        }
                    }
                }
                (Kind::Heading(title), _) => self.error(
                    line,
                    format!(
                        "`{title}` is no part of a loop; the parts are `Prompt`, `Expected strong answer` and \
                         `Follow-ups`"
                    ),
                ),
                (Kind::Item(_, text) | Kind::Text { text, .. }, None) => {
                    self.error(line, "expected the line `Prompt` here, before what is asked");
                    // Once is enough: what follows is taken for the prompt.
                    draft.sections.push(Section::Prompt);
                    draft.prompt.push(piece(text, false));
                }
                (Kind::Item(_, text), Some(Section::Prompt)) => {
                    draft.prompt.push(piece(&format!("\n- {text}"), false));
                }
                (Kind::Text { text, indented }, Some(Section::Prompt)) => {
                    // After a whole sentence it is just the next line.
                    let broken =
                        !indented && draft.prompt.last().is_some_and(|last| !ends_sentence(&last.text));
                    draft.prompt.push(piece(text, broken));
                }
                (Kind::Item(marker, text), Some(Section::Expected)) => {
                    draft.points.push(Item { marker: *marker, pieces: vec![piece(text, false)] });
                }
                (Kind::Item(marker, text), Some(Section::FollowUps)) => {
                    draft.follow_ups.push(Item { marker: *marker, pieces: vec![piece(text, false)] });
                }
                (Kind::Text { text, .. }, Some(Section::Expected)) if draft.points.is_empty() => {
                    let broken = !draft.heading.is_empty();
                    draft.heading.push(piece(text, broken));
                }
                (Kind::Text { text, indented }, Some(section)) => {
                    let items = match section {
                        Section::FollowUps => &mut draft.follow_ups,
                        _ => &mut draft.points,
                    };
                    let complete = |item: &Item| item.pieces.last().is_some_and(|last| ends_sentence(&last.text));
                    match items.last_mut() {
                        Some(item) if !(was_blank && complete(item)) => {
                            item.pieces.push(piece(text, !indented));
                        }
                        _ => self.error(
                            line,
                            "expected an item here; begin it with `- `, or begin a new part or loop",
                        ),
                    }
                }
            }
        }
        drafts
    }

    /// Makes a loop of a draft.
    fn finish(&mut self, draft: Draft, place: usize, punctuated: bool, taken: &mut HashSet<String>) -> Loop {
        if draft.prompt.is_empty() {
            self.error(
                draft.line,
                "this loop asks nothing; write `Prompt` on a line, and below it what is asked",
            );
        }
        if draft.points.is_empty() {
            self.error(
                draft.line,
                "this loop has no checklist; write `Expected strong answer` on a line, and below it one `- ` a \
                 point",
            );
        }
        let id = unused(id_from(&draft.title), &format!("loop-{place}"), taken);
        let heading = self.mend(&draft.heading);
        let heading = heading.trim_end_matches([':', '.']).trim();
        let texts = self.items(&draft.points, ends_sentences(&draft.points).unwrap_or(false));
        let mut ids = HashSet::new();
        let mut seen = HashSet::new();
        for text in &texts {
            if let Some(message) = unfit_point(text, &mut seen) {
                self.error(draft.line, message);
            }
        }
        let points = texts
            .into_iter()
            .zip(1..)
            .map(|(text, place)| {
                let id = unused(short_id(&text), &format!("point-{place}"), &mut ids);
                Point::new(id, text)
            })
            .collect();
        let prompt = self.mend(&draft.prompt);
        let mut ids = HashSet::from([MAIN_QUESTION.to_owned()]);
        let follow_ups = self
            .items(&draft.follow_ups, ends_sentences(&draft.follow_ups).unwrap_or(punctuated))
            .into_iter()
            .zip(1..)
            .map(|(prompt, place)| {
                let id = unused(short_id(&prompt), &format!("follow-up-{place}"), &mut ids);
                let heading = DEFAULT_HEADING.to_owned();
                Question::new(id, prompt, DEFAULT_FOLLOW_UP_SECONDS, heading, Vec::new())
            })
            .collect();
        let heading = if heading.is_empty() { DEFAULT_HEADING } else { heading };
        let heading = heading.to_owned();
        let question =
            Question::new(MAIN_QUESTION.to_owned(), prompt, DEFAULT_PROMPT_SECONDS, heading, points);
        Loop { id, title: plain(&draft.title), question, follow_ups }
    }

    /// The texts of a list's items, those that ran together apart again.
    fn items(&mut self, items: &[Item], punctuated: bool) -> Vec<String> {
        let mut texts = Vec::new();
        for item in items {
            for pieces in apart(item, punctuated) {
                let text = self.mend(&pieces);
                if text.is_empty() {
                    let line = pieces.first().map_or(0, |piece| piece.line);
                    self.error(line, "an empty item; write something after the `-` or remove it");
                } else {
                    texts.push(text);
                }
            }
        }
        texts
    }

    /// One text from its pieces; a repair is reported.
    fn mend(&mut self, pieces: &[Piece]) -> String {
        let mut whole = String::new();
        for piece in pieces {
            let text = if piece.broken { spaced(&piece.text) } else { piece.text.clone() };
            if needs_space(&whole, &text) {
                whole.push(' ');
            }
            whole.push_str(&text);
        }
        let whole = plain(&whole);
        if let Some(broken) = pieces.iter().find(|piece| piece.broken) {
            self.report(Severity::Warning, broken.line, format!("lines put together; read as `{whole}`"));
        }
        whole
    }
}

/// Whether a heading is a loop's title: the next thing below it is the prompt.
fn titles_a_loop(lines: &[Line], index: usize) -> bool {
    let next = lines[index + 1..].iter().map(|line| &line.kind).find(|kind| **kind != Kind::Blank);
    matches!(next, Some(Kind::Section(Section::Prompt, _)))
}

/// `3. Coding` is the third loop.
fn numbered_title(title: &str) -> (Option<usize>, String) {
    match item(title) {
        Some((Marker::Number(number), rest)) => (Some(number), rest.to_owned()),
        _ => (None, title.to_owned()),
    }
}

fn ends_sentence(text: &str) -> bool {
    text.trim_end_matches(['`', '"', '”', ')']).ends_with(['?', '!', '.'])
}

/// Whether a text begins with a capitalised word, and more follows.
fn begins_sentence(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let first: Vec<char> = words.next().unwrap_or("").chars().collect();
    let capitalised = match first.as_slice() {
        [first, rest @ ..] => first.is_uppercase() && rest.iter().all(|character| !character.is_uppercase()),
        [] => false,
    };
    capitalised && words.next().is_some() && !text.split_whitespace().next().is_some_and(is_code)
}

/// Whether a list writes its items as sentences: all that no line break touches end like one. Then one
/// that does not has not ended yet. `None` where there is no such item.
fn ends_sentences<'i>(items: impl IntoIterator<Item = &'i Item>) -> Option<bool> {
    let mut whole = items.into_iter().filter(|item| item.pieces.len() == 1).peekable();
    whole.peek()?;
    Some(whole.all(|item| item.pieces.iter().all(|piece| ends_sentence(&piece.text))))
}

/// Takes the items apart that an export ran together.
fn apart(item: &Item, punctuated: bool) -> Vec<Vec<Piece>> {
    let mut items: Vec<Vec<Piece>> = vec![Vec::new()];
    let mut marker = item.marker;
    for (index, piece) in item.pieces.iter().enumerate() {
        let next = item.pieces.get(index + 1);
        // Where the export gave code a line to itself, punctuation begins the next one.
        let alone = next.is_some_and(|next| next.text.starts_with([',', '.', '?', '!', ';']));
        let signs = match (piece.broken && !alone, punctuated) {
            (false, _) => Signs::Sentence,
            (true, true) => Signs::SentenceOrCapital,
            (true, false) => Signs::Words,
        };
        for (place, part) in split(&piece.text, &mut marker, signs).into_iter().enumerate() {
            if place > 0 {
                items.push(Vec::new());
            }
            // An empty part is an item that begins with code: it goes on in the next line.
            if let Some(pieces) = items.last_mut()
                && !(part.is_empty() && next.is_some())
            {
                pieces.push(Piece { line: piece.line, text: part, broken: piece.broken || place > 0 });
            }
        }
    }
    items
}

/// What tells the mark of another item from a sign inside one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signs {
    /// A sentence ends before it.
    Sentence,
    /// A sentence ends before it, or one begins after it.
    SentenceOrCapital,
    /// It stands between words, not between operands.
    Words,
}

/// Splits a line at the marks that begin another item.
fn split(text: &str, marker: &mut Marker, signs: Signs) -> Vec<String> {
    // A mark at the end begins an item that begins with code.
    let padded = format!("{text} ");
    let (mut parts, mut start) = (Vec::new(), 0);
    if let Marker::Number(number) = marker {
        // A numbered list says itself what its next mark is.
        while let Some((at, length)) = [format!(" {}. ", *number + 1), format!(" {}) ", *number + 1)]
            .iter()
            .find_map(|mark| Some((start + padded[start..].find(mark.as_str())?, mark.len())))
            && (signs != Signs::Sentence || ends_sentence(&padded[start..at]))
        {
            *number += 1;
            parts.push(padded[start..at].trim().to_owned());
            start = at + length;
        }
    } else if let Marker::Sign(sign) = marker {
        let mark = format!(" {sign} ");
        let found: Vec<usize> = padded
            .match_indices(&mark)
            .map(|(at, _)| at)
            .filter(|&at| padded[..at].matches('`').count() % 2 == 0)
            .collect();
        let in_sentences = found.iter().any(|&at| ends_sentence(&padded[..at]));
        for &at in &found {
            let (before, after) = (&padded[start..at], &padded[at + mark.len()..]);
            let separates = ends_sentence(before)
                || match signs {
                    Signs::Sentence => false,
                    Signs::SentenceOrCapital => begins_sentence(after),
                    Signs::Words => {
                        !in_sentences && !is_operator(before, after, start == 0, found.last() == Some(&at))
                    }
                };
            if separates {
                parts.push(before.trim().to_owned());
                start = at + mark.len();
            }
        }
    }
    parts.push(padded[start..].trim().to_owned());
    parts
}

/// Whether the sign between `before` and `after` is an operator in code. `leading`: `before` begins a
/// line that a code span broke, so its first word is code whatever it looks like. `last`: no other sign
/// follows.
fn is_operator(before: &str, after: &str, leading: bool, last: bool) -> bool {
    let mut words = before.split_whitespace();
    let Some(left) = words.next_back() else { return true };
    let first = leading && words.next().is_none();
    let mut words = after.split_whitespace();
    let Some(right) = words.next() else { return false };
    let alone = words.next().is_none() || right.ends_with([',', '.', '?', '!', ';', ':']);
    let letter = |word: &str| word.chars().count() == 1;
    // "a" may be an article: only at the end of a phrase is it sure to be a name.
    let right_is_code =
        if matches!(right, "a" | "A" | "I") { alone } else { is_code(right) || NAMES.contains(&right) };
    if (first || is_code(left)) && right_is_code {
        return true;
    }
    // "x - mean" at the end; "loss - baseline" with the next item still to come.
    first && (!last || letter(left) && alone)
}

/// Names that stand after a minus without looking like code.
const NAMES: &[&str] = &[
    "alpha", "argmax", "beta", "delta", "epsilon", "eps", "eta", "exp", "gamma", "lambda", "log", "max",
    "mean", "min", "sigma", "sigmoid", "softmax", "sqrt", "sum", "theta",
];

/// Two-letter words that are not names of anything.
const SHORT_WORDS: &[&str] = &[
    "am", "an", "as", "at", "be", "by", "do", "go", "he", "if", "in", "is", "it", "me", "my", "no", "of",
    "on", "or", "so", "to", "up", "us", "vs", "we",
];

/// Whether a word looks like code rather than prose.
fn is_code(word: &str) -> bool {
    let word = word.trim_end_matches([',', '.', '?', '!', ';', ':']);
    let characters: Vec<char> = word.chars().collect();
    match characters.as_slice() {
        [] => false,
        [one] => one.is_alphanumeric(),
        [one, two] if one.is_lowercase() && two.is_lowercase() => !SHORT_WORDS.contains(&word),
        _ => {
            word.contains(|character: char| {
                character.is_ascii_digit() || "_()[]{}^*=<>\\|@`".contains(character)
            }) || characters.windows(2).any(|pair| pair[0].is_lowercase() && pair[1].is_uppercase())
        }
    }
}

/// Gives back the spaces that were lost before code: "log,exp" and "log andexp".
fn spaced(text: &str) -> String {
    let mut out = String::new();
    let mut depth = 0_i32;
    let mut in_code = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        out.push(character);
        match character {
            '`' => in_code = !in_code,
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            // "f(x,y)" and "1,000" are whole.
            ',' | ';'
                if depth <= 0
                    && !in_code
                    && characters
                        .peek()
                        .is_some_and(|next| next.is_alphabetic() || matches!(next, '`' | '_')) =>
            {
                out.push(' ');
            }
            _ => {}
        }
    }
    let words = out.split(' ').map(|word| match word.strip_prefix("and") {
        Some(rest)
            if rest.starts_with(|next: char| next.is_alphabetic() || next == '`')
                && !AFTER_AND.iter().any(|known| rest.starts_with(known)) =>
        {
            format!("and {rest}")
        }
        _ => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// How the few words go on that begin with "and": android, androgynous, anderson_darling.
const AFTER_AND: &[&str] = &["roid", "rogyn", "erson"];

/// Whether a space goes between what stands and the next piece.
fn needs_space(whole: &str, next: &str) -> bool {
    if whole.is_empty() || whole.ends_with(['(', '[', '\n']) || next.starts_with('\n') {
        return false;
    }
    let mut characters = next.chars();
    let (first, second) = (characters.next(), characters.next());
    // ".grad" is code, ". Then" is the end of a sentence.
    let closes = first.is_some_and(|first| ",.;:?!)]}".contains(first))
        && second.is_none_or(|second| !second.is_alphanumeric() && second != '_');
    !closes
}

/// The text as it is shown, spoken and matched: without Markdown's signs.
fn plain(text: &str) -> String {
    let text = without_bold(text).replace('`', "");
    text.trim().lines().map(one_line).collect::<Vec<_>>().join("\n")
}

/// The text without the signs of `**bold**`; those of `x**2` and of code in backticks stay.
fn without_bold(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    let in_code = |before: &str| before.matches('`').count() % 2 == 1;
    while let Some(at) = rest.find("**") {
        let (before, after) = (&rest[..at], &rest[at + 2..]);
        out.push_str(before);
        rest = after;
        let opens = !in_code(&out)
            && !out.ends_with(char::is_alphanumeric)
            && !after.starts_with(|next: char| next.is_whitespace() || next == '*');
        let end = after.match_indices("**").map(|(end, _)| end).find(|&end| {
            !after[..end].ends_with(char::is_whitespace)
                && !after[end + 2..].starts_with(char::is_alphanumeric)
                && !in_code(&after[..end])
        });
        match end {
            Some(end) if opens && end > 0 => {
                out.push_str(&after[..end]);
                rest = &after[end + 2..];
            }
            _ => out.push_str("**"),
        }
    }
    out + rest
}

/// Words that tell nothing in an id.
const EMPTY_WORDS: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "do", "does", "for", "from", "had", "has", "have", "how",
    "if", "in", "is", "it", "its", "might", "of", "on", "or", "should", "than", "that", "the", "their",
    "this", "to", "was", "what", "when", "which", "why", "will", "with", "would", "you", "your",
];

/// An id of a few telling words.
fn short_id(text: &str) -> String {
    const WORDS: usize = 5;
    let id = id_from(text);
    let telling: Vec<&str> = id.split('-').filter(|word| !EMPTY_WORDS.contains(word)).take(WORDS).collect();
    let short = telling.join("-");
    if is_id(&short) { short } else { id }
}

/// `id`, or `fallback` where it is empty, made different from all that are taken.
fn unused(id: String, fallback: &str, taken: &mut HashSet<String>) -> String {
    let id = if id.is_empty() { fallback.to_owned() } else { id };
    let unused = std::iter::once(id.clone())
        .chain((2..).map(|count| format!("{id}-{count}")))
        .find(|id| !taken.contains(id))
        .unwrap_or(id);
    taken.insert(unused.clone());
    unused
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TITLE: &str = "Loop 1: One\nPrompt\nWhat?\nExpected strong answer\n";

    fn read(source: &str) -> Result<Imported, Vec<Fault>> {
        import(source, Path::new("list.txt"), &HashSet::new())
    }

    /// The points of a list that stands below a heading.
    fn points(list: &str) -> Vec<String> {
        let imported = read(&format!("{TITLE}You should cover:\n{list}\n")).unwrap();
        imported.loops[0].1.question.points.iter().map(|point| point.text.clone()).collect()
    }

    fn follow_ups(list: &str) -> Vec<String> {
        let imported = read(&format!("{TITLE}- point\nFollow-ups\n{list}\n")).unwrap();
        imported.loops[0].1.follow_ups.iter().map(|question| question.prompt.clone()).collect()
    }

    #[test]
    fn broken_points_come_together_and_run_together_ones_come_apart() {
        let cases: &[(&str, &[&str])] = &[
            (
                "- check\nlog,exp, division - clip gradients\n- isolate it",
                &["check log, exp, division", "clip gradients", "isolate it"],
            ),
            // Every inline element on a line of its own, as other exports have it.
            ("- check\nlog\n,\nexp\n, division\n- clip", &["check log, exp, division", "clip"]),
            (
                "- subtract\nloss - baseline\n, then scale\n- clip",
                &["subtract loss - baseline, then scale", "clip"],
            ),
            // Minus signs.
            ("- standardise with\nx - mean\n- clip", &["standardise with x - mean", "clip"]),
            (
                "- shift by\nlogits - max(logits) for safety - use the axis",
                &["shift by logits - max(logits) for safety", "use the axis"],
            ),
            (
                "- the ratio is\nlog p - log q in nats - clip it",
                &["the ratio is log p - log q in nats", "clip it"],
            ),
            ("- the error is\nsigmoid(z) - y - priors", &["the error is sigmoid(z) - y", "priors"]),
            ("- weigh by\n1 - p - keep the sign", &["weigh by 1 - p", "keep the sign"]),
            (
                "- advantage is\nreward - baseline - keep the sign",
                &["advantage is reward - baseline", "keep the sign"],
            ),
            // Code at the start and at the end of items.
            ("-\nlog_softmax over classes - temperature", &["log_softmax over classes", "temperature"]),
            ("- use\nfp16 - ablations", &["use fp16", "ablations"]),
            ("- use\nfp16 -\nbf16 is safer - ablations", &["use fp16", "bf16 is safer", "ablations"]),
            (
                "- compare\nfp16 andbf16 in range - ablations",
                &["compare fp16 and bf16 in range", "ablations"],
            ),
            ("- call\n.backward() once - step", &["call .backward() once", "step"]),
            ("- f of\nx (see\ny) only - step", &["f of x (see y) only", "step"]),
            // Whole items keep their dashes; so do wrapped lines.
            ("- percentiles - not means\n- queue time", &["percentiles - not means", "queue time"]),
            (
                "- softmax saturates, so that\n  gradients vanish - the usual trap\n- b",
                &["softmax saturates, so that gradients vanish - the usual trap", "b"],
            ),
            ("- f\n`x - some_long` and `a,b` stay - next one", &["f x - some_long and a,b stay", "next one"]),
            // Other marks.
            ("1. use\nfp16 2. clip at 0.5\n3) scale", &["use fp16", "clip at 0.5", "scale"]),
            ("* use\nx * y here * clip gradients", &["use x * y here", "clip gradients"]),
            ("• use\nfp16 • clip gradients", &["use fp16", "clip gradients"]),
            ("- use **bold** words, **a b**: c", &["use bold words, a b: c"]),
            ("- x**2 + y**2 and `**kwargs`", &["x**2 + y**2 and **kwargs"]),
            (
                "- set scores to\n-inf before softmax - use the axis",
                &["set scores to -inf before softmax", "use the axis"],
            ),
            ("- why is\n#pragma omp needed - use the axis", &["why is #pragma omp needed", "use the axis"]),
            ("\t-\u{a0}tabs and\u{a0}odd  spaces\r", &["tabs and odd spaces"]),
        ];
        for (list, expected) in cases {
            assert_eq!(&points(list), expected, "{list}");
        }
    }

    #[test]
    fn questions_end_where_their_sentences_end() {
        let cases: &[(&str, &[&str])] = &[
            ("- Why\np - y? - When so?\n- Where?", &["Why p - y?", "When so?", "Where?"]),
            (
                "- Why\nloss - baseline is best? - When so?\n- Where?",
                &["Why loss - baseline is best?", "When so?", "Where?"],
            ),
            (
                "- Derive\nsigmoid(x) - Why is it bounded?\n- Where?",
                &["Derive sigmoid(x)", "Why is it bounded?", "Where?"],
            ),
            ("- Why? - When?", &["Why?", "When?"]),
            ("- Can\n1 - beta be zero? - When", &["Can 1 - beta be zero?", "When"]),
            ("- Why\np - y?", &["Why p - y?"]),
        ];
        for (list, expected) in cases {
            assert_eq!(&follow_ups(list), expected, "{list}");
        }
    }

    #[test]
    fn a_heading_that_an_export_swallowed_is_found() {
        let source = "Loop 1: One\nPrompt\nWhy is it\np - y? Expected strong answer\nYou should cover:\n- use\n\
                      x, not y Follow-ups\n- Why\nz? Loop 2: Two\nPrompt\nSo?\nExpectations\n- a\n";
        let loops = read(source).unwrap().loops;
        assert_eq!(loops.len(), 2);
        assert_eq!(loops[0].1.question.prompt, "Why is it p - y?");
        assert_eq!(loops[0].1.question.points[0].text, "use x, not y");
        assert_eq!(loops[0].1.follow_ups[0].prompt, "Why z?");
        assert_eq!(loops[1].1.title, "Two");
    }

    #[test]
    fn ids_are_telling_and_unlike() {
        let source = "Loop 1: Coding\nPrompt\nA?\nExpectations\n- The learning rate, and what it does to the loss\n\
                      - 数据\n- what\n- what?\nLoop 2: 数据\nPrompt\nB?\nExpectations\n- b\n";
        let taken = HashSet::from(["coding".to_owned()]);
        let loops = import(source, Path::new("list.txt"), &taken).unwrap().loops;
        assert_eq!(loops[0].1.id, "coding-2");
        let ids: Vec<&str> = loops[0].1.question.points.iter().map(|point| point.id.as_str()).collect();
        assert_eq!(ids, ["learning-rate-loss", "point-2", "what", "what-2"]);
        assert_eq!(loops[1].1.id, "loop-2");
    }

    #[test]
    fn what_is_not_in_the_form_is_named_with_its_line() {
        let cases: &[(&str, &[&str])] = &[
            ("", &["list.txt: error: has no loop in it"]),
            ("Just\nsome text\n", &["list.txt: error: has no loop in it"]),
            ("schema = \"viva.loop/1\"\n", &["list.txt: error: is a loop file already"]),
            ("Prompt\nWhat?\n", &["list.txt:1: error: `Prompt` stands before any loop"]),
            (
                "Loop 1: A\nWhat?\nExpectations\n- b\n",
                &["list.txt:2: error: expected the line `Prompt` here"],
            ),
            ("Loop 1: A\nPrompt\nExpectations\n- b\n", &["list.txt:1: error: this loop asks nothing"]),
            (
                "Loop 1: A\nPrompt\nWhat?\nFollow-ups\n- b?\n",
                &["list.txt:1: error: this loop has no checklist"],
            ),
            ("Loop 1:\nPrompt\nWhat?\nExpectations\n- b\n", &["list.txt:1: error: this loop has no title"]),
            ("Loop 1: A\nPrompt\nWhat?\nExpectations\n- b\n-\n- c\n", &["list.txt:6: error: an empty item"]),
            (
                "Loop 1: A\nPrompt\nWhat?\nExpectations\n- b\n- B\n",
                &["list.txt:1: error: `B` stands twice in this checklist"],
            ),
            (
                "Loop 1: A\nPrompt\nWhat?\nExpectations\n- b\nPrompt\nSo?\nExpectations\n- c\n",
                &[
                    "list.txt:6: error: a second `Prompt` in this loop",
                    "list.txt:8: error: a second `Expected strong answer` in this loop",
                ],
            ),
            (
                "Loop 1: A\nPrompt\nWhat?\nExpectations\n- b\n# Notes\n",
                &["list.txt:6: error: `Notes` is no part of a loop"],
            ),
            (
                "Loop 1: A\nPrompt\nWhat?\nExpectations\n- b\nFollow-ups\n- Why?\n\nSome closing words.\n",
                &["list.txt:9: error: expected an item here"],
            ),
            (
                "Loop 1: A\nPrompt\nWhat?\nExpectations\n- b\nFollow-ups\nWhy?\n",
                &["list.txt:7: error: expected an item here"],
            ),
        ];
        for (source, expected) in cases {
            let faults: Vec<String> = read(source).unwrap_err().iter().map(Fault::to_string).collect();
            assert_eq!(faults.len(), expected.len(), "{source}: {faults:?}");
            for (fault, expected) in faults.iter().zip(*expected) {
                assert!(fault.starts_with(expected), "{source}: {fault}");
            }
        }
    }
}
