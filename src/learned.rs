//! The user's own wordings: a small file in the data folder, that they can read and mend by hand.
//!
//! An entry is appended, or taken out to forget it; whatever else somebody has written into the file stays.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::loops::{Loop, nearest};

/// Its name in the data folder.
const FILE_NAME: &str = "learned.toml";

const SCHEMA: &str = "viva.learned/1";

const HEADER: &str = "\
schema = \"viva.learned/1\"
# Words of yours that make a point. Delete an entry to forget it, or use `viva learned forget`.
";

/// Words of the user's that count for a point from then on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wording {
    /// The loop's id.
    #[serde(rename = "loop")]
    pub loop_id: String,
    /// `prompt` or a follow-up's id.
    pub question: String,
    /// The point's id.
    pub point: String,
    /// The words, as they were said.
    pub said: String,
    /// The day they were learned.
    #[serde(serialize_with = "as_text")]
    pub date: toml::value::Datetime,
}

fn as_text<S: serde::Serializer>(date: &toml::value::Datetime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(date)
}

impl Wording {
    /// Its point, with the question and the loop.
    pub fn place(&self) -> String {
        format!("{}/{}/{}", self.loop_id, self.question, self.point)
    }
}

/// All wordings of one user.
#[derive(Debug, Clone)]
pub struct Learned {
    path: PathBuf,
    wordings: Vec<Wording>,
}

/// What can go wrong with the file. It is never overwritten.
#[derive(Debug, thiserror::Error)]
pub enum LearnedError {
    /// It cannot be read.
    #[error("cannot read your wordings in `{}`: {source}; check the file and its permissions", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not as it should be.
    #[error(
        "your wordings cannot be read, `{}:{line}:{column}`: {message}; mend that line, or move the file away",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// There is no such wording.
    #[error("nothing is forgotten: you have not taught `{asked}`; {remedy}")]
    Unknown {
        /// What was to be forgotten.
        asked: String,
        /// What to do.
        remedy: String,
    },
    /// The same words are learned for several points.
    #[error("nothing is forgotten: \"{said}\" is learned for several points; name one by its number: {}", several.join(", "))]
    Several {
        /// The words.
        said: String,
        /// The wordings' numbers with their points.
        several: Vec<String>,
    },
    /// The file is written in a form in which viva does not find the entry.
    #[error(
        "nothing is forgotten: `{}` is not written as viva writes it; delete the entry of \"{said}\" there by hand",
        path.display()
    )]
    NotFound {
        /// The file.
        path: PathBuf,
        /// The words.
        said: String,
    },
    /// It cannot be written.
    #[error("cannot write your wordings to `{}`: {source}; mend that and try again", path.display())]
    NotWritten {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: toml::Spanned<String>,
    #[serde(default)]
    wordings: Vec<Wording>,
}

impl Learned {
    /// Nothing yet, for the file in a data folder.
    pub fn nothing(data_dir: &Path) -> Self {
        Self { path: data_dir.join(FILE_NAME), wordings: Vec::new() }
    }

