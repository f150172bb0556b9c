use std::fs;

use super::fixtures::{assessment, probability, recognised, theory};
use super::*;
use crate::coverage::{Tally, Verdict};
use crate::loops::{Loop, MAIN_QUESTION};

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
    journal.save_transcript(second.id, "tiny.en", &heard).unwrap();
    journal.save_assessment(second.id, &assessment(&probability(), MAIN_QUESTION, &heard)).unwrap();
    assert_eq!((count(&journal, "transcripts"), count(&journal, "assessments")), (1, 1));

    let typed = session.ask(1, "anything-else").unwrap();
    let take = session.begin_typed_take(typed).unwrap();
    session.append_text(take, "no").unwrap();
    session.append_text(take, " more").unwrap();
    session.typed_take(typed, "no more").unwrap();
    assert_eq!(count(&journal, "takes WHERE typed_text = 'no more'"), 2);
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

/// Answers a question with a recording of `text` that is transcribed and judged.
fn answer_aloud(
    session: &SessionHandle,
    asked: &Loop,
    position: usize,
    question: &str,
    text: &str,
) -> TakeId {
    let answer = session.ask(position, question).unwrap();
    let take = session.begin_take(answer).unwrap();
    let heard = recognised(text);
    session.finish_take(take.id, heard.audio_seconds).unwrap();
    session.journal().save_transcript(take.id, "tiny.en", &heard).unwrap();
    session.journal().save_assessment(take.id, &assessment(asked, question, &heard)).unwrap();
    take.id
}

