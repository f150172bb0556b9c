//! The question library as people and programs meet it: `viva loops list|show|check|import`.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use tempfile::TempDir;
use vivavoce::loops::{self, Library, Loop};

/// The list that the built-in loops were made from, as its text export has it.
const SEED: &str = include_str!("fixtures/seed.txt");

/// `viva` with an empty data folder.
fn viva(data: &TempDir) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("viva"));
    command
        .env_remove("VIVA_LOOPS_DIR")
        .env("VIVA_DATA_DIR", data.path())
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

fn fresh() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Exit code, stdout, stderr.
fn outcome(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// A loop reduced to its words.
#[derive(Debug, PartialEq, Default)]
struct Words {
    title: String,
    prompt: String,
    heading: String,
    points: Vec<String>,
    follow_ups: Vec<String>,
}

impl From<&Loop> for Words {
    fn from(content: &Loop) -> Self {
        Self {
            title: content.title.clone(),
            prompt: content.question.prompt.clone(),
            heading: content.question.checklist_heading.clone(),
            points: content.question.points.iter().map(|point| point.text.clone()).collect(),
            follow_ups: content.follow_ups.iter().map(|question| question.prompt.clone()).collect(),
        }
    }
}

/// The seed's words, read without any of the program's code: its two broken places are mended by hand.
fn seed() -> Vec<Words> {
    let mut text = SEED.to_owned();
    for (broken, whole) in [
        ("simplify to\np - y? - When", "simplify to p - y?\n- When"),
        (
            "- check\nlog,exp, division, normalization - clip",
            "- check log, exp, division, normalization\n- clip",
        ),
    ] {
        assert_eq!(text.matches(broken).count(), 1);
        text = text.replace(broken, whole);
    }
    let mut loops: Vec<Words> = Vec::new();
    let mut part = "";
    for line in text.lines().skip(3) {
        if let Some(title) = line.strip_prefix("Loop ") {
            loops.push(Words { title: title.split_once(": ").unwrap().1.to_owned(), ..Words::default() });
            continue;
        }
        let current = loops.last_mut().unwrap();
        match line {
            "Prompt" | "Expected strong answer" | "Expectations" | "Follow-ups" => part = line,
            _ if part == "Prompt" => current.prompt = line.to_owned(),
            _ => match line.strip_prefix("- ") {
                None => current.heading = line.strip_suffix(':').unwrap().to_owned(),
                Some(item) if part == "Follow-ups" => current.follow_ups.push(item.to_owned()),
                Some(item) => current.points.push(item.to_owned()),
            },
        }
    }
    loops
}

fn words_of_folder(folder: &Path) -> Vec<Words> {
    loops::loop_files(folder)
        .unwrap()
        .iter()
        .map(|path| (&loops::read(&fs::read_to_string(path).unwrap(), path).unwrap()).into())
        .collect()
}

#[test]
fn the_built_in_loops_are_the_seed_word_for_word() {
    let seed = seed();
    assert_eq!(seed.len(), 8);
    assert_eq!(seed.iter().map(|words| words.points.len()).sum::<usize>(), 42);
    assert_eq!(seed.iter().map(|words| words.follow_ups.len()).sum::<usize>(), 24);
    let library = Library::built_in().unwrap();
    let built_in: Vec<Words> = library.iter().map(|entry| (&entry.content).into()).collect();
    assert_eq!(built_in, seed);
    assert_eq!(loops::RULES.to_vec(), SEED.lines().skip(1).take(2).collect::<Vec<_>>());
}

#[test]
fn code_that_the_export_broke_out_is_back_in_its_line() {
    let library = Library::built_in().unwrap();
    let theory = &library.get("theory").unwrap().content;
    assert_eq!(theory.follow_ups[1].prompt, "Why does the gradient simplify to p - y?");
    assert_eq!(theory.follow_ups[2].prompt, "When might MSE still appear in classification work?");
    let debugging = &library.get("4").unwrap().content;
    assert_eq!(debugging.question.points[3].text, "check log, exp, division, normalization");
}

#[test]
fn importing_the_seed_gives_the_built_in_words() {
    let data = fresh();
    let (code, out, err) = outcome(viva(&data).args(["loops", "import", "tests/fixtures/seed.txt"]));
    assert_eq!(code, 0, "{err}");
    assert_eq!(out.lines().count(), 8);
    assert_eq!(words_of_folder(&data.path().join("loops")), seed());
    assert!(err.contains(
        "seed.txt:16: warning: lines put together; read as `Why does the gradient simplify to p - y?`"
    ));

    // They stand beside the built-in ones, which keep their keywords and numbers.
    let (code, out, err) = outcome(viva(&data).args(["loops", "list"]));
    assert_eq!((code, err.as_str(), out.lines().count()), (0, "", 16));
    assert!(out.contains(" 3  coding ") && out.contains("11  coding-2 "), "{out}");
}

#[test]
fn another_list_with_other_broken_places_imports_as_well() {
    let (data, folder) = (fresh(), fresh());
    let (code, _, err) = outcome(
        viva(&data).args(["loops", "import", "tests/fixtures/second-list.txt", "--out"]).arg(folder.path()),
    );
    assert_eq!(code, 0, "{err}");
    let strings = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
    let expected = [
        Words {
            title: "Optimizers".into(),
            prompt: "Explain what the update theta = theta - lr * grad does, and when plain grad is a poor direction."
                .into(),
            heading: "You should explain".into(),
            points: strings(&[
                "learning rate as step size",
                "curvature and kappa, the condition number",
                "momentum as a running average",
                "beta1, beta2 as decay rates",
                "bias correction early in training",
                "weight decay apart from loss",
                "clip_grad_norm against spikes",
            ]),
            follow_ups: strings(&[
                "What does eps = 1e-8 protect against?",
                "Why would you subtract x - mean(x) first?",
                "Can 1 - beta ever be zero?",
                "When would you use warm-up?",
            ]),
        },
        Words {
            title: "Tokenizers & Text".into(),
            prompt: "Your model splits don't into four tokens. What do you look at?".into(),
            heading: "You should mention".into(),
            points: strings(&[
                "normalization before encode(text, add_special=True)",
                "merges in the vocabulary",
                "byte fallback",
                "round trip: decode ids, compare with text",
            ]),
            follow_ups: strings(&[
                "What if len(ids) - n_special is zero?",
                "Derive the cost of len(vocab)",
                "Which scripts suffer most?",
            ]),
        },
        Words {
            title: "Serving".into(),
            prompt: "Latency doubled after a release. Where do you start?".into(),
            heading: "You should look at".into(),
            points: strings(&[
                "percentiles, not means - even so, per route",
                "queue time vs compute time",
                "batch size and max_tokens and kv_cache growth",
            ]),
            follow_ups: strings(&["How do you roll back?"]),
        },
    ];
    assert_eq!(words_of_folder(folder.path()), expected);
}

#[test]
fn markdown_lists_import() {
    let (data, folder) = (fresh(), fresh());
    let (code, _, err) =
        outcome(viva(&data).args(["loops", "import", "tests/fixtures/list.md", "--out"]).arg(folder.path()));
    assert_eq!(code, 0, "{err}");
    let loops = words_of_folder(folder.path());
    let titles: Vec<&str> = loops.iter().map(|words| words.title.as_str()).collect();
    assert_eq!(titles, ["Attention", "Data Leakage", "Regularization"]);
    assert_eq!(loops[0].prompt, "Why is the score divided by sqrt(d_k)? Give the argument about variance.");
    assert_eq!(loops[0].heading, "You should cover");
    assert_eq!(
        loops[0].points,
        [
            "dot products grow with d_k",
            "softmax saturates, so that gradients vanish - the usual trap",
            "unit variance after scaling"
        ]
    );
    assert_eq!(loops[0].follow_ups, ["What if q - k were used instead?", "Does it matter at d_k = 1?"]);
    assert_eq!(loops[1].points, ["near duplicates", "time order"]);
    assert_eq!(loops[2].points, ["nothing is dropped", "weights are scaled"]);
}

#[test]
fn import_never_overwrites_unasked() {
    let data = fresh();
    let import = ["loops", "import", "tests/fixtures/second-list.txt"];
    assert_eq!(outcome(viva(&data).args(import)).0, 0);
    let first = data.path().join("loops/01-optimizers.toml");
    fs::write(&first, "mine").unwrap();
    fs::remove_file(data.path().join("loops/03-serving.toml")).unwrap();

    let (code, out, err) = outcome(viva(&data).args(import));
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.contains(
            "01-optimizers.toml` is there already, so nothing was written; replace it with `--force`"
        )
    );
    assert_eq!(fs::read_to_string(&first).unwrap(), "mine");
    assert!(!data.path().join("loops/03-serving.toml").exists());

    assert_eq!(outcome(viva(&data).args(import).arg("--force")).0, 0);
    assert!(fs::read_to_string(&first).unwrap().contains("Optimizers"));
    assert_eq!(fs::read_dir(data.path().join("loops")).unwrap().count(), 3, "no temporary file is left");
}