    /// Reads the file in a data folder, if there is one.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    pub fn read(data_dir: &Path) -> Result<Self, LearnedError> {
        let mut learned = Self::nothing(data_dir);
        if let Some(text) = learned.text()? {
            learned.wordings = learned.parse(&text)?;
        }
        Ok(learned)
    }

    /// The file, whether or not it is there.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All of them, in the file's order.
    pub fn wordings(&self) -> &[Wording] {
        &self.wordings
    }

    /// What has been learned for a point, as it was said.
    pub fn of<'a>(
        &'a self,
        loop_id: &'a str,
        question: &'a str,
        point: &'a str,
    ) -> impl Iterator<Item = &'a str> {
        self.wordings
            .iter()
            .filter(move |known| {
                known.loop_id == loop_id && known.question == question && known.point == point
            })
            .map(|known| known.said.as_str())
    }

    /// Lets what has been learned count in a loop. Wordings of loops, questions and points that are not there
    /// are left aside.
    pub fn teach(&self, asked: &mut Loop) {
        let loop_id = &asked.id;
        for question in std::iter::once(&mut asked.question).chain(&mut asked.follow_ups) {
            for point in &mut question.points {
                point.learned = self.of(loop_id, &question.id, &point.id).map(str::to_owned).collect();
            }
        }
    }

    /// Learns words for a point from today on: appends them to the file, in one step. Words that are there
    /// already are not written again.
    ///
    /// # Errors
    /// The file is damaged or cannot be written; it stays as it is.
    pub fn add(
        &mut self,
        loop_id: &str,
        question: &str,
        point: &str,
        said: &str,
    ) -> Result<(), LearnedError> {
        // Somebody may have changed it meanwhile.
        let mut text = self.text()?.unwrap_or_else(|| HEADER.to_owned());
        self.wordings = self.parse(&text)?;
        if self.of(loop_id, question, point).any(|known| known == said) {
            return Ok(());
        }
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let quoted = |text: &str| toml::Value::from(text).to_string();
        text.push_str(&format!(
            "\n[[wordings]]\nloop = {}\nquestion = {}\npoint = {}\nsaid = {}\ndate = {}\n",
            quoted(loop_id),
            quoted(question),
            quoted(point),
            quoted(said),
            jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::system()).date()
        ));
        // Whoever writes the entries in another form cannot have one appended.
        let wordings = self.parse(&text)?;
        self.write(&text).map_err(|source| LearnedError::NotWritten { path: self.path.clone(), source })?;
        self.wordings = wordings;
        Ok(())
    }

    /// Forgets a wording, which is named by its words or by its number, from 1: takes its entry out of the file, in
    /// one step.
    ///
    /// # Errors
    /// There is none, or several have these words; the file is damaged or cannot be written. It stays as it is.
    pub fn forget(&mut self, asked: &str) -> Result<Wording, LearnedError> {
        // Somebody may have changed it meanwhile.
        let text = self.text()?.unwrap_or_else(|| HEADER.to_owned());
        self.wordings = self.parse(&text)?;
        let index = self.index_of(asked)?;
        let forgotten = self.wordings[index].clone();
        let mut rest = self.wordings.clone();
        rest.remove(index);
        let shorter = without_entry(&text, index);
        // A line that looks like the beginning of an entry may be part of a text.
        let Some(shorter) = shorter.filter(|text| self.parse(text).is_ok_and(|left| left == rest)) else {
            return Err(LearnedError::NotFound { path: self.path.clone(), said: forgotten.said });
        };
        self.write(&shorter)
            .map_err(|source| LearnedError::NotWritten { path: self.path.clone(), source })?;
        self.wordings = rest;
        Ok(forgotten)
    }

    /// The place of a wording that is named by its words or its number.
    fn index_of(&self, asked: &str) -> Result<usize, LearnedError> {
        let same = |known: &&(usize, &Wording)| words(&known.1.said) == words(asked);
        let numbered: Vec<(usize, &Wording)> = (1..).zip(&self.wordings).collect();
        let unknown = |remedy: String| LearnedError::Unknown { asked: asked.to_owned(), remedy };
        match numbered.iter().filter(same).collect::<Vec<_>>().as_slice() {
            [(number, _)] => return Ok(number - 1),
            [] => {}
            several => {
                return Err(LearnedError::Several {
                    said: several[0].1.said.clone(),
                    several: several
                        .iter()
                        .map(|(number, known)| format!("{number} (`{}`)", known.place()))
                        .collect(),
                });
            }
        }
        if let Some((number, _)) = numbered.iter().find(|(number, _)| asked.trim().parse() == Ok(*number)) {
            return Ok(number - 1);
        }
        Err(unknown(match nearest(asked, self.wordings.iter().map(|known| known.said.as_str())) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "`viva learned list` shows what there is, with numbers".to_owned(),
        }))
    }

    fn text(&self) -> Result<Option<String>, LearnedError> {
        match fs::read_to_string(&self.path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(LearnedError::Unreadable { path: self.path.clone(), source }),
        }
    }

    fn parse(&self, text: &str) -> Result<Vec<Wording>, LearnedError> {
        let damaged = |offset: usize, message: String| {
            let before = text.get(..offset).unwrap_or(text);
            LearnedError::Damaged {
                path: self.path.clone(),
                line: before.matches('\n').count() + 1,
                column: before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1,
                message,
            }
        };
        let file: File = toml::from_str(text).map_err(|error| {
            damaged(error.span().map_or(0, |span| span.start), error.message().replace('\n', " "))
        })?;
        if file.schema.get_ref() != SCHEMA {
            let message = format!("`{}` is not `{SCHEMA}`", file.schema.get_ref());
            return Err(damaged(file.schema.span().start, message));
        }
        Ok(file.wordings)
    }

    /// Writes the whole file, or leaves it as it is.
    fn write(&self, text: &str) -> io::Result<()> {
        // A link stays one.
        let path = if self.path.exists() { fs::canonicalize(&self.path)? } else { self.path.clone() };
        let mut file = NamedTempFile::with_prefix_in(FILE_NAME, path.parent().unwrap_or(Path::new(".")))?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        Ok(())
    }
}

