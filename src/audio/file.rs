//! WAV files as a source, read as a stream.
//!
//! The header is read here and not by hound, because people's files are not all whole: recorders
//! that were killed leave lengths of zero, programs that write into a pipe leave the largest number,
//! and a copy that broke off is shorter than it says. What is there is taken in each case.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::{AudioError, AudioSource, Block, Resampler, SAMPLE_RATE};

/// At most this many bytes are read for one block, however many channels there are.
const BLOCK_BYTES: usize = 1 << 20;

/// Lengths from here up are what a program writes that does not know them: 0xFFFFFFFF, or sox's
/// 0x7FFFFFFF less the header.
const UNKNOWN_LENGTH: u32 = 0x7FFF_0000;

/// How fast a file is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As fast as it is asked for.
    Fast,
    /// As a microphone would: a second of it takes a second, counted from the first request.
    RealTime,
}

/// A WAV file: 8, 16, 24 or 32-bit integers or 32 or 64-bit floats, at any rate with any channels.
/// Memory is constant in the file's length.
pub struct WavSource {
    path: PathBuf,
    reader: Box<dyn Read + Send>,
    encoding: Encoding,
    frame_bytes: usize,
    block_bytes: usize,
    /// Bytes of sound still to come; `None` up to the file's end.
    remaining: Option<u64>,
    resampler: Resampler,
    pace: Pace,
    started: Option<Instant>,
    given: u64,
    ended: bool,
    broken_off: Option<f64>,
    not_numbers: u64,
    bytes: Vec<u8>,
    interleaved: Vec<f32>,
}

/// How one sample is stored, little endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    U8,
    I16,
    I24,
    I32,
    F32,
    F64,
}

impl WavSource {
    /// Opens a WAV file (or a pipe that one comes out of).
    ///
    /// # Errors
    /// The file is not there, cannot be read, is no WAV file, or holds no sound that can be used.
    pub fn open(path: &Path, pace: Pace) -> Result<Self, AudioError> {
        let unreadable = |source| match io::Error::kind(&source) {
            io::ErrorKind::NotFound => AudioError::NoFile(path.to_owned()),
            _ => AudioError::Read { path: path.to_owned(), source },
        };
        let broken = |problem| AudioError::Wav { path: path.to_owned(), problem };
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(AudioError::Folder(path.to_owned()));
        }
        let file_length = metadata.is_file().then_some(metadata.len());
        if file_length == Some(0) {
            return Err(broken(WavProblem::Empty));
        }

        let mut reader = BufReader::with_capacity(1 << 16, file);
        let header = read_header(&mut reader, path, file_length)
            .map_err(unreadable)?
            .map_err(|problem| broken(*problem))?;
        let rate = header.format.rate;
        let frame_bytes = header.format.frame_bytes;
        let resampler = Resampler::new(rate, header.format.channels)
            .map_err(|error| broken(WavProblem::Unusable(Box::new(error))))?;
        // A quarter of a second, or as a microphone would give it.
        let blocks_a_second = if pace == Pace::RealTime { 20 } else { 4 };
        let block_frames = (BLOCK_BYTES / frame_bytes).min((rate / blocks_a_second) as usize).max(1);
        Ok(Self {
            path: path.to_owned(),
            reader: Box::new(reader),
            encoding: header.format.encoding,
            frame_bytes,
            block_bytes: block_frames * frame_bytes,
            remaining: header.length,
            resampler,
            pace,
            started: None,
            given: 0,
            ended: false,
            broken_off: header.missing.map(|bytes| bytes as f64 / (frame_bytes as f64 * f64::from(rate))),
            not_numbers: 0,
            bytes: Vec::new(),
            interleaved: Vec::new(),
        })
    }

    /// Reads and converts the next piece of the file; `false` at its end.
    fn read(&mut self, out: &mut Vec<f32>) -> Result<bool, AudioError> {
        let wanted = self.remaining.map_or(self.block_bytes as u64, |rest| rest.min(self.block_bytes as u64));
        self.bytes.clear();
        (&mut self.reader)
            .take(wanted)
            .read_to_end(&mut self.bytes)
            .map_err(|source| AudioError::Read { path: self.path.clone(), source })?;
        if let Some(rest) = &mut self.remaining {
            *rest -= self.bytes.len() as u64;
        }
        let whole = self.bytes.len() - self.bytes.len() % self.frame_bytes;
        self.interleaved.clear();
        self.encoding.decode(&self.bytes[..whole], &mut self.interleaved);
        self.not_numbers += self.interleaved.iter().filter(|sample| !sample.is_finite()).count() as u64;
        self.resampler.push(&self.interleaved, out);
        Ok(self.bytes.len() == self.block_bytes)
    }

    /// In real time, waits until these samples would have been spoken.
    fn wait(&mut self, samples: usize) {
        self.given += samples as u64;
        if self.pace == Pace::RealTime {
            let started = *self.started.get_or_insert_with(Instant::now);
            let due = started + Duration::from_secs_f64(self.given as f64 / f64::from(SAMPLE_RATE));
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }
}

