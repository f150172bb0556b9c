//! The voice that the system brings: `espeak-ng` on Linux, `say` on macOS.
//!
//! It is rendered into a WAV file once and played by us, so that it is known when it ends, can be
//! stopped at once, and sounds without delay the second time.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::{SilentSpeaker, SpeakError, Speaker, Utterance};
use crate::audio::{self, Sound};

/// How long rendering may take. A long question takes 0.1 s, on a busy machine 2 s.
const RENDERING: Duration = Duration::from_secs(10);
/// How much longer than rendering and playing all together may take.
const SLACK: Duration = Duration::from_secs(10);
/// How long a loudspeaker may take to be tried out; a microphone's sound can wait so long.
const TRYING_OUT: Duration = Duration::from_secs(6);
const LOOK: Duration = Duration::from_millis(10);
/// Silence is silent at any rate.
const SILENCE_RATE: NonZero<u32> = NonZero::<u32>::MIN;

#[cfg(target_os = "macos")]
const PROGRAM: &str = "say";
#[cfg(not(target_os = "macos"))]
const PROGRAM: &str = "espeak-ng";

/// Options, before those that name the files. A little slower than its default of 175 words a minute:
/// questions are dense.
#[cfg(target_os = "macos")]
const OPTIONS: &[&str] = &["-r", "170", "--file-format=WAVE", "--data-format=LEI16@22050", "-f", "-"];
#[cfg(not(target_os = "macos"))]
const OPTIONS: &[&str] = &["-v", "en-us", "-s", "150", "--stdin"];

/// The option that names the WAV file.
#[cfg(target_os = "macos")]
const OUTPUT: &str = "-o";
#[cfg(not(target_os = "macos"))]
const OUTPUT: &str = "-w";

/// The system's own voice. After a failure it stays silent, so that a hanging sound system is met
/// once and not at each question.
#[derive(Debug)]
pub struct SystemVoice {
    renderer: Renderer,
    failed: Arc<AtomicBool>,
}

/// Turns text into sound files.
#[derive(Debug, Clone)]
struct Renderer {
    program: PathBuf,
    cache: PathBuf,
    /// How long the program may take.
    patience: Duration,
}

impl SystemVoice {
    /// Finds the system's voice program. Renderings are kept in the folder `cache`, which is made when
    /// it is needed; where it cannot be written to, nothing is kept.
    ///
    /// # Errors
    /// [`SpeakError::NoVoice`].
    pub fn find(cache: &Path) -> Result<Self, SpeakError> {
        let program = env::var_os("PATH")
            .and_then(|path| {
                env::split_paths(&path).map(|folder| folder.join(PROGRAM)).find(|file| file.is_file())
            })
            .ok_or(SpeakError::NoVoice { program: PROGRAM })?;
        Ok(Self::new(program, cache))
    }

    /// Tries the loudspeaker out, without a sound: some tenths of a second. Who does this before the
    /// first question need not be disturbed in it.
    ///
    /// # Errors
    /// [`SpeakError::Loudspeaker`].
    pub fn try_out(&self) -> Result<(), SpeakError> {
        let (sender, played) = mpsc::channel();
        thread::spawn(move || {
            let silence = Sound { samples: Vec::new(), rate: SILENCE_RATE };
            // Nobody may be waiting any more.
            _ = sender.send(audio::play(silence, &AtomicBool::new(false)));
        });
        Ok(played.recv_timeout(TRYING_OUT).unwrap_or(Err(audio::AudioError::SoundServer))?)
    }

    fn new(program: PathBuf, cache: &Path) -> Self {
        Self {
            renderer: Renderer { program, cache: cache.to_owned(), patience: RENDERING },
            failed: Arc::default(),
        }
    }
}

impl Speaker for SystemVoice {
    fn say(&mut self, text: &str) -> Result<Box<dyn Utterance>, SpeakError> {
        if self.failed.load(Ordering::Relaxed) || text.trim().is_empty() {
            return SilentSpeaker.say(text);
        }
        let saying = Arc::new(Saying {
            stop: AtomicBool::new(false),
            done: AtomicBool::new(false),
            deadline: Mutex::new(Instant::now() + RENDERING + SLACK),
            failure: Mutex::new(None),
        });
        let (renderer, failed) = (self.renderer.clone(), self.failed.clone());
        let (text, said) = (text.to_owned(), saying.clone());
        thread::spawn(move || {
            if let Err(error) = said.say(&renderer, &text) {
                failed.store(true, Ordering::Relaxed);
                *said.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
            said.done.store(true, Ordering::Release);
        });
        Ok(Box::new(Said { saying, failed: self.failed.clone(), given_up: false }))
    }

    fn prepare(&mut self, text: &str) {
        if self.failed.load(Ordering::Relaxed) || text.trim().is_empty() {
            return;
        }
        let (renderer, text) = (self.renderer.clone(), text.to_owned());
        // A failure shows when it is to be said.
        thread::spawn(move || renderer.sound(&text, &AtomicBool::new(false)));
    }
}

/// What the thread that speaks and the one that waits share.
struct Saying {
    stop: AtomicBool,
    done: AtomicBool,
    deadline: Mutex<Instant>,
    failure: Mutex<Option<SpeakError>>,
}

impl Saying {
    fn say(&self, renderer: &Renderer, text: &str) -> Result<(), SpeakError> {
        let Some(sound) = renderer.sound(text, &self.stop)? else { return Ok(()) };
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) =
            Instant::now() + sound.duration() + SLACK;
        Ok(audio::play(sound, &self.stop)?)
    }
}

