use std::fs;

use super::fixtures::{assessment, probability, recognised, theory};
use super::*;
use crate::loops::MAIN_QUESTION;

fn count(journal: &Journal, table: &str) -> i64 {
    journal
        .read(|connection| {
            connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
        })
        .unwrap()
}

#[test]
fn everything_is_written_the_moment_it_exists() {
    let journal = Journal::in_memory().unwrap();
    let session =
        journal.begin_session(&[theory(), probability()], InputKind::Microphone, Some("tiny.en")).unwrap();
    assert!(session.id().ends_with("-2-loops"), "{}", session.id());
    assert_eq!((count(&journal, "sessions"), count(&journal, "session_loops")), (1, 2));

    let answer = session.ask(1, MAIN_QUESTION).unwrap();
    assert_eq!(session.ask(1, MAIN_QUESTION).unwrap(), answer, "asked again, the same answer");
    let first = session.begin_take(answer).unwrap();
    let second = session.begin_take(answer).unwrap();
    assert_eq!((first.number, second.number), (1, 2));
    assert_eq!(second.path, session.folder().join("2-probability-prompt-2.wav"));
    session.finish_take(second.id, 3.5).unwrap();

    let heard = recognised("a bernoulli likelihood");
    session.save_transcript(second.id, "tiny.en", &heard).unwrap();
    session.save_assessment(second.id, &assessment(&probability(), MAIN_QUESTION, &heard)).unwrap();
    assert_eq!((count(&journal, "transcripts"), count(&journal, "assessments")), (1, 1));

    let typed = session.ask(1, "anything-else").unwrap();
    let take = session.begin_typed_take(typed).unwrap();
    session.save_text(take, "no").unwrap();
    session.typed_take(typed, "no more").unwrap();
    assert_eq!(count(&journal, "takes WHERE typed_text <> ''"), 2);
    session.skip(typed).unwrap();
    session.finish(SessionState::Finished).unwrap();
}

#[test]
fn ids_are_unique_also_within_a_minute() {
    let journal = Journal::in_memory().unwrap();
    let sessions: Vec<_> =
        (0..3).map(|_| journal.begin_session(&[theory()], InputKind::Typed, None).unwrap()).collect();
    let mut ids: Vec<_> = sessions.iter().map(SessionHandle::id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[test]
#[cfg(unix)]
fn only_the_owner_can_read_what_is_kept() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::create_dir(data.join("models")).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    let journal = Journal::open(&data).unwrap();
    let session = journal.begin_session(&[theory()], InputKind::Typed, None).unwrap();
    for folder in [data.as_path(), &data.join("recordings"), session.folder()] {
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
    for file in ["journal.sqlite3", "journal.sqlite3-wal", "journal.sqlite3-shm"] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
    assert_eq!(mode(&session.folder().join("lock")), 0o600);
}

#[test]
#[cfg(unix)]
fn a_folder_that_others_use_too_keeps_its_mode() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.path().join("holiday.jpg"), "").unwrap();
    Journal::open(folder.path()).unwrap();
    assert_eq!(fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o755);
}

#[test]
fn a_journal_from_a_newer_version_is_left_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(schema::FILE_NAME);
    let journal = Journal::open(folder.path()).unwrap();
    journal.read(|connection| connection.pragma_update(None, "user_version", 99)).unwrap();
    drop(journal);
    let before = fs::read(&path).unwrap();
    let error = Journal::open(folder.path()).unwrap_err();
    assert!(matches!(error, JournalError::Newer { found: 99, .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_that_is_no_journal_is_left_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(schema::FILE_NAME);
    let text = "not a database at all, but long enough to be taken for one. ".repeat(40);
    fs::write(&path, &text).unwrap();
    let error = Journal::open(folder.path()).unwrap_err();
    assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn a_database_of_another_program_is_left_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(schema::FILE_NAME);
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE sessions (id)").unwrap();
    let before = fs::read(&path).unwrap();
    let error = Journal::open(folder.path()).unwrap_err();
    assert!(matches!(error, JournalError::Foreign { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_journal_cut_short_is_reported_as_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(schema::FILE_NAME);
    let journal = Journal::open(folder.path()).unwrap();
    drop(journal.begin_session(&[theory()], InputKind::Typed, None).unwrap());
    drop(journal);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let error = Journal::open(folder.path())
        .and_then(|journal| journal.begin_session(&[theory()], InputKind::Typed, None))
        .unwrap_err();
    assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
}

#[test]
fn a_file_in_place_of_the_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    fs::write(&path, "").unwrap();
    let error = Journal::open(&path).unwrap_err();
    assert!(error.to_string().contains(&*path.to_string_lossy()), "{error}");
    assert!(error.to_string().contains("--data-dir"), "{error}");
}

#[test]
fn a_full_disk_loses_nothing_and_the_call_can_be_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let session = journal.begin_session(&[theory()], InputKind::Typed, None).unwrap();
    let answer = session.ask(0, MAIN_QUESTION).unwrap();
    let limit = |pages: i64| {
        journal.read(|connection| connection.pragma_update(None, "max_page_count", pages)).unwrap();
    };
    limit(1); // SQLite raises it to the present size: not one page more
    let text = "gradient ".repeat(2_000);
    let error = session.typed_take(answer, &text).unwrap_err();
    assert!(matches!(error, JournalError::Disk { .. }), "{error}");
    assert_eq!(count(&journal, "takes"), 0);
    limit(100_000);
    session.typed_take(answer, &text).unwrap();
    assert_eq!(count(&journal, "takes"), 1);
}

#[test]
fn many_at_once_find_one_journal() {
    let folder = tempfile::tempdir().unwrap();
    let ids: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let journal = Journal::open(folder.path()).unwrap();
                    let session = journal.begin_session(&[theory()], InputKind::Typed, None).unwrap();
                    session.id().to_owned()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let journal = Journal::open(folder.path()).unwrap();
    assert_eq!(count(&journal, "sessions"), ids.len() as i64);
}
