//! Recordings as they are kept: 16 kHz, mono, 16-bit WAV, on disk while they are still being spoken.
//!
//! hound makes the header, but does not write the file: its writer cannot go on after a failed
//! write, because it then no longer knows how many bytes reached the disk. Here every write names
//! its place in the file, so that a full disk costs nothing but memory.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::mem;
use std::path::{Path, PathBuf};

use super::{AudioError, SAMPLE_RATE};

/// Length in bytes of the header that hound writes for 16-bit mono.
const HEADER_LEN: u64 = 44;
const BYTES_PER_SAMPLE: u64 = 2;
/// What ends the name of a recording that is not whole yet.
const PART_SUFFIX: &str = ".part";

/// After how many bytes the samples are handed to the system: a tenth of a second, which is what a
/// `kill -9` costs at most.
const FLUSH_BYTES: usize = SAMPLE_RATE as usize / 10 * BYTES_PER_SAMPLE as usize;
/// After how many bytes the header is written anew, and how often a failed write is tried again.
const CHECKPOINT_BYTES: u64 = SAMPLE_RATE as u64 * BYTES_PER_SAMPLE;

/// Writes an answer to disk while it is spoken.
///
/// Until [`finish`](Self::finish) the file is called `NAME.wav.part`, with a header that is brought
/// up to date every second. Dropping the recorder leaves the file like that, for [`repair`].
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    part: PathBuf,
    file: File,
    /// Bytes of samples that are in the file.
    written: u64,
    /// Bytes of samples that are not in the file yet.
    waiting: Vec<u8>,
    /// The length that the header in the file states.
    in_header: u64,
    /// While writing fails: the length of the recording at which to try again.
    try_again_at: Option<u64>,
}

/// News about where the samples are; see [`Recorder::write`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// The disk is full or failed; from here on the samples are held in memory. Said once.
    HeldInMemory {
        /// What the system said.
        why: String,
    },
    /// Everything that had been held in memory is on disk again.
    OnDiskAgain,
}

/// A recording that could not be written to its end; the recorder still holds the rest.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot write the rest of the recording `{}`: {source}; free some space: what could not be written is still in memory",
    part.display()
)]
pub struct Unsaved {
    /// The unfinished file, with what could be written.
    pub part: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// What [`repair`] made of an unfinished recording.
#[derive(Debug, Clone, PartialEq)]
pub enum Repaired {
    /// It is whole now, under its final name.
    Whole {
        /// The recording.
        path: PathBuf,
        /// Its length.
        seconds: f64,
    },
    /// It held no sample and was removed.
    Empty,
}

impl Recorder {
    /// Starts a recording that will be called `path` (`NAME.wav`), readable by its owner only.
    ///
    /// # Errors
    /// The folder does not exist or cannot be written to, or a recording of that name exists.
    pub fn create(path: &Path) -> Result<Self, AudioError> {
        let part = part_of(path);
        let failed = |source| AudioError::Record { path: path.to_owned(), source };
        if path.exists() {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        let mut file = create_private(&part).map_err(failed)?;
        if let Err(error) = file.write_all(&header(0)) {
            _ = fs::remove_file(&part);
            return Err(failed(error));
        }
        Ok(Self {
            path: path.to_owned(),
            part,
            file,
            written: 0,
            waiting: Vec::new(),
            in_header: 0,
            try_again_at: None,
        })
    }

    /// Adds samples at [`SAMPLE_RATE`], -1..1; louder ones are clipped, NaN becomes silence.
    ///
    /// Never loses any: while they cannot be written they are held in memory and tried again each
    /// second. Returns news only when that begins or ends.
    pub fn write(&mut self, samples: &[f32]) -> Option<Storage> {
        self.waiting.extend(samples.iter().flat_map(|&sample| to_i16(sample).to_le_bytes()));
        if let Some(length) = self.try_again_at {
            if self.length() < length {
                return None;
            }
            return match self.flush() {
                Ok(()) => {
                    self.try_again_at = None;
                    Some(Storage::OnDiskAgain)
                }
                Err(_) => {
                    self.try_again_at = Some(self.length() + CHECKPOINT_BYTES);
                    None
                }
            };
        }
        if self.waiting.len() < FLUSH_BYTES {
            return None;
        }
        match self.flush() {
            Ok(()) => None,
            Err(error) => {
                self.try_again_at = Some(self.length() + CHECKPOINT_BYTES);
                Some(Storage::HeldInMemory { why: error.to_string() })
            }
        }
    }

    /// Length of the recording so far, in seconds, whether on disk or in memory.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        seconds(self.length())
    }

