//! A room with a microphone and a loudspeaker, without hardware: a PulseAudio server of its own.
//!
//! ```text
//! play_into_microphone ─► vmic ─► microphone "mic" (the default input)
//! the default output ─► vspk ─► record_from_loudspeaker
//!                        └─ loop_loudspeaker_into_microphone ─► vmic
//! ```
//!
//! The sound libraries find their server in the environment, which a process cannot safely change for
//! itself: a test that uses sound in its own process begins with [`Room::enter`].

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Set in the process that runs inside a room: the folder of its server.
const INSIDE: &str = "VIVA_TEST_ROOM";

const SERVER: &str = "\
load-module module-native-protocol-unix auth-anonymous=1
load-module module-null-sink sink_name=vspk sink_properties=device.description=Speaker
set-default-sink vspk
";

/// The modules that make up the microphone.
const MICROPHONE: [&[&str]; 2] = [
    &["module-null-sink", "sink_name=vmic", "rate=48000", "sink_properties=device.description=Mouth"],
    &[
        "module-remap-source",
        "master=vmic.monitor",
        "source_name=mic",
        "source_properties=device.description=Microphone",
    ],
];

/// A running room. Dropping the one that [`start`](Self::start) gave ends its server.
pub struct Room {
    folder: PathBuf,
    server: Option<Child>,
    _temporary: Option<tempfile::TempDir>,
}

/// A recording that runs in the background.
pub struct Listening {
    child: Child,
    path: PathBuf,
}

impl Room {
    /// Starts a server with a microphone and a loudspeaker.
    pub fn start() -> Self {
        let room = Self::without_microphone();
        room.plug_microphone();
        room
    }

