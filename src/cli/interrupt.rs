//! Ctrl-C.

use std::io;
use std::process;
use std::thread;
use std::time::Duration;

use super::Failure;
use super::failure::INTERRUPTED;

/// From now on Ctrl-C calls `stop`, which should make the work return with [`Failure::Interrupted`].
/// Work that waits for something else and cannot be stopped gets a second; then the process ends.
pub fn on_interrupt(stop: impl FnOnce() + Send + 'static) {
    thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        if runtime.block_on(tokio::signal::ctrl_c()).is_err() {
            return;
        }
        stop();
        thread::sleep(Duration::from_secs(1));
        // Nothing can be done about a stderr that is gone.
        _ = Failure::Interrupted.print(&mut io::stderr());
        process::exit(INTERRUPTED.into());
    });
}
