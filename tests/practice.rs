//! Practising a loop with the real program: typed, from recordings, cut off, gone on with.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use vivavoce::journal::{InputKind, Journal, SessionState};
use vivavoce::loops::{Library, MAIN_QUESTION};

fn viva(data: &Path) -> Command {
    let mut command = common::viva();
    command.arg("--data-dir").arg(data).arg("--models-dir").arg(common::models_dir());
    command
}

fn recording(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/answers").join(name)
}

/// Runs a command with something on its standard input.
fn with_input(command: &mut Command, input: &[u8]) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The program may have ended before it has read everything.
    _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The last session as `viva review last --json` tells it.
fn last_session(data: &Path) -> Value {
    let output = viva(data).args(["review", "last", "--json", "--no-transcribe"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_typed_loop_shows_what_was_missed_before_the_follow_ups() {
    let data = tempfile::tempdir().unwrap();
    let answers = "The label is a Bernoulli variable, so the likelihood is p to the y.\n\
                   The sigmoid output is the probability of class one.\n.\n\
                   The derivative of the log loss times the derivative of the sigmoid.\n.\n.\n";
    let output =
        with_input(viva(data.path()).args(["practice", "theory", "--typed", "--plain"]), answers.as_bytes());
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{shown}{}", text(&output.stderr));
    let find = |what: &str| shown.find(what).unwrap_or_else(|| panic!("no `{what}` in\n{shown}"));
    assert!(find("Use a timer. Do not look things up while answering.") < find("Question: Explain why"));
    assert!(find("Question: Explain why") < find("Missed:"));
    assert!(find("- MLE leading to cross-entropy") < find("Follow-up 1 of 3"));
    assert!(find("Follow-up 3 of 3") < find("Feedback on Theory + Follow-Ups"));
    assert!(shown[find("Follow-up 2 of 3")..].contains("Skipped: counted as not answered."));

    assert!(shown[find("Look at again:")..].contains("\n    - MLE leading to cross-entropy\n"), "{shown}");

    // Everywhere the same figures.
    let session = last_session(data.path());
    assert_eq!(session["state"], "finished");
    let (covered, total) = (&session["coverage"]["covered"], &session["coverage"]["total"]);
    let came_to = format!("{covered} of {total} points covered (2 questions not answered)");
    assert!(shown.contains(&format!("Feedback on Theory + Follow-Ups: {came_to}\n")), "{came_to}:\n{shown}");
    let reviewed =
        |arguments: &[&str]| text(&viva(data.path()).arg("review").args(arguments).output().unwrap().stdout);
    assert!(reviewed(&["last"]).contains(&came_to));
    assert!(reviewed(&[]).contains(&format!("{covered}/{total} covered")));
}

#[test]
fn a_loop_by_number_is_the_loop_by_its_id_and_an_unknown_one_names_the_nearest() {
    let data = tempfile::tempdir().unwrap();
    let output = with_input(viva(data.path()).args(["practice", "6", "--typed"]), b"");
    assert!(text(&output.stdout).contains("Large-Scale Systems"));
    let output = with_input(viva(data.path()).args(["practice", "systms", "--typed"]), b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("`systems`"), "{}", text(&output.stderr));
}

#[test]
fn what_cannot_be_practised_is_told_before_anything_is_opened() {
    common::model();
    let data = tempfile::tempdir().unwrap();
    let said = |arguments: &[&str]| {
        let mut command = viva(data.path());
        // No microphone can be found from here: nothing is said of that.
        command.env("PULSE_SERVER", "unix:/nonexistent").env("ALSA_CONFIG_PATH", "/dev/null");
        let output = with_input(command.arg("practice").args(arguments), b"");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        text(&output.stderr)
    };
    assert!(said(&["all"]).contains("`viva practice --all`"));
    assert!(said(&["theory", "--model", "foo"]).contains("no recognition model `foo`"));
    assert!(
        said(&["theory", "--model", "base"]).contains("`viva models fetch base`, or answer with `--typed`")
    );
    assert!(said(&["--resume"]).contains("begin one with `viva practice`"));
}

#[test]
fn without_a_loop_or_a_terminal_it_says_what_to_name() {
    let data = tempfile::tempdir().unwrap();
    let output = with_input(viva(data.path()).args(["practice", "--typed"]), b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("viva practice theory"), "{}", text(&output.stderr));
}

#[test]
fn with_neither_microphone_nor_terminal_it_says_what_to_do() {
    common::model();
    let data = tempfile::tempdir().unwrap();
    let mut command = viva(data.path());
    // No sound server and no sound card can be found from here.
    command.env("XDG_RUNTIME_DIR", data.path()).env("PULSE_SERVER", "unix:/nonexistent");
    command.env("ALSA_CONFIG_PATH", "/dev/null");
    let output = with_input(command.args(["practice", "theory"]), b"");
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("--typed") && said.contains("--input"), "{said}");
    assert_eq!(text(&output.stdout), "");
}

#[test]
fn without_a_model_it_says_how_to_get_one() {
    let data = tempfile::tempdir().unwrap();
    let output = common::viva()
        .arg("--data-dir")
        .arg(data.path())
        .args(["practice", "theory", "--input"])
        .arg(recording("partial.wav"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("`viva models fetch tiny.en`"), "{}", text(&output.stderr));
}

#[test]
fn recordings_that_cannot_be_used_are_told_before_the_first_question() {
    common::model();
    let data = tempfile::tempdir().unwrap();
    let good = recording("partial.wav");
    let good = good.to_str().unwrap();
    let cases: &[(&[&str], i32, &str)] = &[
        (&["--input", "nothing.wav"], 1, "nothing.wav"),
        (&["--input", "."], 1, "folder"),
        (&["--input", "promt=x.wav"], 2, "did you mean `prompt`?"),
        (
            &["--input", good, "--input", good, "--input", good, "--input", good, "--input", good],
            2,
            "more recordings",
        ),
        (&["--input", good, "--typed"], 2, "cannot be used with"),
        (&["--paced"], 2, "--input"),
    ];
    for (arguments, code, said) in cases {
        let output = viva(data.path()).args(["practice", "theory"]).args(*arguments).output().unwrap();
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(*code), "{arguments:?}: {stderr}");
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
    }
}

#[test]
fn four_recordings_make_a_whole_session_and_their_verdicts_are_these() {
    common::model();
    let data = tempfile::tempdir().unwrap();
    let named = format!("prompt={}", recording("good.wav").display());
    let output = viva(data.path())
        .args(["practice", "theory", "--plain", "--input", &named])
        .args(
            ["partial.wav", "off-topic.wav", "partial.wav"]
                .iter()
                .flat_map(|name| ["--input".to_owned(), recording(name).display().to_string()]),
        )
        .output()
        .unwrap();
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{shown}{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    assert!(shown.find("You should connect: ").unwrap() < shown.find("Follow-up 1 of 3").unwrap());
    let session = last_session(data.path());
    assert_eq!(session["loops"][0]["questions"].as_array().unwrap().len(), 4);
    for question in session["loops"][0]["questions"].as_array().unwrap() {
        assert_eq!(question["state"], "assessed");
        let take = &question["takes"][0];
        assert!(take["seconds"].as_f64().unwrap() > 10.0);
        assert!(Path::new(take["recording"].as_str().unwrap()).is_file());
    }
}

#[test]
fn a_good_a_partial_and_an_off_topic_answer_are_told_apart() {
    common::model();
    let all = ["bernoulli-likelihood", "sigmoid-probability", "mle-gives-cross-entropy", "better-gradients"];
    for (name, made) in [("good.wav", &[0, 1, 2, 3][..]), ("partial.wav", &[0, 2, 3]), ("off-topic.wav", &[])]
    {
        let data = tempfile::tempdir().unwrap();
        let output = viva(data.path())
            .args(["practice", "theory", "--plain", "--input"])
            .arg(recording(name))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        let session = last_session(data.path());
        let points =
            &session["loops"][0]["questions"][0]["takes"][0]["assessments"][0]["assessment"]["points"];
        let verdicts: Vec<(&str, &str)> = points
            .as_array()
            .unwrap()
            .iter()
            .map(|point| (point["id"].as_str().unwrap(), point["verdict"].as_str().unwrap()))
            .collect();
        let expected: Vec<(&str, &str)> = all
            .iter()
            .enumerate()
            .map(|(index, id)| (*id, if made.contains(&index) { "covered" } else { "missed" }))
            .collect();
        assert_eq!(verdicts, expected, "{name}");
        // Every tick shows the words it rests on, and they were really said.
        let heard = text(&output.stdout);
        for point in points.as_array().unwrap().iter().filter(|point| point["verdict"] == "covered") {
            assert!(heard.contains(point["evidence"][0]["quote"].as_str().unwrap()), "{point}");
        }
    }
}

#[test]
fn a_session_left_by_ctrl_c_goes_on_at_the_next_question() {
    let data = tempfile::tempdir().unwrap();
    let mut child = viva(data.path())
        .args(["practice", "theory", "--typed", "--plain"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"The likelihood is Bernoulli.\n.\nhalf an answer\n").unwrap();
    let mut shown = String::new();
    let mut stdout = std::io::BufReader::new(child.stdout.take().unwrap());
    while !shown.contains("Follow-up 1") {
        assert_ne!(std::io::BufRead::read_line(&mut stdout, &mut shown).unwrap(), 0, "{shown}");
    }
    // The line is in the journal the moment it is typed.
    let kept = |data: &Path| last_session(data)["loops"][0]["questions"][1]["takes"][0]["text"].clone();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while kept(data.path()) != "half an answer\n" {
        assert!(std::time::Instant::now() < deadline, "{}", kept(data.path()));
    }
    let interrupt = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(interrupt, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    // `viva review` would judge the answer.
    let journal = Journal::open(data.path()).unwrap();
    assert_eq!(journal.sessions().unwrap()[0].state, SessionState::Interrupted);

    let output = with_input(viva(data.path()).args(["practice", "--resume"]), b"p minus y\n.\n");
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{shown}{}", text(&output.stderr));
    assert!(shown.contains("the lines you have entered are kept"), "typed before, typed again: {shown}");
    assert_eq!(
        text(&output.stderr),
        "note: your answer to \"Derive the gradient with respect to the logits.\" was cut off or not judged; \
         it is kept and counts as your answer\n"
    );
    assert!(!shown.contains("Question: Explain why"), "{shown}");
    assert!(shown.contains("Follow-up 2 of 3"), "{shown}");
    assert_eq!(last_session(data.path())["state"], "finished");
}

/// A session on `theory` that was left in the middle of the spoken answer to its first question.
fn cut_off(data: &Path, input: InputKind) -> String {
    let loops = Library::built_in().unwrap();
    let journal = Journal::open(data).unwrap();
    let session = journal
        .begin_session(&[loops.get("theory").unwrap().content.clone()], input, Some("tiny.en"))
        .unwrap();
    let take = session.begin_take(session.ask(0, MAIN_QUESTION).unwrap()).unwrap();
    std::fs::copy(recording("partial.wav"), take.path).unwrap();
    session.id().to_owned()
}

#[test]
fn an_answer_that_was_cut_off_is_judged_when_the_session_goes_on() {
    common::model();
    let data = tempfile::tempdir().unwrap();
    cut_off(data.path(), InputKind::Microphone);
    let partial = recording("partial.wav");
    let output = viva(data.path()).args(["practice", "--resume", "--input"]).arg(&partial).output().unwrap();
    let (shown, told) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{shown}{told}");
    assert!(told.contains("your answer to \"Explain why logistic regression uses cross-entropy"), "{told}");
    assert!(!shown.contains("Question: Explain why") && shown.contains("Follow-up 1 of 3"), "{shown}");
    let feedback = &shown[shown.find("Feedback on").unwrap()..];
    assert!(feedback.contains("1. Explain why") && feedback.contains("3 of 4 covered"), "{feedback}");
}

#[test]
fn a_session_from_recordings_needs_more_of_them_to_go_on() {
    let data = tempfile::tempdir().unwrap();
    let id = cut_off(data.path(), InputKind::Files);
    let output = viva(data.path()).args(["practice", "--resume"]).output().unwrap();
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains(&id) && told.contains("`--input FILE`"), "{told}");
    let output = with_input(viva(data.path()).args(["practice", "--resume", "--typed"]), b"p minus y\n.\n");
    assert!(output.status.success(), "what is said in so many words is done: {}", text(&output.stderr));
}

/// The program in a terminal of its own.
struct Terminal {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    keys: Box<dyn std::io::Write + Send>,
    screen: std::sync::mpsc::Receiver<Vec<u8>>,
    shown: String,
    /// Closed last: it hangs up.
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

impl Terminal {
    fn start(command: &Command) -> Self {
        let pty = portable_pty::native_pty_system();
        let pair = pty.openpty(portable_pty::PtySize { rows: 24, cols: 80, ..Default::default() }).unwrap();
        let mut inside = portable_pty::CommandBuilder::new(command.get_program());
        inside.args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            }
        }
        let child = pair.slave.spawn_command(inside).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, screen) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut block = [0; 1024];
            while let Ok(count @ 1..) = std::io::Read::read(&mut reader, &mut block) {
                _ = sender.send(block[..count].to_vec());
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self { child, keys, screen, shown: String::new(), _master: pair.master }
    }

    /// Waits until something has been shown so many times.
    fn wait_for(&mut self, what: &str, count: usize) {
        while self.shown.matches(what).count() < count {
            let Ok(block) = self.screen.recv_timeout(std::time::Duration::from_secs(60)) else {
                _ = self.child.kill();
                panic!("`{what}` is not shown:\n{}", self.shown)
            };
            self.shown.push_str(&String::from_utf8_lossy(&block));
        }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn in_a_terminal_without_a_loudspeaker_that_is_told_once_and_before_the_first_question() {
    let data = tempfile::tempdir().unwrap();
    let mut command = viva(data.path());
    command.env("XDG_RUNTIME_DIR", data.path()).env("PULSE_SERVER", "unix:/nonexistent");
    command.env("ALSA_CONFIG_PATH", "/dev/null").args(["practice", "theory", "--typed"]);
    let mut terminal = Terminal::start(&command);
    terminal.wait_for("Enter begins; Ctrl-C leaves.", 1);
    assert_eq!(terminal.shown.matches("warning: no loudspeaker").count(), 1, "{}", terminal.shown);
    terminal.press("\n");
    terminal.wait_for("Go: ", 1);
    terminal.press("The likelihood is Bernoulli.\n.\n");
    terminal.wait_for("Enter asks the follow-up, \"o\" overrules a verdict; Ctrl-C leaves.", 1);
    terminal.press("\n");
    terminal.wait_for("Go: ", 2);
    terminal.press("half a line\u{3}");
    terminal.wait_for("`viva practice --resume` goes on with it.", 1);
    assert_eq!(terminal.child.wait().unwrap().exit_code(), 130);
    assert_eq!(terminal.shown.matches("warning: ").count(), 1, "{}", terminal.shown);
    assert_eq!(last_session(data.path())["state"], "interrupted");
}

#[test]
#[cfg(target_os = "linux")]
fn in_a_terminal_a_verdict_is_overruled_before_the_next_question() {
    let data = tempfile::tempdir().unwrap();
    let mut command = viva(data.path());
    command.args(["practice", "theory", "--typed", "--no-speak"]);
    let mut terminal = Terminal::start(&command);
    terminal.wait_for("Enter begins; Ctrl-C leaves.", 1);
    terminal.press("\n");
    terminal.wait_for("Go: ", 1);
    terminal.press("Each class is a wager with two sides.\n.\n");
    terminal.wait_for("\"o\" overrules a verdict; Ctrl-C leaves.", 1);
    terminal.press("o\n");
    terminal.wait_for("[1] missed   Bernoulli likelihood", 1);
    terminal.press("1\n");
    terminal.wait_for("Bernoulli likelihood: covered (you; viva said missed). o and 1 turn it back.", 1);
    terminal.press("a wager with two sides\n");
    terminal.wait_for("Learned: \"a wager with two sides\"", 1);
    terminal.wait_for("\"o\" overrules a verdict; Ctrl-C leaves.", 2);
    terminal.press("\u{3}");
    assert_eq!(terminal.child.wait().unwrap().exit_code(), 130);
    let session = last_session(data.path());
    assert_eq!(session["coverage"]["covered"], 1);
    assert_eq!(
        session["loops"][0]["questions"][0]["takes"][0]["judgement"]["points"][0]["viva_said"],
        "missed"
    );
    assert!(data.path().join("learned.toml").exists());
}