    /// Starts a server with a loudspeaker alone.
    pub fn without_microphone() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().to_owned();
        let script = folder.join("server.pa");
        fs::write(&script, SERVER).unwrap();
        let mut command = Command::new("pulseaudio");
        in_room(&mut command, &folder)
            .args([
                "-n",
                "--daemonize=no",
                "--exit-idle-time=-1",
                "--use-pid-file=no",
                "--log-target=stderr",
                "-F",
            ])
            .arg(&script)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("server.log")).unwrap());
        let server =
            command.spawn().expect("no `pulseaudio`: run the tests with `scripts/test`, which installs it");
        fs::write(folder.join("server.pid"), server.id().to_string()).unwrap();
        let mut room = Self { folder, server: Some(server), _temporary: Some(temporary) };
        let patience = Instant::now();
        while !room.pactl(["info"]).is_some_and(|answer| answer.contains("vspk")) {
            let ended = room.server.as_mut().unwrap().try_wait().unwrap();
            assert!(
                ended.is_none() && patience.elapsed() < Duration::from_secs(30),
                "pulseaudio does not start: {}",
                fs::read_to_string(room.folder.join("server.log")).unwrap_or_default()
            );
            thread::sleep(Duration::from_millis(50));
        }
        room
    }

    /// A machine without any sound.
    pub fn without_sound() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        Self { folder: temporary.path().to_owned(), server: None, _temporary: Some(temporary) }
    }

    /// For a test that uses sound in its own process: `Some` in the process that is inside a room. In the
    /// outer process the room is started, the test of this name is run inside it, and `None` says
    /// that this was all.
    pub fn enter(test: &str) -> Option<Self> {
        Self::enter_with(test, Self::start)
    }

    /// The same with a room of another kind.
    pub fn enter_with(test: &str, start: impl FnOnce() -> Self) -> Option<Self> {
        if let Some(folder) = std::env::var_os(INSIDE) {
            return Some(Self { folder: folder.into(), server: None, _temporary: None });
        }
        let room = start();
        let mut inside = room.command(std::env::current_exe().unwrap());
        inside.env(INSIDE, &room.folder).args(["--exact", test, "--nocapture", "--include-ignored"]);
        let output = inside.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "inside the room: {said}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        None
    }

    /// A program that will run inside the room.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        in_room(&mut command, &self.folder);
        command
    }

    /// Plays a WAV file to its end into the microphone.
    pub fn play_into_microphone(&self, wav: &Path) {
        let status = self.command("paplay").args(["-d", "vmic"]).arg(wav).status().unwrap();
        assert!(status.success(), "paplay: {status}");
    }

    /// The same in the background.
    pub fn start_playing_into_microphone(&self, wav: &Path) -> Child {
        self.command("paplay").args(["-d", "vmic"]).arg(wav).spawn().unwrap()
    }

    /// Records what the loudspeaker plays until it is told to stop: a WAV file, 16 kHz, mono.
    pub fn record_from_loudspeaker(&self, wav: &Path) -> Listening {
        let child = self
            .command("parec")
            .args(["-d", "vspk.monitor", "--rate=16000", "--channels=1", "--format=s16le"])
            .args(["--latency-msec=50", "--file-format=wav"])
            .arg(wav)
            .spawn()
            .unwrap();
        let listening = Listening { child, path: wav.to_owned() };
        listening.wait_for(0.1);
        listening
    }

    /// Lets the microphone hear the loudspeaker, 30 ms later, as in a real room.
    pub fn loop_loudspeaker_into_microphone(&self) {
        self.load(&["module-loopback", "source=vspk.monitor", "sink=vmic", "latency_msec=30"]);
    }

    /// Plugs the microphone in and makes it the default.
    pub fn plug_microphone(&self) {
        for module in MICROPHONE {
            self.load(module);
        }
        self.pactl(["set-default-source", "mic"]).unwrap();
    }

    /// Pulls the microphone out; whoever records from it is cut off.
    pub fn unplug_microphone(&self) {
        for module in ["module-remap-source", "module-null-sink"] {
            for line in self.pactl(["list", "short", "modules"]).unwrap().lines() {
                if line.contains(module) && (line.contains("vmic") || line.contains("=mic")) {
                    self.pactl(["unload-module", line.split_whitespace().next().unwrap()]).unwrap();
                }
            }
        }
    }

    /// Loads a module of the server.
    pub fn load(&self, module: &[&str]) {
        let arguments = [&["load-module"], module].concat();
        assert!(self.pactl(&arguments).is_some(), "pactl {arguments:?}");
    }

    /// Makes the server hang.
    pub fn suspend_server(&self) {
        self.signal_server("-STOP");
    }

    /// Makes the server go on.
    pub fn resume_server(&self) {
        self.signal_server("-CONT");
    }

    fn signal_server(&self, signal: &str) {
        let server = fs::read_to_string(self.folder.join("server.pid")).unwrap();
        assert!(Command::new("kill").args([signal, &server]).status().unwrap().success());
    }

    /// What `pactl` says, if it succeeds.
    pub fn pactl<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, arguments: I) -> Option<String> {
        let output = self.command("pactl").args(arguments).output().expect("no `pactl`");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            _ = server.kill();
            _ = server.wait();
        }
    }
}