#[test]
fn import_says_what_it_cannot_use() {
    let data = fresh();
    let blocked = data.path().join("blocked");
    fs::write(&blocked, "a file").unwrap();
    let cases: &[(&[&str], Option<&str>, &str)] = &[
        (&["no-such.txt"], None, "no-such.txt: error: there is no such file"),
        (&["tests"], None, "tests: error: is a folder; name a file in it"),
        (&["loops/01-theory.toml"], None, "is a loop file already; copy it to your loops folder"),
        (&["-"], Some("Loop 1: A\nPrompt\nWhat?\n"), "-:1: error: this loop has no checklist"),
        (&["tests/fixtures/list.md", "--out", blocked.to_str().unwrap()], None, "blocked`: "),
    ];
    for (arguments, stdin, expected) in cases {
        let mut command = viva(&data);
        command.args(["loops", "import"]).args(*arguments);
        if let Some(stdin) = stdin {
            command.write_stdin(*stdin);
        }
        let (code, out, err) = outcome(&mut command);
        assert_eq!((code, out.as_str()), (1, ""), "{arguments:?}: {err}");
        assert!(err.contains(expected), "{arguments:?}: {err}");
    }
}

#[test]
fn list_and_show_as_json() {
    let data = fresh();
    let (code, out, err) = outcome(viva(&data).args(["loops", "list", "--json"]));
    assert_eq!((code, err.as_str()), (0, ""));
    let listed: Vec<serde_json::Value> =
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(listed.len(), 8);
    let library = Library::built_in().unwrap();
    for ((number, entry), json) in (1..).zip(library.iter()).zip(&listed) {
        assert_eq!(json["schema"], "viva.loop/1");
        assert_eq!(json["id"], entry.content.id.as_str());
        assert_eq!(json["number"], number);
        assert_eq!(json["origin"], "built-in");
        assert_eq!(json["hash"], entry.content.hash().as_str());
        // The rest is the loop itself, as other programs read it.
        let again: Loop = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(again.hash(), entry.content.hash());
    }
    let (code, out, _) = outcome(viva(&data).args(["loops", "show", "theory", "--json"]));
    assert_eq!(code, 0);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap(), listed[0]);
}

