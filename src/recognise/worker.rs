//! The parent's side of the worker process.

use std::collections::VecDeque;
use std::env;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use super::protocol::{
    FromWorker, Hello, MOST_SAMPLES, ToWorker, VERSION, read_from_worker, write_to_worker,
};
use super::{RecogniseError, Recognised, Transcriber};
use crate::assessment::ENGINE;
use crate::audio::{AudioSource, Block, SAMPLE_RATE};
use crate::models;
use crate::transcript::{Segment, Transcript};

/// Lines of the worker's stderr that are kept for error messages.
const KEPT_LINES: usize = 20;
/// More threads than this make whisper slower: its work is bound by memory.
const MOST_THREADS: usize = 8;

/// How the worker is run.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// The program whose `worker` subcommand is started; `None` for the running one.
    pub program: Option<PathBuf>,
    /// Threads that decode.
    pub threads: usize,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        let threads = thread::available_parallelism().map_or(1, |count| count.get().min(MOST_THREADS));
        Self { program: None, threads }
    }
}

/// Whisper in a process of its own, loaded once and used for one recording after the other.
///
/// A worker that dies is started again, once a recording, and goes on where it was. Dropping this
/// ends the process.
#[derive(Debug)]
pub struct WhisperWorker {
    model: String,
    model_path: PathBuf,
    settings: WorkerSettings,
    process: Arc<Mutex<Process>>,
    pipes: Option<Pipes>,
}

/// Stops a [`WhisperWorker`] from another thread.
#[derive(Debug, Clone)]
pub struct Canceller {
    process: Arc<Mutex<Process>>,
}

#[derive(Debug, Default)]
struct Process {
    child: Option<Child>,
    cancelled: bool,
}

#[derive(Debug)]
struct Pipes {
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    /// Collects the last lines of the worker's stderr until that is closed.
    last_lines: JoinHandle<VecDeque<String>>,
}

/// A recording on its way.
#[derive(Debug, Default)]
struct Job {
    /// Words of which the worker has said that they are final.
    settled: Vec<Segment>,
    /// Words since then: a worker that dies takes them along.
    unsettled: Vec<Segment>,
    /// The first sample that a new worker would have to hear again.
    settled_sample: u64,
    /// The samples from there on.
    samples: VecDeque<f32>,
    /// Whether the source has ended.
    ended: bool,
}

/// Why a job stopped.
enum Stop {
    /// The worker went away; another may go on.
    Gone,
    /// There is no going on.
    Final(RecogniseError),
}

impl From<RecogniseError> for Stop {
    fn from(error: RecogniseError) -> Self {
        Self::Final(error)
    }
}

impl From<io::Error> for Stop {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

impl Canceller {
    /// Ends the worker at once, in mid-decode too. Whatever it was doing, and every later call,
    /// returns [`RecogniseError::Cancelled`].
    pub fn cancel(&self) {
        let mut process = lock(&self.process);
        process.cancelled = true;
        if let Some(child) = &mut process.child {
            // It may have ended by itself.
            _ = child.kill();
        }
    }
}

impl WhisperWorker {
    /// Starts a worker and waits until it has loaded the model (named `model` in messages and
    /// transcripts).
    ///
    /// # Errors
    /// The model cannot be used, or the process cannot be started.
    pub fn start(model: &str, model_path: &Path) -> Result<Self, RecogniseError> {
        Self::start_with(model, model_path, WorkerSettings::default())
    }

    /// The same with other settings.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub fn start_with(
        model: &str,
        model_path: &Path,
        settings: WorkerSettings,
    ) -> Result<Self, RecogniseError> {
        models::check_ggml(model_path)?;
        let mut worker = Self {
            model: model.to_owned(),
            model_path: model_path.to_owned(),
            settings,
            process: Arc::default(),
            pipes: None,
        };
        match worker.launch() {
            Ok(()) => Ok(worker),
            Err(Stop::Final(error)) => Err(error),
            Err(Stop::Gone) => Err(worker.died()),
        }
    }

    /// A handle that stops this worker from another thread.
    pub fn canceller(&self) -> Canceller {
        Canceller { process: Arc::clone(&self.process) }
    }

    /// The worker's process id, while there is one.
    pub fn process_id(&self) -> Option<u32> {
        lock(&self.process).child.as_ref().map(Child::id)
    }

