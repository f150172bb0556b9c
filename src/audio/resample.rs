//! From any rate and number of channels to [`SAMPLE_RATE`](super::SAMPLE_RATE) mono, as a stream.

use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{
    Async, FixedAsync, Resampler as _, SincInterpolationParameters, SincInterpolationType, WindowFunction,
    calculate_cutoff,
};

use super::{AudioError, SAMPLE_RATE};

/// The rates that are taken, in Hz. Below, no speech is left; above, no recorder exists.
pub const RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;

/// Length of the filter in samples at the lower of the two rates. With this window the pass band
/// reaches to 0.94 of the lower Nyquist frequency (7.5 kHz), and aliases are below -90 dB.
const FILTER_LENGTH: usize = 128;

const WINDOW: WindowFunction = WindowFunction::BlackmanHarris;

/// Output is made in pieces of 10 ms, which bounds the delay for a live source.
const OUTPUT_CHUNK: usize = SAMPLE_RATE as usize / 100;

/// Averages the channels and resamples to [`SAMPLE_RATE`](super::SAMPLE_RATE), in constant memory.
///
/// The filter's delay is taken out: sample `n` of the output is the sound at `n / 16000` seconds of
/// the input, and the output is as long as the input to within a sample. Samples that are not
/// numbers become silence, and everything is clamped to -1..1.
#[derive(Debug)]
pub struct Resampler {
    rate: u32,
    channels: usize,
    /// Samples of a frame whose other channels have not come yet.
    frame: Vec<f32>,
    frames_in: u64,
    samples_out: u64,
    /// `None` where the input is at the right rate already.
    filter: Option<Filter>,
}

#[derive(Debug)]
struct Filter {
    resampler: Async<f32>,
    /// Mono samples at the input's rate that wait for the filter.
    waiting: Vec<f32>,
    /// Output samples still to be dropped because they come before the input's start.
    delay: usize,
}

impl Resampler {
    /// A resampler for input at `rate` Hz with `channels` interleaved channels.
    ///
    /// # Errors
    /// [`AudioError::NoChannels`] and [`AudioError::Rate`] for what cannot be sound.
    pub fn new(rate: u32, channels: u16) -> Result<Self, AudioError> {
        if channels == 0 {
            return Err(AudioError::NoChannels);
        }
        if !RATES.contains(&rate) {
            return Err(AudioError::Rate(rate));
        }
        let filter = (rate != SAMPLE_RATE).then(|| Filter::new(rate)).transpose()?;
        Ok(Self {
            rate,
            channels: usize::from(channels),
            frame: Vec::with_capacity(usize::from(channels)),
            frames_in: 0,
            samples_out: 0,
            filter,
        })
    }

    /// Takes interleaved samples (a frame may be split over two calls) and appends what is ready to
    /// `out`.
    pub fn push(&mut self, interleaved: &[f32], out: &mut Vec<f32>) {
        let before = out.len();
        let mut rest = interleaved;
        if !self.frame.is_empty() {
            let missing = (self.channels - self.frame.len()).min(rest.len());
            self.frame.extend_from_slice(&rest[..missing]);
            rest = &rest[missing..];
            if self.frame.len() < self.channels {
                return;
            }
            let frame = std::mem::take(&mut self.frame);
            self.push_frames(&frame, out);
            self.frame = frame;
            self.frame.clear();
        }
        let whole = rest.len() - rest.len() % self.channels;
        self.push_frames(&rest[..whole], out);
        self.frame.extend_from_slice(&rest[whole..]);
        self.samples_out += (out.len() - before) as u64;
    }