#[test]
fn show_by_number_reads_like_the_list() {
    let (code, out, _) = outcome(viva(&fresh()).args(["loops", "show", "3"]));
    assert_eq!(code, 0);
    assert_eq!(
        out,
        "\
Coding (coding)

Implement masked softmax for attention.
  id `prompt`, 180 seconds
  You should:
  - clarify mask convention
  - write a stable softmax
  - use the correct axis
  - mention complexity

Follow-ups:

How would you make it causal?
  id `make-causal`, 90 seconds
  You should cover:
  - lower-triangular mask: query i sees keys up to i
  - set the future's scores to minus infinity before the softmax
  - combine it with the padding mask

What bug would produce NaNs here?
  id `nan-bug`, 90 seconds
  You should cover:
  - a row with everything masked: all -inf
  - no maximum subtracted: exp overflows, inf over inf
  - fix: set such rows to zero, or mask with a finite number the type can hold

What shape errors are common?
  id `shape-errors`, 90 seconds
  You should cover:
  - the mask must broadcast to batch, heads, queries, keys
  - keepdim forgotten when the maximum is subtracted or the sum divides
  - keys not transposed, or the wrong two axes swapped
  - equal sizes hide it: a wrong axis runs without an error
"
    );
}

#[test]
fn an_unknown_loop_names_the_nearest() {
    let (code, out, err) = outcome(viva(&fresh()).args(["loops", "show", "debuging"]));
    assert_eq!((code, out.as_str()), (1, ""));
    assert_eq!(
        err,
        "error: there is no loop `debuging`; did you mean `debugging`? `viva loops list` shows all\n"
    );
}

