//! When the voice that asks has left the microphone.
//!
//! A loudspeaker is heard by the microphone, some time after its samples have left the program:
//! device buffers, Bluetooth and the room add to that, and none of them can be asked. So what is heard
//! is measured: the level before the voice is known, and the echo is over when it is back there.

use std::collections::VecDeque;

use super::SAMPLE_RATE;
use super::level::{SILENCE_DBFS, level_dbfs};

/// Levels are measured over 20 ms.
const FRAME: usize = SAMPLE_RATE as usize / 50;
/// So much is kept for the answer from before the go signal: half a second.
const PRE_ROLL: usize = SAMPLE_RATE as usize / 2;
/// Nothing is believed before this many frames after the voice (0.3 s): what is heard until then can
/// have been on its way while the voice made a pause.
const ON_ITS_WAY: usize = 15;
/// So many quiet frames in a row (0.2 s) are the end of the echo: half a second after the voice at the
/// earliest.
const QUIET: usize = 10;
/// After this many frames (1.2 s) no loudspeaker is late and no room echoes any more: what is heard is
/// something else, and the answer begins whatever it is.
const AT_MOST: usize = 60;
/// Quiet is at most this much above the level before the voice, in dB.
const ABOVE_BACKGROUND: f32 = 6.0;
/// Without a level from before: quiet frames differ by at most this much, in dB. An echo falls by
/// more: 60 dB in half a second is 20 dB in the time of the quiet frames.
const STEADY: f32 = 8.0;
/// Levels below are all the same quiet, in dBFS: the noise of a good microphone's own electronics.
const FLOOR: f32 = -70.0;
/// The level before the voice is learned from the last second.
const BACKGROUND: usize = 50;

