//! Sound in and out. Everything downstream sees one form: 16 kHz, mono, `f32` in -1..1.

/// The rate of all audio inside viva, in Hz: what whisper and silero take.
pub const SAMPLE_RATE: u32 = 16_000;

/// What a source hands out next.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// Samples at [`SAMPLE_RATE`], mono, -1..1, never NaN; at most about a second of them.
    Samples(Vec<f32>),
    /// A live source had nothing new for about 50 ms. Not the end.
    Idle,
    /// The recording is over. Live sources never end by themselves.
    End,
}

/// Where an answer's sound comes from.
pub trait AudioSource: Send {
    /// Waits for the next samples (a live source about 50 ms at most).
    ///
    /// # Errors
    /// The device vanished or the file is broken; the samples handed out so far stay valid.
    fn next_block(&mut self) -> Result<Block, AudioError>;

    /// Frames lost so far between the device and the caller.
    fn dropped_frames(&self) -> u64 {
        0
    }
}

/// What can go wrong with sound. Every message says what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioError {}
