//! From the text of a loop file to a [`Loop`], or to every fault in it.
//!
//! The parsed document is walked by hand, with its spans, because a derived deserialiser stops at the
//! first fault and people mend a file faster when they see all of them.

use std::collections::HashSet;
use std::io::{self, Read as _};
use std::path::Path;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::fault::{Lines, nearest};
use super::{Example, Fault, Finding, Loop, MAIN_QUESTION, Place, Point, Question, SCHEMA, Severity, Way};

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
/// The longest `text` of a point, in characters: a few sentences. What takes longer to say is several points.
const LONGEST_POINT: usize = 400;
/// The longest way to say a point, in characters. The longest built-in one has 391.
const LONGEST_WAY: usize = 1000;
/// The most entries of a `keywords` or `heard_as`. No built-in point needs more than a dozen.
const MOST_WAYS: usize = 100;
/// The most parts of a way: more are not heard within the sixteen words that they must stand in.
const MOST_PARTS: usize = 8;

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
const EXAMPLE_KEYS: &[&str] = &["answer", "covered", "either"];

/// Tries how a question is judged, its examples included. Judging is not this module's business, so that whoever
/// checks a file says how.
pub type Trial<'a> = &'a dyn Fn(&Question) -> Vec<Finding>;

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
    let checked = check(source, path, &|_| Vec::new());
    checked.content.ok_or_else(|| checked.faults.into_iter().filter(Fault::is_error).collect())
}

/// Reads a loop file's text and reports what is wrong with it and what would make practice suffer.
pub fn check(source: &str, path: &Path, trial: Trial<'_>) -> Checked {
    let mut reader = Reader { lines: Lines::new(source), path, faults: Vec::new(), trial };
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

/// Why a text cannot be that of a point, if it cannot. `seen` are the texts of the checklist so far.
pub(super) fn unfit_point(text: &str, seen: &mut HashSet<String>) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    let length = text.chars().count();
    if length > LONGEST_POINT {
        let beginning: String = text.chars().take(40).collect();
        return Some(format!(
            "the point `{beginning}...` has {length} characters, more than the {LONGEST_POINT} that one can have; make \
             several points of it"
        ));
    }
    if !seen.insert(text.to_lowercase()) {
        return Some(format!("`{text}` stands twice in this checklist; remove one of the two"));
    }
    None
}

struct Reader<'s> {
    lines: Lines<'s>,
    path: &'s Path,
    faults: Vec<Fault>,
    trial: Trial<'s>,
}

/// Where the parts of a question stand in the file, as byte offsets.
#[derive(Default)]
struct Places {
    /// Per point: itself, and its ways in the order that [`Place::Way`] counts them in.
    points: Vec<(usize, Vec<usize>)>,
    examples: Vec<usize>,
}