impl AudioSource for WavSource {
    fn next_block(&mut self) -> Result<Block, AudioError> {
        let mut out = Vec::new();
        while out.is_empty() && !self.ended {
            if !self.read(&mut out)? {
                self.ended = true;
                self.resampler.finish(&mut out);
            }
        }
        if out.is_empty() {
            // A pipe shows only now that nothing comes out of it.
            return if self.given == 0 {
                Err(AudioError::Wav { path: self.path.clone(), problem: WavProblem::NoSamples })
            } else {
                Ok(Block::End)
            };
        }
        self.wait(out.len());
        Ok(Block::Samples(out))
    }

    fn warnings(&self) -> Vec<String> {
        let path = self.path.display();
        let mut warnings = Vec::new();
        if let Some(seconds) = self.broken_off {
            warnings.push(format!(
                "`{path}` breaks off: its last {seconds:.1} seconds are missing; what is there is used"
            ));
        }
        if self.not_numbers > 0 {
            warnings.push(format!(
                "`{path}` has {} samples that are not numbers; they are taken as silence",
                self.not_numbers
            ));
        }
        warnings
    }
}

impl Encoding {
    fn decode(self, bytes: &[u8], out: &mut Vec<f32>) {
        fn each<const N: usize>(bytes: &[u8], out: &mut Vec<f32>, convert: impl Fn([u8; N]) -> f32) {
            out.extend(bytes.as_chunks::<N>().0.iter().map(|&sample| convert(sample)));
        }
        match self {
            Self::U8 => each(bytes, out, |[byte]| (f32::from(byte) - 128.0) / 128.0),
            Self::I16 => each(bytes, out, |sample| f32::from(i16::from_le_bytes(sample)) / 32_768.0),
            Self::I24 => {
                each(bytes, out, |[a, b, c]| i32::from_le_bytes([0, a, b, c]) as f32 / 2_147_483_648.0)
            }
            Self::I32 => each(bytes, out, |sample| i32::from_le_bytes(sample) as f32 / 2_147_483_648.0),
            Self::F32 => each(bytes, out, f32::from_le_bytes),
            Self::F64 => each(bytes, out, |sample| f64::from_le_bytes(sample) as f32),
        }
    }
}

/// What is wrong with a file that should be a WAV. Every message says what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WavProblem {
    /// Zero bytes.
    #[error("the file is empty; record the answer again or name another file")]
    Empty,
    /// A header and no sample.
    #[error("the file holds no sound; record the answer again or name another file")]
    NoSamples,
    /// Sound in another container.
    #[error("this is {kind}, not a WAV; convert it with `{command}`")]
    OtherFormat {
        /// With its article: "an MP3".
        kind: &'static str,
        /// The command that makes a WAV of it.
        command: String,
    },
    /// Something else altogether.
    #[error("this is not a WAV file; name a recording in WAV form")]
    NotWav,
    /// A RIFF file whose header cannot be read.
    #[error("the WAV header is broken ({0}); export or record the sound again")]
    Header(&'static str),
    /// A WAV file whose samples are compressed or stored in an unknown way.
    #[error("its samples are stored as {stored}, which viva does not read; convert it with `{command}`")]
    Encoding {
        /// The format as people or the standard name it.
        stored: String,
        /// The command that makes a plain WAV of it.
        command: String,
    },
    /// The header promises what cannot be sound.
    #[error(transparent)]
    Unusable(Box<AudioError>),
}

/// What stands before the samples.
struct Header {
    format: Format,
    /// Bytes of sound; `None` up to the file's end.
    length: Option<u64>,
    /// Bytes of sound that the header promises and the file does not have.
    missing: Option<u64>,
}

