//! The microphone as a source.
//!
//! A thread of its own opens the device and holds the stream, because every call into a sound system
//! can hang. The callback converts to `f32` and copies into a ring, nothing else: no lock, no
//! allocation, no I/O. Everything else happens in [`Microphone::next_block`], on the caller's thread.

use std::convert::Infallible;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait as _, StreamTrait as _};
use cpal::{Device, ErrorKind, FromSample, SampleFormat, SizedSample, StreamConfig, SupportedStreamConfig};
use rtrb::{Consumer, RingBuffer};

use super::devices::{self, ANSWER_TIME, InputDevice};
#[cfg(target_os = "linux")]
use super::pulse;
use super::{AudioError, AudioSource, Block, Resampler};

/// How long [`Microphone::next_block`] waits for sound.
const WAIT: Duration = Duration::from_millis(50);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(5);
/// How much sound is kept for a caller that does not ask: more than any pause of its own.
const RING_SECONDS: usize = 10;
/// A limit for the ring with many channels at a high rate: 32 MB.
const RING_SAMPLES: usize = 8 << 20;
/// A new stream may take its time: 2 s have been seen.
const FIRST_SOUND: Duration = Duration::from_secs(5);
/// A stream that has given sound once gives it many times a second.
const NEXT_SOUND: Duration = Duration::from_secs(1);
/// How often a lost microphone is opened again before that is an error, and the pause before each.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(100), Duration::from_millis(500), Duration::from_millis(1500)];

/// A live microphone: 16 kHz mono from whatever the device gives.
///
/// A device that vanishes or falls silent is opened again by itself, a few times; what was heard
/// before is handed out first. After an error the next call begins anew.
pub struct Microphone {
    wanted: Option<String>,
    device: InputDevice,
    state: State,
    attempts: usize,
    /// Frames lost in streams that are closed, and those that do not count because nobody listened.
    dropped_before: u64,
    forgiven: u64,
    /// How often it was lost and opened again.
    interruptions: Vec<String>,
    /// The loudest sample so far, to notice a microphone that is muted or denied.
    loudest: f32,
    samples: u64,
}

enum State {
    /// Lost: to be opened again at this time.
    Pause(Instant),
    Opening(Attempt),
    Open(Box<Open>),
}

/// A thread that opens the device, and the stream it holds. Dropping it lets go of the device.
struct Attempt {
    events: Receiver<Event>,
    since: Instant,
    _hold: Sender<Infallible>,
}

struct Open {
    attempt: Attempt,
    opened: Opened,
    watch: Watch,
    /// Why the stream must be built anew, once everything it gave is handed out.
    over: Option<String>,
}

enum Event {
    Opened(Box<Opened>),
    Failed(AudioError),
    /// The stream has ended by itself.
    Lost(String),
}

/// A device that has just been opened.
struct Opened {
    device: InputDevice,
    ring: Consumer<f32>,
    dropped: Arc<AtomicU64>,
    resampler: Resampler,
    samples_per_second: usize,
    frame: usize,
}