/// A loop file with the id `mine`.
fn good() -> String {
    r#"schema = "viva.loop/1"
id = "mine"
title = "Mine"
prompt = "What is it?"
[[points]]
id = "one"
text = "the one thing"
"#
    .to_owned()
}

#[test]
fn the_users_own_loops_stand_beside_the_built_in_ones() {
    let data = fresh();
    let folder = data.path().join("loops");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("mine.toml"), good()).unwrap();
    fs::write(folder.join("notes.txt"), "not a loop").unwrap();
    fs::write(folder.join("theory.toml"), good().replace("\"mine\"", "\"theory\"")).unwrap();
    fs::write(folder.join("zz-again.toml"), good()).unwrap();

    let (code, out, err) = outcome(viva(&data).args(["loops", "list"]));
    assert_eq!(code, 0);
    assert_eq!(out.lines().next().unwrap().split_whitespace().collect::<Vec<_>>(), ["1", "theory", "Mine"]);
    assert_eq!(out.lines().last().unwrap().split_whitespace().collect::<Vec<_>>(), ["9", "mine", "Mine"]);
    assert!(err.contains("note: `theory` is your own, from `"), "{err}");
    assert!(err.contains("zz-again.toml` is left out: its id `mine` is taken by `"), "{err}");
}

#[test]
fn a_broken_file_stops_only_its_own_loop() {
    let data = fresh();
    let folder = data.path().join("loops");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("a.toml"), good().replace("prompt", "promt")).unwrap();
    fs::write(folder.join("b.toml"), [0xff, 0xfe]).unwrap();
    fs::write(folder.join("c.toml"), good().replace("\"mine\"", "\"fine\"")).unwrap();

    let (code, out, err) = outcome(viva(&data).args(["loops", "list"]));
    assert_eq!((code, out.lines().count()), (0, 9));
    assert_eq!(err.lines().count(), 2);
    assert!(err.contains("a.toml:4: error: unknown key `promt`"), "{err}");
    assert!(err.contains("b.toml:1: error: is not UTF-8 text"), "{err}");

    assert_eq!(outcome(viva(&data).args(["loops", "show", "fine"])).0, 0);
    let (code, _, err) = outcome(viva(&data).args(["loops", "show", "mine"]));
    assert_eq!(code, 1);
    assert!(err.contains("error: the loop `mine` cannot be used:"), "{err}");
    assert!(err.contains("a.toml:4: error: unknown key `promt` in a loop; did you mean `prompt`?"), "{err}");
    // Without a readable id the file's name stands for it.
    assert!(outcome(viva(&data).args(["loops", "show", "b"])).2.contains("is not UTF-8 text"));
}

