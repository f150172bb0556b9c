//! What parent and worker say to each other: frames of a length (`u32`, little endian, of what
//! follows), a kind (one byte) and a payload.
//!
//! The worker asks for audio ([`FromWorker::More`]) and is given a block for each request, so that
//! neither side ever waits for the other with a full pipe, and the worker's reading thread is always
//! free to notice that its parent has gone.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use crate::transcript::Segment;

/// Changes with every change of the messages.
pub const VERSION: u32 = 1;

/// Longer frames can only come from something that is not viva.
const LONGEST_FRAME: u32 = 1 << 24;

/// The first frame of all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    pub protocol: u32,
    pub engine: String,
    pub model_path: std::path::PathBuf,
    pub threads: usize,
}

/// From the parent.
#[derive(Debug, Clone, PartialEq)]
pub enum ToWorker {
    Hello(Hello),
    /// A recording begins; its first sample is at this place in the whole recording.
    Begin {
        first_sample: u64,
    },
    /// The next samples, at most [`MOST_SAMPLES`].
    Audio(Vec<f32>),
    /// That was the last of them.
    End,
    /// Forget the recording.
    Abandon,
}

/// From the worker.
#[derive(Debug, Clone, PartialEq)]
pub enum FromWorker {
    /// The model is loaded.
    Ready,
    /// It cannot be.
    Refused { why: String, version: bool },
    /// Send one more [`ToWorker::Audio`] or [`ToWorker::End`].
    More,
    /// Words that were said. Segments come in order.
    Segment(Segment),
    /// Everything before this sample of the whole recording is settled.
    Settled { sample: u64 },
    /// The recording is done.
    Done,
    /// The recording cannot be done.
    Failed(String),
}

/// Seconds of audio in a frame at most, in samples: a second costs 64 kB.
pub const MOST_SAMPLES: usize = 10 * crate::audio::SAMPLE_RATE as usize;

pub fn write_to_worker(out: &mut impl Write, message: &ToWorker) -> io::Result<()> {
    match message {
        ToWorker::Hello(hello) => write_frame(out, 1, &json(hello)?),
        ToWorker::Begin { first_sample } => write_frame(out, 2, &first_sample.to_le_bytes()),
        ToWorker::Audio(samples) => {
            let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            write_frame(out, 3, &bytes)
        }
        ToWorker::End => write_frame(out, 4, &[]),
        ToWorker::Abandon => write_frame(out, 5, &[]),
    }
}

pub fn read_to_worker(input: &mut impl Read) -> io::Result<ToWorker> {
    let (kind, payload) = read_frame(input)?;
    Ok(match kind {
        1 => ToWorker::Hello(parse(&payload)?),
        2 => ToWorker::Begin { first_sample: number(&payload)? },
        3 => {
            let (samples, rest) = payload.as_chunks::<4>();
            if !rest.is_empty() {
                return Err(foreign());
            }
            ToWorker::Audio(samples.iter().map(|&sample| f32::from_le_bytes(sample)).collect())
        }
        4 => ToWorker::End,
        5 => ToWorker::Abandon,
        _ => return Err(foreign()),
    })
}

pub fn write_from_worker(out: &mut impl Write, message: &FromWorker) -> io::Result<()> {
    match message {
        FromWorker::Ready => write_frame(out, 1, &[]),
        FromWorker::Refused { why, version } => write_frame(out, 2, &json(&(why, version))?),
        FromWorker::More => write_frame(out, 3, &[]),
        FromWorker::Segment(segment) => write_frame(out, 4, &json(segment)?),
        FromWorker::Settled { sample } => write_frame(out, 5, &sample.to_le_bytes()),
        FromWorker::Done => write_frame(out, 6, &[]),
        FromWorker::Failed(why) => write_frame(out, 7, why.as_bytes()),
    }
}

