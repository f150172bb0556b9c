//! From the text of a loop file to a [`Loop`], or to every fault in it.
//!
//! The parsed document is walked by hand, with its spans, because a derived deserialiser stops at the
//! first fault and people mend a file faster when they see all of them.

use std::collections::HashSet;
use std::io::{self, Read as _};
use std::path::Path;

use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, ValueDeserializer};

use super::fault::{Lines, nearest};
use super::{Fault, Loop, MAIN_QUESTION, Point, Question, SCHEMA, Severity, Way};

/// The time for an answer where the file does not say, in seconds: the loop's main question.
pub(super) const DEFAULT_PROMPT_SECONDS: u32 = 120;
/// The time for an answer where the file does not say, in seconds: a follow-up.
pub(super) const DEFAULT_FOLLOW_UP_SECONDS: u32 = 90;
/// Introduces a checklist where the file does not say.
pub(super) const DEFAULT_HEADING: &str = "You should cover";

/// The times for an answer that a file may ask for, in seconds.
const ANSWER_SECONDS: std::ops::RangeInclusive<u32> = 5..=3600;
/// Less than this many seconds is hardly a spoken answer: about forty words.
const SHORT_ANSWER_SECONDS: u32 = 20;
/// Longer ids make unreadable lines.
const LONGEST_ID: usize = 64;
/// A loop file is a page of text; whatever is bigger is something else.
const LARGEST_FILE: u64 = 1 << 20;

const LOOP_KEYS: &[&str] = &[
    "schema",
    "id",
    "title",
    "prompt",
    "answer_seconds",
    "checklist_heading",
    "points",
    "follow_ups",
    "say",
    "exemplar",
    "examples",
];
const FOLLOW_UP_KEYS: &[&str] = &[
    "id",
    "prompt",
    "answer_seconds",
    "checklist_heading",
    "points",
    "say",
    "exemplar",
    "examples",
    "if_missed",
    "if_made",
];
const POINT_KEYS: &[&str] = &["id", "text", "keywords", "heard_as", "misconceptions", "hints"];

/// Finds the ids of a question's points that repeating the question alone would tick.
pub type SatisfiedByPrompt = fn(&Question) -> Vec<String>;

/// What was found in one loop file.
#[derive(Debug)]
pub struct Checked {
    /// The loop's id and its line, where it could be read.
    pub id: Option<(String, usize)>,
    /// The loop; `None` where a fault is an error.
    pub content: Option<Loop>,
    /// Errors and warnings in the order of the file's lines.
    pub faults: Vec<Fault>,
}

/// Reads a loop file's text. `path` is only named in faults.
///
/// # Errors
/// Every error in the file, in the order of its lines.
pub fn read(source: &str, path: &Path) -> Result<Loop, Vec<Fault>> {
    let checked = check(source, path, |_| Vec::new());
    checked.content.ok_or_else(|| checked.faults.into_iter().filter(Fault::is_error).collect())
}

/// Reads a loop file's text and reports what is wrong with it and what would make practice suffer.
pub fn check(source: &str, path: &Path, satisfied_by_prompt: SatisfiedByPrompt) -> Checked {
    let mut reader = Reader { lines: Lines::new(source), path, faults: Vec::new(), satisfied_by_prompt };
    let (document, syntax) = DeTable::parse_recoverable(source);
    let (id, content) = if syntax.is_empty() {
        reader.document(&document)
    } else {
        reader.syntax(syntax);
        (None, None)
    };
    let mut faults = reader.faults;
    faults.sort_by_key(|fault| (fault.line, fault.column));
    let content = content.filter(|_| !faults.iter().any(Fault::is_error));
    Checked { id, content, faults }
}

/// Reads a file's text. `-` is standard input.
///
/// # Errors
/// One fault that says why it cannot be read and what to do.
pub fn text_of_file(path: &Path) -> Result<String, Fault> {
    let fault = |message: &str| Fault::of_file(path, message);
    let mut bytes = Vec::new();
    let result = if path == Path::new("-") {
        io::stdin().take(LARGEST_FILE + 1).read_to_end(&mut bytes)
    } else {
        if path.is_dir() {
            return Err(fault("is a folder; name a file in it"));
        }
        std::fs::File::open(path).and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes))
    };
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(fault("there is no such file; check the path"));
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Err(fault("permission denied; make the file readable for you"));
        }
        Err(error) => return Err(fault(&format!("cannot be read: {error}"))),
        Ok(_) if bytes.len() as u64 > LARGEST_FILE => {
            return Err(fault("is bigger than 1 MB, which no list of questions is; check the path"));
        }
        Ok(_) => {}
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.iter().filter(|&&byte| byte == b'\n').count() + 1;
        Fault { line: Some(line), ..fault("is not UTF-8 text; save it as UTF-8") }
    })
}

