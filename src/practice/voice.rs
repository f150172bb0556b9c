//! The voice, rendering in a thread of its own: the session goes on meanwhile.

use std::mem;
use std::thread::{self, JoinHandle};

use crate::speak::{SpeakError, Speaker, Utterance};

/// A voice that can be asked now and then whether it has ended.
pub struct Voice {
    /// Away while a thread renders with it; gone for good after it has failed.
    speaker: Option<Box<dyn Speaker>>,
    state: State,
}

type Rendered = (Box<dyn Speaker>, Result<Box<dyn Utterance>, SpeakError>);

enum State {
    Silent,
    Rendering {
        thread: JoinHandle<Rendered>,
        hushed: bool,
        /// What is to be said instead, once the thread gives the speaker back.
        then: Option<String>,
    },
    Speaking(Box<dyn Utterance>),
}

impl Voice {
    /// A voice; without a speaker it is always silent.
    pub fn new(speaker: Option<Box<dyn Speaker>>) -> Self {
        Self { speaker, state: State::Silent }
    }

    /// Starts to say something, in place of anything that is being said.
    pub fn say(&mut self, text: String) {
        match &mut self.state {
            State::Rendering { then, hushed, .. } => {
                *hushed = true;
                *then = Some(text);
                return;
            }
            State::Speaking(utterance) => utterance.stop(),
            State::Silent => {}
        }
        self.state = match self.speaker.take() {
            None => State::Silent,
            Some(mut speaker) => State::Rendering {
                thread: thread::spawn(move || {
                    let rendered = speaker.say(&text);
                    (speaker, rendered)
                }),
                hushed: false,
                then: None,
            },
        };
    }

    /// Falls silent at once; [`poll`](Self::poll) still reports the end.
    pub fn hush(&mut self) {
        match &mut self.state {
            State::Rendering { hushed, then, .. } => {
                *hushed = true;
                *then = None;
            }
            State::Speaking(utterance) => utterance.stop(),
            State::Silent => {}
        }
    }

    /// Whether nothing is being said or about to be.
    pub fn is_silent(&self) -> bool {
        matches!(self.state, State::Silent)
    }

    /// Whether what was to be said has just ended, or why it could not be said (told once: the voice
    /// stays silent afterwards).
    pub fn poll(&mut self) -> Option<Result<(), String>> {
        match mem::replace(&mut self.state, State::Silent) {
            State::Silent => None,
            State::Speaking(utterance) if utterance.is_done() => Some(Ok(())),
            State::Rendering { thread, hushed, then } if thread.is_finished() => {
                let Ok((speaker, rendered)) = thread.join() else {
                    return Some(Err("the voice has failed; the questions are shown as text".to_owned()));
                };
                match rendered {
                    Err(error) => return Some(Err(error.to_string())),
                    Ok(mut utterance) => {
                        self.speaker = Some(speaker);
                        if hushed {
                            utterance.stop();
                        }
                        self.state = State::Speaking(utterance);
                    }
                }
                if let Some(text) = then {
                    self.say(text);
                }
                None
            }
            unchanged => {
                self.state = unchanged;
                None
            }
        }
    }
}
