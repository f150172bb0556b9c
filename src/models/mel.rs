//! The mel filter bank that whisper was trained with.

/// Samples in a whisper analysis window (25 ms at 16 kHz).
const WINDOW: usize = 400;
/// Frequency bins of that window, 0 Hz to 8 kHz.
pub(super) const BINS: usize = WINDOW / 2 + 1;
/// Hz between two bins.
const BIN_HERTZ: f64 = 16_000.0 / WINDOW as f64;

/// Half the sample rate.
const HIGHEST_HERTZ: f64 = 8_000.0;

/// Slaney's mel scale (Auditory Toolbox, 1998): linear up to 1 kHz, logarithmic above.
const HERTZ_PER_MEL: f64 = 200.0 / 3.0;
const BREAK_HERTZ: f64 = 1_000.0;
const BREAK_MEL: f64 = BREAK_HERTZ / HERTZ_PER_MEL;
/// 27 mel lie between 1 kHz and 6.4 kHz.
fn log_step() -> f64 {
    6.4_f64.ln() / 27.0
}

fn to_mel(hertz: f64) -> f64 {
    if hertz < BREAK_HERTZ {
        hertz / HERTZ_PER_MEL
    } else {
        BREAK_MEL + (hertz / BREAK_HERTZ).ln() / log_step()
    }
}

fn to_hertz(mel: f64) -> f64 {
    if mel < BREAK_MEL { mel * HERTZ_PER_MEL } else { BREAK_HERTZ * (log_step() * (mel - BREAK_MEL)).exp() }
}

/// Triangular filters of equal area, `bands` rows of [`BINS`] weights, row by row.
///
/// Rounded to `f32` before and after the normalisation as librosa's `filters.mel` does, from which
/// whisper's own table comes, so that the result equals that table to the bit (its very first weight
/// is -0.0, which is written as 0.0 here).
pub(super) fn filters(bands: usize) -> Vec<f32> {
    let step = to_mel(HIGHEST_HERTZ) / (bands + 1) as f64;
    // The last edge is the highest frequency exactly, whatever the logarithm and its inverse make of it.
    let edges: Vec<f64> =
        (0..=bands).map(|index| to_hertz(index as f64 * step)).chain([HIGHEST_HERTZ]).collect();
    let mut weights = Vec::with_capacity(bands * BINS);
    for edge in edges.windows(3) {
        let (lower, centre, upper) = (edge[0], edge[1], edge[2]);
        let norm = 2.0 / (upper - lower);
        for bin in 0..BINS {
            let hertz = bin as f64 * BIN_HERTZ;
            let rising = (hertz - lower) / (centre - lower);
            let falling = (upper - hertz) / (upper - centre);
            // Not `max`, which may take either zero, as the compiler likes: the converted models have sums.
            let height = rising.min(falling);
            let triangle = if height > 0.0 { height as f32 } else { 0.0 };
            weights.push((f64::from(triangle) * norm) as f32);
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    /// Against `whisper/assets/mel_filters.npz` of openai/whisper: SHA-256 of the arrays'
    /// bytes, after their one -0.0 was made 0.0.
    #[test]
    fn the_filters_are_whispers_own_to_the_bit() {
        for (bands, sum) in [
            (80, "85818f156f7e189453901a515e4726d270d307f976e161cf9403e8caab405498"),
            (128, "e399c2d72d2f7375e503c296d8453cefcc0c1e47a9c1a0a09e0d70f59c820f20"),
        ] {
            let bytes: Vec<u8> = filters(bands).into_iter().flat_map(f32::to_le_bytes).collect();
            let hex: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, sum, "{bands} bands");
        }
    }
}