#[test]
fn a_folder_that_the_user_names_must_be_there() {
    let data = fresh();
    let list = |folder: &Path| outcome(viva(&data).args(["loops", "list", "--loops"]).arg(folder));
    let (code, _, err) = list(Path::new("no-such-folder"));
    assert_eq!(code, 1);
    assert!(err.starts_with("error: there is no folder `no-such-folder`; create it"), "{err}");
    let (code, _, err) = list(Path::new("Cargo.toml"));
    assert_eq!(code, 1);
    assert!(err.starts_with("error: `Cargo.toml` is not a folder"), "{err}");
    assert_eq!(list(data.path()).0, 0);
}

/// `viva loops check` on files that have each one kind of fault, with the words it must be told by.
#[test]
fn check_names_every_fault_with_file_line_and_remedy() {
    let follow_up = |body: &str| format!("{}[[follow_ups]]\n{body}\n", good());
    let point = |body: &str| format!("{}{body}\n", good());
    let example = |body: &str| format!("{}[[examples]]\n{body}\n", good());
    let top = |line: &str| good().replace("[[points]]", &format!("{line}\n[[points]]"));
    let cases: Vec<(String, &str)> = vec![
        // Schema.
        (
            good().replace("schema = \"viva.loop/1\"\n", ""),
            ":1: error: no `schema`; put `schema = \"viva.loop/1\"` first",
        ),
        (good().replace("loop/1", "loop/2"), ":1: error: `viva.loop/2` is from a newer viva; update viva"),
        (good().replace("viva.loop/1", "x"), ":1: error: unknown schema `x`; a loop file says"),
        (good().replace("\"viva.loop/1\"", "1"), ":1: error: `schema` must be `\"viva.loop/1\"`"),
        // Keys.
        (
            top("answer_second = 60"),
            ":5: error: unknown key `answer_second` in a loop; did you mean `answer_seconds`?",
        ),
        (
            point("answer_seconds = 60"),
            ":8: error: unknown key `answer_seconds` in a point; it belongs to a loop: move it there",
        ),
        (
            point("colour = 1"),
            ":8: error: unknown key `colour` in a point; remove it; a point has `id`, `text`",
        ),
        (point("keyword = [\"a\"]"), "did you mean `keywords`?"),
        (
            follow_up("id = \"f\"\nprompt = \"F?\"\nif_mised = [\"one\"]"),
            ":11: error: unknown key `if_mised` in a follow-up; did you mean `if_missed`?",
        ),
        // Missing.
        (good().replace("id = \"mine\"\n", ""), ":1: error: no `id`; give a loop an `id`"),
        (good().replace("title = \"Mine\"\n", ""), ":1: error: no `title`; give a loop a `title`"),
        (good().replace("text = \"the one thing\"\n", ""), ":5: error: no `text`; give a point a `text`"),
        (follow_up("id = \"f\""), ":8: error: no `prompt`; give a follow-up a `prompt`"),
        (
            good().split("[[").next().unwrap().to_owned(),
            ":1: error: no points, so that no answer could be judged; add `[[points]]`",
        ),
        (format!("{}points = []\n", good().split("[[").next().unwrap()), "error: no points"),
        // Types.
        (good().replace("\"Mine\"", "5"), ":3: error: `title` must be text in quotes, not a number"),
        (
            top("answer_seconds = \"60\""),
            ":5: error: `answer_seconds` must be a whole number of seconds, not text",
        ),
        (top("answer_seconds = 60.5"), "not a number with a point"),
        (
            point("keywords = \"a\""),
            ":8: error: `keywords` must be a list, not text; put square brackets round it",
        ),
        (
            point("keywords = [\"a\", 2]"),
            ":8: error: an entry of `keywords` must be text in quotes, not a number",
        ),
        (
            good().replace("[[points]]", "[points]"),
            ":5: error: `points` must be a list; head each of its entries with `[[points]]`",
        ),
        (
            format!("{}points = [\"a\"]\n", good().split("[[").next().unwrap()),
            ":5: error: a point must be a table, not text; write `[[points]]` and below it `id` and `text`",
        ),
        (
            top("examples = {}"),
            ":5: error: `examples` must be a list; head each of its entries with `[[examples]]`",
        ),
        // Empty.
        (good().replace("What is it?", "  "), ":4: error: `prompt` is empty; write something or remove it"),
        (point("keywords = [\"\"]"), ":8: error: an entry of `keywords` is empty"),
        (good().replace("Mine\"", "\\u001b[2J\""), ":3: error: `title` contains a control character"),
        // Ways.
        (
            point("keywords = [\"a\",\n\"b + + c\"]"),
            ":9: error: `b + + c` has nothing on one side of a `+` or `|`",
        ),
        (point("keywords = [\"a||b\"]"), "has nothing on one side of a `+` or `|`"),
        (point("keywords = [\"+ a\"]"), "has nothing on one side"),
        (point("keywords = [\"a + ?\"]"), "`?` in `a + ?` has no letter or digit"),
        (point("heard_as = [\"a + \"]"), ":8: error: `a +` has nothing on one side of a `+` or `|`"),
        // Ids.
        (
            good().replace("\"mine\"", "\"My Loop\""),
            ":2: error: `My Loop` cannot be an id; use lower-case letters and digits, joined by hyphens, at least one letter, at most 64 characters, such as `my-loop`",
        ),
        (good().replace("\"mine\"", "\"12\""), ":2: error: `12` cannot be an id"),
        (good().replace("\"mine\"", "\"-x\""), ":2: error: `-x` cannot be an id"),
        (
            point("[[points]]\nid = \"one\"\ntext = \"b\""),
            ":9: error: the id `one` is taken by another one above; give a point its own",
        ),
        (
            follow_up("id = \"prompt\"\nprompt = \"F?\""),
            ":9: error: `prompt` is what the main question goes by; give the follow-up another id",
        ),
        (
            follow_up("id = \"f\"\nprompt = \"F?\"\n[[follow_ups]]\nid = \"f\"\nprompt = \"G?\""),
            ":12: error: the id `f` is taken by another one above; give a follow-up its own",
        ),
        (
            follow_up("id = \"f\"\nprompt = \"F?\"\nif_missed = [\"on\"]"),
            ":11: error: `if_missed` names `on`, which is no point of the main question; did you mean `one`?",
        ),
        (
            follow_up("id = \"f\"\nprompt = \"F?\"\nif_made = [\"zzz\"]"),
            "`if_made` names `zzz`, which is no point of the main question; name the `id` of one of them",
        ),
        // Examples.
        (example("covered = []"), ":8: error: no `answer`; give an example an `answer`"),
        (
            example("answer = \"It.\""),
            ":8: error: no `covered`; list the ids of the points that the answer makes, `[]` if it makes none",
        ),
        (example("answer = \" \"\ncovered = []"), ":9: error: `answer` is empty"),
        (example("answer = 1\ncovered = []"), ":9: error: `answer` must be text in quotes, not a number"),
        (
            example("answer = \"It.\"\ncoverd = []"),
            ":10: error: unknown key `coverd` in an example; did you mean `covered`?",
        ),
        (
            example("answer = \"It.\"\ncovered = []\ntext = \"It.\""),
            ":11: error: unknown key `text` in an example; it belongs to a point: move it there",
        ),
        (
            example("answer = \"It.\"\ncovered = [\"once\"]"),
            ":10: error: `covered` names `once`, which is no point of this question; did you mean `one`?",
        ),
        (
            example("answer = \"It.\"\ncovered = []\neither = [\"zzz\"]"),
            ":11: error: `either` names `zzz`, which is no point of this question; name the `id` of one of them",
        ),
        (
            example("answer = \"It.\"\ncovered = [\"one\"]\neither = [\"one\"]"),
            ":11: error: `one` is in `covered` and in `either`; remove it from one of the two",
        ),
        (example("answer = \"It.\"\ncovered = \"one\""), ":10: error: `covered` must be a list, not text"),
        (
            follow_up(
                "id = \"f\"\nprompt = \"F?\"\n[[follow_ups.examples]]\nanswer = \"F.\"\ncovered = [\"one\"]",
            ),
            ":13: error: `covered` names `one`, which is no point of this question",
        ),
        // Sizes.
        (
            point("[[points]]\nid = \"two\"\ntext = \"The one thing\""),
            ":8: error: `The one thing` stands twice in this checklist; remove one of the two",
        ),
        (
            good().replace("the one thing", &"word ".repeat(81)),
            ":5: error: the point `word word word word word word word word ...` has 404 characters, more than the \
             400 that one can have; make several points of it",
        ),
        (
            point(&format!("keywords = [\"{}\"]", "word|".repeat(200) + "word")),
            ":8: error: this way has 1004 characters, more than the 1000 that one can have",
        ),
        (
            point(&format!(
                "keywords = [{}]",
                (0..=100).map(|way| format!("\"way{way}\", ")).collect::<String>()
            )),
            ":8: error: `keywords` has 101 ways, more than the 100 that one point can have; join those that are alike",
        ),
        (
            point("keywords = [\"a + b + c + d + e + f + g + h + i\"]"),
            ":8: error: `a + b + c + d + e + f + g + h + i` has 9 parts, more than the 8",
        ),
        // Times.
        (top("answer_seconds = 4"), ":5: error: `answer_seconds` is 4; choose between 5 and 3600 seconds"),
        (top("answer_seconds = 3601"), "`answer_seconds` is 3601; choose"),
        (top("answer_seconds = -1"), "`answer_seconds` is -1; choose"),
        (top("answer_seconds = 99999999999999999999"), "`answer_seconds` is 99999999999999999999; choose"),
        // What the question gives away.
        (
            good()
                .replace("What is it?", "Explain gradient clipping.")
                .replace("the one thing", "gradient clipping"),
            ":5: error: repeating the question alone would tick the point `one`; give it `keywords` that the \
             question does not contain",
        ),
        // Syntax.
        (good().replace("\"Mine\"", "Mine"), ":3:9: error: this is not TOML: "),
        (good().replace("\"What is it?\"", "\"What"), ":4:"),
        (top("title = \"again\""), ":5:1: error: this is not TOML: duplicate key"),
        ("{\"schema\": 1}".to_owned(), ":1:1: error: this is not TOML: "),
    ];
    let data = fresh();
    let file = data.path().join("bad.toml");
    for (source, expected) in cases {
        fs::write(&file, &source).unwrap();
        let (code, out, err) = outcome(viva(&data).args(["loops", "check"]).arg(&file));
        let errors: Vec<&str> = out.lines().filter(|line| line.contains("error: ")).collect();
        assert_eq!(code, 1, "{source}\n{out}");
        assert!(err.starts_with("1 loop file checked: 1 error"), "{err}");
        assert!(errors.iter().all(|line| line.starts_with(file.to_str().unwrap())), "{out}");
        assert!(errors.iter().any(|line| line.contains(expected)), "{expected}\n{source}\n{out}");
        // One mistake is told once.
        assert_eq!(errors.len(), 1, "{source}\n{out}");
    }
}