struct Format {
    encoding: Encoding,
    channels: u16,
    rate: u32,
    frame_bytes: usize,
}

/// Reads up to the first sample. The outer error is the system's, the inner one the file's.
fn read_header(
    reader: &mut impl Read,
    path: &Path,
    file_length: Option<u64>,
) -> io::Result<Result<Header, Box<WavProblem>>> {
    let broken = |why| Ok(Err(Box::new(WavProblem::Header(why))));
    let mut start = Vec::new();
    reader.take(12).read_to_end(&mut start)?;
    if !(start.starts_with(b"RIFF") || start.starts_with(b"RF64")) || !matches!(start.get(8..), Some(b"WAVE"))
    {
        return Ok(Err(Box::new(other_format(&start, path))));
    }
    let riff_length = u32_at(&start, 4);
    let mut position = 12_u64;
    let mut format: Option<Format> = None;
    loop {
        let mut chunk = Vec::new();
        reader.take(8).read_to_end(&mut chunk)?;
        if chunk.len() < 8 {
            return broken(if format.is_some() { "no sound follows" } else { "no format is given" });
        }
        position += 8;
        let length = u32_at(&chunk, 4);
        if chunk.starts_with(b"data") {
            let Some(format) = format else { return broken("no format is given") };
            let there = file_length.map(|all| all.saturating_sub(position));
            // A length of zero is true only where the length of the whole file is true as well.
            let finished = file_length == Some(u64::from(riff_length) + 8);
            let length = Some(u64::from(length))
                .filter(|&length| length < u64::from(UNKNOWN_LENGTH) && (length > 0 || finished));
            let usable = there.into_iter().chain(length).min();
            if usable.is_some_and(|usable| usable < format.frame_bytes as u64) {
                return Ok(Err(Box::new(WavProblem::NoSamples)));
            }
            let missing = there.zip(length).map(|(there, length)| length.saturating_sub(there));
            return Ok(Ok(Header { format, length, missing: missing.filter(|&missing| missing > 0) }));
        }
        // Chunks start at even places.
        let padded = u64::from(length) + u64::from(length % 2);
        let mut body = Vec::new();
        let read = if chunk.starts_with(b"fmt ") {
            if length > 1 << 16 {
                return broken("its format is too long");
            }
            reader.take(padded).read_to_end(&mut body)? as u64
        } else {
            io::copy(&mut reader.take(padded), &mut io::sink())?
        };
        position += read;
        if chunk.starts_with(b"fmt ") {
            match read_format(&body, path) {
                Ok(read) => format = Some(read),
                Err(problem) => return Ok(Err(problem)),
            }
        }
    }
}

/// Reads the format chunk: WAVEFORMAT, WAVEFORMATEX or WAVEFORMATEXTENSIBLE.
fn read_format(body: &[u8], path: &Path) -> Result<Format, Box<WavProblem>> {
    if body.len() < 16 {
        return Err(Box::new(WavProblem::Header("its format is too short")));
    }
    let mut tag = u16_at(body, 0);
    // WAVE_FORMAT_EXTENSIBLE: the tag proper begins the sub-format.
    if tag == 0xFFFE && body.len() >= 26 {
        tag = u16_at(body, 24);
    }
    let channels = u16_at(body, 2);
    let rate = u32_at(body, 4);
    if channels == 0 {
        return Err(Box::new(WavProblem::Unusable(Box::new(AudioError::NoChannels))));
    }
    let bits = u16_at(body, 14);
    // A sample of 20 bits stands in three bytes, left-justified.
    let sample_bytes = bits.div_ceil(8);
    let encoding = match (tag, sample_bytes) {
        (1, 1) => Encoding::U8,
        (1, 2) => Encoding::I16,
        (1, 3) => Encoding::I24,
        (1, 4) => Encoding::I32,
        (3, 4) => Encoding::F32,
        (3, 8) => Encoding::F64,
        _ => {
            let stored = match tag {
                1 => format!("integers of {bits} bits"),
                3 => format!("floats of {bits} bits"),
                2 | 0x11 => "ADPCM".to_owned(),
                6 => "A-law".to_owned(),
                7 => "mu-law".to_owned(),
                0x31 => "GSM".to_owned(),
                0x50 | 0x55 => "MP3".to_owned(),
                _ => format!("format {tag:#06x}"),
            };
            return Err(Box::new(WavProblem::Encoding { stored, command: conversion(path) }));
        }
    };
    let frame_bytes = usize::from(channels) * usize::from(sample_bytes);
    // 24 bits in four bytes each and the like: nobody's recorder writes it, and guessing would be noise.
    if usize::from(u16_at(body, 12)) != frame_bytes {
        let stored = format!("{bits} bits with {} bytes a frame", u16_at(body, 12));
        return Err(Box::new(WavProblem::Encoding { stored, command: conversion(path) }));
    }
    Ok(Format { encoding, channels, rate, frame_bytes })
}

