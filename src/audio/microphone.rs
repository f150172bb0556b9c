//! The microphone as a source.
//!
//! A thread of its own opens the device and holds the stream, because every call into a sound system
//! can hang. The callback converts to `f32` and copies into a ring, nothing else: no lock, no
//! allocation, no I/O. Everything else happens in [`Microphone::next_block`], on the caller's thread.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait as _, StreamTrait as _};
use cpal::{BufferSize, Device, ErrorKind, FromSample, SampleFormat, SizedSample, StreamConfig};
use rtrb::{Consumer, RingBuffer};

use super::devices::{self, ANSWER_TIME, InputDevice};
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
/// What is asked of PulseAudio. Its own default is blocks of 2 s [measured], which is too late for a
/// level, an echo or the end of an answer. 50 ms lost nothing beside three busy loops a core.
const PULSE_BLOCK: Duration = Duration::from_millis(50);

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
    Open(Open),
}

/// A thread that opens the device, and the stream it holds. Dropping it lets go of the device.
struct Attempt {
    events: Receiver<Event>,
    since: Instant,
    _hold: Sender<Infallible>,
}

struct Open {
    attempt: Attempt,
    ring: Consumer<f32>,
    dropped: Arc<AtomicU64>,
    resampler: Resampler,
    /// Samples of all channels in a second.
    samples_per_second: usize,
    frame: usize,
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

struct Opened {
    device: InputDevice,
    ring: Consumer<f32>,
    dropped: Arc<AtomicU64>,
    rate: u32,
    channels: u16,
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
            Ok(Event::Lost(_)) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                return Err(AudioError::SoundServer);
            }
        };
        Ok(Self {
            wanted: wanted.map(ToOwned::to_owned),
            device: opened.device.clone(),
            state: State::Open(Open::new(attempt, *opened)?),
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
            let waiting = open.ring.slots();
            if let Ok(chunk) = open.ring.read_chunk(waiting - waiting % open.frame) {
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
            State::Open(open) => open.dropped.load(Ordering::Relaxed),
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
                        self.dropped_before += open.dropped.load(Ordering::Relaxed);
                        let mut rest = Vec::new();
                        open.resampler.finish(&mut rest);
                        self.lost(AudioError::MicrophoneLost { name: self.device.name.clone(), why })?;
                        Ok(rest)
                    }
                }
            }
            State::Opening(attempt) => {
                match attempt.poll() {
                    None => {}
                    Some(Ok(opened)) => self.reopened(opened)?,
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
        let pause = PAUSES.get(self.attempts).copied();
        self.state = State::Pause(Instant::now() + pause.unwrap_or_default());
        match pause {
            Some(_) => {
                self.attempts += 1;
                Ok(())
            }
            None => {
                self.attempts = 0;
                // Whatever the last attempt met, to people it is the same microphone that is lost.
                Err(match error {
                    error @ AudioError::MicrophoneLost { .. } => error,
                    error => AudioError::MicrophoneLost {
                        name: self.device.name.clone(),
                        why: error.to_string().split(';').next().unwrap_or_default().to_owned(),
                    },
                })
            }
        }
    }

    fn reopened(&mut self, opened: Opened) -> Result<(), AudioError> {
        let State::Opening(attempt) = std::mem::replace(&mut self.state, State::Pause(Instant::now())) else {
            return Ok(());
        };
        self.interruptions.push(if opened.device.id == self.device.id {
            format!("the microphone `{}` was lost for a moment", self.device.name)
        } else {
            format!("the microphone `{}` was lost; `{}` took its place", self.device.name, opened.device.name)
        });
        self.device = opened.device.clone();
        self.state = State::Open(Open::new(attempt, opened)?);
        Ok(())
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
        thread::spawn(move || {
            let stream = match open(wanted.as_deref(), &sender) {
                Ok((stream, opened)) => {
                    _ = sender.send(Event::Opened(Box::new(opened)));
                    stream
                }
                Err(error) => {
                    _ = sender.send(Event::Failed(error));
                    return;
                }
            };
            // Ends when the other side is dropped. Closing the stream may hang; nobody waits for it.
            _ = held.recv();
            drop(stream);
        });
        Self { events, since: Instant::now(), _hold: hold }
    }

    /// Whether it has come to an end, and to which.
    fn poll(&self) -> Option<Result<Opened, AudioError>> {
        match self.events.try_recv() {
            Ok(Event::Opened(opened)) => Some(Ok(*opened)),
            Ok(Event::Failed(error)) => Some(Err(error)),
            Ok(Event::Lost(_)) | Err(TryRecvError::Disconnected) => Some(Err(AudioError::SoundServer)),
            Err(TryRecvError::Empty) => {
                (self.since.elapsed() > ANSWER_TIME).then_some(Err(AudioError::SoundServer))
            }
        }
    }
}

impl Open {
    fn new(attempt: Attempt, opened: Opened) -> Result<Self, AudioError> {
        let frame = usize::from(opened.channels);
        Ok(Self {
            attempt,
            ring: opened.ring,
            dropped: opened.dropped,
            resampler: Resampler::new(opened.rate, opened.channels)?,
            samples_per_second: opened.rate as usize * frame,
            frame,
            watch: Watch::new(Instant::now()),
            over: None,
        })
    }

