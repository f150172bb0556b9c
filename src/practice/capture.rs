//! Reads a source of sound in a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use tokio::sync::mpsc;

use crate::audio::{AudioError, AudioSource, Block};

/// Blocks of sound that may wait before the thread does: some seconds of a live source.
const WAITING_BLOCKS: usize = 256;

/// Opens a source; called in the thread that reads it.
pub type OpenSource = Box<dyn FnOnce() -> Result<Box<dyn AudioSource>, AudioError> + Send>;

/// What comes from a source.
#[derive(Debug)]
pub enum Heard {
    /// Samples at [`SAMPLE_RATE`](crate::audio::SAMPLE_RATE).
    Samples(Vec<f32>),
    /// Something about the sound that the user should know.
    Warning(String),
    /// A recording is over.
    Ended,
    /// The source is gone, and why.
    Failed(String),
}

/// A source being read. Dropping it stops that.
pub struct Capture {
    /// What comes from the source, in order.
    pub heard: mpsc::Receiver<Heard>,
    dropped: Arc<AtomicU64>,
}

impl Capture {
    /// Opens a source and begins to read it.
    pub fn start(open: OpenSource) -> Self {
        let (sender, heard) = mpsc::channel(WAITING_BLOCKS);
        let dropped = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&dropped);
        thread::spawn(move || {
            let last = match open() {
                Ok(mut source) => read(source.as_mut(), &sender, &counter),
                Err(error) => Some(Heard::Failed(error.to_string())),
            };
            if let Some(last) = last {
                // Nobody may be listening any more.
                _ = sender.blocking_send(last);
            }
        });
        Self { heard, dropped }
    }

    /// Frames lost so far between the device and viva.
    pub fn dropped_frames(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// Reads until the source ends or nobody listens any more.
fn read(source: &mut dyn AudioSource, sender: &mpsc::Sender<Heard>, dropped: &AtomicU64) -> Option<Heard> {
    let mut told = 0;
    loop {
        let block = source.next_block();
        for warning in source.warnings().into_iter().skip(told) {
            told += 1;
            if sender.blocking_send(Heard::Warning(warning)).is_err() {
                return None;
            }
        }
        match block {
            Ok(Block::Samples(samples)) => {
                dropped.store(source.dropped_frames(), Ordering::Relaxed);
                if sender.blocking_send(Heard::Samples(samples)).is_err() {
                    return None;
                }
            }
            Ok(Block::Idle) if sender.is_closed() => return None,
            Ok(Block::Idle) => {}
            Ok(Block::End) => return Some(Heard::Ended),
            Err(error) => return Some(Heard::Failed(error.to_string())),
        }
    }
}