/// Whether something is an id: lower-case letters, digits, hyphens inside, at least one letter.
pub(super) fn is_id(id: &str) -> bool {
    id.len() <= LONGEST_ID
        && id.chars().all(|character| matches!(character, 'a'..='z' | '0'..='9' | '-'))
        && id.contains(|character: char| character.is_ascii_lowercase())
        && !id.starts_with('-')
        && !id.ends_with('-')
}

/// An id made from words: "Bernoulli likelihood" becomes "bernoulli-likelihood"; empty where the
/// words have no letter to build on.
pub(super) fn id_from(words: &str) -> String {
    let mut id = String::new();
    for word in words.to_lowercase().split(|character: char| !character.is_ascii_alphanumeric()) {
        if word.is_empty() {
            continue;
        }
        // Room for a number that tells it from its like.
        if id.len() + word.len() + 1 > LONGEST_ID - 4 {
            break;
        }
        if !id.is_empty() {
            id.push('-');
        }
        id.push_str(word);
    }
    if is_id(&id) { id } else { String::new() }
}

struct Reader<'s> {
    lines: Lines<'s>,
    path: &'s Path,
    faults: Vec<Fault>,
    satisfied_by_prompt: SatisfiedByPrompt,
}

/// A table with the name that faults give it and the place they point at.
struct Table<'t, 's> {
    entries: &'t DeTable<'s>,
    /// "a loop", "a point", "a follow-up".
    name: &'static str,
    known: &'static [&'static str],
    at: usize,
}

impl<'t, 's> Table<'t, 's> {
    fn get(&self, key: &str) -> Option<&'t Spanned<DeValue<'s>>> {
        self.entries.get(key)
    }
}

