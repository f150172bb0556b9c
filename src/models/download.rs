//! One file over HTTP, resumed where it broke off.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use ureq::http::{StatusCode, header};

use super::fetch::{Means, Trouble};
use super::{ModelError, News, Stage, Watch};

/// Tries in a row that bring nothing new.
const TRIES: u32 = 3;

/// How one request ended early.
enum Broken {
    /// Asking again may help.
    ForNow(String),
    /// It will not.
    ForGood(Trouble),
}

impl From<ModelError> for Broken {
    fn from(error: ModelError) -> Self {
        Self::ForGood(error.into())
    }
}

/// Downloads `url` into `part` until it has `bytes` bytes, going on from what is there. What has
/// arrived stays there whatever happens.
pub(super) fn download(
    url: &str,
    bytes: u64,
    part: &Path,
    means: &Means,
    watch: &mut dyn Watch,
) -> Result<(), Trouble> {
    let agent = agent(url, means);
    let mut tries = 0;
    loop {
        let before = fs::metadata(part).map_or(0, |metadata| metadata.len());
        if before == bytes {
            return Ok(());
        }
        match request(&agent, url, bytes, before, part, watch) {
            Ok(()) => {}
            Err(Broken::ForGood(trouble)) => return Err(trouble),
            Err(Broken::ForNow(reason)) => {
                let after = fs::metadata(part).map_or(0, |metadata| metadata.len());
                tries = if after > before { 1 } else { tries + 1 };
                if tries == TRIES {
                    return Err(Trouble::Source(reason));
                }
                wait(means.pause, watch)?;
            }
        }
    }
}

fn agent(url: &str, means: &Means) -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_resolve(Some(means.connect_timeout))
        .timeout_connect(Some(means.connect_timeout))
        .timeout_recv_response(Some(means.silence_timeout))
        .timeout_per_read(Some(means.silence_timeout))
        .https_only(url.starts_with("https://"))
        .http_status_as_error(false)
        .user_agent(concat!("viva/", env!("CARGO_PKG_VERSION")))
        // Ranges count the bytes that travel.
        .accept_encoding("identity")
        .build()
        .new_agent()
}

/// One request for what is missing.
fn request(
    agent: &ureq::Agent,
    url: &str,
    bytes: u64,
    there: u64,
    part: &Path,
    watch: &mut dyn Watch,
) -> Result<(), Broken> {
    watch.go_on()?;
    let for_good = |reason: String| Broken::ForGood(Trouble::Source(reason));
    let there = if there < bytes { there } else { 0 };
    let mut request = agent.get(url);
    if there > 0 {
        request = request.header(header::RANGE, format!("bytes={there}-"));
    }
    let response = request.call().map_err(|error| match error {
        ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => {
            for_good("no connection within the time allowed".into())
        }
        ureq::Error::Timeout(_) => Broken::ForNow("the server does not answer".into()),
        ureq::Error::HostNotFound => for_good("the host is not found; is this machine online?".into()),
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionReset => {
            Broken::ForNow(error.to_string())
        }
        ureq::Error::Io(error) => for_good(error.to_string()),
        error => for_good(error.to_string()),
    })?;

    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let start = match response.status() {
        StatusCode::OK => 0,
        StatusCode::PARTIAL_CONTENT => {
            let range = header(header::CONTENT_RANGE).unwrap_or_default();
            if range != format!("bytes {there}-{}/{bytes}", bytes - 1) {
                return Err(for_good(format!("the server sent another part than the missing one ({range})")));
            }
            there
        }
        // It knows of fewer bytes than are here: begin again.
        StatusCode::RANGE_NOT_SATISFIABLE if there > 0 => {
            fs::remove_file(part).map_err(|source| ModelError::write(part, source))?;
            return Err(Broken::ForNow("the server has a shorter file".into()));
        }
        status @ (StatusCode::TOO_MANY_REQUESTS
        | StatusCode::INTERNAL_SERVER_ERROR
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT) => return Err(Broken::ForNow(format!("the server says {status}"))),
        status => return Err(for_good(format!("the server says {status}"))),
    };
    let length = header(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if let Some(length) = length.filter(|&length| length != bytes - start) {
        return Err(for_good(format!("the server offers {} bytes instead of {bytes}", start + length)));
    }

    let mut file = File::options()
        .create(true)
        .append(start > 0)
        .truncate(start == 0)
        .write(true)
        .open(part)
        .map_err(|source| ModelError::write(part, source))?;
    let mut body = response.into_body().into_reader();
    let mut piece = vec![0; 1 << 16];
    let mut done = start;
    loop {
        watch.go_on()?;
        let count = match body.read(&mut piece) {
            Ok(0) if done == bytes => return Ok(()),
            Ok(0) => {
                return Err(Broken::ForNow(format!("the download broke off after {done} of {bytes} bytes")));
            }
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let reason = match ureq::Error::from(error) {
                    ureq::Error::Timeout(_) => "the server fell silent".to_owned(),
                    error => error.to_string(),
                };
                return Err(Broken::ForNow(format!("{reason} after {done} of {bytes} bytes")));
            }
        };
        if done + count as u64 > bytes {
            return Err(for_good(format!("the server sends more than {bytes} bytes")));
        }
        file.write_all(&piece[..count]).map_err(|source| ModelError::write(part, source))?;
        done += count as u64;
        watch.tell(News::Progress { stage: Stage::Downloading, done, total: bytes });
    }
}

/// Sleeps, but not through an interruption.
fn wait(time: Duration, watch: &mut dyn Watch) -> Result<(), ModelError> {
    let end = Instant::now() + time;
    while Instant::now() < end {
        watch.go_on()?;
        thread::sleep(Duration::from_millis(50).min(time));
    }
    Ok(())
}
