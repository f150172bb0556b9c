//! From a [`Loop`] to the text of its file.

use std::fmt::Write as _;

use super::{Example, Loop, Point, Question, SCHEMA, Way};

/// The loop as a file that [`super::read`] reads back to the same loop.
pub fn to_toml(content: &Loop) -> String {
    let mut out = format!("schema = {}\n", quoted(SCHEMA));
    entry(&mut out, "id", &quoted(&content.id));
    entry(&mut out, "title", &quoted(&content.title));
    question(&mut out, &content.question, "");
    for follow_up in &content.follow_ups {
        out.push_str("\n[[follow_ups]]\n");
        entry(&mut out, "id", &quoted(&follow_up.id));
        question(&mut out, follow_up, "follow_ups.");
    }
    out
}

/// `within` is what the headers of the question's tables begin with.
fn question(out: &mut String, question: &Question, within: &str) {
    entry(out, "prompt", &quoted(&question.prompt));
    entry(out, "answer_seconds", &question.answer_seconds.to_string());
    if !question.points.is_empty() {
        entry(out, "checklist_heading", &quoted(&question.checklist_heading));
    }
    for (key, value) in [("say", &question.say), ("exemplar", &question.exemplar)] {
        if let Some(value) = value {
            entry(out, key, &quoted(value));
        }
    }
    list(out, "if_missed", &question.if_missed);
    list(out, "if_made", &question.if_made);
    for point in &question.points {
        _ = write!(out, "\n[[{within}points]]\n");
        self::point(out, point);
    }
    for example in &question.examples {
        _ = write!(out, "\n[[{within}examples]]\n");
        self::example(out, example);
    }
}

fn point(out: &mut String, point: &Point) {
    entry(out, "id", &quoted(&point.id));
    entry(out, "text", &quoted(&point.text));
    for (key, ways) in [("keywords", &point.keywords), ("heard_as", &point.heard_as)] {
        let ways: Vec<String> = ways.iter().cloned().map(Way::into).collect();
        list(out, key, &ways);
    }
    list(out, "misconceptions", &point.misconceptions);
    list(out, "hints", &point.hints);
}

fn example(out: &mut String, example: &Example) {
    entry(out, "answer", &quoted(&example.answer));
    entry(out, "covered", &toml::Value::from(example.covered.clone()).to_string());
    if !example.either.is_empty() {
        entry(out, "either", &toml::Value::from(example.either.clone()).to_string());
    }
}

fn entry(out: &mut String, key: &str, value: &str) {
    // Writing to a string cannot fail.
    _ = writeln!(out, "{key} = {value}");
}

/// A list with one entry a line; an empty one is left out.
fn list(out: &mut String, key: &str, entries: &[String]) {
    if entries.is_empty() {
        return;
    }
    _ = writeln!(out, "{key} = [");
    for entry in entries {
        _ = writeln!(out, "  {},", quoted(entry));
    }
    out.push_str("]\n");
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::super::{Library, read};
    use super::*;

    #[test]
    fn the_built_in_loops_come_back_as_they_are() {
        for entry in Library::built_in().unwrap().iter() {
            assert_eq!(read(&to_toml(&entry.content), Path::new("again.toml")).unwrap(), entry.content);
        }
    }

    #[test]
    fn everything_a_file_can_hold_comes_back() {
        let source = r#"
            schema = "viva.loop/1"
            id = "all"
            title = "All \"of\" it"
            prompt = """Two
lines, a back\\slash and a `code`."""
            answer_seconds = 0x40
            say = "two lines"
            exemplar = "Good."
            examples = [{ answer = "x", covered = [] }, { answer = """
y and
z""", covered = ["one"], either = ["two"] }]
            [[points]]
            id = "one"
            text = "the one"
            keywords = ["a|b c +\td", "c++"]
            heard_as = ["won"]
            misconceptions = ["two"]
            hints = ["less than two"]
            [[points]]
            id = "two"
            text = "the other"
            [[follow_ups]]
            id = "next"
            prompt = "And?"
            if_missed = ["one"]
            if_made = ["one"]
            checklist_heading = "You may say"
            points = [{ id = "one", text = "again" }]
            [[follow_ups.examples]]
            answer = "one"
            covered = ["one"]
        "#;
        let content = read(source, Path::new("all.toml")).unwrap();
        assert_eq!(content.question.points[0].keywords[0].parts, [vec!["a", "b c"], vec!["d"]]);
        assert_eq!(content.question.points[0].keywords[1].parts, [["c++"]]);
        assert_eq!(content.question.examples[0].covered, [""; 0]);
        assert_eq!(content.question.examples[1].answer, "y and z");
        assert_eq!(content.question.examples[1].either, ["two"]);
        assert_eq!(content.follow_ups[0].examples.len(), 1);
        assert_eq!(content.question.answer_seconds, 64);
        assert_eq!(content.follow_ups[0].checklist_heading, "You may say");
        assert_eq!(read(&to_toml(&content), Path::new("again.toml")).unwrap(), content);
    }
}