#[test]
fn a_session_reads_back_as_it_was_kept() {
    let journal = Journal::in_memory().unwrap();
    let session = journal.begin_session(&[theory()], InputKind::Microphone, Some("tiny.en")).unwrap();
    let answer = session.ask(0, MAIN_QUESTION).unwrap();
    let first = session.begin_take(answer).unwrap();
    session.finish_take(first.id, 2.0).unwrap();
    let counting = answer_aloud(&session, &theory(), 0, MAIN_QUESTION, "a bernoulli likelihood");
    let empty = session.begin_take(answer).unwrap();
    session.finish_take(empty.id, 0.0).unwrap();
    let follow_up = session.ask(0, "gradient-wrt-logits").unwrap();
    session.skip(follow_up).unwrap();
    session.finish(SessionState::Left).unwrap();

    let kept = journal.session(session.id()).unwrap();
    assert_eq!(kept.summary.state, SessionState::Left);
    assert_eq!(kept.summary.loops, [theory()]);
    assert!(kept.summary.finished_at.unwrap() >= kept.summary.started_at);
    let questions = QuestionTally { total: 3, asked: 2, answered: 1, skipped: 1, waiting: 0 };
    assert_eq!(kept.summary.questions, questions);
    // The skipped follow-up has one point, which is missed.
    let judged = kept.answers[0].assessment().unwrap().coverage;
    assert_eq!((judged.total, kept.summary.coverage.total), (2, 3));
    assert_eq!(kept.summary.coverage.missed, judged.missed + 1);

    let takes = &kept.answers[0].takes;
    assert_eq!(takes.iter().map(|take| take.counts).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(takes[1].id, counting);
    assert_eq!(takes[1].transcript().unwrap().text, "a bernoulli likelihood");
    assert_eq!(takes[1].transcripts[0].recognised, recognised("a bernoulli likelihood"));
    let audio = Content::Audio { path: first.path, seconds: Some(2.0) };
    assert_eq!(takes[0].content, audio);
    let states: Vec<_> = kept.answers.iter().map(|answer| answer.state).collect();
    assert_eq!(states, [AnswerState::Assessed, AnswerState::Skipped]);
    assert_eq!(journal.sessions().unwrap(), [kept.summary]);
}

#[test]
fn later_assessments_count_and_earlier_ones_are_kept() {
    let journal = Journal::in_memory().unwrap();
    let session = journal.begin_session(&[theory()], InputKind::Microphone, None).unwrap();
    let take = answer_aloud(&session, &theory(), 0, MAIN_QUESTION, "nothing of use");
    let mut newer = assessment(&theory(), MAIN_QUESTION, &recognised("nothing of use"));
    newer.engine = "9.9.9".into();
    newer.coverage = Tally { covered: 2, total: 2, ..Tally::default() };
    journal.save_assessment(take, &newer).unwrap();
    let kept = journal.session(session.id()).unwrap();
    assert_eq!(kept.answers[0].assessment().as_ref(), Some(&newer));
    assert_eq!(kept.answers[0].takes[0].assessments.len(), 2);
    // The third point is that of a question that was not asked.
    assert_eq!(kept.summary.coverage, Tally { total: 3, ..newer.coverage });
}

#[test]
fn corrections_stand_beside_the_assessments_and_the_last_of_each_point_holds() {
    let journal = Journal::in_memory().unwrap();
    let session = journal.begin_session(&[theory()], InputKind::Microphone, None).unwrap();
    let take = answer_aloud(&session, &theory(), 0, MAIN_QUESTION, "a bernoulli likelihood");
    let verdicts = || {
        let kept = journal.session(session.id()).unwrap();
        let judged = kept.answers[0].assessment().unwrap();
        // The third point is that of a question that was not asked.
        assert_eq!(kept.summary.coverage, Tally { total: 3, ..judged.coverage });
        judged.points.iter().map(|point| (point.verdict, point.overruled)).collect::<Vec<_>>()
    };
    let (covered, missed) = (Verdict::Covered, Verdict::Missed);
    assert_eq!(verdicts(), [(covered, None), (missed, None)]);
    let correct = |rulings: &[(&str, Ruling)]| {
        let rulings: Vec<_> =
            rulings.iter().map(|(point, ruling)| (take, (*point).to_owned(), *ruling)).collect();
        journal.save_corrections(&rulings).unwrap();
    };
    correct(&[("likelihood", Ruling::Missed), ("gradient", Ruling::Covered)]);
    assert_eq!(verdicts(), [(missed, Some(covered)), (covered, Some(missed))]);
    correct(&[("likelihood", Ruling::Withdrawn), ("no-such-point", Ruling::Covered)]);
    assert_eq!(verdicts(), [(covered, None), (covered, Some(missed))]);

    let heard = recognised("then you get useful gradients and a bernoulli likelihood");
    journal.save_assessment(take, &assessment(&theory(), MAIN_QUESTION, &heard)).unwrap();
    assert_eq!(verdicts(), [(covered, None), (covered, None)], "a later judgement agrees");
    assert_eq!(count(&journal, "corrections"), 4);
    let first = &journal.session(session.id()).unwrap().answers[0].takes[0].assessments[0].assessment;
    assert_eq!(first.points[1].verdict, missed, "viva's own verdict stays as it was");
}

#[test]
fn sessions_are_found_by_the_beginning_of_their_id_or_as_the_last_one() {
    let journal = Journal::in_memory().unwrap();
    let unknown = journal.find("last").unwrap_err();
    assert!(unknown.to_string().contains("viva practice"), "{unknown}");
    let first = journal.begin_session(&[theory()], InputKind::Typed, None).unwrap().id().to_owned();
    let second = journal.begin_session(&[theory()], InputKind::Typed, None).unwrap().id().to_owned();
    let third = journal.begin_session(&[probability()], InputKind::Typed, None).unwrap().id().to_owned();
    assert_eq!(journal.find("last").unwrap(), third);
    assert_eq!(journal.find(&first).unwrap(), first, "though it is the beginning of the second");
    assert_eq!(journal.find(&second).unwrap(), second);
    assert_eq!(journal.find(&third[..third.len() - 3]).unwrap(), third);
    let ambiguous = journal.find(&first[..8]).unwrap_err();
    assert!(matches!(&ambiguous, JournalError::AmbiguousSession { candidates, .. } if candidates.len() == 3));
    let unknown = journal.find(&third.replace("bab", "bbb")).unwrap_err();
    assert!(unknown.to_string().contains(&format!("did you mean `{third}`")), "{unknown}");
}

#[test]
fn an_interrupted_session_goes_on_at_the_next_question() {
    let journal = Journal::in_memory().unwrap();
    let session = journal.begin_session(&[theory(), probability()], InputKind::Typed, None).unwrap();
    let id = session.id().to_owned();
    for question in [MAIN_QUESTION, "gradient-wrt-logits", "anything-else"] {
        let answer = session.ask(0, question).unwrap();
        session.typed_take(answer, "I think so").unwrap();
    }
    session.ask(1, MAIN_QUESTION).unwrap();
    assert_eq!(journal.resumable().unwrap(), None, "it still runs");
    assert!(matches!(journal.resume_session(&id), Err(JournalError::Running { .. })));
    drop(session);
    assert_eq!(journal.recover().unwrap()[0].session, id);

    let resumable = journal.resumable().unwrap().unwrap();
    assert_eq!((resumable.id.as_str(), resumable.next), (id.as_str(), (1, 0)), "asked, but not answered");
    assert_eq!(resumable.loops, [theory(), probability()]);
    let session = journal.resume_session(&id).unwrap();
    let answer = session.ask(1, MAIN_QUESTION).unwrap();
    session.skip(answer).unwrap();
    session.finish(SessionState::Left).unwrap();
    drop(session);
    assert_eq!(journal.resumable().unwrap().unwrap().next, (1, 1));
    assert!(matches!(journal.resume_session("../x"), Err(JournalError::UnknownSession { .. })));
}

#[test]
fn recordings_of_a_session_that_was_cut_off_are_made_whole() {
    use crate::audio::Recorder;
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let session = journal.begin_session(&[theory()], InputKind::Microphone, Some("tiny.en")).unwrap();
    let answer = session.ask(0, MAIN_QUESTION).unwrap();
    let record = |seconds: f64| {
        let take = session.begin_take(answer).unwrap();
        let mut recorder = Recorder::create(&take.path).unwrap();
        recorder.write(&vec![0.1; (seconds * 16_000.0) as usize]);
        (take.path, recorder)
    };
    let (renamed, mut recorder) = record(1.0);
    recorder.finish().unwrap();
    let (empty, recorder) = record(0.0);
    drop(recorder);
    let (cut_off, recorder) = record(2.5);
    drop(recorder);
    let broken = session.begin_take(answer).unwrap().path;
    fs::write(broken.with_extension("wav.part"), [7; 100]).unwrap();
    session.begin_take(answer).unwrap();

    assert!(journal.recover().unwrap().is_empty(), "a living session is left alone");
    drop(session);
    let other = Journal::open(folder.path()).unwrap();
    let recovered = other.recover().unwrap();
    assert_eq!(recovered.len(), 1);
    assert_eq!(recovered[0].recordings, [(renamed, 1.0), (cut_off.clone(), 2.5)]);
    assert!(recovered[0].problems[0].contains("-4.wav"), "{:?}", recovered[0].problems);
    assert!(cut_off.exists() && !empty.exists());

    let kept = other.session(&recovered[0].session).unwrap();
    assert_eq!(kept.summary.state, SessionState::Interrupted);
    assert_eq!(kept.answers[0].state, AnswerState::Answered);
    let waiting = other.waiting(None).unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].take.content, Content::Audio { path: cut_off, seconds: Some(2.5) });

    // What could not be mended is tried again.
    fs::remove_file(broken.with_extension("wav.part")).unwrap();
    assert!(other.recover().unwrap().is_empty());
    assert!(other.recover().unwrap().is_empty());
}

#[test]
fn a_session_whose_recordings_were_removed_is_still_readable() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let session = journal.begin_session(&[theory()], InputKind::Microphone, None).unwrap();
    let answer = session.ask(0, MAIN_QUESTION).unwrap();
    session.begin_take(answer).unwrap();
    fs::remove_dir_all(session.folder()).unwrap();
    drop(session);
    assert_eq!(journal.recover().unwrap().len(), 1);
    assert_eq!(journal.sessions().unwrap()[0].state, SessionState::Interrupted);
}

#[test]
fn what_a_newer_viva_wrote_into_a_row_is_an_error_not_a_panic() {
    let journal = Journal::in_memory().unwrap();
    let session = journal.begin_session(&[theory()], InputKind::Typed, None).unwrap();
    journal.write(|connection| connection.execute("UPDATE session_loops SET loop_json = '{}'", [])).unwrap();
    let error = journal.session(session.id()).unwrap_err();
    assert!(matches!(error, JournalError::Unreadable { .. }), "{error}");
}