impl Listening {
    /// Waits until so many more seconds have been recorded.
    pub fn wait_for(&self, seconds: f32) {
        let bytes = |seconds: f32| (seconds * 32_000.0) as u64;
        let length = || fs::metadata(&self.path).map_or(0, |metadata| metadata.len());
        let (patience, until) = (Instant::now(), length() + bytes(seconds));
        while length() < until {
            assert!(patience.elapsed().as_secs_f32() < seconds + 30.0, "parec hears nothing");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends the recording; what was heard, at 16 kHz.
    pub fn stop(mut self) -> Vec<f32> {
        _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        _ = self.child.wait();
        read(&self.path)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn in_room<'a>(command: &'a mut Command, folder: &Path) -> &'a mut Command {
    for name in ["PULSE_SERVER", "PULSE_RUNTIME_PATH", "PULSE_COOKIE", "PULSE_SINK", "PULSE_SOURCE"] {
        command.env_remove(name);
    }
    // No ALSA device of the machine's own takes the place of what a test has unplugged. Asking for this
    // one makes libasound write to file descriptor 2, as it does on a machine without a sound card.
    let alsa = folder.join("alsa.conf");
    fs::write(&alsa, "pcm.!default { type hw card \"nobody\" }\n").unwrap();
    command.env("XDG_RUNTIME_DIR", folder).env("HOME", folder).env("ALSA_CONFIG_PATH", alsa)
}

/// The samples of a mono WAV file with 16-bit samples.
pub fn read(wav: &Path) -> Vec<f32> {
    let mut reader = hound::WavReader::open(wav).unwrap();
    assert_eq!(reader.spec().channels, 1);
    reader.samples::<i16>().map(|sample| f32::from(sample.unwrap()) / 32_768.0).collect()
}

/// Writes a mono WAV file with 16-bit samples.
pub fn write(wav: &Path, rate: u32, samples: &[f32]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(wav, spec).unwrap();
    for sample in samples {
        writer.write_sample((sample * 32_767.0) as i16).unwrap();
    }
    writer.finalize().unwrap();
}

/// Something like speech at 16 kHz: syllables of gliding tones with pauses, never the same twice. Begins
/// with a tenth of a second of silence, of which a null sink that works ahead swallows a part.
pub fn babble(seconds: f32) -> Vec<f32> {
    let (mut phase, mut samples) = (0.0_f32, vec![0.0; 1_600]);
    let length = (seconds * 16_000.0) as usize;
    let mut state = 1_u32;
    while samples.len() < length {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let pick = |shift: u32| (state >> shift & 0xff) as f32 / 255.0;
        let (syllable, pause) = (1_600.0 + 2_400.0 * pick(24), 400.0 + 2_000.0 * pick(16));
        let (from, to) = (150.0 + 900.0 * pick(8), 150.0 + 900.0 * pick(20));
        for index in 0..syllable as usize {
            let along = index as f32 / syllable;
            phase += std::f32::consts::TAU * (from + (to - from) * along) / 16_000.0;
            samples.push(
                0.4 * (std::f32::consts::PI * along).sin() * (phase.sin() + 0.5 * (3.0 * phase).sin()) / 1.5,
            );
        }
        samples.resize(samples.len() + pause as usize, 0.0);
    }
    samples.truncate(length);
    samples
}

/// Where `played` begins in `heard` (in samples) and how alike they are there: 1 is the same but for
/// the volume. Both at 16 kHz; missing pieces, gaps and noise all make them less alike.
pub fn find(played: &[f32], heard: &[f32]) -> (usize, f32) {
    const STEP: usize = 40;
    let envelope = |samples: &[f32]| -> Vec<f32> {
        samples.chunks(STEP).map(|chunk| chunk.iter().map(|sample| sample.abs()).sum()).collect()
    };
    let (short, long) = (envelope(played), envelope(heard));
    let best = |short: &[f32], long: &[f32], starts: std::ops::Range<usize>| {
        starts
            .map(|start| (start, alike(short, long.get(start..).unwrap_or_default())))
            .max_by(|one, other| one.1.total_cmp(&other.1))
            .unwrap_or((0, 0.0))
    };
    let (coarse, _) = best(&short, &long, 0..long.len().saturating_sub(short.len()).max(1));
    // The loudness of speech changes slowly: its best match can be some steps beside the true one.
    best(played, heard, (coarse * STEP).saturating_sub(8 * STEP)..coarse * STEP + 8 * STEP)
}

/// All that was played was heard, without gaps. At 0.98 not even a single sample is missing; a loudspeaker
/// that converts the rate by itself leaves 0.95.
pub fn assert_heard(played: &[f32], heard: &[f32], at_least: f32) {
    let (start, alike) = find(played, heard);
    if alike > at_least {
        return;
    }
    let pieces: Vec<_> = played
        .chunks(4_000)
        .enumerate()
        .map(|(index, piece)| {
            let from = (start + index * 4_000).saturating_sub(8_000);
            let (at, alike) = find(piece, heard.get(from..).unwrap_or_default());
            ((from + at) as i64 - (start + index * 4_000) as i64, (alike * 100.0) as u32)
        })
        .collect();
    panic!(
        "{alike} alike from {start} of {} samples; shift of each quarter of a second and likeness in %: {pieces:?}",
        heard.len()
    );
}

/// The correlation of two signals that begin at the same time; after the end of `other` is silence.
fn alike(one: &[f32], other: &[f32]) -> f32 {
    let (mut product, mut power) = (0.0, 0.0);
    for (a, b) in one.iter().zip(other) {
        product += a * b;
        power += b * b;
    }
    let whole: f32 = one.iter().map(|sample| sample * sample).sum();
    product / (whole * power).sqrt().max(f32::MIN_POSITIVE)
}