    /// Whether the disk refused the last write, so that samples are held in memory.
    #[must_use]
    pub fn is_holding(&self) -> bool {
        self.try_again_at.is_some()
    }

    /// Writes what is left, makes it safe against a power cut and gives the file its final name.
    ///
    /// Nothing may be recorded after it has succeeded.
    ///
    /// # Errors
    /// It could not be written. Nothing is lost: [`samples`](Self::samples) has it all, and finishing
    /// can be tried again once there is space.
    pub fn finish(&mut self) -> Result<PathBuf, Unsaved> {
        match self.complete() {
            Ok(()) => {
                self.try_again_at = None;
                Ok(mem::take(&mut self.path))
            }
            Err(source) => Err(Unsaved { part: self.part.clone(), source }),
        }
    }

    fn complete(&mut self) -> io::Result<()> {
        if !self.part.exists() {
            // It has its name already, and only making that safe failed; or somebody removed it.
            if self.path.exists() {
                return rename_is_safe(&self.path);
            }
            self.write_anew()?;
        }
        self.flush()?;
        self.checkpoint()?;
        self.file.sync_all()?;
        rename(&self.part, &self.path)
    }

    /// Begins the file again with all that was recorded, after somebody has removed it.
    fn write_anew(&mut self) -> io::Result<()> {
        let file = create_private(&self.part)?;
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(HEADER_LEN))?;
        (&self.file).take(self.written).read_to_end(&mut bytes)?;
        bytes.append(&mut self.waiting);
        self.waiting = bytes;
        self.file = file;
        self.written = 0;
        self.checkpoint()
    }

    fn length(&self) -> u64 {
        self.written + self.waiting.len() as u64
    }

    /// Moves what waits into the file, and into the header once a second.
    fn flush(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(HEADER_LEN + self.written))?;
        let mut done = 0;
        let result = loop {
            match self.file.write(&self.waiting[done..]) {
                Ok(0) if done == self.waiting.len() => break Ok(()),
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        // Half a sample that reached the disk is written again.
        done -= done % BYTES_PER_SAMPLE as usize;
        self.waiting.drain(..done);
        self.written += done as u64;
        result?;
        if self.written - self.in_header >= CHECKPOINT_BYTES {
            self.checkpoint()?;
        }
        Ok(())
    }

    /// Writes the length into the header, so that other programs can read the unfinished file.
    fn checkpoint(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&header(self.written))?;
        self.in_header = self.written;
        Ok(())
    }

    /// The whole recording so far, from disk and from memory, at [`SAMPLE_RATE`]. What the disk does
    /// not give back is left out.
    pub fn samples(&mut self) -> Vec<f32> {
        let mut bytes = Vec::new();
        if self.file.seek(SeekFrom::Start(HEADER_LEN)).is_ok() {
            _ = (&self.file).take(self.written).read_to_end(&mut bytes);
        }
        bytes.truncate(bytes.len() - bytes.len() % BYTES_PER_SAMPLE as usize);
        bytes.extend_from_slice(&self.waiting);
        let (samples, _) = bytes.as_chunks();
        samples.iter().map(|&sample| f32::from(i16::from_le_bytes(sample)) / FULL_SCALE).collect()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // After `finish` there is nothing left to write; otherwise `repair` takes what is there.
        if !self.path.as_os_str().is_empty() {
            _ = self.flush();
            _ = self.checkpoint();
        }
    }
}