impl Microphone {
    /// Opens the default microphone, or the one with this id or whose name contains this text.
    ///
    /// Returns once the device is open; the first sound may take up to some seconds more, during
    /// which [`next_block`](AudioSource::next_block) says [`Block::Idle`].
    ///
    /// # Errors
    /// [`AudioError::NoMicrophone`] where there is none, [`AudioError::NoSuchDevice`],
    /// [`AudioError::AmbiguousDevice`], or why it could not be opened; within 5 s at most.
    pub fn open(wanted: Option<&str>) -> Result<Self, AudioError> {
        let attempt = Attempt::start(wanted);
        let opened = match attempt.events.recv_timeout(ANSWER_TIME) {
            Ok(Event::Opened(opened)) => opened,
            Ok(Event::Failed(error)) => return Err(error),
            Ok(Event::Lost(why)) => return Err(lost_at_once(wanted, why)),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                return Err(AudioError::SoundServer);
            }
        };
        Ok(Self {
            wanted: wanted.map(ToOwned::to_owned),
            device: opened.device.clone(),
            state: State::Open(Box::new(Open::new(attempt, *opened))),
            attempts: 0,
            dropped_before: 0,
            forgiven: 0,
            interruptions: Vec::new(),
            loudest: 0.0,
            samples: 0,
        })
    }

    /// The device that is or was recorded from. Changes when another default takes its place.
    #[must_use]
    pub fn device(&self) -> &InputDevice {
        &self.device
    }

    /// Forgets what has come so far and was not asked for, lost frames included: what is handed out
    /// next was heard from now on.
    pub fn clear(&mut self) {
        if let State::Open(open) = &mut self.state {
            let (ring, frame) = (&mut open.opened.ring, open.opened.frame);
            let waiting = ring.slots();
            if let Ok(chunk) = ring.read_chunk(waiting - waiting % frame) {
                chunk.commit_all();
            }
            open.watch.heard(Instant::now());
        }
        self.forgiven = self.all_dropped();
    }

    /// What people should check when the microphone gives nothing but digital silence, which is what
    /// a muted or, on macOS, a denied microphone does.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let silent = self.samples > u64::from(super::SAMPLE_RATE) && self.loudest == 0.0;
        silent.then(|| {
            let denied = if cfg!(target_os = "macos") {
                " or not allowed for this terminal (System Settings, Privacy & Security, Microphone)"
            } else {
                ""
            };
            format!(
                "nothing but silence comes from `{}`: it may be muted{denied}; `viva devices` lists the others",
                self.device.name
            )
        })
    }

    fn all_dropped(&self) -> u64 {
        let open = match &self.state {
            State::Open(open) => open.opened.dropped.load(Ordering::Relaxed),
            State::Opening(_) | State::Pause(_) => 0,
        };
        self.dropped_before + open
    }

    /// One step: what is there now, or a step towards it.
    fn poll(&mut self) -> Result<Vec<f32>, AudioError> {
        match &mut self.state {
            State::Open(open) => {
                let samples = open.take();
                if !samples.is_empty() {
                    if open.watch.is_steady() {
                        self.attempts = 0;
                    }
                    self.samples += samples.len() as u64;
                    self.loudest = samples.iter().fold(self.loudest, |most, sample| most.max(sample.abs()));
                    return Ok(samples);
                }
                match open.trouble() {
                    None => Ok(Vec::new()),
                    Some(why) => {
                        self.dropped_before += open.opened.dropped.load(Ordering::Relaxed);
                        let mut rest = Vec::new();
                        open.opened.resampler.finish(&mut rest);
                        self.lost(AudioError::MicrophoneLost { name: self.device.name.clone(), why })?;
                        Ok(rest)
                    }
                }
            }
            State::Opening(attempt) => {
                match attempt.poll() {
                    None => {}
                    Some(Ok(opened)) => self.reopened(opened),
                    Some(Err(error)) => self.lost(error)?,
                }
                Ok(Vec::new())
            }
            State::Pause(until) => {
                if Instant::now() >= *until {
                    self.state = State::Opening(Attempt::start(self.wanted.as_deref()));
                }
                Ok(Vec::new())
            }
        }
    }

    /// Prepares the next attempt, or gives up for now.
    fn lost(&mut self, error: AudioError) -> Result<(), AudioError> {
        // A server that hangs is waited for long enough once.
        let pause = match error {
            AudioError::SoundServer => None,
            _ => PAUSES.get(self.attempts).copied(),
        };
        self.state = State::Pause(Instant::now() + pause.unwrap_or_default());
        if pause.is_some() {
            self.attempts += 1;
            return Ok(());
        }
        self.attempts = 0;
        Err(match error {
            // That there is none to put in its place is no news to people: they know which one is gone.
            AudioError::NoMicrophone | AudioError::NoSuchDevice(_) => AudioError::MicrophoneLost {
                name: self.device.name.clone(),
                why: "it is no longer there".into(),
            },
            error => error,
        })
    }

    fn reopened(&mut self, opened: Opened) {
        let State::Opening(attempt) = mem::replace(&mut self.state, State::Pause(Instant::now())) else {
            return;
        };
        self.interruptions.push(if opened.device.id == self.device.id {
            format!("the microphone `{}` was lost for a moment", self.device.name)
        } else {
            format!("the microphone `{}` was lost; `{}` took its place", self.device.name, opened.device.name)
        });
        self.device = opened.device.clone();
        self.state = State::Open(Box::new(Open::new(attempt, opened)));
    }
}

