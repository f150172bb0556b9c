//! Cuts a recording into what whisper takes at a time: only the stretches with speech, at most 28 s
//! of them, cut where the speaker pauses. As a stream: at most about a minute and a half is held.
//!
//! Whisper costs the same for a second as for half a minute, so that pieces are filled up: long
//! pauses are left out and the piece remembers where its parts were.

use std::ops::Range;

use super::voice::FRAME;
use crate::audio::SAMPLE_RATE;

/// Frames in so many seconds.
const fn frames(seconds: f64) -> usize {
    (seconds * SAMPLE_RATE as f64 / FRAME as f64) as usize
}

/// Silero's own thresholds: speech begins at the first and ends below the second.
const BEGINS: f32 = 0.5;
const ENDS: f32 = 0.35;
/// A pause is at least this long; shorter ones are the gaps within and between words.
const SHORTEST_PAUSE: usize = frames(0.32);
/// Speech shorter than this is a click or a breath (silero's default).
const SHORTEST_SPEECH: usize = frames(0.256);
/// Kept on both sides of speech, so that no soft beginning or end of a word is clipped.
const MARGIN: usize = frames(0.4);
/// The most speech in a piece; whisper's window is 30 s.
const LONGEST_PIECE: usize = frames(28.0);
/// Where there is a choice of pauses, a piece is at least this long.
const GOOD_PIECE: usize = frames(12.0);
/// Without any pause, the cut is made after this, at the quietest place.
const FORCED_CUT: usize = frames(20.0);
/// The most recording that is held for a piece, speech and pauses together.
const LONGEST_WAIT: usize = frames(60.0);
/// Whisper writes nothing for less than a second.
const SHORTEST_AUDIO: usize = SAMPLE_RATE as usize * 5 / 4;

/// What whisper is given at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// 16 kHz mono, padded with silence to 1.25 s.
    pub audio: Vec<f32>,
    /// Where the parts of `audio` were in the recording, in order.
    pub parts: Vec<Part>,
    /// Where speech is in `audio`, in samples, in order.
    pub speech: Vec<Range<usize>>,
    /// The mean probability of speech where speech is, 0..1.
    pub confidence: f32,
}

/// A stretch of the recording that was taken over as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Its first sample in the piece.
    pub in_piece: usize,
    /// Its first sample in the recording.
    pub in_recording: u64,
    /// Samples.
    pub length: usize,
}

impl Piece {
    /// The time in the recording, in seconds, of a time in the piece, in seconds. A time at the seam
    /// of two parts belongs to the second if something starts there, else to the first.
    pub fn in_recording(&self, seconds: f64, starts: bool) -> f64 {
        let rate = f64::from(SAMPLE_RATE);
        let sample = seconds * rate;
        let after = |part: &&Part| {
            let end = (part.in_piece + part.length) as f64;
            if starts { sample < end } else { sample <= end }
        };
        let Some(part) = self.parts.iter().find(after).or(self.parts.last()) else { return seconds };
        let within = (sample - part.in_piece as f64).clamp(0.0, part.length as f64);
        (part.in_recording as f64 + within) / rate
    }
}

/// The stream of pieces.
#[derive(Debug)]
pub struct Pieces {
    /// Where `samples` begins in the recording.
    first_sample: u64,
    samples: Vec<f32>,
    /// The probability of speech for each frame of `samples`.
    probabilities: Vec<f32>,
}

impl Pieces {
    /// For a recording of which the first sample to come is `first_sample`.
    pub fn new(first_sample: u64) -> Self {
        Self { first_sample, samples: Vec::new(), probabilities: Vec::new() }
    }

    /// Takes samples with the probability of speech in each frame of them.
    pub fn push(&mut self, samples: &[f32], probabilities: &[f32]) {
        debug_assert_eq!(samples.len().div_ceil(FRAME), probabilities.len());
        self.samples.extend_from_slice(samples);
        self.probabilities.extend_from_slice(probabilities);
    }

    /// Everything in the recording before this sample has been given out or is silence.
    pub fn settled(&self) -> u64 {
        self.first_sample
    }