impl Reader<'_> {
    fn report(&mut self, severity: Severity, offset: usize, message: impl Into<String>) {
        self.faults.push(Fault {
            path: self.path.to_owned(),
            line: Some(self.lines.line(offset)),
            column: None,
            severity,
            message: message.into(),
        });
    }

    fn error(&mut self, offset: usize, message: impl Into<String>) {
        self.report(Severity::Error, offset, message);
    }

    fn warning(&mut self, offset: usize, message: impl Into<String>) {
        self.report(Severity::Warning, offset, message);
    }

    fn syntax(&mut self, errors: Vec<toml::de::Error>) {
        for error in errors {
            let offset = error.span().map_or(0, |span| span.start);
            self.error(offset, format!("this is not TOML: {}", error.message()));
            if let Some(fault) = self.faults.last_mut() {
                fault.column = Some(self.lines.column(offset));
            }
        }
        // The parser's later complaints about one line follow from its first.
        self.faults.sort_by_key(|fault| (fault.line, fault.column));
        self.faults.dedup_by_key(|fault| fault.line);
    }

    fn document(&mut self, document: &Spanned<DeTable<'_>>) -> (Option<(String, usize)>, Option<Loop>) {
        let table = Table { entries: document.get_ref(), name: "a loop", known: LOOP_KEYS, at: 0 };
        if !self.schema(&table) {
            return (None, None);
        }
        self.keys(&table);
        let id = self.id(&table, &mut HashSet::new());
        let title = self.line(&table, "title", true).unwrap_or_default();
        let question = self.question(&table, MAIN_QUESTION.to_owned(), DEFAULT_PROMPT_SECONDS);

        let mut ids = HashSet::from([MAIN_QUESTION.to_owned()]);
        let mut asked = HashSet::from([question.prompt.clone()]);
        let mut follow_ups = Vec::new();
        for table in &self.tables(&table, "follow_ups", ("a follow-up", FOLLOW_UP_KEYS), "`id` and `prompt`")
        {
            self.keys(table);
            let id = self.id(table, &mut ids);
            let mut follow_up = self.question(table, id, DEFAULT_FOLLOW_UP_SECONDS);
            follow_up.if_missed = self.point_ids(table, "if_missed", &question.points);
            follow_up.if_made = self.point_ids(table, "if_made", &question.points);
            if !follow_up.prompt.is_empty() && !asked.insert(follow_up.prompt.clone()) {
                self.warning(table.at, "this loop asks the same question twice; remove one of the two");
            }
            follow_ups.push(follow_up);
        }
        let line = table.get("id").map_or(1, |value| self.lines.line(value.span().start));
        let named = is_id(&id).then(|| (id.clone(), line));
        (named, Some(Loop { id, title, question, follow_ups }))
    }

    /// Whether the file is of a schema that can be read; nothing else is worth saying otherwise.
    fn schema(&mut self, table: &Table<'_, '_>) -> bool {
        let Some(value) = table.get("schema") else {
            self.error(0, format!("no `schema`; put `schema = \"{SCHEMA}\"` first"));
            // The rest of a file without a schema is most likely a loop's, so its faults help.
            return true;
        };
        let at = value.span().start;
        let Some(schema) = value.get_ref().as_str() else {
            self.error(at, format!("`schema` must be `\"{SCHEMA}\"`"));
            return true;
        };
        if schema == SCHEMA {
            return true;
        }
        let version = schema.strip_prefix("viva.loop/").and_then(|version| version.parse::<u32>().ok());
        if version.is_some_and(|version| version > 1) {
            self.error(at, format!("`{schema}` is from a newer viva; update viva to use this loop"));
        } else {
            self.error(at, format!("unknown schema `{schema}`; a loop file says `schema = \"{SCHEMA}\"`"));
        }
        false
    }

    /// Reports keys that nothing reads.
    fn keys(&mut self, table: &Table<'_, '_>) {
        let known = table.known;
        for key in table.entries.keys() {
            let name = key.get_ref().as_ref();
            if known.contains(&name) {
                continue;
            }
            let elsewhere = [("a loop", LOOP_KEYS), ("a follow-up", FOLLOW_UP_KEYS), ("a point", POINT_KEYS)]
                .into_iter()
                .find(|(_, keys)| keys.contains(&name));
            let remedy = if let Some(near) = nearest(name, known.iter().copied()) {
                format!("did you mean `{near}`?")
            } else if let Some((owner, _)) = elsewhere {
                // TOML's own trap: a key below `[[points]]` belongs to that point.
                format!("it belongs to {owner}: move it there, above the next `[[...]]`")
            } else {
                let all: Vec<String> = known.iter().map(|key| format!("`{key}`")).collect();
                format!("remove it; {} has {}", table.name, all.join(", "))
            };
            self.error(key.span().start, format!("unknown key `{name}` in {}; {remedy}", table.name));
        }
    }

    fn missing(&mut self, table: &Table<'_, '_>, key: &str) {
        // A mistyped key has been reported as such.
        let meant = |name: &str| {
            !table.known.contains(&name) && nearest(name, table.known.iter().copied()) == Some(key)
        };
        if table.entries.keys().any(|name| meant(name.get_ref())) {
            return;
        }
        let article = match key.starts_with(['a', 'e', 'i', 'o', 'u']) {
            true => "an",
            false => "a",
        };
        self.error(table.at, format!("no `{key}`; give {} {article} `{key}`", table.name));
    }

    /// A string that is not empty, without white space around it.
    fn string(&mut self, value: &Spanned<DeValue<'_>>, name: &str) -> Option<String> {
        let at = value.span().start;
        let Some(text) = value.get_ref().as_str() else {
            self.error(at, format!("{name} must be text in quotes, not {}", kind(value.get_ref())));
            return None;
        };
        let text = text.trim();
        if text.is_empty() {
            self.error(at, format!("{name} is empty; write something or remove it"));
            return None;
        }
        if text.contains(|character: char| character.is_control() && !matches!(character, '\n' | '\r' | '\t'))
        {
            self.error(at, format!("{name} contains a control character; remove it"));
            return None;
        }
        Some(text.replace("\r\n", "\n"))
    }

    /// Text that may run over several lines.
    fn text(&mut self, table: &Table<'_, '_>, key: &str, required: bool) -> Option<String> {
        match table.get(key) {
            Some(value) => self.string(value, &format!("`{key}`")),
            None => {
                if required {
                    self.missing(table, key);
                }
                None
            }
        }
    }

    /// Text on one line: white space of any kind becomes one space.
    fn line(&mut self, table: &Table<'_, '_>, key: &str, required: bool) -> Option<String> {
        Some(one_line(&self.text(table, key, required)?))
    }

    /// The table's id; where there is something wrong with it, that is reported and the id is as written.
    fn id(&mut self, table: &Table<'_, '_>, taken: &mut HashSet<String>) -> String {
        let Some(id) = self.line(table, "id", true) else { return String::new() };
        let at = table.get("id").map_or(table.at, |value| value.span().start);
        if !is_id(&id) {
            let remedy = match id_from(&id) {
                better if better.is_empty() => String::new(),
                better => format!(", such as `{better}`"),
            };
            self.error(
                at,
                format!(
                    "`{id}` cannot be an id; use lower-case letters and digits, joined by hyphens, at least one \
                     letter, at most {LONGEST_ID} characters{remedy}"
                ),
            );
        } else if !taken.insert(id.clone()) {
            let message = if id == MAIN_QUESTION {
                format!("`{MAIN_QUESTION}` is what the main question goes by; give the follow-up another id")
            } else {
                format!("the id `{id}` is taken by another one above; give {} its own", table.name)
            };
            self.error(at, message);
        }
        id
    }

    /// A list of tables: `[[key]]`, or an array of inline ones.
    fn tables<'t, 's>(
        &mut self,
        table: &Table<'t, 's>,
        key: &str,
        (name, known): (&'static str, &'static [&'static str]),
        required: &str,
    ) -> Vec<Table<'t, 's>> {
        let Some(value) = table.get(key) else { return Vec::new() };
        // The header that makes the mistake readable is the user's own: `[[follow_ups.points]]`.
        let header = if table.name == "a follow-up" { format!("follow_ups.{key}") } else { key.to_owned() };
        let Some(array) = value.get_ref().as_array() else {
            self.error(
                value.span().start,
                format!("`{key}` must be a list; head each of its entries with `[[{header}]]`"),
            );
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in array {
            match item.get_ref() {
                DeValue::Table(entries) => tables.push(Table { entries, name, known, at: item.span().start }),
                other => self.error(
                    item.span().start,
                    format!(
                        "{name} must be a table, not {}; write `[[{header}]]` and below it {required}",
                        kind(other)
                    ),
                ),
            }
        }
        tables
    }

    fn array<'t, 's>(&mut self, table: &Table<'t, 's>, key: &str) -> Option<&'t DeArray<'s>> {
        let value = table.get(key)?;
        let array = value.get_ref().as_array();
        if array.is_none() {
            let remedy = match value.get_ref() {
                DeValue::String(_) => "; put square brackets round it",
                _ => "",
            };
            self.error(
                value.span().start,
                format!("`{key}` must be a list, not {}{remedy}", kind(value.get_ref())),
            );
        }
        array
    }

    /// A list of strings with the offset of each.
    fn strings(&mut self, table: &Table<'_, '_>, key: &str) -> Vec<(usize, String)> {
        let Some(array) = self.array(table, key) else { return Vec::new() };
        array
            .iter()
            .filter_map(|item| {
                let text = self.string(item, &format!("an entry of `{key}`"))?;
                Some((item.span().start, text))
            })
            .collect()
    }

    fn question(&mut self, table: &Table<'_, '_>, id: String, default_seconds: u32) -> Question {
        let main = table.name == "a loop";
        let prompt = self.text(table, "prompt", true);
        let answer_seconds = self.answer_seconds(table, default_seconds);
        let checklist_heading = self.line(table, "checklist_heading", false);
        let say = self.text(table, "say", false);
        let exemplar = self.text(table, "exemplar", false);
        let examples = self.examples(table);

        let tables = self.tables(table, "points", ("a point", POINT_KEYS), "`id` and `text`");
        if tables.is_empty() {
            // Where `points` is there but wrong, that has been said.
            let said = table.get("points").is_some_and(|value| match value.get_ref() {
                DeValue::Array(array) => !array.is_empty(),
                _ => true,
            });
            match (said, main) {
                (true, _) => {}
                (false, true) => self.error(
                    table.at,
                    "no points, so that no answer could be judged; add `[[points]]` with `id` and `text`",
                ),
                (false, false) => self.warning(
                    table.at,
                    "a follow-up without points is asked, recorded and kept, but not judged; \
                     add `[[follow_ups.points]]` below it to have it judged",
                ),
            }
        }
        let mut ids = HashSet::new();
        let mut texts = HashSet::new();
        let mut points = Vec::new();
        let mut places = Vec::new();
        for table in &tables {
            let point = self.point(table, &mut ids);
            if !point.text.is_empty() && !texts.insert(point.text.to_lowercase()) {
                self.warning(
                    table.at,
                    format!("`{}` stands twice in this checklist; remove one of the two", point.text),
                );
            }
            points.push(point);
            places.push(table.at);
        }

        let question = Question {
            id,
            prompt: prompt.unwrap_or_default(),
            answer_seconds,
            checklist_heading: checklist_heading.unwrap_or_else(|| DEFAULT_HEADING.to_owned()),
            points,
            say,
            exemplar,
            examples,
            if_missed: Vec::new(),
            if_made: Vec::new(),
        };
        let satisfied = match question.prompt.is_empty() {
            true => Vec::new(),
            false => (self.satisfied_by_prompt)(&question),
        };
        for (point, at) in question.points.iter().zip(places) {
            if satisfied.contains(&point.id) {
                self.error(
                    at,
                    format!(
                        "repeating the question alone would tick the point `{}`; give it `keywords` that the \
                         question does not contain",
                        point.id
                    ),
                );
            }
        }
        question
    }

    fn answer_seconds(&mut self, table: &Table<'_, '_>, default: u32) -> u32 {
        let Some(value) = table.get("answer_seconds") else { return default };
        let at = value.span().start;
        let Some(integer) = value.get_ref().as_integer() else {
            let kind = kind(value.get_ref());
            self.error(at, format!("`answer_seconds` must be a whole number of seconds, not {kind}"));
            return default;
        };
        let seconds = u32::from_str_radix(integer.as_str(), integer.radix()).ok();
        match seconds.filter(|seconds| ANSWER_SECONDS.contains(seconds)) {
            None => {
                self.error(
                    at,
                    format!(
                        "`answer_seconds` is {integer}; choose between {} and {} seconds",
                        ANSWER_SECONDS.start(),
                        ANSWER_SECONDS.end()
                    ),
                );
                default
            }
            Some(seconds) => {
                if seconds < SHORT_ANSWER_SECONDS {
                    self.warning(
                        at,
                        format!(
                            "{seconds} seconds are over before most answers have begun; 60 to 180 are usual"
                        ),
                    );
                }
                seconds
            }
        }
    }

    fn examples(&mut self, table: &Table<'_, '_>) -> Vec<toml::Value> {
        let Some(array) = self.array(table, "examples") else { return Vec::new() };
        array
            .iter()
            .filter_map(|item| {
                let value = toml::Value::deserialize(ValueDeserializer::from(item.clone()));
                value
                    .map_err(|error| {
                        self.error(
                            item.span().start,
                            format!("an entry of `examples` cannot be read: {error}"),
                        );
                    })
                    .ok()
            })
            .collect()
    }

    /// `if_missed` and `if_made`: ids of the main question's points.
    fn point_ids(&mut self, table: &Table<'_, '_>, key: &str, points: &[Point]) -> Vec<String> {
        let ids = self.strings(table, key);
        ids.into_iter()
            .filter_map(|(at, id)| {
                if points.iter().any(|point| point.id == id) {
                    return Some(id);
                }
                let near = nearest(&id, points.iter().map(|point| point.id.as_str()));
                let remedy = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "name the `id` of one of them".to_owned(),
                };
                self.error(
                    at,
                    format!("`{key}` names `{id}`, which is no point of the main question; {remedy}"),
                );
                None
            })
            .collect()
    }

    fn point(&mut self, table: &Table<'_, '_>, ids: &mut HashSet<String>) -> Point {
        self.keys(table);
        let id = self.id(table, ids);
        let text = self.line(table, "text", true).unwrap_or_default();
        let (keywords, heard_as) = (self.ways(table, "keywords"), self.ways(table, "heard_as"));
        let mut list = |key| self.strings(table, key).into_iter().map(|(_, text)| text).collect();
        let (misconceptions, hints) = (list("misconceptions"), list("hints"));
        Point { id, text, keywords, heard_as, misconceptions, hints }
    }

    fn ways(&mut self, table: &Table<'_, '_>, key: &str) -> Vec<Way> {
        let mut ways = Vec::new();
        for (at, source) in self.strings(table, key) {
            match Way::try_from(source.clone()) {
                Err(fault) => self.error(at, fault),
                Ok(way) if ways.contains(&way) => {
                    self.warning(at, format!("`{source}` stands twice; remove one of the two"));
                }
                Ok(way) => {
                    let glued =
                        way.parts.iter().flatten().flat_map(|phrase| phrase.split(' ')).find(|word| {
                            word.len() > 1
                                && (word.starts_with('+') || word.ends_with('+'))
                                && !word.ends_with("++")
                        });
                    if let Some(word) = glued {
                        self.warning(
                            at,
                            format!(
                                "`{word}` counts as a word; to join parts put a space on both sides of `+`"
                            ),
                        );
                    }
                    ways.push(way);
                }
            }
        }
        ways
    }
}

/// Folds white space of any kind into single spaces.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What people call a value.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