pub fn read_from_worker(input: &mut impl Read) -> io::Result<FromWorker> {
    let (kind, payload) = read_frame(input)?;
    Ok(match kind {
        1 => FromWorker::Ready,
        2 => {
            let (why, version) = parse(&payload)?;
            FromWorker::Refused { why, version }
        }
        3 => FromWorker::More,
        4 => FromWorker::Segment(parse(&payload)?),
        5 => FromWorker::Settled { sample: number(&payload)? },
        6 => FromWorker::Done,
        7 => FromWorker::Failed(String::from_utf8_lossy(&payload).into_owned()),
        _ => return Err(foreign()),
    })
}

fn write_frame(out: &mut impl Write, kind: u8, payload: &[u8]) -> io::Result<()> {
    let length = u32::try_from(payload.len() + 1)
        .ok()
        .filter(|&length| length <= LONGEST_FRAME)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the message is too long"))?;
    let mut frame = Vec::with_capacity(payload.len() + 5);
    frame.extend(length.to_le_bytes());
    frame.push(kind);
    frame.extend(payload);
    out.write_all(&frame)?;
    out.flush()
}

fn read_frame(input: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length == 0 || length > LONGEST_FRAME {
        return Err(foreign());
    }
    let mut kind = [0];
    input.read_exact(&mut kind)?;
    let mut payload = vec![0; length as usize - 1];
    input.read_exact(&mut payload)?;
    Ok((kind[0], payload))
}

fn foreign() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "this is no message of viva's")
}

fn json(value: &impl Serialize) -> io::Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(io::Error::other)
}

fn parse<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> io::Result<T> {
    serde_json::from_slice(payload).map_err(|_| foreign())
}

fn number(payload: &[u8]) -> io::Result<u64> {
    Ok(u64::from_le_bytes(payload.try_into().map_err(|_| foreign())?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::transcript::Word;

    #[test]
    fn messages_come_out_as_they_went_in() {
        let hello = Hello { protocol: VERSION, engine: "1".into(), model_path: "/a b/c".into(), threads: 2 };
        let to = [
            ToWorker::Hello(hello),
            ToWorker::Begin { first_sample: 1 << 40 },
            ToWorker::Audio(vec![0.5, -1.0, f32::MIN_POSITIVE]),
            ToWorker::Audio(Vec::new()),
            ToWorker::End,
            ToWorker::Abandon,
        ];
        let mut pipe = Vec::new();
        for message in &to {
            write_to_worker(&mut pipe, message).unwrap();
        }
        let mut rest = pipe.as_slice();
        for message in &to {
            assert_eq!(&read_to_worker(&mut rest).unwrap(), message);
        }
        assert_eq!(read_to_worker(&mut rest).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);

        let word = Word {
            text: "“λ”".into(),
            start_seconds: Some(0.1),
            end_seconds: Some(0.25),
            probability: Some(0.123_456_789),
        };
        let segment = Segment {
            start_seconds: Some(0.1),
            end_seconds: Some(0.25),
            text: word.text.clone(),
            words: vec![word],
        };
        let from = [
            FromWorker::Ready,
            FromWorker::Refused { why: "no".into(), version: true },
            FromWorker::More,
            FromWorker::Segment(segment),
            FromWorker::Settled { sample: 7 },
            FromWorker::Done,
            FromWorker::Failed("out of memory".into()),
        ];
        let mut pipe = Vec::new();
        for message in &from {
            write_from_worker(&mut pipe, message).unwrap();
        }
        let mut rest = pipe.as_slice();
        for message in &from {
            assert_eq!(&read_from_worker(&mut rest).unwrap(), message);
        }
    }

    #[test]
    fn what_is_not_a_message_is_refused_and_not_believed() {
        for bytes in [
            &b"hello, I am a shell"[..],
            &[0; 9],
            &[2, 0, 0, 0, 99, 0],
            &[3, 0, 0, 0, 2, 0, 0],
            &[4, 0, 0, 0, 3, 1, 2, 3],
        ] {
            assert!(read_to_worker(&mut &*bytes).is_err());
            assert!(read_from_worker(&mut &bytes[..bytes.len() - 1]).is_err());
        }
    }
}
