//! A spoken mock technical interview on the user's own machine.
//!
//! The modules in the order data flows; `ARCHITECTURE.md` has the picture.

// The question library: loop files, their types, reading, checking, importing.
pub mod loops;

// Sound in and out: microphone and file sources, the recorder, resampling, playback.
pub mod audio;

// What was said, as words with times and probabilities.
pub mod transcript;

// From samples to a transcript: voice activity, the worker process, whisper.
pub mod recognise;

// Which points of a checklist an answer made, and the words that show it.
pub mod coverage;

// How near two sentences are in meaning, by a small network.
pub mod meaning;

// The user's own wordings, which count for their points.
pub mod learned;

// The judgement of one answer as it is kept and printed.
pub mod assessment;

// How well the judgement agrees with people.
pub mod evaluation;

// One sitting: a pure state machine and the runner that carries its effects out.
pub mod practice;

// The voice that reads questions aloud.
pub mod speak;

// Models: catalogue, fetching, conversion, import.
pub mod models;

// What is kept: SQLite beside the recordings, and recovery after a crash.
pub mod journal;

// Reading kept sessions back.
pub mod review;

// Plain lines for people: renders what the session says, sends what they type.
pub mod ui;

// The command line: one file a command.
pub mod cli;
