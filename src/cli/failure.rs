//! How a command fails: one readable line on stderr that ends with what to do next, and an exit
//! code.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use crate::ui::page::printable;

/// Wrong usage.
pub const USAGE: u8 = 2;
/// A fault of ours, panics included.
pub const FAULT: u8 = 70;
/// Something the user can mend.
pub const MENDABLE: u8 = 1;
/// Interrupted by Ctrl-C.
pub const INTERRUPTED: u8 = 130;

/// Why a command did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// Something the user can mend; the message says how. Exit code 1.
    Mendable(String),
    /// Wrong usage; the message says what was expected. Exit code 2.
    Usage(String),
    /// A fault of ours. Exit code 70.
    Fault(String),
    /// Ctrl-C. Exit code 130.
    Interrupted,
    /// Whoever read our output has gone: not an error. Exit code 0.
    ClosedPipe,
    /// Everything has been said already; only the exit code is left.
    Said(u8),
}

impl Failure {
    /// A mendable failure. The library's errors name their causes themselves, since each message ends
    /// with what to do next.
    pub fn mendable(error: &dyn Error) -> Self {
        Self::Mendable(error.to_string())
    }

    /// A fault of ours.
    pub fn fault(error: &dyn Error) -> Self {
        Self::Fault(error.to_string())
    }

    /// Writes the message, if there is one.
    ///
    /// # Errors
    /// The stream is closed.
    pub fn print(&self, stream: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Mendable(message) | Self::Usage(message) | Self::Fault(message) => {
                writeln!(stream, "error: {}", printable(message))
            }
            Self::Interrupted => writeln!(stream, "interrupted"),
            Self::ClosedPipe | Self::Said(_) => Ok(()),
        }
    }

    /// The documented exit code.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }

    /// The same as a number.
    pub fn code(&self) -> u8 {
        match self {
            Self::Mendable(_) => MENDABLE,
            Self::Usage(_) => USAGE,
            Self::Fault(_) => FAULT,
            Self::Interrupted => INTERRUPTED,
            Self::ClosedPipe => 0,
            Self::Said(code) => *code,
        }
    }
}

/// Writing to stdout is the only bare I/O that commands do; everything else has its own error.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::ClosedPipe
        } else {
            Self::Mendable(format!("cannot write the output: {error}"))
        }
    }
}

impl From<crate::journal::JournalError> for Failure {
    fn from(error: crate::journal::JournalError) -> Self {
        if error.is_fault() { Self::fault(&error) } else { Self::mendable(&error) }
    }
}