/// Makes a recording that was cut off (`NAME.wav.part`) whole: every whole sample that is in the
/// file, whatever its header says, under the name `NAME.wav`.
///
/// Must not be called while a [`Recorder`] still writes the file.
///
/// # Errors
/// It cannot be read or written, is no recording of viva's, or `NAME.wav` exists already.
pub fn repair(part: &Path) -> Result<Repaired, AudioError> {
    let failed = |source| AudioError::Repair { path: part.to_owned(), source };
    let path =
        whole_of(part).ok_or_else(|| failed(io::Error::other("its name does not end in `.wav.part`")))?;
    let mut file = OpenOptions::new().read(true).write(true).open(part).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len().saturating_sub(HEADER_LEN);
    let length = length - length % BYTES_PER_SAMPLE;
    if length == 0 {
        fs::remove_file(part).map_err(failed)?;
        return Ok(Repaired::Empty);
    }
    let mut magic = [0; 4];
    file.read_exact(&mut magic).map_err(failed)?;
    // A power cut can leave zeros where the header was to be written.
    if magic != *b"RIFF" && magic != [0; 4] {
        return Err(failed(io::Error::other("it does not begin as a WAV file does")));
    }
    if path.exists() {
        return Err(failed(io::Error::other(format!("`{}` exists already", path.display()))));
    }
    file.set_len(HEADER_LEN + length).map_err(failed)?;
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    file.write_all(&header(length)).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    rename(part, &path).map_err(failed)?;
    Ok(Repaired::Whole { path, seconds: seconds(length) })
}

/// Full scale of 16-bit samples.
const FULL_SCALE: f32 = 32768.0;

/// The nearest 16-bit value; a float's conversion saturates and takes NaN to 0.
fn to_i16(sample: f32) -> i16 {
    (sample * FULL_SCALE).round() as i16
}

fn seconds(bytes: u64) -> f64 {
    (bytes / BYTES_PER_SAMPLE) as f64 / f64::from(SAMPLE_RATE)
}

/// The header of a file with so many bytes of samples.
fn header(bytes: u64) -> Vec<u8> {
    let mut header = hound::WavSpec {
        channels: 1,
        sample_rate: SAMPLE_RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    }
    .into_header_for_infinite_file();
    // Both lengths are the places that the "infinite" header fills with ones. A WAV file ends at
    // 4 GB, which is a day and a half.
    let data = u32::try_from(bytes).unwrap_or(u32::MAX);
    let riff = u32::try_from(bytes + HEADER_LEN - 8).unwrap_or(u32::MAX);
    header[4..8].copy_from_slice(&riff.to_le_bytes());
    header[40..44].copy_from_slice(&data.to_le_bytes());
    header
}

/// `NAME.wav` -> `NAME.wav.part`
fn part_of(path: &Path) -> PathBuf {
    let mut part = path.as_os_str().to_owned();
    part.push(PART_SUFFIX);
    part.into()
}

/// `NAME.wav.part` -> `NAME.wav`
fn whole_of(part: &Path) -> Option<PathBuf> {
    let whole = part.with_extension("");
    (part.extension()? == "part" && whole.extension()? == "wav").then_some(whole)
}

/// Renames, for good.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    rename_is_safe(to)
}

