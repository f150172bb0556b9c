//! The microphone, in a room without hardware.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common {
    pub mod sound;
}

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use common::sound::{self, Room, assert_heard};
use vivavoce::audio::{AudioError, AudioSource, Block, Microphone, Recorder};

/// Listens until sound flows, as whoever starts a clock does.
fn wait_until_sound_flows(microphone: &mut Microphone) {
    let patience = Instant::now();
    while !matches!(microphone.next_block().unwrap(), Block::Samples(_)) {
        assert!(patience.elapsed() < Duration::from_secs(15));
    }
}

/// Listens for so long.
fn hear(microphone: &mut Microphone, seconds: f32) -> Vec<f32> {
    let (start, mut heard) = (Instant::now(), Vec::new());
    while start.elapsed().as_secs_f32() < seconds {
        if let Block::Samples(samples) = microphone.next_block().unwrap() {
            heard.extend(samples);
        }
    }
    heard
}

/// Listens until it fails, for at most so long; what was heard before.
fn hear_until_it_fails(microphone: &mut Microphone, seconds: u64) -> (Vec<f32>, AudioError) {
    let (start, mut heard) = (Instant::now(), Vec::new());
    while start.elapsed() < Duration::from_secs(seconds) {
        match microphone.next_block() {
            Ok(Block::Samples(samples)) => heard.extend(samples),
            Ok(_) => {}
            Err(error) => return (heard, error),
        }
    }
    panic!("no error within {seconds} s, {} samples", heard.len());
}

fn babble_in(folder: &Path, seconds: f32) -> (std::path::PathBuf, Vec<f32>) {
    let (wav, played) = (folder.join("played.wav"), sound::babble(seconds));
    sound::write(&wav, 16_000, &played);
    (wav, played)
}

#[test]
fn what_is_said_is_recorded_whole() {
    let Some(room) = Room::enter("what_is_said_is_recorded_whole") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (wav, played) = babble_in(folder.path(), 6.0);

    let mut microphone = Microphone::open(None).unwrap();
    assert_eq!(microphone.device().name, "Microphone");
    wait_until_sound_flows(&mut microphone);
    let mut recorder = Recorder::create(&folder.path().join("answer.wav")).unwrap();
    let mut player = room.start_playing_into_microphone(&wav);
    while player.try_wait().unwrap().is_none() || recorder.seconds() < 7.0 {
        if let Block::Samples(samples) = microphone.next_block().unwrap() {
            recorder.write(&samples);
        }
    }
    recorder.finish().unwrap();

    assert_heard(&played, &sound::read(&folder.path().join("answer.wav")), 0.98);
    assert_eq!(microphone.dropped_frames(), 0);
    assert_eq!(microphone.warnings(), Vec::<String>::new());
}

#[test]
fn a_caller_that_is_busy_for_seconds_loses_nothing() {
    let Some(room) = Room::enter("a_caller_that_is_busy_for_seconds_loses_nothing") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (wav, played) = babble_in(folder.path(), 4.0);
    let mut microphone = Microphone::open(Some("micro")).unwrap();
    wait_until_sound_flows(&mut microphone);
    room.play_into_microphone(&wav);
    let heard = hear(&mut microphone, 1.0);
    assert_heard(&played, &heard, 0.98);
    assert_eq!(microphone.dropped_frames(), 0);

    // What nobody listened to is forgotten on demand.
    room.play_into_microphone(&wav);
    microphone.clear();
    let heard = hear(&mut microphone, 0.5);
    assert!(heard.len() < 16_000, "{} samples", heard.len());
    assert!(sound::find(&played, &heard).1 < 0.5);
}

#[test]
fn every_kind_of_microphone_is_heard() {
    let Some(room) = Room::enter("every_kind_of_microphone_is_heard") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (wav, played) = babble_in(folder.path(), 1.5);
    for (format, rate, channels) in [
        ("u8", 22_050, 1),
        ("s24le", 48_000, 2),
        ("s32le", 32_000, 6),
        ("float32le", 192_000, 2),
        ("alaw", 8_000, 1),
    ] {
        let name = format!("kind-{format}");
        room.load(&[
            "module-null-sink",
            &format!("sink_name={name}"),
            &format!("format={format}"),
            &format!("rate={rate}"),
            &format!("channels={channels}"),
        ]);
        let mut microphone = Microphone::open(Some(&format!("pulseaudio:{name}.monitor"))).unwrap();
        wait_until_sound_flows(&mut microphone);
        let status = room.command("paplay").args(["-d", &name]).arg(&wav).status().unwrap();
        assert!(status.success());
        // The sound can be there with the very first sample.
        let mut heard = vec![0.0; 1_600];
        heard.extend(hear(&mut microphone, 0.7));
        let (start, alike) = sound::find(&played, &heard);
        // Eight bits leave their mark.
        let enough = if matches!(format, "u8" | "alaw") { 0.9 } else { 0.98 };
        assert!(alike > enough, "{format} at {rate} Hz with {channels} channels: {alike} from {start}");
        assert_eq!(microphone.dropped_frames(), 0, "{format}");
    }
}