    /// Appends what the filter still holds to `out`. Nothing may be pushed afterwards.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        let expected =
            (self.frames_in * u64::from(SAMPLE_RATE) + u64::from(self.rate) / 2) / u64::from(self.rate);
        let missing = expected.saturating_sub(self.samples_out) as usize;
        if let Some(filter) = &mut self.filter {
            let wanted = out.len() + missing;
            while out.len() < wanted {
                filter.waiting.resize(filter.resampler.input_frames_next(), 0.0);
                filter.run(out);
            }
            out.truncate(wanted);
        }
        self.samples_out = expected;
    }

    fn push_frames(&mut self, interleaved: &[f32], out: &mut Vec<f32>) {
        self.frames_in += (interleaved.len() / self.channels) as u64;
        let share = 1.0 / self.channels as f32;
        let mono = interleaved
            .chunks_exact(self.channels)
            .map(|frame| frame.iter().map(|&sample| clean(sample)).sum::<f32>() * share);
        match &mut self.filter {
            None => out.extend(mono),
            Some(filter) => {
                filter.waiting.extend(mono);
                filter.run(out);
            }
        }
    }
}

impl Filter {
    fn new(rate: u32) -> Result<Self, AudioError> {
        let ratio = f64::from(SAMPLE_RATE) / f64::from(rate);
        // The filter works at the input's rate: when that is the higher one it must be longer for
        // the same number of output samples.
        let stretch = (1.0 / ratio).max(1.0);
        let length = ((FILTER_LENGTH as f64 * stretch).ceil() as usize).next_multiple_of(8);
        let parameters = SincInterpolationParameters::new(length, WINDOW)
            .f_cutoff(calculate_cutoff(FILTER_LENGTH, WINDOW))
            .oversampling_factor(256)
            .interpolation(SincInterpolationType::Linear);
        let resampler = Async::new_sinc(ratio, 1.0, &parameters, OUTPUT_CHUNK, 1, FixedAsync::Output)
            .map_err(|_| AudioError::Rate(rate))?;
        // Half the filter, to the nearest sample (`Resampler::output_delay` rounds down), less one
        // because the first output is one step into the filter, not at its start.
        let delay = (length as f64 * ratio / 2.0).round() as usize - 1;
        Ok(Self { resampler, waiting: Vec::new(), delay })
    }

    /// Filters as much as is waiting.
    fn run(&mut self, out: &mut Vec<f32>) {
        let mut used = 0;
        let mut chunk = [0.0; OUTPUT_CHUNK];
        loop {
            let needed = self.resampler.input_frames_next();
            let Some(input) = self.waiting.get(used..used + needed) else { break };
            // The sizes are the ones that the resampler asked for, so that neither step can fail.
            let made = match (
                SequentialSlice::new(input, 1, needed),
                SequentialSlice::new_mut(&mut chunk, 1, OUTPUT_CHUNK),
            ) {
                (Ok(input), Ok(mut output)) => self.resampler.process_into_buffer(&input, &mut output, None),
                _ => break,
            };
            let Ok((_, made)) = made else { break };
            used += needed;
            let skipped = self.delay.min(made);
            self.delay -= skipped;
            out.extend(chunk[skipped..made].iter().map(|&sample| clean(sample)));
        }
        self.waiting.drain(..used);
    }
}