impl AudioSource for Microphone {
    fn next_block(&mut self) -> Result<Block, AudioError> {
        let until = Instant::now() + WAIT;
        loop {
            let samples = self.poll()?;
            if !samples.is_empty() {
                return Ok(Block::Samples(samples));
            }
            if Instant::now() >= until {
                return Ok(Block::Idle);
            }
            thread::sleep(LOOK);
        }
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = self.interruptions.clone();
        let dropped = self.dropped_frames();
        if dropped > 0 {
            warnings.push(format!(
                "{dropped} frames from `{}` were lost: the machine was too busy",
                self.device.name
            ));
        }
        warnings.extend(self.hint());
        warnings
    }

    fn dropped_frames(&self) -> u64 {
        self.all_dropped() - self.forgiven
    }
}

impl std::fmt::Debug for Microphone {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Microphone").field("device", &self.device).finish_non_exhaustive()
    }
}

impl Attempt {
    fn start(wanted: Option<&str>) -> Self {
        let (sender, events) = mpsc::channel();
        let (hold, held) = mpsc::channel::<Infallible>();
        let wanted = wanted.map(ToOwned::to_owned);
        thread::spawn(move || match open(wanted.as_deref(), &sender) {
            Ok((stream, opened)) => {
                _ = sender.send(Event::Opened(Box::new(opened)));
                stream.hold(&held, &sender);
            }
            Err(error) => _ = sender.send(Event::Failed(error)),
        });
        Self { events, since: Instant::now(), _hold: hold }
    }

    /// Whether it has come to an end, and to which.
    fn poll(&self) -> Option<Result<Opened, AudioError>> {
        match self.events.try_recv() {
            Ok(Event::Opened(opened)) => Some(Ok(*opened)),
            Ok(Event::Failed(error)) => Some(Err(error)),
            Ok(Event::Lost(why)) => Some(Err(lost_at_once(None, why))),
            Err(TryRecvError::Disconnected) => Some(Err(AudioError::SoundServer)),
            Err(TryRecvError::Empty) => {
                (self.since.elapsed() > ANSWER_TIME).then_some(Err(AudioError::SoundServer))
            }
        }
    }
}

impl Open {
    fn new(attempt: Attempt, opened: Opened) -> Self {
        Self { attempt, opened, watch: Watch::new(Instant::now()), over: None }
    }

    /// What has come since the last time, at most about a second of it.
    fn take(&mut self) -> Vec<f32> {
        let mut samples = Vec::new();
        let waiting = self.opened.ring.slots().min(self.opened.samples_per_second);
        if waiting == 0 {
            return samples;
        }
        if let Ok(chunk) = self.opened.ring.read_chunk(waiting) {
            let (first, second) = chunk.as_slices();
            self.opened.resampler.push(first, &mut samples);
            self.opened.resampler.push(second, &mut samples);
            chunk.commit_all();
            self.watch.heard(Instant::now());
        }
        samples
    }

    /// Why it must be opened again, asked when nothing was there to take.
    fn trouble(&mut self) -> Option<String> {
        if let Some(why) = self.over.take() {
            return Some(why);
        }
        match self.attempt.events.try_recv() {
            // The last samples may have come between taking and now: one more round.
            Ok(Event::Lost(why)) => self.over = Some(why),
            Err(TryRecvError::Disconnected) => self.over = Some("the sound system has ended".into()),
            Ok(Event::Opened(_) | Event::Failed(_)) | Err(TryRecvError::Empty) => {
                return self.watch.is_stuck(Instant::now());
            }
        }
        None
    }
}

/// Decides when a stream that gives nothing has to be built anew.
struct Watch {
    opened: Instant,
    last: Option<Instant>,
}

impl Watch {
    fn new(now: Instant) -> Self {
        Self { opened: now, last: None }
    }

    fn heard(&mut self, now: Instant) {
        self.last = Some(now);
    }

    /// Whether it has worked for long enough that losing it is a new event.
    fn is_steady(&self) -> bool {
        self.last.is_some_and(|last| last - self.opened > FIRST_SOUND)
    }

    fn is_stuck(&self, now: Instant) -> Option<String> {
        match self.last {
            None if now - self.opened > FIRST_SOUND => {
                Some(format!("no sound came within {} s", FIRST_SOUND.as_secs()))
            }
            Some(last) if now - last > NEXT_SOUND => {
                Some(format!("no sound came for {} s", NEXT_SOUND.as_secs()))
            }
            _ => None,
        }
    }
}

/// Lost between being opened and being handed over.
fn lost_at_once(wanted: Option<&str>, why: String) -> AudioError {
    AudioError::MicrophoneLost { name: wanted.unwrap_or("default").to_owned(), why }
}