    /// The next piece, if there is one already. `ended` says that nothing more will come.
    pub fn next(&mut self, ended: bool) -> Option<Piece> {
        let count = self.probabilities.len();
        let regions = self.regions(ended);
        let Some(first) = regions.first() else {
            // Nobody has spoken yet: only the margin before what may come is of interest.
            self.forget(if ended { count } else { count.saturating_sub(MARGIN) });
            return None;
        };
        let beginning = first.start.saturating_sub(MARGIN);
        if beginning > 0 {
            self.forget(beginning);
            return self.next(ended);
        }
        let cut = self.cut(&regions, ended)?;
        let piece = self.piece(&regions, cut);
        self.forget(cut);
        Some(piece)
    }

    /// The frames in which somebody speaks. The last region reaches the end of what is there where
    /// it has not been seen to end.
    fn regions(&self, ended: bool) -> Vec<Range<usize>> {
        let count = self.probabilities.len();
        let mut regions = Vec::new();
        let mut frame = 0;
        while let Some(begin) = (frame..count).find(|&frame| self.probabilities[frame] >= BEGINS) {
            let mut end = begin;
            frame = begin;
            while frame < count && frame < end + SHORTEST_PAUSE {
                if self.probabilities[frame] >= ENDS {
                    end = frame + 1;
                }
                frame += 1;
            }
            let open = !ended && frame == count && frame < end + SHORTEST_PAUSE;
            let voiced = self.probabilities[begin..end].iter().filter(|&&probability| probability >= BEGINS);
            if open || voiced.count() >= SHORTEST_SPEECH {
                regions.push(begin..if open { count } else { end });
            }
        }
        regions
    }

    /// The frame at which the next piece ends, if enough is there to say.
    fn cut(&self, regions: &[Range<usize>], ended: bool) -> Option<usize> {
        let count = self.probabilities.len();
        // How much of the recording is kept up to a frame.
        let kept_up_to = |frame: usize| {
            spans(regions, count).map(|span| span.end.min(frame).saturating_sub(span.start)).sum::<usize>()
        };
        let last = spans(regions, count).last()?.end;
        if kept_up_to(last) <= LONGEST_PIECE {
            if ended {
                return Some(count);
            }
            if count <= LONGEST_WAIT {
                return None;
            }
        }
        // After the last region there is a pause too, if the region is over.
        let pauses: Vec<(usize, usize)> = regions
            .iter()
            .zip(regions.iter().skip(1).map(|next| next.start).chain([count]))
            .map(|(region, next)| (next - region.end, region.end + (next - region.end) / 2))
            .filter(|&(length, middle)| length > 0 && kept_up_to(middle) <= LONGEST_PIECE)
            .collect();
        let long_enough = || pauses.iter().filter(|&&(_, middle)| kept_up_to(middle) >= GOOD_PIECE);
        let pause = long_enough()
            .max_by_key(|&&(length, middle)| (length.min(frames(1.0)), middle))
            .or(pauses.last());
        if let Some(&(_, middle)) = pause {
            return Some(middle);
        }
        // The first region is longer than a piece.
        let start = regions.first()?.start.saturating_sub(MARGIN);
        (start + FORCED_CUT..start + LONGEST_PIECE)
            .min_by(|&a, &b| self.loudness(a).total_cmp(&self.loudness(b)))
    }

    /// The energy around a frame.
    fn loudness(&self, frame: usize) -> f32 {
        let around = frame.saturating_sub(2) * FRAME..((frame + 3) * FRAME).min(self.samples.len());
        self.samples[around].iter().map(|sample| sample * sample).sum()
    }

    /// What is said before the frame `cut`.
    fn piece(&self, regions: &[Range<usize>], cut: usize) -> Piece {
        let mut audio = Vec::new();
        let mut parts: Vec<Part> = Vec::new();
        for span in spans(regions, cut) {
            let from = (span.start * FRAME).min(self.samples.len());
            let to = (span.end * FRAME).min(self.samples.len());
            parts.push(Part {
                in_piece: audio.len(),
                in_recording: self.first_sample + from as u64,
                length: to - from,
            });
            audio.extend_from_slice(&self.samples[from..to]);
        }
        let in_piece = |frame: usize| {
            let sample = frame * FRAME;
            parts.iter().rev().find(|part| self.first_sample + sample as u64 >= part.in_recording).map_or(
                0,
                |part| {
                    let within = (self.first_sample + sample as u64 - part.in_recording) as usize;
                    part.in_piece + within.min(part.length)
                },
            )
        };
        let spoken: Vec<Range<usize>> = regions
            .iter()
            .map(|region| region.start..region.end.min(cut))
            .filter(|region| !region.is_empty())
            .collect();
        let probabilities = || spoken.iter().flat_map(|region| &self.probabilities[region.clone()]);
        let confidence = probabilities().sum::<f32>() / probabilities().count().max(1) as f32;
        let speech = spoken.iter().map(|region| in_piece(region.start)..in_piece(region.end)).collect();
        if audio.len() < SHORTEST_AUDIO {
            audio.resize(SHORTEST_AUDIO, 0.0);
        }
        Piece { audio, parts, speech, confidence }
    }