/// A sample in -1..1: what is not a number is silence.
fn clean(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// A sine of `frequency` Hz at the given rate, the same in each channel.
    fn sine(frequency: f64, rate: u32, channels: usize, seconds: f64) -> Vec<f32> {
        (0..(seconds * f64::from(rate)) as usize)
            .flat_map(|n| {
                let phase = std::f64::consts::TAU * frequency * n as f64 / f64::from(rate);
                std::iter::repeat_n((0.5 * phase.sin()) as f32, channels)
            })
            .collect()
    }

    fn resampled(rate: u32, channels: u16, input: &[f32], piece: usize) -> Vec<f32> {
        let mut resampler = Resampler::new(rate, channels).unwrap();
        let mut out = Vec::new();
        for piece in input.chunks(piece) {
            resampler.push(piece, &mut out);
        }
        resampler.finish(&mut out);
        out
    }

    #[test]
    fn a_tone_keeps_its_time_its_length_and_its_level() {
        for (rate, channels) in [
            (1_000, 1),
            (8_000, 2),
            (11_025, 1),
            (15_999, 1),
            (22_050, 2),
            (44_100, 2),
            (48_000, 6),
            (96_000, 1),
            (767_999, 1),
        ] {
            let frequency = if rate == 1_000 { 300.0 } else { 440.0 };
            let out = resampled(rate, channels, &sine(frequency, rate, channels.into(), 1.5), 1001);
            assert!((out.len() as i64 - 24_000).abs() <= 1, "{rate} Hz: {} samples", out.len());
            let expected = sine(frequency, SAMPLE_RATE, 1, 1.5);
            let worst = out[2_000..22_000]
                .iter()
                .zip(&expected[2_000..22_000])
                .map(|(got, wanted)| (got - wanted).abs())
                .fold(0.0, f32::max);
            // A sample of 440 Hz is at most 0.086 from its neighbour at this level: half of that.
            assert!(worst < 0.043, "{rate} Hz: off by {worst}");
        }
    }

    #[test]
    fn what_whisper_cannot_hear_does_not_come_back_as_an_alias() {
        for frequency in [9_000.0, 15_000.0, 17_000.0, 23_000.0] {
            let out = resampled(48_000, 1, &sine(frequency, 48_000, 1, 1.0), 4_096);
            let loudest = out[1_000..15_000].iter().fold(0.0_f32, |most, sample| most.max(sample.abs()));
            assert!(loudest < 0.001, "{frequency} Hz leaves {loudest}");
        }
    }

    #[test]
    fn the_right_rate_passes_through_and_channels_are_averaged() {
        let mono = sine(300.0, SAMPLE_RATE, 1, 0.5);
        assert_eq!(resampled(SAMPLE_RATE, 1, &mono, 77), mono);
        assert_eq!(resampled(SAMPLE_RATE, 2, &[0.5, -0.25, 1.0, 0.5, 0.25], 3), [0.125, 0.75]);
    }

    #[test]
    fn the_size_of_the_pieces_makes_no_difference() {
        let input = sine(440.0, 44_100, 2, 0.3);
        let whole = resampled(44_100, 2, &input, input.len());
        assert_eq!(resampled(44_100, 2, &input, 1), whole);
        assert_eq!(resampled(44_100, 2, &input, 333), whole);
    }

    #[test]
    fn what_is_not_a_number_is_silence_and_what_is_too_loud_is_clamped() {
        let out = resampled(SAMPLE_RATE, 1, &[f32::NAN, f32::INFINITY, 7.0, -7.0], 4);
        assert_eq!(out, [0.0, 0.0, 1.0, -1.0]);
        let out = resampled(48_000, 1, &[f32::NAN; 4_800], 4_800);
        assert!(out.len() == 1_600 && out.iter().all(|&sample| sample == 0.0));
    }

    #[test]
    fn a_sound_shorter_than_the_filter_is_as_long_as_it_was() {
        assert_eq!(resampled(48_000, 1, &[0.5; 30], 30).len(), 10);
        assert!(resampled(48_000, 1, &[], 1).is_empty());
    }

    #[test]
    fn memory_stays_bounded() {
        let mut resampler = Resampler::new(44_100, 1).unwrap();
        let mut out = Vec::new();
        for _ in 0..2_000 {
            out.clear();
            resampler.push(&[0.1; 441], &mut out);
            assert!(out.len() <= 480);
        }
        assert!(resampler.filter.unwrap().waiting.capacity() < 8_192);
    }

    #[test]
    fn what_cannot_be_sound_is_refused() {
        assert!(matches!(Resampler::new(1, 1), Err(AudioError::Rate(1))));
        assert!(matches!(Resampler::new(4_000_000_000, 1), Err(AudioError::Rate(_))));
        assert!(matches!(Resampler::new(16_000, 0), Err(AudioError::NoChannels)));
    }
}