    fn launch(&mut self) -> Result<(), Stop> {
        let program = match &self.settings.program {
            Some(program) => program.clone(),
            None => env::current_exe().map_err(RecogniseError::Start)?,
        };
        let mut command = Command::new(program);
        command
            .arg("worker")
            // Between two steps ggml's threads would spin, which costs ten times the time as soon as
            // anything else runs.
            .env("OMP_WAIT_POLICY", "passive")
            .env("OMP_NUM_THREADS", self.settings.threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Ctrl-C in the terminal is for the parent: it decides what becomes of the worker.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);

        let (to, from, stderr) = {
            let mut process = lock(&self.process);
            if process.cancelled {
                return Err(RecogniseError::Cancelled.into());
            }
            let mut child = command.spawn().map_err(RecogniseError::Start)?;
            let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
            process.child = Some(child);
            match pipes {
                (Some(to), Some(from), Some(stderr)) => (to, BufReader::new(from), stderr),
                _ => return Err(RecogniseError::Start(io::Error::other("no pipes")).into()),
            }
        };
        let last_lines = thread::spawn(move || {
            let mut lines = VecDeque::new();
            for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                if lines.len() == KEPT_LINES {
                    lines.pop_front();
                }
                lines.push_back(String::from_utf8_lossy(&line).trim().to_owned());
            }
            lines
        });
        let pipes = self.pipes.insert(Pipes { to, from, last_lines });
        let hello = Hello {
            protocol: VERSION,
            engine: ENGINE.to_owned(),
            model_path: self.model_path.clone(),
            threads: self.settings.threads,
        };
        write_to_worker(&mut pipes.to, &ToWorker::Hello(hello))?;
        match read_from_worker(&mut pipes.from)? {
            FromWorker::Ready => Ok(()),
            FromWorker::Refused { version: true, .. } => Err(RecogniseError::Version.into()),
            FromWorker::Refused { why, .. } => {
                Err(RecogniseError::Load { model: self.model.clone(), why }.into())
            }
            _ => Err(Stop::Gone),
        }
    }

    /// Sends the job's audio as the worker asks for it and takes in what it says.
    fn run(
        &mut self,
        job: &mut Job,
        source: &mut dyn AudioSource,
        progress: &mut dyn FnMut(f64),
    ) -> Result<(), Stop> {
        if self.pipes.is_none() {
            self.launch()?;
        }
        let Some(pipes) = &mut self.pipes else { return Err(Stop::Gone) };
        job.unsettled.clear();
        let mut sent = job.settled_sample;
        write_to_worker(&mut pipes.to, &ToWorker::Begin { first_sample: sent })?;
        loop {
            match read_from_worker(&mut pipes.from)? {
                FromWorker::More => {
                    if let Err(error) = job.fill(sent, source) {
                        // The worker is as good as new for the next recording.
                        _ = write_to_worker(&mut pipes.to, &ToWorker::Abandon);
                        return Err(error.into());
                    }
                    let block = job.block(sent);
                    sent += block.len() as u64;
                    let message = if block.is_empty() { ToWorker::End } else { ToWorker::Audio(block) };
                    write_to_worker(&mut pipes.to, &message)?;
                }
                FromWorker::Segment(segment) => job.unsettled.push(segment),
                FromWorker::Settled { sample } => {
                    job.settle(sample);
                    progress(sample as f64 / f64::from(SAMPLE_RATE));
                }
                FromWorker::Done => {
                    job.settle(sent);
                    return Ok(());
                }
                FromWorker::Failed(why) => return Err(RecogniseError::Failed(why).into()),
                FromWorker::Ready | FromWorker::Refused { .. } => return Err(Stop::Gone),
            }
        }
    }

    /// Ends the process and says how it ended and the last it wrote to stderr.
    fn end(&mut self) -> (Option<ExitStatus>, String) {
        let status = {
            let mut process = lock(&self.process);
            process.child.take().and_then(|mut child| {
                // One that is dead already keeps its own status.
                _ = child.kill();
                child.wait().ok()
            })
        };
        let lines = self.pipes.take().and_then(|pipes| pipes.last_lines.join().ok()).unwrap_or_default();
        (status, lines.into_iter().rfind(|line| !line.is_empty()).unwrap_or_default())
    }

    /// Clears away a worker that has gone and says why.
    fn died(&mut self) -> RecogniseError {
        let (status, last_line) = self.end();
        if lock(&self.process).cancelled {
            return RecogniseError::Cancelled;
        }
        if let Some(missing) = status.filter(is_illegal_instruction).and_then(|_| missing_instructions()) {
            return RecogniseError::Processor { missing };
        }
        let how = status.map_or_else(|| "it is gone".to_owned(), |status| status.to_string());
        let how = if last_line.is_empty() { how } else { format!("{how}: {last_line}") };
        RecogniseError::Died { how }
    }
}