    fn forget(&mut self, frames: usize) {
        let samples = (frames * FRAME).min(self.samples.len());
        self.samples.drain(..samples);
        self.probabilities.drain(..frames.min(self.probabilities.len()));
        self.first_sample += samples as u64;
    }
}

/// The frames that are kept up to `end`: the regions with their margins, joined where they meet.
fn spans(regions: &[Range<usize>], end: usize) -> impl Iterator<Item = Range<usize>> {
    let mut padded = regions
        .iter()
        .map(move |region| region.start.saturating_sub(MARGIN)..(region.end + MARGIN).min(end))
        .filter(|span| span.start < span.end)
        .peekable();
    std::iter::from_fn(move || {
        let mut span = padded.next()?;
        while let Some(next) = padded.next_if(|next| next.start <= span.end) {
            span.end = next.end;
        }
        Some(span)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// A recording in which each sample is its own number, so that its origin can be seen; speech
    /// where the second says so. Fed in stretches of 30 s as the worker does.
    fn cut(speech: &[Range<f64>], seconds: f64) -> Vec<Piece> {
        let total = (seconds * 16_000.0) as usize;
        let mut pieces = Pieces::new(0);
        let mut found = Vec::new();
        let stretch = 937 * FRAME;
        let mut from = 0;
        loop {
            let to = (from + stretch).min(total);
            let samples: Vec<f32> = (from..to).map(|n| n as f32).collect();
            let probabilities: Vec<f32> = (0..samples.len().div_ceil(FRAME))
                .map(|frame| {
                    let at = (from + frame * FRAME) as f64 / 16_000.0;
                    if speech.iter().any(|range| range.contains(&at)) { 0.95 } else { 0.05 }
                })
                .collect();
            pieces.push(&samples, &probabilities);
            let ended = to == total;
            while let Some(piece) = pieces.next(ended) {
                check(&piece);
                found.push(piece);
            }
            // What is held is bounded, whatever comes.
            assert!(pieces.samples.len() <= LONGEST_WAIT * FRAME + stretch);
            if ended {
                assert_eq!(pieces.settled(), total as u64);
                return found;
            }
            from = to;
        }
    }

    fn check(piece: &Piece) {
        assert!(piece.audio.len() >= SHORTEST_AUDIO);
        let kept: usize = piece.parts.iter().map(|part| part.length).sum();
        assert!(kept <= LONGEST_PIECE * FRAME, "{} s", kept as f64 / 16_000.0);
        for part in &piece.parts {
            let audio = &piece.audio[part.in_piece..part.in_piece + part.length];
            assert!(
                audio.iter().enumerate().all(|(n, &sample)| sample == (part.in_recording + n as u64) as f32)
            );
        }
        for pair in piece.parts.windows(2) {
            assert!(pair[0].in_recording + (pair[0].length as u64) < pair[1].in_recording);
        }
        assert!(piece.speech.iter().all(|region| region.start < region.end));
    }

    /// The seconds of the recording that pieces cover, part by part.
    fn covered(pieces: &[Piece]) -> Vec<(f64, f64)> {
        pieces
            .iter()
            .flat_map(|piece| &piece.parts)
            .map(|part| {
                let start = part.in_recording as f64 / 16_000.0;
                (start, start + part.length as f64 / 16_000.0)
            })
            .collect()
    }

    #[test]
    fn silence_makes_no_piece() {
        assert!(cut(&[], 100.0).is_empty());
        assert!(cut(&[], 0.0).is_empty());
    }

    #[test]
    fn a_click_is_not_speech() {
        assert!(cut(&[5.0..5.1, 7.0..7.1, 29.9..30.1], 40.0).is_empty());
    }

    #[test]
    fn a_short_answer_keeps_its_margins_and_is_padded() {
        let pieces = cut(&[5.0..5.4], 10.0);
        assert_eq!(pieces.len(), 1);
        let (start, end) = covered(&pieces)[0];
        assert!((4.5..4.7).contains(&start) && (5.7..5.9).contains(&end), "{start} {end}");
        assert_eq!(pieces[0].audio.len(), 20_000);
        assert!(pieces[0].confidence > 0.9);
    }

    #[test]
    fn speech_at_the_very_ends_is_kept() {
        let pieces = cut(&[0.0..1.0, 8.0..10.0], 10.0);
        let covered = covered(&pieces);
        assert_eq!(covered.first().unwrap().0, 0.0);
        assert!((covered.last().unwrap().1 - 10.0).abs() < 0.001);
    }

    #[test]
    fn pieces_are_filled_up_across_pauses_which_are_left_out() {
        let speech: Vec<Range<f64>> = (0..6).map(|n| n as f64 * 5.0..n as f64 * 5.0 + 2.0).collect();
        let pieces = cut(&speech, 31.0);
        assert_eq!(pieces.len(), 1);
        assert_eq!(pieces[0].parts.len(), 6);
        // 2 s of speech and two margins each.
        assert!(pieces[0].audio.len() < 17 * 16_000);
    }

    #[test]
    fn nothing_is_lost_and_nothing_comes_twice() {
        // Two minutes with pauses of half a second after 7.5 s of speech each.
        let speech: Vec<Range<f64>> = (0..15).map(|n| n as f64 * 8.0..n as f64 * 8.0 + 7.5).collect();
        let pieces = cut(&speech, 120.0);
        assert!((5..=6).contains(&pieces.len()), "{} pieces", pieces.len());
        let covered = covered(&pieces);
        for pair in covered.windows(2) {
            assert!(pair[0].1 <= pair[1].0);
            // Cuts lie in the pauses.
            assert!(speech.iter().all(|range| pair[0].1 <= range.start + 0.04 || pair[0].1 >= range.end));
        }
        let total: f64 = covered.iter().map(|(start, end)| end - start).sum();
        assert!((118.0..=120.0).contains(&total), "{total}");
    }

    #[test]
    fn speech_without_a_pause_is_cut_at_the_quietest_place() {
        let mut pieces = Pieces::new(1_600);
        let loud = |n: usize| if n / FRAME == 25 * 16_000 / FRAME { 0.0 } else { 0.5 };
        let samples: Vec<f32> = (0..937 * FRAME).map(loud).collect();
        pieces.push(&samples, &[0.9; 937]);
        let piece = pieces.next(false).unwrap();
        let end = piece.audio.len() as f64 / 16_000.0;
        assert!((24.9..25.1).contains(&end), "{end}");
        assert_eq!(piece.parts, [Part { in_piece: 0, in_recording: 1_600, length: piece.audio.len() }]);
        assert_eq!(pieces.settled(), 1_600 + piece.audio.len() as u64);
        let rest = pieces.next(true).unwrap();
        assert_eq!(rest.parts[0].in_recording, pieces.settled() - rest.parts[0].length as u64);
        assert!(pieces.next(true).is_none());
    }

    #[test]
    fn someone_who_speaks_for_a_second_a_minute_does_not_fill_the_memory() {
        let speech: Vec<Range<f64>> =
            (0..20).map(|n| n as f64 * 60.0 + 30.0..n as f64 * 60.0 + 31.0).collect();
        let covered = covered(&cut(&speech, 1_200.0));
        assert_eq!(covered.len(), 20);
    }

    #[test]
    fn times_in_a_piece_are_times_in_the_recording() {
        let pieces = cut(&[10.0..11.0, 20.0..21.0], 25.0);
        let piece = &pieces[0];
        let second = piece.parts[1];
        let seam = second.in_piece as f64 / 16_000.0;
        let start = |seconds| piece.in_recording(seconds, true);
        let end = |seconds| piece.in_recording(seconds, false);
        assert!((start(0.5) - (piece.parts[0].in_recording as f64 / 16_000.0 + 0.5)).abs() < 1e-9);
        assert!((start(seam) - second.in_recording as f64 / 16_000.0).abs() < 1e-9);
        assert!(end(seam) < 12.0);
        // What lies in the padding is at the end of the last part.
        assert!(start(500.0) < 21.5);
        let speech = &piece.speech[1];
        assert!((start(speech.start as f64 / 16_000.0) - 20.0).abs() < 0.04);
        assert!((end(speech.end as f64 / 16_000.0) - 21.0).abs() < 0.04);
    }
}
