//! Native libraries write to file descriptor 2; people do not see it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::env;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use vivavoce::audio::Quiet;

const LOG: &str = "VIVA_TEST_LOG";

/// Writes to file descriptor 2 without Rust's knowledge.
fn native_noise(text: &str) {
    assert!(Command::new("sh").args(["-c", "echo \"$0\" >&2", text]).status().unwrap().success());
}

#[test]
fn noise_goes_to_the_log_and_what_people_are_to_read_to_them() {
    if let Some(log) = env::var_os(LOG).map(PathBuf::from) {
        native_noise("before");
        {
            let outer = Quiet::start(None).unwrap();
            native_noise("into nothing");
            {
                let quiet = Quiet::start(Some(&log)).unwrap();
                native_noise("noise");
                writeln!(quiet.stderr().unwrap(), "inner").unwrap();
            }
            native_noise("into nothing again");
            writeln!(outer.stderr().unwrap(), "for people").unwrap();
            _ = std::panic::catch_unwind(|| panic!("a fault"));
        }
        native_noise("after");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("native.log");
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "noise_goes_to_the_log_and_what_people_are_to_read_to_them", "--nocapture"])
        .env(LOG, &log)
        .output()
        .unwrap();
    assert!(output.status.success());
    let seen = String::from_utf8(output.stderr).unwrap();
    for told in ["before", "for people", "a fault", "after"] {
        assert!(seen.contains(told), "{told:?} is missing: {seen}");
    }
    for noise in ["noise", "into nothing"] {
        assert!(!seen.contains(noise), "{seen}");
    }
    assert_eq!(fs::read_to_string(&log).unwrap(), "noise\n");
}