#[test]
fn check_reports_all_faults_of_all_files_in_order() {
    let data = fresh();
    let (one, two) = (data.path().join("one.toml"), data.path().join("two.toml"));
    fs::write(&one, "id = \"A\"\nschema = \"viva.loop/1\"\nprompt = \"\"\n[[points]]\ntext = 1\n").unwrap();
    fs::write(&two, good().replace("[[points]]", "answer_seconds = 6\n[[points]]")).unwrap();
    let (code, out, _) = outcome(viva(&data).args(["loops", "check"]).args([&one, &two]));
    assert_eq!(code, 1);
    let folder = format!("{}/", data.path().display());
    assert_eq!(
        out.replace(&folder, ""),
        "\
one.toml:1: error: `A` cannot be an id; use lower-case letters and digits, joined by hyphens, at least one letter, \
         at most 64 characters, such as `a`
one.toml:1: error: no `title`; give a loop a `title`
one.toml:3: error: `prompt` is empty; write something or remove it
one.toml:4: error: no `id`; give a point an `id`
one.toml:5: error: `text` must be text in quotes, not a number
two.toml:5: warning: 6 seconds are over before most answers have begun; 60 to 180 are usual
"
    );
}

#[test]
fn check_warns_where_practice_would_suffer() {
    let data = fresh();
    let file = data.path().join("loop.toml");
    let source = good()
        + "keywords = [\"a+ b\", \"c++\", \"c++\"]\n[[follow_ups]]\nid = \"f\"\nprompt = \"What is it?\"\nanswer_seconds = 10\n";
    fs::write(&file, source).unwrap();
    let (code, out, _) = outcome(viva(&data).args(["loops", "check"]).arg(&file));
    assert_eq!(code, 0);
    assert_eq!(
        out.replace(file.to_str().unwrap(), "loop.toml"),
        "\
loop.toml:8: warning: `a+` counts as a word; to join parts put a space on both sides of `+`
loop.toml:8: warning: `c++` stands twice; remove one of the two
loop.toml:9: warning: a follow-up without points is asked, recorded and kept, but not judged; add \
         `[[follow_ups.points]]` below it to have it judged
loop.toml:9: warning: this loop asks the same question twice; remove one of the two
loop.toml:12: warning: 10 seconds are over before most answers have begun; 60 to 180 are usual
"
    );
}