fn u16_at(bytes: &[u8], place: usize) -> u16 {
    u16::from_le_bytes([bytes[place], bytes[place + 1]])
}

fn u32_at(bytes: &[u8], place: usize) -> u32 {
    u32::from_le_bytes([bytes[place], bytes[place + 1], bytes[place + 2], bytes[place + 3]])
}

/// What a file is that is not a WAV, by its first twelve bytes.
fn other_format(start: &[u8], path: &Path) -> WavProblem {
    let kind = match start {
        [b'I', b'D', b'3', ..] => "an MP3",
        // ADTS (AAC) has layer bits of zero, MPEG audio has not.
        [0xFF, second, ..] if second & 0xF6 == 0xF0 => "an AAC file",
        [0xFF, second, ..] if second & 0xE0 == 0xE0 => "an MP3",
        [b'f', b'L', b'a', b'C', ..] => "a FLAC file",
        [b'O', b'g', b'g', b'S', ..] => "an Ogg file",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "an MP4 or M4A file",
        [0x1A, 0x45, 0xDF, 0xA3, ..] => "a WebM or Matroska file",
        [b'F', b'O', b'R', b'M', ..] => "an AIFF file",
        [b'c', b'a', b'f', b'f', ..] => "a CAF file",
        [b'.', b's', b'n', b'd', ..] => "an AU file",
        [b'r', b'i', b'f', b'f', ..] => "a Wave64 file",
        [b'#', b'!', b'A', b'M', b'R', ..] => "an AMR file",
        [0x30, 0x26, 0xB2, 0x75, ..] => "a WMA file",
        _ => return WavProblem::NotWav,
    };
    WavProblem::OtherFormat { kind, command: conversion(path) }
}