/// Says when the answer may begin, and keeps the half second before that.
///
/// [`feed`](Self::feed) it everything that the microphone hears from the moment it is open, tell it when
/// the voice begins and ends, and give the go signal when it is [`ready`](Self::ready). Time is
/// counted in samples. Without a voice it is ready as soon as sound flows.
#[derive(Debug, Clone)]
pub struct Gate {
    phase: Phase,
    /// The frame that is not full yet.
    frame: Vec<f32>,
    /// Levels of the last frames before the voice.
    background: VecDeque<f32>,
    /// Levels of all frames after the voice.
    after: Vec<f32>,
    /// The frame after the voice at which its echo had ended.
    echo_end: Option<usize>,
    /// The last half second that may be kept.
    pre_roll: VecDeque<f32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Before,
    Speaking,
    After,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Gate {
    /// A gate before the voice, or without one.
    #[must_use]
    pub fn new() -> Self {
        Self {
            phase: Phase::Before,
            frame: Vec::with_capacity(FRAME),
            background: VecDeque::with_capacity(BACKGROUND),
            after: Vec::new(),
            echo_end: None,
            pre_roll: VecDeque::with_capacity(PRE_ROLL + FRAME),
        }
    }

    /// The voice begins.
    pub fn voice_started(&mut self) {
        self.phase = Phase::Speaking;
        self.frame.clear();
        self.pre_roll.clear();
        self.after.clear();
        self.echo_end = None;
    }

    /// The last sample has left the loudspeaker, or the voice was stopped.
    pub fn voice_ended(&mut self) {
        if self.phase == Phase::Speaking {
            self.phase = Phase::After;
            self.frame.clear();
        }
    }

    /// What the microphone heard next, at [`SAMPLE_RATE`].
    pub fn feed(&mut self, samples: &[f32]) {
        if self.phase == Phase::Speaking {
            return;
        }
        for &sample in samples {
            self.frame.push(sample);
            if self.frame.len() == FRAME {
                self.end_frame();
            }
        }
    }

    /// Whether the answer may begin.
    #[must_use]
    pub fn ready(&self) -> bool {
        match self.phase {
            Phase::Before => !self.frame.is_empty() || !self.pre_roll.is_empty(),
            Phase::Speaking => false,
            Phase::After => self.echo_end.is_some(),
        }
    }

    /// What was heard just before now and belongs to the answer: at most half a second, and never
    /// anything from before the echo had ended.
    #[must_use]
    pub fn pre_roll(&self) -> Vec<f32> {
        if !self.ready() {
            return Vec::new();
        }
        let mut kept: Vec<f32> = self.pre_roll.iter().copied().collect();
        kept.extend_from_slice(&self.frame);
        kept.drain(..kept.len().saturating_sub(PRE_ROLL));
        kept
    }

    fn end_frame(&mut self) {
        let level = level_dbfs(&self.frame).max(FLOOR);
        self.pre_roll.extend(self.frame.drain(..));
        let too_many = self.pre_roll.len().saturating_sub(PRE_ROLL);
        self.pre_roll.drain(..too_many);
        if self.phase == Phase::Before {
            if self.background.len() == BACKGROUND {
                self.background.pop_front();
            }
            self.background.push_back(level);
            return;
        }
        self.after.push(level);
        if self.echo_end.is_some() {
            return;
        }
        let frames = self.after.len();
        if frames >= ON_ITS_WAY + QUIET && self.is_quiet(&self.after[frames - QUIET..]) {
            // The quiet may have begun earlier than it was believed.
            let start = (0..=frames - QUIET)
                .rev()
                .take_while(|&start| start >= ON_ITS_WAY && self.is_quiet(&self.after[start..frames]))
                .last();
            self.end_echo(start.unwrap_or(frames - QUIET));
        } else if frames >= AT_MOST {
            self.end_echo(frames);
        }
    }

    /// Whether these frames are as quiet as it was before the voice, or, if that is not known, as
    /// steady as no echo is.
    fn is_quiet(&self, levels: &[f32]) -> bool {
        let loudest = levels.iter().copied().fold(SILENCE_DBFS, f32::max);
        match self.background_level() {
            Some(level) => loudest <= level + ABOVE_BACKGROUND,
            None => loudest - levels.iter().copied().fold(0.0, f32::min) <= STEADY,
        }
    }

    /// The median, so that a cough before the question does not count. Unknown after less than 0.2 s.
    fn background_level(&self) -> Option<f32> {
        let mut levels: Vec<f32> = self.background.iter().copied().collect();
        levels.sort_by(f32::total_cmp);
        (levels.len() >= QUIET).then(|| levels[levels.len() / 2])
    }

    /// Forgets what was heard before this frame.
    fn end_echo(&mut self, frame: usize) {
        self.echo_end = Some(frame);
        let kept = (self.after.len() - frame) * FRAME;
        let too_many = self.pre_roll.len().saturating_sub(kept);
        self.pre_roll.drain(..too_many);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: usize = SAMPLE_RATE as usize;

    /// Noise at this level for so long; each stretch has its own seed.
    fn noise(dbfs: f32, seconds: f32, seed: u32) -> Vec<f32> {
        let mut state = seed.wrapping_mul(2_654_435_761) | 1;
        // A uniform distribution of amplitude 1 has the level -4.77 dBFS.
        let gain = 10_f32.powf((dbfs + 4.77) / 20.0);
        (0..(seconds * SECOND as f32) as usize)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                (state as f32 / u32::MAX as f32 * 2.0 - 1.0) * gain
            })
            .collect()
    }

    /// A room that the voice still fills: falls by `fall` dB a second from `dbfs` into the background.
    fn echo(dbfs: f32, fall: f32, seconds: f32) -> Vec<f32> {
        noise(0.0, seconds, 7)
            .into_iter()
            .zip(noise(-60.0, seconds, 8))
            .enumerate()
            .map(|(index, (voice, background))| {
                let level = dbfs - fall * index as f32 / SECOND as f32;
                voice * 10_f32.powf(level / 20.0) + background
            })
            .collect()
    }

    /// Feeds in blocks of 50 ms until it is ready; how much of it that took, in seconds.
    fn seconds_until_ready(gate: &mut Gate, heard: &[f32]) -> f32 {
        for (index, block) in heard.chunks(SECOND / 20).enumerate() {
            if gate.ready() {
                return index as f32 / 20.0;
            }
            gate.feed(block);
        }
        assert!(gate.ready(), "not ready after {} s", heard.len() / SECOND);
        heard.len() as f32 / SECOND as f32
    }

    fn after_a_question(background: Option<f32>) -> Gate {
        let mut gate = Gate::new();
        if let Some(level) = background {
            gate.feed(&noise(level, 1.0, 1));
        }
        gate.voice_started();
        gate.feed(&noise(-20.0, 1.0, 2));
        assert!(!gate.ready());
        assert!(gate.pre_roll().is_empty());
        gate.voice_ended();
        gate
    }