#[test]
fn check_takes_folders_and_standard_input() {
    let data = fresh();
    let check = |arguments: &[&str], stdin: &str| {
        outcome(viva(&data).args(["loops", "check"]).args(arguments).write_stdin(stdin.to_owned()))
    };
    assert_eq!(check(&["-"], &good()), (0, String::new(), "1 loop file checked: no faults\n".to_owned()));
    let (code, out, _) = check(&["-"], "id =");
    assert_eq!(code, 1);
    assert!(out.starts_with("-:1:"), "{out}");
    let (code, out, _) = check(&["src"], "");
    assert_eq!(
        (code, out.as_str()),
        (1, "src: error: has no `*.toml` files; name the loop files themselves\n")
    );
    let (code, out, _) = check(&["no-such.toml", "loops"], "");
    assert_eq!(code, 1);
    assert!(out.starts_with("no-such.toml: error: there is no such file; check the path\n"), "{out}");
}

#[test]
fn every_loop_in_a_folder_needs_its_own_id() {
    let data = fresh();
    let paths: Vec<PathBuf> = ["a.toml", "b.toml"].iter().map(|name| data.path().join(name)).collect();
    for path in &paths {
        fs::write(path, good()).unwrap();
    }
    let (code, out, _) = outcome(viva(&data).args(["loops", "check"]).arg(data.path()));
    assert_eq!(code, 1);
    assert!(out.contains("b.toml:2: error: the id `mine` is taken by `"), "{out}");
}

#[test]
fn the_examples_of_the_documentation_are_without_fault() {
    let documentation = include_str!("../docs/loop-file.md");
    let block = |start: &str| {
        let from = documentation.find(start).unwrap() + start.find('\n').unwrap() + 1;
        documentation[from..].split("```").next().unwrap().to_owned()
    };
    let data = fresh();
    let check = viva(&data).args(["loops", "check", "-"]).write_stdin(block("```toml\n")).output().unwrap();
    assert!(check.status.success() && check.stdout.is_empty(), "{check:?}");
    let import =
        viva(&data).args(["loops", "import", "-"]).write_stdin(block("```\nLoop 1: ")).output().unwrap();
    assert!(import.status.success() && import.stderr.is_empty(), "{import:?}");
}