/// The command that makes a WAV that viva reads.
fn conversion(path: &Path) -> String {
    let quoted = |path: &Path| {
        let text = path.display().to_string();
        let plain = |letter: char| letter.is_alphanumeric() || "/._-+,:@%=".contains(letter);
        if !text.is_empty() && text.chars().all(plain) {
            text
        } else {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
    };
    let mut target = path.with_extension("wav");
    if target == path {
        target = path.with_extension("16k.wav");
    }
    format!("ffmpeg -i {} -ac 1 -ar {SAMPLE_RATE} {}", quoted(path), quoted(&target))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::*;

    /// A WAV file with the given format chunk, data and stated lengths.
    struct Wav {
        tag: u16,
        channels: u16,
        rate: u32,
        bits: u16,
        data: Vec<u8>,
        data_length: Option<u32>,
        riff_length: Option<u32>,
        extensible: bool,
    }

    impl Default for Wav {
        fn default() -> Self {
            Self {
                tag: 1,
                channels: 1,
                rate: SAMPLE_RATE,
                bits: 16,
                data: Vec::new(),
                data_length: None,
                riff_length: None,
                extensible: false,
            }
        }
    }

    impl Wav {
        fn bytes(&self) -> Vec<u8> {
            let frame = self.channels * self.bits.div_ceil(8);
            let mut format = Vec::new();
            format.extend(if self.extensible { 0xFFFE } else { self.tag }.to_le_bytes());
            format.extend(self.channels.to_le_bytes());
            format.extend(self.rate.to_le_bytes());
            format.extend((self.rate * u32::from(frame)).to_le_bytes());
            format.extend(frame.to_le_bytes());
            format.extend(self.bits.to_le_bytes());
            if self.extensible {
                format.extend([22, 0]);
                format.extend(self.bits.to_le_bytes());
                format.extend([0; 4]);
                format.extend(self.tag.to_le_bytes());
                format.extend(b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xAA\x00\x38\x9B\x71");
            }
            let mut body = b"WAVELIST\x03\x00\x00\x00abc\x00fmt ".to_vec();
            body.extend((format.len() as u32).to_le_bytes());
            body.extend(format);
            body.extend(b"data");
            body.extend(self.data_length.unwrap_or(self.data.len() as u32).to_le_bytes());
            body.extend(&self.data);
            let mut all = b"RIFF".to_vec();
            all.extend(self.riff_length.unwrap_or(body.len() as u32).to_le_bytes());
            all.extend(body);
            all
        }
    }

    fn heard(bytes: &[u8]) -> Result<(Vec<f32>, Vec<String>), String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answer.wav");
        fs::write(&path, bytes).unwrap();
        let mut source = WavSource::open(&path, Pace::Fast).map_err(|error| error.to_string())?;
        let mut samples = Vec::new();
        loop {
            match source.next_block().map_err(|error| error.to_string())? {
                Block::Samples(block) => {
                    assert!(!block.is_empty() && block.len() <= SAMPLE_RATE as usize);
                    samples.extend(block);
                }
                Block::Idle => unreachable!("a file is never idle"),
                Block::End => return Ok((samples, source.warnings())),
            }
        }
    }

    fn little_endian(samples: &[i16]) -> Vec<u8> {
        samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
    }

    #[test]
    fn every_encoding_says_the_same() {
        let wanted = [0.5, -0.25, 0.0, -1.0];
        let as_i32: Vec<i32> = wanted.iter().map(|&sample| (sample * 2_147_483_648.0) as i32).collect();
        let bytes = |count: usize| -> Vec<u8> {
            as_i32.iter().flat_map(|sample| sample.to_le_bytes()[4 - count..].to_vec()).collect()
        };
        let float: Vec<u8> = wanted.iter().flat_map(|&sample| (sample as f32).to_le_bytes()).collect();
        let double: Vec<u8> = wanted.iter().flat_map(|&sample: &f64| sample.to_le_bytes()).collect();
        for extensible in [false, true] {
            for (tag, bits, data) in [
                (1, 8, vec![192, 96, 128, 0]),
                (1, 16, bytes(2)),
                (1, 20, bytes(3)),
                (1, 24, bytes(3)),
                (1, 32, bytes(4)),
                (3, 32, float.clone()),
                (3, 64, double.clone()),
            ] {
                let wav = Wav { tag, bits, data, extensible, ..Wav::default() };
                let (samples, warnings) = heard(&wav.bytes()).unwrap();
                assert_eq!(samples, [0.5, -0.25, 0.0, -1.0], "format {tag}, {bits} bits");
                assert!(warnings.is_empty());
            }
        }
    }

    #[test]
    fn channels_are_mixed_and_rates_converted() {
        let wav =
            Wav { channels: 2, rate: 48_000, data: little_endian(&[8_192; 2 * 48_000]), ..Wav::default() };
        let (samples, _) = heard(&wav.bytes()).unwrap();
        assert_eq!(samples.len(), 16_000);
        assert!((samples[8_000] - 0.25).abs() < 0.001);
    }

    #[test]
    fn what_is_left_of_a_broken_file_is_taken() {
        let data = little_endian(&[100; 16_000]);
        let whole = Wav { data: data.clone(), ..Wav::default() }.bytes();
        // Cut in the middle of a sample.
        let (samples, warnings) = heard(&whole[..whole.len() - 16_001]).unwrap();
        assert_eq!(samples.len(), 7_999);
        assert!(warnings[0].contains("last 0.5 seconds are missing"), "{warnings:?}");

        for data_length in [0, u32::MAX, 0x7FFF_FFFF - 36] {
            for riff_length in [0, u32::MAX, 36] {
                let (data_length, riff_length) = (Some(data_length), Some(riff_length));
                let wav = Wav { data: data.clone(), data_length, riff_length, ..Wav::default() };
                let (samples, warnings) = heard(&wav.bytes()).unwrap();
                assert_eq!(samples.len(), 16_000);
                assert!(warnings.is_empty());
            }
        }
    }

    #[test]
    fn what_follows_the_samples_is_not_sound() {
        let mut bytes = Wav { data: little_endian(&[100; 10]), ..Wav::default() }.bytes();
        bytes.extend(b"LIST\x04\x00\x00\x00tags");
        assert_eq!(heard(&bytes).unwrap().0.len(), 10);
    }

    #[test]
    fn what_is_not_a_number_is_silence_with_a_warning() {
        let data = [f32::NAN, 0.5, f32::INFINITY].iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let (samples, warnings) = heard(&Wav { tag: 3, bits: 32, data, ..Wav::default() }.bytes()).unwrap();
        assert_eq!(samples, [0.0, 0.5, 0.0]);
        assert!(warnings[0].contains("2 samples that are not numbers"), "{warnings:?}");
    }

    #[test]
    fn what_cannot_be_used_says_what_to_do() {
        let data = little_endian(&[100; 10]);
        let table: Vec<(Vec<u8>, &str)> = vec![
            (Vec::new(), "the file is empty"),
            (Wav::default().bytes(), "holds no sound"),
            (Wav { data: vec![7], ..Wav::default() }.bytes(), "holds no sound"),
            (Wav { channels: 0, data: data.clone(), ..Wav::default() }.bytes(), "no channels"),
            (Wav { rate: 1, data: data.clone(), ..Wav::default() }.bytes(), "a sample rate of 1 Hz"),
            (Wav { rate: 0, data: data.clone(), ..Wav::default() }.bytes(), "a sample rate of 0 Hz"),
            (Wav { tag: 7, bits: 8, data: data.clone(), ..Wav::default() }.bytes(), "mu-law"),
            (Wav { bits: 64, data: data.clone(), ..Wav::default() }.bytes(), "integers of 64 bits"),
            (Wav { bits: 0, data: data.clone(), ..Wav::default() }.bytes(), "integers of 0 bits"),
            (Wav { data, ..Wav::default() }.bytes()[..30].to_vec(), "header is broken"),
            (b"RIFF\x04\x00\x00\x00WAVE".to_vec(), "no format is given"),
            (b"RIFF\x04\x00\x00\x00WAVEdata\x04\x00\x00\x00abcd".to_vec(), "no format is given"),
            (b"RIFF\x04\x00\x00\x00AVI LIST".to_vec(), "not a WAV file"),
            (b"RIF".to_vec(), "not a WAV file"),
            (b"Answer: because it is convex".to_vec(), "not a WAV file"),
            (b"ID3\x04\x00\x00\x00\x00\x00\x00\x00\x00".to_vec(), "this is an MP3, not a WAV; convert it"),
            (b"\xFF\xFB\x90\x64\x00\x00\x00\x00".to_vec(), "an MP3"),
            (b"\xFF\xF1\x50\x80\x00\x00\x00\x00".to_vec(), "an AAC file"),
            (b"OggS\x00\x02\x00\x00\x00\x00\x00\x00".to_vec(), "an Ogg file"),
            (b"\x00\x00\x00\x20ftypM4A ".to_vec(), "an MP4 or M4A file"),
        ];
        for (bytes, wanted) in table {
            let message = heard(&bytes).unwrap_err();
            assert!(message.contains(wanted), "{message:?} should say {wanted:?}");
            assert!(message.contains(';'), "{message:?} should say what to do next");
        }
    }

    #[test]
    fn a_path_that_is_no_file_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let message = |path: &Path| WavSource::open(path, Pace::Fast).err().unwrap().to_string();
        assert!(message(folder.path()).contains("is a folder"));
        assert!(message(&folder.path().join("gone.wav")).contains("there is no file"));
    }

    #[test]
    fn the_conversion_command_can_be_pasted() {
        let command = conversion(Path::new("my answer's.wav"));
        assert_eq!(command, r"ffmpeg -i 'my answer'\''s.wav' -ac 1 -ar 16000 'my answer'\''s.16k.wav'");
        assert_eq!(conversion(Path::new("a.mp3")), "ffmpeg -i a.mp3 -ac 1 -ar 16000 a.wav");
    }

    #[test]
    fn real_time_takes_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answer.wav");
        fs::write(&path, Wav { data: little_endian(&[1; 4_800]), ..Wav::default() }.bytes()).unwrap();
        let mut source = WavSource::open(&path, Pace::RealTime).unwrap();
        let started = Instant::now();
        let mut heard = 0;
        while let Block::Samples(block) = source.next_block().unwrap() {
            heard += block.len();
            // Never ahead of the clock.
            assert!(started.elapsed().as_secs_f64() >= heard as f64 / 16_000.0 - 0.002);
        }
        assert_eq!(heard, 4_800);
    }
}
