//! How loud something is.

/// The level of digital silence, in dB below full scale; nothing is measured below.
pub const SILENCE_DBFS: f32 = -100.0;

/// Root mean square of samples in -1..1, in dB relative to full scale (a square wave of full scale is
/// 0, speech at a normal distance about -30), from [`SILENCE_DBFS`] up. Nothing is silence.
#[must_use]
pub fn level_dbfs(samples: &[f32]) -> f32 {
    if samples.is_empty() {
        return SILENCE_DBFS;
    }
    let power = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / samples.len() as f64;
    ((10.0 * power.log10()) as f32).max(SILENCE_DBFS)
}

/// Where a level stands on a meter, 0..1: -60 dBFS and below is empty, full scale is full.
#[must_use]
pub fn meter(dbfs: f32) -> f32 {
    ((dbfs + 60.0) / 60.0).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_what_the_textbook_says() {
        assert!((level_dbfs(&[1.0, -1.0]) - 0.0).abs() < 1e-4);
        assert!((level_dbfs(&[0.1, -0.1]) + 20.0).abs() < 1e-4);
        let sine: Vec<f32> = (0..1600).map(|n| (n as f32 * 0.1 * std::f32::consts::PI).sin()).collect();
        assert!((level_dbfs(&sine) + 3.0103).abs() < 1e-3);
        assert_eq!(level_dbfs(&[0.0; 10]), SILENCE_DBFS);
        assert_eq!(level_dbfs(&[]), SILENCE_DBFS);
    }

    #[test]
    fn the_meter_goes_from_empty_to_full() {
        assert_eq!(meter(SILENCE_DBFS), 0.0);
        assert_eq!(meter(-30.0), 0.5);
        assert_eq!(meter(3.0), 1.0);
    }
}