    #[test]
    fn with_headphones_the_answer_begins_after_half_a_second() {
        for background in [Some(-60.0), None, Some(-90.0)] {
            let mut gate = after_a_question(background);
            let heard = noise(background.unwrap_or(-60.0), 2.0, 3);
            let seconds = seconds_until_ready(&mut gate, &heard);
            assert_eq!(seconds, 0.5, "{background:?}");
            // What came in the first 0.3 s can have been on its way.
            assert_eq!(gate.pre_roll(), heard[SECOND * 3 / 10..SECOND / 2]);
        }
    }

    #[test]
    fn the_voice_and_its_echo_are_never_in_the_answer() {
        // How late the last word is heard, and how the room echoes.
        for background in [Some(-60.0), None] {
            for (late, fall) in [(0.0, 100.0), (0.1, 200.0), (0.25, 100.0), (0.3, 400.0), (0.2, 60.0)] {
                let mut gate = after_a_question(background);
                let mut heard = noise(-20.0, late, 4);
                heard.extend(echo(-25.0, fall, 2.0 - late));
                let seconds = seconds_until_ready(&mut gate, &heard);
                assert!((0.5..=1.2).contains(&seconds), "{late} {fall}: {seconds}");
                let loudest = gate.pre_roll().chunks(FRAME).map(level_dbfs).fold(SILENCE_DBFS, f32::max);
                assert!(loudest < -45.0, "{late} {fall} {background:?}: {loudest} dBFS after {seconds} s");
            }
        }
    }

    #[test]
    fn a_pause_in_the_voice_that_is_heard_late_is_not_its_end() {
        let mut gate = after_a_question(Some(-60.0));
        let mut heard = noise(-60.0, 0.2, 3);
        heard.extend(noise(-20.0, 0.1, 4));
        heard.extend(noise(-60.0, 2.0, 5));
        let seconds = seconds_until_ready(&mut gate, &heard);
        assert!((0.5..0.7).contains(&seconds), "{seconds}");
        assert!(level_dbfs(&gate.pre_roll()) < -55.0);
    }

    #[test]
    fn who_begins_to_speak_before_the_signal_is_kept_from_the_first_word() {
        let mut gate = after_a_question(Some(-60.0));
        let mut heard = noise(-60.0, 0.52, 3);
        let word = heard.len();
        heard.extend(noise(-25.0, 2.0, 4));
        for block in heard.chunks(SECOND / 20).take(14) {
            gate.feed(block);
        }
        assert!(gate.ready());
        let kept = gate.pre_roll();
        let now = SECOND / 20 * 14;
        assert!(now - kept.len() < word, "the word began at {word}, kept from {}", now - kept.len());
        assert_eq!(kept, heard[now - kept.len()..now]);
    }

    #[test]
    fn noise_that_never_ends_does_not_keep_anybody_from_answering() {
        let mut gate = after_a_question(Some(-60.0));
        let heard = noise(-20.0, 3.0, 3);
        assert_eq!(seconds_until_ready(&mut gate, &heard), 1.2);
        gate.feed(&heard[SECOND * 12 / 10..SECOND * 2]);
        assert_eq!(gate.pre_roll(), heard[SECOND * 3 / 2..SECOND * 2]);
    }

    #[test]
    fn without_a_voice_it_is_ready_once_sound_flows() {
        let mut gate = Gate::new();
        assert!(!gate.ready());
        gate.feed(&[]);
        assert!(!gate.ready());
        gate.feed(&[0.1; 100]);
        assert!(gate.ready());
        assert_eq!(gate.pre_roll(), [0.1; 100]);
        let heard = noise(-30.0, 1.0, 1);
        gate.feed(&heard);
        assert_eq!(gate.pre_roll(), heard[SECOND / 2..]);
    }

    #[test]
    fn the_size_of_the_blocks_makes_no_difference() {
        let heard = [noise(-60.0, 0.4, 3), noise(-30.0, 0.6, 4)].concat();
        let of = |size: usize| {
            let mut gate = after_a_question(Some(-60.0));
            heard.chunks(size).for_each(|block| gate.feed(block));
            (gate.ready(), gate.pre_roll())
        };
        assert_eq!(of(1), of(heard.len()));
        assert_eq!(of(37), of(heard.len()));
    }

    #[test]
    fn it_can_be_used_for_one_question_after_the_other() {
        let mut gate = after_a_question(Some(-60.0));
        gate.feed(&noise(-60.0, 1.0, 3));
        assert!(gate.ready());
        gate.voice_started();
        assert!(!gate.ready());
        gate.voice_ended();
        assert!(!gate.ready());
        assert_eq!(seconds_until_ready(&mut gate, &noise(-60.0, 2.0, 4)), 0.5);
    }
}