impl Transcriber for WhisperWorker {
    fn model(&self) -> &str {
        &self.model
    }

    fn transcribe(
        &mut self,
        source: &mut dyn AudioSource,
        progress: &mut dyn FnMut(f64),
    ) -> Result<Recognised, RecogniseError> {
        let started = Instant::now();
        let mut job = Job::default();
        let mut restarts = 0;
        loop {
            match self.run(&mut job, source, progress) {
                Ok(()) => break,
                Err(Stop::Final(error)) => return Err(error),
                Err(Stop::Gone) => {
                    let error = self.died();
                    restarts += 1;
                    if restarts > 1 || !matches!(error, RecogniseError::Died { .. }) {
                        return Err(error);
                    }
                }
            }
        }
        let transcript = Transcript::from_segments(job.settled);
        Ok(Recognised {
            speech: !transcript.is_empty(),
            transcript,
            audio_seconds: job.settled_sample as f64 / f64::from(SAMPLE_RATE),
            transcribe_seconds: started.elapsed().as_secs_f64(),
        })
    }
}

impl Drop for WhisperWorker {
    fn drop(&mut self) {
        self.end();
    }
}

impl Job {
    /// Reads on until a whole block from `sent` on is there, or the source has ended.
    fn fill(&mut self, sent: u64, source: &mut dyn AudioSource) -> Result<(), RecogniseError> {
        let offset = (sent - self.settled_sample) as usize;
        while !self.ended && self.samples.len() < offset + MOST_SAMPLES {
            match source.next_block()? {
                Block::Samples(samples) => self.samples.extend(samples),
                Block::Idle => {}
                Block::End => self.ended = true,
            }
        }
        Ok(())
    }

    /// The samples from `sent` on, as many as go into a message.
    fn block(&self, sent: u64) -> Vec<f32> {
        let offset = (sent - self.settled_sample) as usize;
        self.samples.iter().skip(offset).take(MOST_SAMPLES).copied().collect()
    }

    /// Nothing before this sample will be needed again.
    fn settle(&mut self, sample: u64) {
        self.settled.append(&mut self.unsettled);
        let done = (sample - self.settled_sample).min(self.samples.len() as u64);
        self.samples.drain(..done as usize);
        self.settled_sample += done;
    }
}

fn lock(process: &Mutex<Process>) -> MutexGuard<'_, Process> {
    process.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(unix)]
fn is_illegal_instruction(status: &ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal() == Some(rustix::process::Signal::ILL.as_raw())
}

#[cfg(not(unix))]
fn is_illegal_instruction(_status: &ExitStatus) -> bool {
    false
}

/// What ggml is built with on this kind of processor and this one does not have.
fn missing_instructions() -> Option<&'static str> {
    #[cfg(target_arch = "x86_64")]
    {
        if !is_x86_feature_detected!("avx2") {
            return Some("AVX2");
        }
        if !is_x86_feature_detected!("fma") {
            return Some("FMA");
        }
        if !is_x86_feature_detected!("f16c") {
            return Some("F16C");
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::audio::AudioError;

    /// Two hours, of which each sample is its own place.
    struct Counting(u64);

    impl AudioSource for Counting {
        fn next_block(&mut self) -> Result<Block, AudioError> {
            if self.0 == 7_200 * u64::from(SAMPLE_RATE) {
                return Ok(Block::End);
            }
            let block = (self.0..self.0 + u64::from(SAMPLE_RATE)).map(|sample| sample as f32).collect();
            self.0 += u64::from(SAMPLE_RATE);
            Ok(Block::Samples(block))
        }
    }

    #[test]
    fn what_is_held_for_a_new_worker_is_bounded_and_complete() {
        let mut job = Job::default();
        let mut source = Counting(0);
        let mut sent = 0;
        loop {
            job.fill(sent, &mut source).unwrap();
            let block = job.block(sent);
            assert!(block.len() <= MOST_SAMPLES);
            let Some(&first) = block.first() else { break };
            assert_eq!(first, sent as f32);
            sent += block.len() as u64;
            // The worker is a minute behind.
            job.settle(sent.saturating_sub(60 * u64::from(SAMPLE_RATE)).max(job.settled_sample));
            assert!(job.samples.len() <= 80 * SAMPLE_RATE as usize);
            // Another worker would begin here.
            assert!(job.samples.front().is_none_or(|&sample| sample == job.settled_sample as f32));
        }
        job.settle(sent);
        assert_eq!(job.settled_sample, 7_200 * u64::from(SAMPLE_RATE));
    }
}