/// The side that waits.
struct Said {
    saying: Arc<Saying>,
    failed: Arc<AtomicBool>,
    given_up: bool,
}

impl Said {
    fn is_overdue(&self) -> bool {
        Instant::now() >= *self.saying.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Utterance for Said {
    fn is_done(&self) -> bool {
        self.saying.done.load(Ordering::Acquire) || self.is_overdue()
    }

    fn stop(&mut self) {
        self.saying.stop.store(true, Ordering::Relaxed);
    }

    fn failure(&mut self) -> Option<SpeakError> {
        if !self.saying.done.load(Ordering::Acquire) && self.is_overdue() && !self.given_up {
            self.given_up = true;
            self.stop();
            self.failed.store(true, Ordering::Relaxed);
            return Some(SpeakError::Loudspeaker(audio::AudioError::SoundServer));
        }
        self.saying.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Said {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Renderer {
    /// The sound of a text, from the cache or made now; `None` when it was stopped meanwhile.
    fn sound(&self, text: &str, stop: &AtomicBool) -> Result<Option<Sound>, SpeakError> {
        let cached = self.cache.join(self.name(text));
        // A file that cannot be read is made anew.
        if let Ok(sound) = read(&cached) {
            return Ok(Some(sound));
        }
        let failed = |why: String| SpeakError::Program { program: self.program.display().to_string(), why };
        let wav = self.temporary().map_err(|error| failed(error.to_string()))?;
        match self.render(text, wav.path(), stop) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(why) => return Err(failed(why)),
        }
        let sound = read(wav.path()).map_err(|error| failed(format!("its sound cannot be read: {error}")))?;
        // Without a cache it still speaks.
        _ = wav.persist(&cached);
        Ok(Some(sound))
    }

    /// Whatever changes the sound is in the name.
    fn name(&self, text: &str) -> String {
        let mut hash = Sha256::new();
        for part in [PROGRAM].iter().chain(OPTIONS).chain([&text]) {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let hash: String = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        format!("{hash}.wav")
    }

    /// A new file in the cache, or else where temporary files are.
    fn temporary(&self) -> io::Result<tempfile::NamedTempFile> {
        let mut folder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        _ = folder.recursive(true).create(&self.cache);
        let mut builder = tempfile::Builder::new();
        builder.suffix(".wav");
        builder.tempfile_in(&self.cache).or_else(|_| builder.tempfile())
    }

    /// Runs the program; `false` when it was stopped meanwhile.
    fn render(&self, text: &str, wav: &Path, stop: &AtomicBool) -> Result<bool, String> {
        let mut child = Command::new(&self.program)
            .args(OPTIONS)
            .arg(OUTPUT)
            .arg(wav)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        let deadline = Instant::now() + self.patience;
        // A program that does not read must not block us: whoever writes ends when it is killed.
        if let Some(mut stdin) = child.stdin.take() {
            let text = text.to_owned();
            thread::spawn(move || stdin.write_all(text.as_bytes()));
        }
        loop {
            match child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(true),
                Ok(Some(status)) => return Err(format!("it ended with {status}")),
                Ok(None) if stop.load(Ordering::Relaxed) => {
                    end(child);
                    return Ok(false);
                }
                Ok(None) if Instant::now() < deadline => thread::sleep(LOOK),
                Ok(None) => {
                    end(child);
                    return Err(format!("it did not end within {} s", self.patience.as_secs()));
                }
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}

fn end(mut child: Child) {
    _ = child.kill();
    _ = child.wait();
}

/// Reads a sound with 16-bit samples; several channels are averaged.
fn read(wav: &Path) -> Result<Sound, hound::Error> {
    let mut reader = hound::WavReader::open(wav)?;
    let spec = reader.spec();
    let channels = usize::from(spec.channels.max(1));
    let rate = NonZero::new(spec.sample_rate).ok_or(hound::Error::FormatError("no sample rate"))?;
    let samples = reader.samples::<i16>().collect::<Result<Vec<_>, _>>()?;
    if samples.is_empty() {
        return Err(hound::Error::FormatError("no sound"));
    }
    let samples = samples
        .chunks(channels)
        .map(|frame| frame.iter().map(|&sample| f32::from(sample)).sum::<f32>() / channels as f32 / 32_768.0)
        .collect();
    Ok(Sound { samples, rate })
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A voice program that is a shell script. `$1` is where its WAV file is to go.
    fn voice(folder: &Path, script: &str) -> SystemVoice {
        let program = folder.join("voice");
        fs::write(&program, format!("#!/bin/sh\nwhile [ $# -gt 1 ]; do shift; done\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let mut voice = SystemVoice::new(program, &folder.join("cache"));
        voice.renderer.patience = Duration::from_millis(500);
        voice
    }

    fn wait(utterance: &dyn Utterance) {
        let start = Instant::now();
        while !utterance.is_done() {
            assert!(start.elapsed() < Duration::from_secs(10));
            thread::sleep(LOOK);
        }
    }

    fn sound_of(voice: &SystemVoice, text: &str) -> Result<Option<Sound>, SpeakError> {
        voice.renderer.sound(text, &AtomicBool::new(false))
    }

    /// Writes a second of sound where `$1` says, and counts how often it was asked.
    fn script_that_speaks(folder: &Path) -> String {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 22_050,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let wav = folder.join("voice.wav");
        let mut writer = hound::WavWriter::create(&wav, spec).unwrap();
        (0..22_050).for_each(|n| writer.write_sample((n % 300) as i16).unwrap());
        writer.finalize().unwrap();
        format!("cat >> '{0}/asked'; echo >> '{0}/asked'; cp '{1}' \"$1\"", folder.display(), wav.display())
    }

    #[test]
    fn a_text_is_rendered_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut voice = voice(folder.path(), &script_that_speaks(folder.path()));
        let asked = || fs::read_to_string(folder.path().join("asked")).unwrap_or_default();
        let first = sound_of(&voice, "one, two").unwrap().unwrap();
        assert_eq!(first.duration(), Duration::from_secs(1));
        assert_eq!(sound_of(&voice, "one, two").unwrap().unwrap(), first);
        assert_eq!(asked(), "one, two\n");
        voice.prepare("three");
        let start = Instant::now();
        let prepared = folder.path().join("cache").join(voice.renderer.name("three"));
        while !prepared.exists() {
            assert!(start.elapsed() < Duration::from_secs(10));
            thread::sleep(LOOK);
        }
        sound_of(&voice, "three").unwrap().unwrap();
        assert_eq!(asked(), "one, two\nthree\n");

        // What cannot be read is made anew.
        for file in fs::read_dir(folder.path().join("cache")).unwrap() {
            fs::write(file.unwrap().path(), "RIFF").unwrap();
        }
        assert_eq!(sound_of(&voice, "three").unwrap().unwrap(), first);
        assert_eq!(asked(), "one, two\nthree\nthree\n");
    }

    #[test]
    fn without_a_cache_it_still_speaks() {
        let folder = tempfile::tempdir().unwrap();
        let voice = voice(folder.path(), &script_that_speaks(folder.path()));
        fs::write(folder.path().join("cache"), "a file where the folder should be").unwrap();
        assert!(sound_of(&voice, "one").unwrap().is_some());
    }

    #[test]
    fn a_program_that_fails_is_told_once_and_then_left_alone() {
        for (script, why) in [
            ("exit 3", "exit status: 3"),
            ("kill -9 $$", "signal: 9"),
            ("exec sleep 100", "did not end within"),
            ("echo nonsense > \"$1\"", "cannot be read"),
            (":", "cannot be read"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let mut voice = voice(folder.path(), script);
            // Longer than a pipe holds, and never read.
            let mut utterance = voice.say(&"word ".repeat(50_000)).unwrap();
            wait(&*utterance);
            let error = utterance.failure().unwrap().to_string();
            assert!(error.contains(why) && error.contains("--no-speak"), "{script}: {error}");
            assert!(utterance.failure().is_none());
            let mut again = voice.say("again").unwrap();
            assert!(again.is_done() && again.failure().is_none());
        }
    }

    #[test]
    fn stopping_ends_a_program_that_is_not_done() {
        let folder = tempfile::tempdir().unwrap();
        let mut voice = voice(folder.path(), "exec sleep 100");
        voice.renderer.patience = Duration::from_secs(60);
        let mut utterance = voice.say("never mind").unwrap();
        assert!(!utterance.is_done());
        utterance.stop();
        wait(&*utterance);
        assert!(utterance.failure().is_none());
    }

    #[test]
    fn nothing_to_say_is_said_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut voice = voice(folder.path(), "exit 3");
        let mut utterance = voice.say("  ").unwrap();
        assert!(utterance.is_done() && utterance.failure().is_none());
    }
}