    /// What has come since the last time, at most about a second of it.
    fn take(&mut self) -> Vec<f32> {
        let mut samples = Vec::new();
        let waiting = self.ring.slots().min(self.samples_per_second);
        if waiting == 0 {
            return samples;
        }
        if let Ok(chunk) = self.ring.read_chunk(waiting) {
            let (first, second) = chunk.as_slices();
            self.resampler.push(first, &mut samples);
            self.resampler.push(second, &mut samples);
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

fn open(wanted: Option<&str>, events: &Sender<Event>) -> Result<(cpal::Stream, Opened), AudioError> {
    let chosen = devices::choose(wanted)?;
    let name = chosen.to_string();
    let failed = |error: cpal::Error| match error.kind() {
        // ALSA always has a "default" device, whether there is a sound card or not.
        ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable if wanted.is_none() => {
            AudioError::NoMicrophone
        }
        _ => AudioError::OpenMicrophone { name: name.clone(), why: error.to_string() },
    };
    let supported = devices::input_config(&chosen).map_err(failed)?;
    let id = chosen.id().map_err(failed)?;
    let mut config = supported.config();
    if id.host().to_string() == "pulseaudio" {
        config.buffer_size =
            BufferSize::Fixed((u64::from(config.sample_rate) * PULSE_BLOCK.as_millis() as u64 / 1000) as u32);
    }
    // A rate or a number of channels that cannot be sound is found before the device is opened.
    Resampler::new(config.sample_rate, config.channels)?;
    let capture = Capture::new(config, events.clone());
    let (ring, dropped) = (capture.1, capture.0.dropped.clone());
    let stream = build(&chosen, supported.sample_format(), capture.0).map_err(failed)?;
    stream.play().map_err(failed)?;
    let device = InputDevice {
        id: id.to_string(),
        name,
        is_default: wanted.is_none(),
        is_monitor: devices::is_monitor(id.id()),
        rate: Some(config.sample_rate),
        channels: Some(config.channels),
    };
    Ok((stream, Opened { device, ring, dropped, rate: config.sample_rate, channels: config.channels }))
}

/// The callback's side.
struct Capture {
    config: StreamConfig,
    ring: rtrb::Producer<f32>,
    dropped: Arc<AtomicU64>,
    events: Sender<Event>,
}

impl Capture {
    fn new(config: StreamConfig, events: Sender<Event>) -> (Self, Consumer<f32>) {
        let channels = usize::from(config.channels);
        let frames = (config.sample_rate as usize * RING_SECONDS).min(RING_SAMPLES / channels);
        let (ring, consumer) = RingBuffer::new(frames * channels);
        (Self { config, ring, dropped: Arc::default(), events }, consumer)
    }

    /// Copies whole frames into the ring; those that do not fit are counted.
    fn copy<T>(&mut self, samples: &[T])
    where
        T: SizedSample,
        f32: FromSample<T>,
    {
        let channels = usize::from(self.config.channels);
        let room = self.ring.slots().min(samples.len());
        let fits = room - room % channels;
        if let Ok(chunk) = self.ring.write_chunk_uninit(fits) {
            chunk.fill_from_iter(samples[..fits].iter().map(|sample| sample.to_sample::<f32>()));
        }
        let lost = (samples.len() - fits) / channels;
        if lost > 0 {
            self.dropped.fetch_add(lost as u64, Ordering::Relaxed);
        }
    }
}

fn build(device: &Device, format: SampleFormat, capture: Capture) -> Result<cpal::Stream, cpal::Error> {
    fn build<T>(device: &Device, mut capture: Capture) -> Result<cpal::Stream, cpal::Error>
    where
        T: SizedSample,
        f32: FromSample<T>,
    {
        let events = capture.events.clone();
        device.build_input_stream::<T, _, _>(
            capture.config,
            move |samples, _| capture.copy(samples),
            move |error| match error.kind() {
                // The stream goes on.
                ErrorKind::Xrun | ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => {}
                _ => _ = events.send(Event::Lost(error.to_string())),
            },
            Some(ANSWER_TIME),
        )
    }
    match format {
        SampleFormat::I8 => build::<i8>(device, capture),
        SampleFormat::I16 => build::<i16>(device, capture),
        SampleFormat::I24 => build::<cpal::I24>(device, capture),
        SampleFormat::I32 => build::<i32>(device, capture),
        SampleFormat::I64 => build::<i64>(device, capture),
        SampleFormat::U8 => build::<u8>(device, capture),
        SampleFormat::U16 => build::<u16>(device, capture),
        SampleFormat::U24 => build::<cpal::U24>(device, capture),
        SampleFormat::U32 => build::<u32>(device, capture),
        SampleFormat::U64 => build::<u64>(device, capture),
        SampleFormat::F32 => build::<f32>(device, capture),
        SampleFormat::F64 => build::<f64>(device, capture),
        // One-bit streams are no microphones.
        _ => Err(ErrorKind::UnsupportedConfig.into()),
    }
}
