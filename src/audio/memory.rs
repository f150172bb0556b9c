//! Sources without a device: samples at hand, and one that fails on purpose.

use std::io;

use super::{AudioError, AudioSource, Block, SAMPLE_RATE};

/// Samples handed out at a time: half a second.
const BLOCK: usize = SAMPLE_RATE as usize / 2;

/// A source over samples that are in memory already.
#[derive(Debug, Clone)]
pub struct MemorySource {
    samples: Vec<f32>,
    given: usize,
}

impl MemorySource {
    /// A source of these samples: [`SAMPLE_RATE`], mono, -1..1.
    pub fn new(samples: Vec<f32>) -> Self {
        Self { samples, given: 0 }
    }

    /// A source of 16-bit samples: [`SAMPLE_RATE`], mono.
    pub fn from_i16(samples: &[i16]) -> Self {
        Self::new(samples.iter().map(|&sample| f32::from(sample) / 32_768.0).collect())
    }
}

impl AudioSource for MemorySource {
    fn next_block(&mut self) -> Result<Block, AudioError> {
        let rest = &self.samples[self.given..];
        if rest.is_empty() {
            return Ok(Block::End);
        }
        let block = &rest[..rest.len().min(BLOCK)];
        self.given += block.len();
        Ok(Block::Samples(block.to_vec()))
    }
}

/// A source that hands out its samples and then fails on purpose, for ever: what a device that
/// vanishes does.
#[derive(Debug, Clone)]
pub struct FailingSource {
    samples: MemorySource,
}

impl FailingSource {
    /// A source that fails once these samples ([`SAMPLE_RATE`], mono, -1..1) are handed out.
    pub fn after(samples: Vec<f32>) -> Self {
        Self { samples: MemorySource::new(samples) }
    }
}

impl AudioSource for FailingSource {
    fn next_block(&mut self) -> Result<Block, AudioError> {
        match self.samples.next_block()? {
            Block::End => Err(AudioError::Read {
                path: "(a source that fails on purpose)".into(),
                source: io::Error::other("failed on purpose"),
            }),
            block => Ok(block),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn samples_come_in_order_and_then_the_end() {
        let all: Vec<i16> = (0..20_000).map(|n| n as i16).collect();
        let mut source = MemorySource::from_i16(&all);
        let mut heard = Vec::new();
        while let Block::Samples(block) = source.next_block().unwrap() {
            assert!(block.len() <= SAMPLE_RATE as usize);
            heard.extend(block);
        }
        assert_eq!(heard.len(), all.len());
        assert_eq!(heard[16_384], 0.5);
        assert_eq!(source.next_block().unwrap(), Block::End);
    }

    #[test]
    fn the_failing_source_fails_after_its_samples_and_stays_so() {
        let mut source = FailingSource::after(vec![0.0; 10]);
        assert_eq!(source.next_block().unwrap(), Block::Samples(vec![0.0; 10]));
        assert!(source.next_block().is_err());
        assert!(source.next_block().is_err());
    }
}
