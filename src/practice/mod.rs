//! One sitting: a pure state machine and the runner that carries its effects out.

mod capture;
pub mod feedback;
mod keeper;
pub mod runner;
mod scribe;
pub mod session;
mod voice;

pub use capture::OpenSource;
pub use scribe::{OpenTranscriber, Scribe};

#[cfg(test)]
mod tests;