/// A new file that only its owner can read.
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a name survive a power cut.
fn rename_is_safe(name: &Path) -> io::Result<()> {
    #[cfg(not(unix))]
    let _ = name;
    #[cfg(unix)]
    if let Some(folder) = name.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn ramp(length: usize) -> Vec<f32> {
        (0..length).map(|index| (index % 20_000) as f32 / FULL_SCALE).collect()
    }

    fn read(path: &Path) -> Vec<f32> {
        let mut reader = hound::WavReader::open(path).unwrap();
        assert_eq!(reader.spec().sample_rate, SAMPLE_RATE);
        assert_eq!(reader.spec().channels, 1);
        reader.samples::<i16>().map(|sample| f32::from(sample.unwrap()) / FULL_SCALE).collect()
    }

    #[test]
    fn what_was_said_is_in_the_file_sample_by_sample() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answer.wav");
        let samples = ramp(40_123);
        let mut recorder = Recorder::create(&path).unwrap();
        for block in samples.chunks(777) {
            assert_eq!(recorder.write(block), None);
        }
        assert!((recorder.seconds() - 40_123.0 / 16_000.0).abs() < 1e-9);
        assert_eq!(recorder.finish().unwrap(), path);
        assert_eq!(read(&path), samples);
        assert!(!folder.path().join("answer.wav.part").exists());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn too_loud_and_not_a_number_do_not_wrap() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answer.wav");
        let mut recorder = Recorder::create(&path).unwrap();
        recorder.write(&[2.0, -2.0, f32::NAN, f32::INFINITY, 1.0, -1.0]);
        recorder.finish().unwrap();
        let top = 32767.0 / FULL_SCALE;
        assert_eq!(read(&path), [top, -1.0, 0.0, top, top, -1.0]);
    }

    #[test]
    fn other_programs_can_read_the_unfinished_file_up_to_the_last_second() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answer.wav");
        let samples = ramp(16_000 * 5 / 2);
        let mut recorder = Recorder::create(&path).unwrap();
        for block in samples.chunks(800) {
            recorder.write(block);
        }
        let heard = read(&folder.path().join("answer.wav.part"));
        assert!(heard.len() >= samples.len() - 17_600, "{}", heard.len());
        assert_eq!(heard, samples[..heard.len()]);
    }

    #[test]
    fn an_existing_recording_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answer.wav");
        fs::write(&path, "earlier").unwrap();
        let error = Recorder::create(&path).unwrap_err().to_string();
        assert!(error.contains("answer.wav"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"earlier");

        let part = folder.path().join("other.wav.part");
        fs::write(&part, [header(100), vec![7; 100]].concat()).unwrap();
        assert!(Recorder::create(&folder.path().join("other.wav")).is_err());
        fs::write(folder.path().join("other.wav"), "earlier").unwrap();
        assert!(repair(&part).is_err());
        assert!(part.exists());
    }

    #[test]
    fn a_recording_in_a_folder_that_does_not_exist_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let error = Recorder::create(&folder.path().join("none/answer.wav")).unwrap_err();
        assert!(error.to_string().contains("none/answer.wav"), "{error}");
    }

    #[test]
    fn repair_takes_every_whole_sample_whatever_the_header_says() {
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join("answer.wav.part");
        for (name, head) in [("no length yet", header(0)), ("zeros", vec![0; 44])] {
            fs::write(&part, [head, vec![1, 0, 2, 0, 3]].concat()).unwrap();
            let Repaired::Whole { path, seconds } = repair(&part).unwrap() else { panic!("{name}") };
            assert_eq!(read(&path), [1.0 / FULL_SCALE, 2.0 / FULL_SCALE], "{name}");
            assert!((seconds - 2.0 / 16_000.0).abs() < 1e-9);
            fs::remove_file(path).unwrap();
            assert!(!part.exists());
        }
    }

    #[test]
    fn a_recording_without_a_sample_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        for length in [0, 10, 44, 45] {
            let part = folder.path().join("answer.wav.part");
            fs::write(&part, &[header(0), vec![1]].concat()[..length]).unwrap();
            assert_eq!(repair(&part).unwrap(), Repaired::Empty);
            assert!(!part.exists());
        }
    }

    #[test]
    fn repair_leaves_foreign_files_alone() {
        let folder = tempfile::tempdir().unwrap();
        let foreign = folder.path().join("letter.wav.part");
        fs::write(&foreign, "x".repeat(1000)).unwrap();
        assert!(repair(&foreign).is_err());
        assert_eq!(fs::metadata(&foreign).unwrap().len(), 1000);
        let name = folder.path().join("letter.txt");
        fs::write(&name, "x".repeat(1000)).unwrap();
        assert!(repair(&name).is_err());
    }

    #[test]
    fn a_dropped_recorder_leaves_everything_for_repair() {
        let folder = tempfile::tempdir().unwrap();
        let samples = ramp(1000);
        let mut recorder = Recorder::create(&folder.path().join("answer.wav")).unwrap();
        recorder.write(&samples);
        drop(recorder);
        let part = folder.path().join("answer.wav.part");
        let Repaired::Whole { path, .. } = repair(&part).unwrap() else { panic!() };
        assert_eq!(read(&path), samples);
    }
}
