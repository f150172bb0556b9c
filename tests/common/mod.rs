//! What several whole-program tests need.
#![allow(dead_code, reason = "each test program uses its own part of this")]
#![allow(clippy::unwrap_used)]

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The program under test, with nothing of the user's own settings.
pub fn viva() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_viva"));
    for name in ["VIVA_DATA_DIR", "VIVA_MODELS_DIR", "VIVA_LOOPS_DIR"] {
        command.env_remove(name);
    }
    command
}

/// The models folder that tests share: `VIVA_TEST_MODELS`, or `target/test-models`.
pub fn models_dir() -> PathBuf {
    env::var_os("VIVA_TEST_MODELS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-models"), PathBuf::from)
}

/// The model tiny.en, fetched by the program itself the first time. Tests in other processes wait for
/// the one that fetches.
pub fn model() -> PathBuf {
    fetched("tiny.en")
}

/// The folder of the model that compares meanings, got in the same way.
pub fn meaning() -> PathBuf {
    fetched("meaning")
}

fn fetched(name: &str) -> PathBuf {
    let output = viva()
        .args(["models", "fetch", name, "--models-dir"])
        .arg(models_dir())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "{name} could not be fetched; the reason stands above");
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
}