/// How a wording is forgotten.
pub fn how_to_forget(said: &str) -> String {
    // What a shell would take for its own within double quotes makes no difference to `forget`.
    let plain = said.replace(['"', '$', '`', '\\', '!'], " ");
    format!("`viva learned forget \"{}\"` forgets it", plain.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The words of a text in lower case, by which wordings are compared.
fn words(text: &str) -> Vec<String> {
    let words = text.split(|character: char| !character.is_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// A file's text without one of its entries, counted from 0: from its header to its last line that says something.
fn without_entry(text: &str, index: usize) -> Option<String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let is_header = |line: &&str| line.trim_start().starts_with('[');
    let is_entry = |line: &str| {
        let name = line.trim_start().strip_prefix("[[").and_then(|line| line.split_once("]]"));
        name.is_some_and(|(name, _)| name.trim() == "wordings")
    };
    let (mut first, _) = lines.iter().enumerate().filter(|(_, line)| is_entry(line)).nth(index)?;
    let end = lines[first + 1..].iter().position(is_header).map_or(lines.len(), |at| first + 1 + at);
    let says_nothing = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    let last = (first..end).rfind(|&at| !says_nothing(lines[at]))?;
    if first > 0 && lines[first - 1].trim().is_empty() {
        first -= 1;
    }
    Some(lines[..first].concat() + &lines[last + 1..].concat())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::journal::fixtures::{probability, theory};

    #[test]
    fn what_is_learned_counts_for_its_point_alone_and_is_no_part_of_the_loop() {
        let data = tempfile::tempdir().unwrap();
        let mut learned = Learned::read(data.path()).unwrap();
        learned.add("theory", "prompt", "likelihood", "either \"heads\" or tails").unwrap();
        learned.add("theory", "prompt", "likelihood", "either \"heads\" or tails").unwrap();
        learned.add("theory", "no-such-question", "likelihood", "nothing").unwrap();

        let learned = Learned::read(data.path()).unwrap();
        let mut asked = theory();
        learned.teach(&mut asked);
        assert_eq!(asked.question.points[0].learned, ["either \"heads\" or tails"]);
        assert!(asked.question.points[1].learned.is_empty());
        assert!(
            asked
                .follow_ups
                .iter()
                .flat_map(|question| &question.points)
                .all(|point| point.learned.is_empty())
        );
        assert_eq!(asked.hash(), theory().hash());
        assert_eq!(serde_json::to_string(&asked).unwrap(), serde_json::to_string(&theory()).unwrap());
        let mut other = probability();
        learned.teach(&mut other);
        assert_eq!(other, probability());
    }

    #[test]
    fn what_somebody_wrote_into_the_file_stays() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("learned.toml");
        let mine = "schema = \"viva.learned/1\" # mine\n[[wordings]]\nloop = \"theory\"\nquestion = \"prompt\"\n\
                    point = \"gradient\"\nsaid = 'slope'\ndate = 2026-01-02 # no line end";
        fs::write(&path, mine).unwrap();
        let mut learned = Learned::nothing(data.path());
        learned.add("theory", "prompt", "gradient", "a steep slope").unwrap();
        assert!(fs::read_to_string(&path).unwrap().starts_with(mine));
        let said: Vec<_> = learned.of("theory", "prompt", "gradient").collect();
        assert_eq!(said, ["slope", "a steep slope"]);
        assert_eq!(fs::read_dir(data.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_damaged_file_is_named_with_the_place_and_left_as_it_is() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("learned.toml");
        let entry = "\n[[wordings]]\nloop = \"theory\"\nquestion = \"prompt\"\npoint = \"gradient\"\n";
        for (text, place) in [
            ("schema = \"viva.learned/1\"\nwordings = [", ":2:"),
            ("schema = \"viva.learned/2\"\n", ":1:10`: `viva.learned/2` is not `viva.learned/1`"),
            ("", ":1:1`: missing field `schema`"),
            (
                &format!("schema = \"viva.learned/1\"{entry}sayd = \"x\"\ndate = 2026-01-02\n"),
                ":6:1`: unknown field `sayd`",
            ),
            (
                &format!("schema = \"viva.learned/1\"{entry}said = 3\ndate = 2026-01-02\n"),
                ":6:8`: invalid type",
            ),
            ("schema = \"viva.learned/1\"\nwordings = []\n", ""),
        ] {
            fs::write(&path, text).unwrap();
            if !place.is_empty() {
                let error = Learned::read(data.path()).unwrap_err().to_string();
                assert!(error.contains(&format!("learned.toml{place}")), "{error}");
            }
            let error = Learned::nothing(data.path()).add("a", "b", "c", "d").unwrap_err();
            assert!(matches!(error, LearnedError::Damaged { .. }), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn a_wording_is_forgotten_and_the_rest_of_the_file_stays() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("learned.toml");
        let mut learned = Learned::nothing(data.path());
        learned.add("theory", "prompt", "likelihood", "either \"heads\" or tails").unwrap();
        let before = fs::read_to_string(&path).unwrap();
        learned.add("theory", "prompt", "gradient", "it's a $steep slope").unwrap();
        learned.add("theory", "prompt", "likelihood", "a steep slope").unwrap();
        assert_eq!(learned.forget("A steep, slope!").unwrap().point, "likelihood");
        let forget = how_to_forget("it's a $steep slope");
        assert_eq!(forget, "`viva learned forget \"it's a steep slope\"` forgets it");
        assert_eq!(learned.forget("it's a steep slope").unwrap().said, "it's a $steep slope");
        assert_eq!(fs::read_to_string(&path).unwrap(), before);
        assert_eq!(learned.wordings().len(), 1);
        learned.forget("1").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), HEADER);

        let mine = "schema = \"viva.learned/1\" # mine\n[[ wordings ]] # first\nloop = 'a'\nquestion = 'b'\n\
                    point = 'c'\nsaid = 'one two'\n# why\ndate = 2026-01-02\n\n# of the second\n[[wordings]]\n\
                    loop = 'a'\nquestion = 'b'\npoint = 'd'\nsaid = 'one two'\ndate = 2026-01-02 # no line end";
        fs::write(&path, mine).unwrap();
        let several = learned.forget("one two").unwrap_err().to_string();
        assert!(several.contains("by its number: 1 (`a/b/c`), 2 (`a/b/d`)"), "{several}");
        assert_eq!(fs::read_to_string(&path).unwrap(), mine);
        learned.forget("1").unwrap();
        let rest = fs::read_to_string(&path).unwrap();
        assert!(
            rest.starts_with("schema = \"viva.learned/1\" # mine\n\n# of the second\n[[wordings]]"),
            "{rest}"
        );
        learned.forget("one two").unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "schema = \"viva.learned/1\" # mine\n\n# of the second\n"
        );
    }

    #[test]
    fn what_cannot_be_forgotten_is_told_and_the_file_stays() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("learned.toml");
        let mut learned = Learned::nothing(data.path());
        assert!(matches!(learned.forget("1"), Err(LearnedError::Unknown { .. })));
        assert!(!path.exists());
        learned.add("theory", "prompt", "gradient", "a steep slope").unwrap();
        let told = learned.forget("a step slope").unwrap_err().to_string();
        assert!(
            told.contains("you have not taught `a step slope`; did you mean \"a steep slope\"?"),
            "{told}"
        );
        for asked in ["2", "0", "", "nothing of it"] {
            let told = learned.forget(asked).unwrap_err().to_string();
            assert!(told.contains("`viva learned list` shows"), "{told}");
        }
        // Valid, but in other forms than viva's; and what looks like an entry within a text.
        let entry = "loop = 'a', question = 'b', point = 'c', said = 'one two', date = 2026-01-02";
        for text in [
            format!("schema = \"viva.learned/1\"\nwordings = [{{ {entry} }}]\n"),
            format!(
                "schema = \"viva.learned/1\"\n[[wordings]]\nloop = \"\"\"x\n[[wordings]]\n\"\"\"\n{}\n[[wordings]]\n{}\n",
                entry.replace("loop = 'a', ", "").replace("one two", "other").replace(", ", "\n"),
                entry.replace(", ", "\n")
            ),
        ] {
            fs::write(&path, &text).unwrap();
            let error = learned.forget("one two").unwrap_err();
            assert!(matches!(error, LearnedError::NotFound { .. }), "{error}");
            assert!(error.to_string().contains("delete the entry of \"one two\" there by hand"), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
}