#[test]
fn a_microphone_that_is_pulled_out_is_told_and_what_was_heard_is_kept() {
    let Some(room) = Room::enter("a_microphone_that_is_pulled_out_is_told_and_what_was_heard_is_kept") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (wav, played) = babble_in(folder.path(), 2.0);
    let mut microphone = Microphone::open(None).unwrap();
    wait_until_sound_flows(&mut microphone);
    room.play_into_microphone(&wav);
    let mut heard = hear(&mut microphone, 0.5);
    room.unplug_microphone();
    let (rest, error) = hear_until_it_fails(&mut microphone, 20);
    heard.extend(rest);
    assert_heard(&played, &heard, 0.98);
    let message = error.to_string();
    assert!(matches!(error, AudioError::MicrophoneLost { .. }), "{message}");
    assert!(message.contains("`Microphone`") && message.contains("`viva devices`"), "{message}");

    // Plugged in again it goes on by itself.
    room.plug_microphone();
    wait_until_sound_flows(&mut microphone);
    let mut player = room.start_playing_into_microphone(&wav);
    let heard = hear(&mut microphone, 4.0);
    player.wait().unwrap();
    assert_heard(&played, &heard, 0.98);
    assert!(microphone.warnings()[0].contains("was lost"), "{:?}", microphone.warnings());
}

#[test]
fn another_microphone_takes_the_place_of_one_that_is_pulled_out() {
    let Some(room) = Room::enter("another_microphone_takes_the_place_of_one_that_is_pulled_out") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (wav, played) = babble_in(folder.path(), 2.0);
    room.load(&["module-null-sink", "sink_name=other"]);
    room.load(&[
        "module-remap-source",
        "master=other.monitor",
        "source_name=spare",
        "source_properties=device.description=Spare",
    ]);
    let mut microphone = Microphone::open(None).unwrap();
    wait_until_sound_flows(&mut microphone);
    room.unplug_microphone();
    hear(&mut microphone, 2.0);
    wait_until_sound_flows(&mut microphone);
    // Either the sound server has moved us over, or we have moved ourselves.
    let mut player = room.command("paplay").args(["-d", "other"]).arg(&wav).spawn().unwrap();
    let heard = hear(&mut microphone, 5.0);
    player.wait().unwrap();
    assert_heard(&played, &heard, 0.98);
}

#[test]
fn the_microphone_comes_back_after_the_program_was_stopped_and_continued() {
    let Some(_room) = Room::enter("the_microphone_comes_back_after_the_program_was_stopped_and_continued")
    else {
        return;
    };
    let mut microphone = Microphone::open(None).unwrap();
    wait_until_sound_flows(&mut microphone);
    // What Ctrl-Z and `fg` do.
    let ourselves = std::process::id();
    let script = format!("kill -STOP {ourselves}; sleep 1; kill -CONT {ourselves}");
    Command::new("sh").args(["-c", &script]).spawn().unwrap().wait().unwrap();
    let heard = hear(&mut microphone, 6.0);
    assert!(heard.len() > 2 * 16_000, "{} samples", heard.len());
}

#[test]
fn a_muted_microphone_is_noticed() {
    let Some(room) = Room::enter("a_muted_microphone_is_noticed") else { return };
    room.pactl(["set-source-mute", "mic", "1"]).unwrap();
    let mut microphone = Microphone::open(None).unwrap();
    wait_until_sound_flows(&mut microphone);
    hear(&mut microphone, 1.5);
    let hint = microphone.hint().expect("a hint");
    assert!(hint.contains("muted") && hint.contains("`Microphone`"), "{hint}");
}

#[test]
fn what_the_loudspeaker_plays_is_no_microphone_unless_it_is_named() {
    let name = "what_the_loudspeaker_plays_is_no_microphone_unless_it_is_named";
    let Some(_room) = Room::enter_with(name, Room::without_microphone) else { return };
    assert!(matches!(Microphone::open(None), Err(AudioError::NoMicrophone)));
    assert!(matches!(Microphone::open(Some("yeti")), Err(AudioError::NoSuchDevice(_))));
    let mut monitor = Microphone::open(Some("vspk.monitor")).unwrap();
    assert!(monitor.device().is_monitor);
    wait_until_sound_flows(&mut monitor);
}

/// `viva devices` in the room, with what it said on stdout and stderr.
fn viva_devices(mut viva: Command) -> (i32, String, String) {
    let start = Instant::now();
    let output = viva.arg("devices").output().unwrap();
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

const VIVA: &str = env!("CARGO_BIN_EXE_viva");

#[test]
fn the_microphones_are_listed() {
    let room = Room::start();
    let (code, listed, said) = viva_devices(room.command(VIVA));
    assert_eq!((code, said.as_str()), (0, ""));
    assert!(listed.starts_with("* Microphone"), "{listed}");
    assert!(listed.contains("pulseaudio:mic"), "{listed}");

    let mut command = room.command(VIVA);
    command.env("VIVA_DATA_DIR", "/nonexistent");
    let output = command.args(["devices", "--json"]).output().unwrap();
    let lines: Vec<serde_json::Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["id"], "pulseaudio:mic");
    assert_eq!(lines[0]["default"], true);
    assert_eq!(lines[0]["sample_rate_hz"], 48_000);
    assert!(lines[1..].iter().all(|line| line["monitor"] == true && line["default"] == false));
}

#[test]
fn without_a_sound_server_there_is_an_answer_at_once() {
    let (code, listed, said) = viva_devices(Room::without_sound().command(VIVA));
    assert_eq!((code, listed.as_str()), (1, ""));
    // One line, and none of ALSA's own.
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("no microphone found") && said.contains("--typed"), "{said}");
}

#[test]
fn a_sound_server_that_hangs_does_not_hang_us() {
    let room = Room::start();
    room.suspend_server();
    let (code, _, said) = viva_devices(room.command(VIVA));
    room.resume_server();
    assert_eq!(code, 1);
    assert_eq!(said.lines().count(), 1, "{said}");
}
