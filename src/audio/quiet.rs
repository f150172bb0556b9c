//! Keeps native libraries off the screen.
//!
//! libasound, JACK's client, ggml and others write to file descriptor 2 behind Rust's back, a dozen
//! lines for each device that is not there.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// While it lives, whatever is written to file descriptor 2 goes elsewhere, in this process and in
/// those it starts. What people are to read goes to [`stderr`](Self::stderr) meanwhile; a panic still
/// reaches them. Dropping it puts everything back. Where one lives within another, the inner one must be
/// dropped first.
///
/// On systems other than Unix nothing is redirected.
pub struct Quiet {
    stderr: File,
    #[cfg(unix)]
    panic_hook: Option<PanicHook>,
}

#[cfg(unix)]
type PanicHook = Box<dyn Fn(&std::panic::PanicHookInfo<'_>) + Send + Sync>;

impl Quiet {
    /// Sends file descriptor 2 to the end of the file `log`, or into nothing.
    ///
    /// # Errors
    /// The log cannot be written to, or there is no stderr to be kept.
    #[cfg(unix)]
    pub fn start(log: Option<&Path>) -> io::Result<Self> {
        use std::io::Write as _;
        use std::os::fd::AsFd as _;
        use std::panic;

        let mut options = OpenOptions::new();
        options.append(true);
        let elsewhere = match log {
            Some(path) => {
                std::os::unix::fs::OpenOptionsExt::mode(options.create(true), 0o600);
                options.open(path)?
            }
            None => options.open("/dev/null")?,
        };
        let stderr = File::from(io::stderr().as_fd().try_clone_to_owned()?);
        let for_panics = stderr.try_clone()?;
        rustix::stdio::dup2_stderr(&elsewhere)?;
        let panic_hook = panic::take_hook();
        panic::set_hook(Box::new(move |panic| _ = writeln!(&for_panics, "{panic}")));
        Ok(Self { stderr, panic_hook: Some(panic_hook) })
    }

    /// Redirects nothing on this system.
    ///
    /// # Errors
    /// There is no console.
    #[cfg(not(unix))]
    pub fn start(_log: Option<&Path>) -> io::Result<Self> {
        Ok(Self { stderr: OpenOptions::new().write(true).open("CONOUT$")? })
    }

    /// The stderr that people see.
    ///
    /// # Errors
    /// The process has no file descriptor left.
    pub fn stderr(&self) -> io::Result<File> {
        self.stderr.try_clone()
    }
}

#[cfg(unix)]
impl Drop for Quiet {
    fn drop(&mut self) {
        _ = rustix::stdio::dup2_stderr(&self.stderr);
        // The hook cannot be changed while its own panic unwinds; by then it has done its work.
        if let Some(hook) = self.panic_hook.take().filter(|_| !std::thread::panicking()) {
            std::panic::set_hook(hook);
        }
    }
}
