//! What the user does, as the practice runner wants it. One thread owns the keyboard: an asynchronous
//! read of standard input would keep the program alive until Enter and swallow the next line.

use std::io::{self, BufRead as _, Read as _};
use std::thread;

use crossterm::event::{self, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::terminal;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::practice::runner::{Input, Writing};
use crate::practice::session::Event;

/// What single keys do, in words.
pub const KEYS: &str = "Enter ends an answer, p pauses clock and recording, r starts the answer again, s skips the question, q leaves; everything is kept.";

/// What lines do while answers are spoken, in words.
pub const LETTERS: &str = "Press Enter to end an answer; p and Enter pauses clock and recording, r starts the answer again, s skips the question, q leaves; everything is kept.";

/// What lines do while answers are typed, in words.
pub const TYPING: &str = "Write your answers; a line with a single \".\" ends one, and an empty one counts as not answered. Ctrl-C leaves; the lines you have entered are kept.";

/// How standard input is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Single keys from a terminal in raw mode.
    Keys,
    /// A letter and Enter.
    Letters,
    /// Lines of typed answers.
    Lines,
}

/// Keeps the terminal in raw mode: keys come one by one and are not shown. Gives it back when dropped.
#[derive(Debug)]
pub struct RawMode(());

impl RawMode {
    /// Begins raw mode.
    ///
    /// # Errors
    /// Standard input is no terminal that can do this.
    pub fn begin() -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        Ok(Self(()))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        _ = terminal::disable_raw_mode();
    }
}

/// Begins to read standard input, unless `mode` is `None`; input can also be sent from elsewhere
/// (signals) through the sender.
pub fn read(mode: Option<Mode>) -> (UnboundedSender<Input>, UnboundedReceiver<Input>) {
    let (sender, receiver) = unbounded_channel();
    if let Some(mode) = mode {
        let inputs = sender.clone();
        thread::spawn(move || {
            match mode {
                Mode::Keys => read_keys(&inputs),
                Mode::Letters => read_lines(&inputs, |line| letter(&line)),
                Mode::Lines => read_lines(&inputs, Input::Line),
            }
            _ = inputs.send(Input::Ended);
        });
    }
    (sender, receiver)
}

fn read_keys(inputs: &UnboundedSender<Input>) {
    while let Ok(event) = event::read() {
        let Some(input) = event.as_key_press_event().and_then(key) else { continue };
        if inputs.send(input).is_err() {
            return;
        }
    }
}

fn key(key: KeyEvent) -> Option<Input> {
    if key.kind != KeyEventKind::Press {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return matches!(key.code, KeyCode::Char('c' | 'd')).then_some(Input::Event(Event::Interrupt));
    }
    Some(match key.code {
        KeyCode::Enter => Input::Key(Some(Event::Enter), Writing::End),
        KeyCode::Char(letter) => Input::Key(event_of(letter), Writing::Character(letter)),
        KeyCode::Backspace => Input::Key(None, Writing::Back),
        KeyCode::Esc => Input::Key(None, Writing::GiveUp),
        _ => return None,
    })
}

fn event_of(letter: char) -> Option<Event> {
    match letter.to_ascii_lowercase() {
        'p' => Some(Event::Pause),
        'r' => Some(Event::Retake),
        's' => Some(Event::Skip),
        'o' => Some(Event::Overrule),
        'q' => Some(Event::Quit),
        _ => None,
    }
}

fn letter(line: &str) -> Input {
    let mut letters = line.trim().chars();
    let event = match (letters.next(), letters.next()) {
        (None, _) => Some(Event::Enter),
        (Some(letter), None) => event_of(letter),
        _ => None,
    };
    Input::Letter(event.ok_or_else(|| LETTERS.to_owned()), line.to_owned())
}

/// Nobody types so much: a longer line is taken as several, in bytes.
const LONGEST_LINE: u64 = 1 << 20;
/// Whatever sends more than this is not somebody who answers, in bytes.
const LONGEST_INPUT: usize = 1 << 24;

fn read_lines(inputs: &UnboundedSender<Input>, input: impl Fn(String) -> Input) {
    let mut stdin = io::stdin().lock();
    let mut total = 0;
    loop {
        let mut line = Vec::new();
        match (&mut stdin).take(LONGEST_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(count) => total += count,
        }
        if total > LONGEST_INPUT {
            let remark = "The input is longer than 16 MB: the rest of it is not read.";
            _ = inputs.send(Input::Remark(remark.to_owned()));
            return;
        }
        let line = String::from_utf8_lossy(&line);
        if inputs.send(input(line.trim_end_matches(['\r', '\n']).to_owned())).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_mean_the_same_in_either_case_and_with_spaces() {
        for (line, event) in
            [("", Event::Enter), (" P ", Event::Pause), ("q", Event::Quit), ("o", Event::Overrule)]
        {
            assert_eq!(letter(line), Input::Letter(Ok(event), line.to_owned()));
        }
    }

    #[test]
    fn anything_else_is_answered_with_what_there_is() {
        for line in ["pause", "x"] {
            assert_eq!(letter(line), Input::Letter(Err(LETTERS.to_owned()), line.to_owned()));
        }
    }
}