/// A stream that records. Dropping it lets go of the device.
enum Stream {
    #[cfg(target_os = "linux")]
    Pulse(pulseaudio::RecordStream),
    Cpal(cpal::Stream),
}

impl Stream {
    /// Keeps it until the other side of `held` is dropped, or it ends by itself.
    fn hold(self, held: &Receiver<Infallible>, events: &Sender<Event>) {
        match self {
            #[cfg(target_os = "linux")]
            Self::Pulse(stream) => {
                if let Some(why) = pulse::hold(&stream, held) {
                    _ = events.send(Event::Lost(why));
                }
            }
            Self::Cpal(stream) => {
                _ = held.recv();
                // Closing it may hang; nobody waits for it.
                drop(stream);
            }
        }
    }
}

fn open(wanted: Option<&str>, events: &Sender<Event>) -> Result<(Stream, Opened), AudioError> {
    let (device, input) = devices::choose(wanted)?;
    match input {
        #[cfg(target_os = "linux")]
        devices::Input::Pulse(source) => {
            let (mut capture, opened) = Capture::new(device)?;
            let name = opened.device.name.clone();
            let stream = source
                .record(move |bytes| {
                    let (samples, _) = bytes.as_chunks();
                    capture.copy(samples.iter().map(|&sample| f32::from_ne_bytes(sample)));
                })
                .map_err(|error| AudioError::OpenMicrophone { name, why: error.to_string() })?;
            Ok((Stream::Pulse(stream), opened))
        }
        devices::Input::Cpal(input) => {
            let name = device.name.clone();
            let failed = |error: cpal::Error| AudioError::OpenMicrophone {
                name: name.clone(),
                why: error.to_string(),
            };
            let config = devices::input_config(&input).map_err(failed)?;
            let device =
                InputDevice { rate: Some(config.sample_rate()), channels: Some(config.channels()), ..device };
            let (capture, opened) = Capture::new(device)?;
            let stream = build(&input, &config, capture, events.clone()).map_err(failed)?;
            stream.play().map_err(failed)?;
            Ok((Stream::Cpal(stream), opened))
        }
    }
}

/// The callback's side.
struct Capture {
    channels: usize,
    ring: rtrb::Producer<f32>,
    dropped: Arc<AtomicU64>,
}

impl Capture {
    fn new(device: InputDevice) -> Result<(Self, Opened), AudioError> {
        let (rate, channels) = (device.rate.unwrap_or_default(), device.channels.unwrap_or_default());
        // What cannot be sound is found before the device is opened.
        let resampler = Resampler::new(rate, channels)?;
        let frame = usize::from(channels);
        let frames = (rate as usize * RING_SECONDS).min(RING_SAMPLES / frame);
        let (producer, ring) = RingBuffer::new(frames * frame);
        let dropped = Arc::<AtomicU64>::default();
        let capture = Self { channels: frame, ring: producer, dropped: dropped.clone() };
        let samples_per_second = rate as usize * frame;
        Ok((capture, Opened { device, ring, dropped, resampler, samples_per_second, frame }))
    }

    /// Copies whole frames into the ring; those that do not fit are counted.
    fn copy(&mut self, samples: impl ExactSizeIterator<Item = f32>) {
        let (count, room) = (samples.len(), self.ring.slots());
        let fits = count.min(room - room % self.channels);
        if let Ok(chunk) = self.ring.write_chunk_uninit(fits) {
            chunk.fill_from_iter(samples);
        }
        let lost = (count - fits) / self.channels;
        if lost > 0 {
            self.dropped.fetch_add(lost as u64, Ordering::Relaxed);
        }
    }
}