impl Places {
    fn of(&self, place: Place) -> usize {
        let found = match place {
            Place::Point(point) => self.points.get(point).map(|(at, _)| at),
            Place::Way { point, way } => self.points.get(point).and_then(|(_, ways)| ways.get(way)),
            Place::Example(example) => self.examples.get(example),
        };
        found.copied().unwrap_or(0)
    }
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
            follow_up.if_missed = self.point_ids(table, "if_missed", &question.points, "the main question");
            follow_up.if_made = self.point_ids(table, "if_made", &question.points, "the main question");
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
            let owners = [
                ("a loop", LOOP_KEYS),
                ("a follow-up", FOLLOW_UP_KEYS),
                ("a point", POINT_KEYS),
                ("an example", EXAMPLE_KEYS),
            ];
            let elsewhere = owners.into_iter().find(|(_, keys)| keys.contains(&name));
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
        if key == "covered" {
            let message =
                "no `covered`; list the ids of the points that the answer makes, `[]` if it makes none";
            return self.error(table.at, message);
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

        let faults_before = self.faults.iter().filter(|fault| fault.is_error()).count();
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
        let mut places = Places::default();
        for table in &tables {
            let (point, ways) = self.point(table, &mut ids);
            if let Some(message) = unfit_point(&point.text, &mut texts) {
                self.error(table.at, message);
            }
            points.push(point);
            places.points.push((table.at, ways));
        }
        let examples = self.examples(table, &points, &mut places);
        let is_sound = self.faults.iter().filter(|fault| fault.is_error()).count() == faults_before;

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
        // What a checklist with errors is worth shows when they are mended.
        if is_sound && !question.prompt.is_empty() {
            for Finding { place, severity, message } in (self.trial)(&question) {
                self.report(severity, places.of(place), message);
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

    /// Answers with known verdicts.
    fn examples(&mut self, table: &Table<'_, '_>, points: &[Point], places: &mut Places) -> Vec<Example> {
        let mut examples: Vec<Example> = Vec::new();
        let tables = self.tables(table, "examples", ("an example", EXAMPLE_KEYS), "`answer` and `covered`");
        for table in &tables {
            self.keys(table);
            let answer = self.line(table, "answer", true).unwrap_or_default();
            if table.get("covered").is_none() {
                self.missing(table, "covered");
            }
            let covered = self.point_ids(table, "covered", points, "this question");
            let either = self.point_ids(table, "either", points, "this question");
            if let Some(id) = either.iter().find(|id| covered.contains(id)) {
                let at = table.get("either").map_or(table.at, |value| value.span().start);
                self.error(
                    at,
                    format!("`{id}` is in `covered` and in `either`; remove it from one of the two"),
                );
            }
            if !answer.is_empty() && examples.iter().any(|example| example.answer == answer) {
                self.warning(table.at, "this answer stands twice among the examples; remove one of the two");
            }
            examples.push(Example { answer, covered, either });
            places.examples.push(table.at);
        }
        examples
    }

    /// A list of ids of points. `whose` names the question that has them.
    fn point_ids(&mut self, table: &Table<'_, '_>, key: &str, points: &[Point], whose: &str) -> Vec<String> {
        let mut known = Vec::new();
        for (at, id) in self.strings(table, key) {
            if known.contains(&id) {
                self.warning(at, format!("`{id}` stands twice in `{key}`; remove one of the two"));
            } else if points.iter().any(|point| point.id == id) {
                known.push(id);
            } else {
                let remedy = match nearest(&id, points.iter().map(|point| point.id.as_str())) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "name the `id` of one of them".to_owned(),
                };
                self.error(at, format!("`{key}` names `{id}`, which is no point of {whose}; {remedy}"));
            }
        }
        known
    }

    /// A point, and where its ways stand.
    fn point(&mut self, table: &Table<'_, '_>, ids: &mut HashSet<String>) -> (Point, Vec<usize>) {
        self.keys(table);
        let id = self.id(table, ids);
        let text = self.line(table, "text", true).unwrap_or_default();
        let (keywords, mut places) = self.ways(table, "keywords");
        let (heard_as, more_places) = self.ways(table, "heard_as");
        places.extend(more_places);
        let mut list = |key| self.strings(table, key).into_iter().map(|(_, text)| text).collect();
        let (misconceptions, hints) = (list("misconceptions"), list("hints"));
        (Point { keywords, heard_as, misconceptions, hints, ..Point::new(id, text) }, places)
    }

    /// Ways to say a point, and where they stand.
    fn ways(&mut self, table: &Table<'_, '_>, key: &str) -> (Vec<Way>, Vec<usize>) {
        let mut ways = Vec::new();
        let mut places = Vec::new();
        for (at, source) in self.strings(table, key) {
            let way = match Way::try_from(source.clone()) {
                Err(fault) => {
                    self.error(at, fault);
                    continue;
                }
                Ok(way) if ways.contains(&way) => {
                    self.warning(at, format!("`{source}` stands twice; remove one of the two"));
                    continue;
                }
                Ok(way) => way,
            };
            let length = source.chars().count();
            if length > LONGEST_WAY {
                self.error(
                    at,
                    format!(
                        "this way has {length} characters, more than the {LONGEST_WAY} that one can have; split its \
                         alternatives into several ways"
                    ),
                );
            } else if way.parts.len() > MOST_PARTS {
                self.error(
                    at,
                    format!(
                        "`{source}` has {} parts, more than the {MOST_PARTS} that can be heard near each other; \
                         keep those that matter",
                        way.parts.len()
                    ),
                );
            }
            let glued = way.parts.iter().flatten().flat_map(|phrase| phrase.split(' ')).find(|word| {
                word.len() > 1 && (word.starts_with('+') || word.ends_with('+')) && !word.ends_with("++")
            });
            if let Some(word) = glued {
                self.warning(
                    at,
                    format!("`{word}` counts as a word; to join parts put a space on both sides of `+`"),
                );
            }
            ways.push(way);
            places.push(at);
        }
        if ways.len() > MOST_WAYS {
            self.error(
                table.get(key).map_or(table.at, |value| value.span().start),
                format!(
                    "`{key}` has {} ways, more than the {MOST_WAYS} that one point can have; join those that are alike \
                     with `|`, or make several points of this one",
                    ways.len()
                ),
            );
        }
        (ways, places)
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
