//! The models folder: names, the lock, room on the disk, and the one way a file gets its name.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{ModelError, News, Stage, Watch, check_ggml};

/// Held by whoever writes in the folder.
const LOCK: &str = ".lock";
/// Begins the names of folders for work in progress; they are swept up by the next one who writes.
pub(super) const WORK: &str = ".work-";

/// Where a model of that name stands or would stand.
pub(super) fn path_of(models_dir: &Path, name: &str) -> PathBuf {
    models_dir.join(format!("ggml-{name}.bin"))
}

/// The name of the model that a path would hold, if it is one of ours.
pub(super) fn name_of(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()?.strip_prefix("ggml-")?.strip_suffix(".bin")
}

/// Whether people can call a model so: it becomes part of a file name.
pub(super) fn is_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// The models folder while nobody else writes in it.
pub(super) struct Store {
    dir: PathBuf,
    _lock: File,
}

impl Store {
    /// Makes the folder if need be, waits until nobody else writes in it, and sweeps up what others
    /// left behind.
    pub(super) fn open(dir: &Path, watch: &mut dyn Watch) -> Result<Self, ModelError> {
        make_folder(dir).map_err(|source| ModelError::write(dir, source))?;
        let path = dir.join(LOCK);
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|source| ModelError::write(&path, source))?;
        let mut told = false;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {
                    if !told {
                        watch.tell(News::Waiting);
                        told = true;
                    }
                    watch.go_on()?;
                    thread::sleep(Duration::from_millis(100));
                }
                // Some network file systems know no locks; the worst that can happen is work done twice.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => break,
                Err(TryLockError::Error(source)) => return Err(ModelError::write(&path, source)),
            }
        }
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(WORK) {
                _ = fs::remove_dir_all(entry.path()); // what cannot be removed does no harm
            }
        }
        Ok(Self { dir: dir.to_owned(), _lock: lock })
    }

    /// The final path of a model.
    pub(super) fn path_of(&self, name: &str) -> PathBuf {
        path_of(&self.dir, name)
    }

    /// A folder for work in progress on the same file system; it vanishes when it is dropped.
    pub(super) fn work_folder(&self) -> Result<tempfile::TempDir, ModelError> {
        tempfile::Builder::new()
            .prefix(WORK)
            .tempdir_in(&self.dir)
            .map_err(|source| ModelError::write(&self.dir, source))
    }

    /// Checks that so many bytes more can be written.
    pub(super) fn check_room(&self, bytes: u64) -> Result<(), ModelError> {
        match free_bytes(&self.dir) {
            Some(free) if free < bytes => {
                Err(ModelError::NoSpace { dir: self.dir.clone(), needed: Some(bytes), free: Some(free) })
            }
            _ => Ok(()),
        }
    }

    /// Gives a finished file its name: the bytes are on the disk before the name is.
    /// The caller has checked its sum.
    pub(super) fn install(&self, file: &Path, name: &str) -> Result<PathBuf, ModelError> {
        check_ggml(file)?;
        let path = self.path_of(name);
        put(file, &path)?;
        Ok(path)
    }

    /// Does the same for a file in a folder of its own.
    pub(super) fn install_in(&self, folder: &Path, file: &Path, name: &str) -> Result<(), ModelError> {
        make_folder(folder).map_err(|source| ModelError::write(folder, source))?;
        put(file, &folder.join(name))
    }
}

/// Renames a file once its bytes are on the disk.
fn put(file: &Path, path: &Path) -> Result<(), ModelError> {
    let dir = path.parent().unwrap_or(path);
    File::open(file)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(file, path))
        .and_then(|()| File::open(dir)?.sync_all())
        .map_err(|source| ModelError::write(path, source))
}

/// Makes a folder and its parents, for the user's eyes only where they are new.
fn make_folder(dir: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Bytes that this user can still write there; `None` where that cannot be known.
#[cfg(unix)]
fn free_bytes(dir: &Path) -> Option<u64> {
    let status = rustix::fs::statvfs(dir).ok()?;
    Some(status.f_bavail.saturating_mul(status.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_dir: &Path) -> Option<u64> {
    None
}

/// SHA-256 of a file, in hexadecimal.
pub(super) fn sha256_of(path: &Path, watch: &mut dyn Watch) -> Result<String, ModelError> {
    let read = |source| ModelError::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(read)?;
    let total = file.metadata().map_err(read)?.len();
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 1 << 18];
    let mut done = 0;
    loop {
        watch.go_on()?;
        let count = file.read(&mut piece).map_err(read)?;
        if count == 0 {
            return Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hasher.update(&piece[..count]);
        done += count as u64;
        watch.tell(News::Progress { stage: Stage::Checking, done, total });
    }
}