fn build(
    device: &Device,
    config: &SupportedStreamConfig,
    capture: Capture,
    events: Sender<Event>,
) -> Result<cpal::Stream, cpal::Error> {
    fn build<T>(
        device: &Device,
        config: StreamConfig,
        mut capture: Capture,
        events: Sender<Event>,
    ) -> Result<cpal::Stream, cpal::Error>
    where
        T: SizedSample,
        f32: FromSample<T>,
    {
        device.build_input_stream::<T, _, _>(
            config,
            move |samples, _| capture.copy(samples.iter().map(|sample| sample.to_sample::<f32>())),
            move |error| match error.kind() {
                // The stream goes on.
                ErrorKind::Xrun | ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => {}
                _ => _ = events.send(Event::Lost(error.to_string())),
            },
            Some(ANSWER_TIME),
        )
    }
    let build = match config.sample_format() {
        SampleFormat::I8 => build::<i8>,
        SampleFormat::I16 => build::<i16>,
        SampleFormat::I24 => build::<cpal::I24>,
        SampleFormat::I32 => build::<i32>,
        SampleFormat::I64 => build::<i64>,
        SampleFormat::U8 => build::<u8>,
        SampleFormat::U16 => build::<u16>,
        SampleFormat::U24 => build::<cpal::U24>,
        SampleFormat::U32 => build::<u32>,
        SampleFormat::U64 => build::<u64>,
        SampleFormat::F32 => build::<f32>,
        SampleFormat::F64 => build::<f64>,
        // One-bit streams are no microphones.
        _ => return Err(ErrorKind::UnsupportedConfig.into()),
    };
    build(device, config.config(), capture, events)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn opened(rate: u32, channels: u16) -> (Capture, Opened) {
        let device = InputDevice {
            id: "test:device".into(),
            name: "Device".into(),
            is_default: true,
            is_monitor: false,
            rate: Some(rate),
            channels: Some(channels),
        };
        Capture::new(device).unwrap()
    }

    /// A microphone whose stream is fed by hand, and what feeds it.
    fn microphone(rate: u32, channels: u16) -> (Microphone, Capture, Sender<Event>) {
        let (capture, opened) = opened(rate, channels);
        let (sender, events) = mpsc::channel();
        let (hold, _) = mpsc::channel();
        let attempt = Attempt { events, since: Instant::now(), _hold: hold };
        let microphone = Microphone {
            wanted: Some("test:nothing".into()),
            device: opened.device.clone(),
            state: State::Open(Box::new(Open::new(attempt, opened))),
            attempts: PAUSES.len(),
            dropped_before: 0,
            forgiven: 0,
            interruptions: Vec::new(),
            loudest: 0.0,
            samples: 0,
        };
        (microphone, capture, sender)
    }

    #[test]
    fn frames_that_find_no_room_are_counted_and_the_others_stay_whole() {
        let (mut microphone, mut capture, _events) = microphone(16_000, 2);
        // A second more than the ring holds, in blocks that do not fit evenly.
        for block in 0..110 {
            let level = block as f32 / 1000.0;
            capture.copy(vec![level; 2 * 1_600].into_iter());
        }
        assert_eq!(microphone.dropped_frames(), 16_000);
        let mut heard = Vec::new();
        while let Block::Samples(samples) = microphone.next_block().unwrap() {
            assert!(samples.len() <= 16_000);
            heard.extend(samples);
        }
        assert_eq!(heard.len(), 160_000);
        assert!(heard.chunks(1_600).enumerate().all(|(block, samples)| samples[0] == block as f32 / 1000.0));
        assert!(microphone.warnings()[0].contains("16000 frames"), "{:?}", microphone.warnings());
        microphone.clear();
        assert_eq!(microphone.dropped_frames(), 0);
    }

    #[test]
    fn what_was_heard_before_the_end_is_handed_out_before_the_error() {
        let (mut microphone, mut capture, events) = microphone(16_000, 1);
        capture.copy(vec![0.5; 800].into_iter());
        events.send(Event::Lost("unplugged".into())).unwrap();
        assert_eq!(microphone.next_block().unwrap(), Block::Samples(vec![0.5; 800]));
        let error = microphone.next_block().unwrap_err().to_string();
        assert!(error.contains("`Device`") && error.contains("unplugged"), "{error}");
    }

    #[test]
    fn silence_from_the_device_is_waited_for_and_then_is_trouble() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs_f64(seconds);
        let mut watch = Watch::new(start);
        assert!(watch.is_stuck(after(4.9)).is_none());
        assert!(watch.is_stuck(after(5.1)).is_some());
        watch.heard(after(4.0));
        assert!(!watch.is_steady());
        assert!(watch.is_stuck(after(4.9)).is_none());
        assert!(watch.is_stuck(after(5.1)).is_some());
        watch.heard(after(5.1));
        assert!(watch.is_stuck(after(5.2)).is_none() && watch.is_steady());
    }

    #[test]
    fn what_cannot_be_sound_is_refused_before_it_is_opened() {
        let (_, opened) = opened(48_000, 2);
        for (rate, channels) in [(Some(1), Some(1)), (Some(48_000), Some(0)), (None, None)] {
            assert!(Capture::new(InputDevice { rate, channels, ..opened.device.clone() }).is_err());
        }
    }
}
