//! The recogniser in a thread of its own, so that the session never waits for it.

use std::path::PathBuf;
use std::sync::mpsc as jobs;
use std::thread;

use tokio::sync::mpsc;

use crate::audio::{AudioError, AudioSource, MemorySource, Pace, WavSource};
use crate::recognise::{RecogniseError, Recognised, Transcriber};

/// Starts a recogniser; called in the thread that will use it.
pub type OpenTranscriber = Box<dyn FnOnce() -> Result<Box<dyn Transcriber>, RecogniseError> + Send>;

/// A recording to transcribe.
#[derive(Debug)]
pub enum Recording {
    /// On disk.
    File(PathBuf),
    /// In memory, at [`SAMPLE_RATE`](crate::audio::SAMPLE_RATE): the disk would not take it.
    Samples(Vec<f32>),
}

/// What the recogniser has to say.
#[derive(Debug)]
pub enum ScribeNews {
    /// So many seconds of the recording have been dealt with.
    Progress(f64),
    /// The recording has been transcribed, or why not.
    Done(Result<Recognised, String>),
}

/// A recogniser at work.
pub struct Scribe {
    jobs: jobs::Sender<Recording>,
    /// What it has to say, in order.
    pub news: mpsc::UnboundedReceiver<ScribeNews>,
    /// The name of its model.
    pub model: String,
}

impl Scribe {
    /// Starts the recogniser; it loads its model while the user reads the first question.
    pub fn start(model: String, open: OpenTranscriber) -> Self {
        let (jobs, waiting) = jobs::channel();
        let (sender, news) = mpsc::unbounded_channel();
        thread::spawn(move || work(open, &waiting, &sender));
        Self { jobs, news, model }
    }

    /// Hands over a recording; [`ScribeNews::Done`] follows. False if the recogniser's thread is gone.
    pub fn transcribe(&self, recording: Recording) -> bool {
        self.jobs.send(recording).is_ok()
    }
}

fn work(open: OpenTranscriber, jobs: &jobs::Receiver<Recording>, news: &mpsc::UnboundedSender<ScribeNews>) {
    let mut transcriber = open().map_err(|error| error.to_string());
    while let Ok(recording) = jobs.recv() {
        let result = match &mut transcriber {
            Ok(transcriber) => transcribe(transcriber.as_mut(), recording, news),
            Err(why) => Err(why.clone()),
        };
        // Nobody listens any more when the session has ended.
        if news.send(ScribeNews::Done(result)).is_err() {
            return;
        }
    }
}

fn transcribe(
    transcriber: &mut dyn Transcriber,
    recording: Recording,
    news: &mpsc::UnboundedSender<ScribeNews>,
) -> Result<Recognised, String> {
    let mut source = open_recording(recording).map_err(|error| error.to_string())?;
    transcriber
        .transcribe(source.as_mut(), &mut |seconds| _ = news.send(ScribeNews::Progress(seconds)))
        .map_err(|error| error.to_string())
}

fn open_recording(recording: Recording) -> Result<Box<dyn AudioSource>, AudioError> {
    Ok(match recording {
        Recording::File(path) => Box::new(WavSource::open(&path, Pace::Fast)?),
        Recording::Samples(samples) => Box::new(MemorySource::new(samples)),
    })
}
