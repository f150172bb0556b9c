//! What happens next in a sitting: a pure state machine, events in, effects out.
//!
//! It knows nothing of clocks, threads, devices or screens: time is an event, and everything that is
//! to be done comes out as an [`Effect`] for the [runner](super::runner) to carry out in order.

use crate::assessment::Assessment;
use crate::coverage::{self, PointVerdict, Verdict};
use crate::loops::{Loop, Question};

/// How long an answer goes on being recorded after its time is up, in seconds, so that the word
/// being spoken is kept.
pub const TAIL_SECONDS: f64 = 0.5;

/// Whether the session waits for the user between questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Somebody is there: the next question comes when they say so.
    OnRequest,
    /// Answers come from files or a pipe: go straight on.
    StraightOn,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The session begins.
    Start,
    /// The user wants to go on: begins, goes to the next question, or ends the answer.
    Enter,
    /// The user stops or restarts clock and recording.
    Pause,
    /// The user starts the answer again.
    Retake,
    /// The user passes the question over.
    Skip,
    /// The user wants to overrule a verdict that was just shown.
    Overrule,
    /// What the user wrote when they were asked for words; empty: nothing.
    Written(String),
    /// The user leaves.
    Quit,
    /// Ctrl-C.
    Interrupt,
    /// The question has been read out and the answer can be heard from now on.
    Ready,
    /// There is no answer to this question (no file was given for it, or typed input has ended).
    Unanswered,
    /// So much of the answer has been given, in seconds since the go signal, pauses not counted.
    Elapsed(f64),
    /// A recording from a file has come to its end.
    SourceEnded,
    /// The source of the answer is gone; what it gave so far is kept.
    SourceFailed(String),
    /// The answer has been transcribed and judged.
    Judged(Box<Assessment>),
    /// The answer could not be transcribed; the recording is kept.
    NotJudged(String),
}

/// Something to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Show the rules.
    ShowRules,
    /// Ask for the go-ahead: before the first question, or before what comes next.
    AwaitGoAhead {
        /// What comes.
        awaited: Awaited,
        /// Whether a verdict can be overruled now.
        overrulable: bool,
    },
    /// Ask for the number of the point to overrule, then send [`Event::Written`].
    AskPoint(Place, Box<Assessment>),
    /// Ask which of the words said made a point, then send [`Event::Written`].
    AskWords(PointVerdict),
    /// Say why what was written is of no use; it is asked for again.
    Refuse(String),
    /// Keep what the user says about a point of the answer just judged.
    Correct {
        /// The question.
        place: Place,
        /// The point as it stands now.
        point: PointVerdict,
        /// Its number, from 1.
        number: usize,
    },
    /// Learn words that make a point.
    Learn {
        /// The question.
        place: Place,
        /// The point's id.
        point: String,
        /// The words, as they stand in the answer.
        said: String,
    },
    /// A loop begins.
    BeginLoop(Place),
    /// Show and speak the question, then send [`Event::Ready`].
    Ask(Place),
    /// Stop reading the question out.
    Hush,
    /// Open a new take; the answer is recorded from half a second before this moment.
    OpenTake(Place),
    /// Tell the user that the clock runs, with the seconds they have.
    Go(u32),
    /// Stop recording; the clock stands.
    Hold,
    /// Record again.
    Resume,
    /// Say how much time is left.
    AnnounceRemaining(Remaining),
    /// Close the take: everything that was said is on disk after this.
    CloseTake,
    /// Transcribe and judge the take just closed, then send [`Event::Judged`] or [`Event::NotJudged`].
    Judge(Place),
    /// Note down that the question was not answered.
    MarkSkipped(Place),
    /// Show coverage, the missed points flagged.
    ShowCoverage(Place, Box<Assessment>),
    /// Say that the answer is kept, but could not be judged, and why.
    ShowNotJudged(String),
    /// Say that the source of answers failed.
    ShowSourceFailed(String),
    /// Show feedback on the loop.
    ShowFeedback {
        /// Index of the loop in the session.
        loop_index: usize,
        /// What became of each of its questions.
        outcomes: Vec<Outcome>,
    },
    /// The session is over.
    Finish(Ending),
}

/// What the user is asked to press Enter for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited {
    /// The first question.
    Beginning,
    /// A follow-up.
    FollowUp,
    /// The feedback, before which the last verdicts can be overruled.
    Feedback,
    /// The next loop.
    NextLoop,
}

/// How much time is left, at the moments when it is said aloud in lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remaining {
    /// Half of the time, with the whole seconds that are left.
    Half(u32),
    /// One minute.
    OneMinute,
    /// Ten seconds.
    TenSeconds,
    /// None; the last half second is still kept.
    TimeIsUp,
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All questions have been asked.
    Finished,
    /// The user left before.
    Left,
    /// Ctrl-C.
    Interrupted,
    /// The source of answers failed and could not be had again.
    Failed,
}

/// What became of a question.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Answered and judged.
    Judged(Box<Assessment>),
    /// Answered and kept, not judged yet.
    Kept,
    /// Not answered.
    Skipped,
}

/// A question's place in the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Index of the loop in the session.
    pub loop_index: usize,
    /// Index of the question in its loop: 0 the main question, then the follow-ups.
    pub question_index: usize,
}

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    /// Not begun.
    New,
    /// Waiting for the user; the place is the next question, before the feedback the last one.
    Waiting { awaited: Awaited, asked: Option<Asked> },
    /// The question is being read out.
    Asking,
    /// The answer is being given.
    Answering { elapsed: f64, paused: bool, said: usize },
    /// The answer is being transcribed.
    Judging,
    /// Over.
    Done,
}

/// What the user is to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// The number of a point.
    Point,
    /// The words that made the point of this index.
    Words(usize),
}

/// One sitting.
#[derive(Debug, Clone)]
pub struct Session {
    loops: Vec<Loop>,
    pace: Pace,
    place: Place,
    stage: Stage,
    outcomes: Vec<Outcome>,
    /// Whether the title of the current loop is still to be shown.
    announce_loop: bool,
}

impl Session {
    /// A session over `loops`, in their order. There must be at least one.
    pub fn new(loops: Vec<Loop>, pace: Pace) -> Self {
        Self::resume(loops, pace, Place { loop_index: 0, question_index: 0 }, Vec::new())
    }

    /// A session that goes on at `place`, with what became of the earlier questions of that loop.
    pub fn resume(loops: Vec<Loop>, pace: Pace, place: Place, outcomes: Vec<Outcome>) -> Self {
        Self { loops, pace, place, stage: Stage::New, outcomes, announce_loop: true }
    }

    /// Whether the session waits for the user between questions.
    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// The loops, in the order they are practised.
    pub fn loops(&self) -> &[Loop] {
        &self.loops
    }

    /// The loop and the question at a place.
    pub fn question(&self, place: Place) -> Option<(&Loop, &Question)> {
        let practised = self.loops.get(place.loop_index)?;
        Some((practised, practised.questions().nth(place.question_index)?))
    }

    /// Takes an event in and gives back what is to be done, in order. Events that mean nothing at
    /// this moment (a key pressed twice, a late tick) have no effect.
    pub fn handle(&mut self, event: Event) -> Vec<Effect> {
        match (self.stage.clone(), event) {
            (Stage::Done, _) => Vec::new(),
            // Nothing is left to be asked, so that leaving is going on.
            (Stage::Waiting { awaited: Awaited::Feedback, .. }, Event::Quit) => {
                let ending = if self.next_loop().is_some() { Ending::Left } else { Ending::Finished };
                let mut effects = vec![self.feedback()];
                effects.extend(self.leave(ending));
                effects
            }
            (_, Event::Quit) => self.leave(Ending::Left),
            (_, Event::Interrupt) => self.leave(Ending::Interrupted),

            (Stage::New, Event::Start) => {
                let mut effects = vec![Effect::ShowRules];
                effects.extend(self.next_question(Awaited::Beginning));
                effects
            }
            (Stage::Waiting { awaited, asked: None }, Event::Overrule) => self.overrule(awaited),
            (Stage::Waiting { awaited, asked: Some(asked) }, Event::Written(text)) => {
                self.written(awaited, asked, text.trim())
            }
            (Stage::Waiting { asked: Some(_), .. }, _) => Vec::new(),
            (Stage::Waiting { awaited: Awaited::Feedback, .. }, Event::Enter) => self.end_loop(),
            (Stage::Waiting { awaited: Awaited::Feedback, .. }, _) => Vec::new(),
            (Stage::Waiting { .. }, Event::Enter) => self.ask(),
            (Stage::Waiting { .. }, Event::Skip) => self.skip(),

            (Stage::Asking, Event::Enter) => vec![Effect::Hush],
            (Stage::Asking, Event::Skip) => {
                let mut effects = vec![Effect::Hush];
                effects.extend(self.skip());
                effects
            }
            (Stage::Asking, Event::Unanswered) => self.skip(),
            (Stage::Asking, Event::SourceFailed(why)) => {
                let mut effects = vec![Effect::ShowSourceFailed(why)];
                effects.extend(self.leave(Ending::Failed));
                effects
            }
            (Stage::Asking, Event::Ready) => self.open_take(),

            (Stage::Answering { paused, said, .. }, Event::Elapsed(elapsed)) if !paused => {
                self.elapse(elapsed, said)
            }
            (Stage::Answering { elapsed, paused, said }, Event::Pause) => {
                self.stage = Stage::Answering { elapsed, paused: !paused, said };
                vec![if paused { Effect::Resume } else { Effect::Hold }]
            }
            (Stage::Answering { .. }, Event::Retake) => {
                let mut effects = vec![Effect::CloseTake];
                effects.extend(self.open_take());
                effects
            }
            (Stage::Answering { .. }, Event::Skip) => {
                let mut effects = vec![Effect::CloseTake];
                effects.extend(self.skip());
                effects
            }
            (Stage::Answering { .. }, Event::Enter | Event::SourceEnded) => self.close(),
            (Stage::Answering { .. }, Event::Unanswered) => {
                let mut effects = vec![Effect::CloseTake];
                effects.extend(self.skip());
                effects
            }
            (Stage::Answering { .. }, Event::SourceFailed(why)) => {
                let mut effects = vec![Effect::ShowSourceFailed(why)];
                effects.extend(self.close());
                effects
            }

            (Stage::Judging, Event::Judged(assessment)) => {
                let mut effects = vec![Effect::ShowCoverage(self.place, assessment.clone())];
                effects.extend(self.done_with(Outcome::Judged(assessment)));
                effects
            }
            (Stage::Judging, Event::NotJudged(why)) => {
                let mut effects = vec![Effect::ShowNotJudged(why)];
                effects.extend(self.done_with(Outcome::Kept));
                effects
            }
            _ => Vec::new(),
        }
    }

    /// Goes to the question at the current place, at once or when the user says so.
    fn next_question(&mut self, awaited: Awaited) -> Vec<Effect> {
        match self.pace {
            Pace::OnRequest => self.wait(awaited),
            Pace::StraightOn => self.ask(),
        }
    }

    fn wait(&mut self, awaited: Awaited) -> Vec<Effect> {
        self.stage = Stage::Waiting { awaited, asked: None };
        vec![Effect::AwaitGoAhead { awaited, overrulable: self.overrulable(awaited).is_some() }]
    }

    /// The judgement that was just shown, and its question, if it has verdicts.
    fn overrulable(&mut self, awaited: Awaited) -> Option<(Place, &mut Assessment)> {
        if !matches!(awaited, Awaited::FollowUp | Awaited::Feedback) {
            return None;
        }
        let place = Place { question_index: self.outcomes.len().checked_sub(1)?, ..self.place };
        match self.outcomes.last_mut()? {
            Outcome::Judged(assessment) if !assessment.points.is_empty() => Some((place, assessment)),
            _ => None,
        }
    }

    fn overrule(&mut self, awaited: Awaited) -> Vec<Effect> {
        let Some((place, assessment)) = self.overrulable(awaited) else { return Vec::new() };
        let ask = Effect::AskPoint(place, Box::new(assessment.clone()));
        self.stage = Stage::Waiting { awaited, asked: Some(Asked::Point) };
        vec![ask]
    }

    /// Takes what the user wrote: which point it is, or which words made it.
    fn written(&mut self, awaited: Awaited, asked: Asked, text: &str) -> Vec<Effect> {
        let Some((place, assessment)) = self.overrulable(awaited).filter(|_| !text.is_empty()) else {
            return self.wait(awaited);
        };
        let mut effects = Vec::new();
        match asked {
            Asked::Point => {
                let count = assessment.points.len();
                let index = text.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
                let overruled = index.and_then(|index| Some((index, assessment.overrule(index)?.clone())));
                let Some((index, point)) = overruled else {
                    let why =
                        format!("`{text}` is no point of this question; their numbers are 1 to {count}.");
                    return vec![Effect::Refuse(why), Effect::AskPoint(place, Box::new(assessment.clone()))];
                };
                let made = point.verdict == Verdict::Covered && point.overruled.is_some();
                effects.push(Effect::Correct { place, point: point.clone(), number: index + 1 });
                if made && assessment.speech {
                    effects.push(Effect::AskWords(point));
                    self.stage = Stage::Waiting { awaited, asked: Some(Asked::Words(index)) };
                    return effects;
                }
            }
            Asked::Words(index) => {
                let (point, transcript) = (assessment.points[index].clone(), assessment.transcript.clone());
                let Some((_, question)) = self.question(place) else { return self.wait(awaited) };
                match coverage::wording(question, &transcript, text) {
                    Ok(said) => effects.push(Effect::Learn { place, point: point.id, said }),
                    Err(unfit) => return vec![Effect::Refuse(format!("{unfit}.")), Effect::AskWords(point)],
                }
            }
        }
        effects.extend(self.wait(awaited));
        effects
    }

    fn ask(&mut self) -> Vec<Effect> {
        self.stage = Stage::Asking;
        let mut effects = Vec::new();
        if std::mem::take(&mut self.announce_loop) {
            effects.push(Effect::BeginLoop(self.place));
        }
        effects.push(Effect::Ask(self.place));
        effects
    }

    fn open_take(&mut self) -> Vec<Effect> {
        self.stage = Stage::Answering { elapsed: 0.0, paused: false, said: 0 };
        vec![Effect::OpenTake(self.place), Effect::Go(self.limit())]
    }

    /// The time for the current answer, in seconds.
    fn limit(&self) -> u32 {
        self.question(self.place).map_or(0, |(_, question)| question.answer_seconds)
    }

    fn elapse(&mut self, elapsed: f64, said: usize) -> Vec<Effect> {
        let limit = self.limit();
        let announcements = announcements(limit);
        let due = announcements.iter().take_while(|(at, _)| elapsed >= *at).count();
        self.stage = Stage::Answering { elapsed, paused: false, said: due.max(said) };
        // After a jump (a file read faster than real time) only the latest is worth saying.
        let mut effects: Vec<Effect> = announcements[said.min(due)..due]
            .last()
            .map(|(_, remaining)| Effect::AnnounceRemaining(*remaining))
            .into_iter()
            .collect();
        if elapsed >= f64::from(limit) + TAIL_SECONDS {
            effects.extend(self.close());
        }
        effects
    }

    fn close(&mut self) -> Vec<Effect> {
        self.stage = Stage::Judging;
        vec![Effect::CloseTake, Effect::Judge(self.place)]
    }

    fn skip(&mut self) -> Vec<Effect> {
        let mut effects = vec![Effect::MarkSkipped(self.place)];
        effects.extend(self.done_with(Outcome::Skipped));
        effects
    }

    /// Notes down what became of the current question and moves on.
    fn done_with(&mut self, outcome: Outcome) -> Vec<Effect> {
        self.outcomes.push(outcome);
        let next = Place { question_index: self.place.question_index + 1, ..self.place };
        if self.question(next).is_some() {
            self.place = next;
            return self.next_question(Awaited::FollowUp);
        }
        if self.pace == Pace::OnRequest && self.overrulable(Awaited::Feedback).is_some() {
            return self.wait(Awaited::Feedback);
        }
        self.end_loop()
    }

    /// Gives feedback on the loop and goes to the next one, if there is one.
    fn end_loop(&mut self) -> Vec<Effect> {
        let mut effects = vec![self.feedback()];
        if let Some(next) = self.next_loop() {
            self.place = next;
            self.announce_loop = true;
            effects.extend(self.next_question(Awaited::NextLoop));
        } else {
            self.stage = Stage::Done;
            effects.push(Effect::Finish(Ending::Finished));
        }
        effects
    }

    fn next_loop(&self) -> Option<Place> {
        let next = Place { loop_index: self.place.loop_index + 1, question_index: 0 };
        self.question(next).map(|_| next)
    }

    fn feedback(&mut self) -> Effect {
        Effect::ShowFeedback {
            loop_index: self.place.loop_index,
            outcomes: std::mem::take(&mut self.outcomes),
        }
    }

    fn leave(&mut self, ending: Ending) -> Vec<Effect> {
        let mut effects = Vec::new();
        match self.stage {
            Stage::Asking => effects.push(Effect::Hush),
            Stage::Answering { .. } => effects.push(Effect::CloseTake),
            _ => {}
        }
        self.stage = Stage::Done;
        effects.push(Effect::Finish(ending));
        effects
    }
}

/// When what is said about the time, in seconds since the go signal, in order. Announcements that
/// would fall within five seconds of the half (or of the start) are left out.
fn announcements(limit: u32) -> Vec<(f64, Remaining)> {
    let seconds = f64::from(limit);
    let half = seconds / 2.0;
    let mut at = Vec::new();
    if seconds >= 30.0 {
        at.push((half, Remaining::Half(limit - limit / 2)));
    }
    for (left, remaining) in [(60.0, Remaining::OneMinute), (10.0, Remaining::TenSeconds)] {
        if seconds - left >= 5.0 && (seconds - left - half).abs() >= 5.0 {
            at.push((seconds - left, remaining));
        }
    }
    at.push((seconds, Remaining::TimeIsUp));
    at.sort_by(|one, other| one.0.total_cmp(&other.0));
    at
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::assessment::{Assessment, Source};
    use crate::coverage::WordsAlone;
    use crate::loops::Point;
    use crate::transcript::Transcript;

    fn question(id: &str, answer_seconds: u32) -> Question {
        let heading = "You should say".to_owned();
        Question::new(id.to_owned(), format!("What about {id}?"), answer_seconds, heading, Vec::new())
    }

    fn a_loop(id: &str) -> Loop {
        Loop {
            id: id.to_owned(),
            title: id.to_owned(),
            question: question("prompt", 120),
            follow_ups: vec![question("more", 60)],
        }
    }

    fn place(loop_index: usize, question_index: usize) -> Place {
        Place { loop_index, question_index }
    }

    fn judged_of(asked: &Loop, answer: &str) -> Event {
        let transcript = Transcript::typed(answer);
        let assessment = Assessment::new(asked, &asked.question, Source::Text, transcript, &WordsAlone);
        Event::Judged(Box::new(assessment))
    }

    fn judged() -> Event {
        judged_of(&a_loop("one"), "something")
    }

    /// A loop whose question has two points, of which the answer below makes the first.
    fn with_points(id: &str) -> Loop {
        let mut asked = a_loop(id);
        for (point, text) in [("prior", "prior of each class"), ("variance", "variance grows")] {
            asked.question.points.push(Point::new(point.into(), text.into()));
        }
        asked.follow_ups[0].points = asked.question.points.clone();
        asked
    }

    fn judged_with_points() -> Event {
        judged_of(&with_points("one"), "the prior of each class, and it wobbles like jelly")
    }

    /// A session that waits after its first answer.
    fn after_the_first_answer(loops: Vec<Loop>) -> Session {
        let mut session = Session::new(loops, Pace::OnRequest);
        for event in [Event::Start, Event::Enter, Event::Ready, Event::Enter] {
            session.handle(event);
        }
        let awaited = Effect::AwaitGoAhead { awaited: Awaited::FollowUp, overrulable: true };
        assert_eq!(session.handle(judged_with_points())[1], awaited);
        session
    }

    /// What is corrected by effects: the point's number, its verdict and what viva said where it is overruled.
    fn corrected(effects: &[Effect]) -> Option<(usize, Verdict, Option<Verdict>)> {
        effects.iter().find_map(|effect| match effect {
            Effect::Correct { point, number, .. } => Some((*number, point.verdict, point.overruled)),
            _ => None,
        })
    }

    fn written(text: &str) -> Event {
        Event::Written(text.to_owned())
    }

    #[test]
    fn a_verdict_is_overruled_and_turned_back_before_the_next_question() {
        let (covered, missed) = (Verdict::Covered, Verdict::Missed);
        let mut session = after_the_first_answer(vec![with_points("one")]);
        let waits = Effect::AwaitGoAhead { awaited: Awaited::FollowUp, overrulable: true };
        assert!(
            matches!(session.handle(Event::Overrule)[..], [Effect::AskPoint(at, _)] if at == place(0, 0))
        );
        assert_eq!(session.handle(Event::Enter), [], "the point is still asked for");
        for nonsense in ["0", "3", "first", "99999999999999999999"] {
            let effects = session.handle(written(nonsense));
            assert!(matches!(effects[..], [Effect::Refuse(_), Effect::AskPoint(..)]), "{effects:?}");
        }
        let effects = session.handle(written(" 1 "));
        assert_eq!(corrected(&effects), Some((1, missed, Some(covered))));
        assert_eq!(effects[1], waits, "nobody asks for words that did not make it");

        session.handle(Event::Overrule);
        let effects = session.handle(written("1"));
        assert_eq!(corrected(&effects), Some((1, covered, None)), "turned back");
        assert_eq!(effects[1], waits);

        session.handle(Event::Overrule);
        let effects = session.handle(written("2"));
        assert_eq!(corrected(&effects), Some((2, covered, Some(missed))));
        assert!(matches!(&effects[1], Effect::AskWords(point) if point.id == "variance"));
        let effects = session.handle(written("jelly beans"));
        assert!(
            matches!(&effects[..], [Effect::Refuse(why), Effect::AskWords(_)] if why.contains("jelly beans"))
        );
        let effects = session.handle(written("it wobbles like Jelly"));
        let said = "it wobbles like jelly".to_owned();
        assert_eq!(
            effects,
            [Effect::Learn { place: place(0, 0), point: "variance".into(), said }, waits.clone()]
        );

        session.handle(Event::Overrule);
        assert_eq!(session.handle(written("")), [waits]);
        assert_eq!(session.handle(Event::Enter)[0], Effect::Ask(place(0, 1)));
        assert_eq!(session.handle(Event::Overrule), [], "the next question is being asked");
        session.handle(Event::Ready);
        assert_eq!(session.handle(Event::Overrule), [], "an answer is being given");
    }

    #[test]
    fn the_last_verdicts_can_be_overruled_before_the_feedback_which_counts_them() {
        for (last, ending) in [(Event::Enter, None), (Event::Quit, Some(Ending::Left))] {
            let mut session = after_the_first_answer(vec![with_points("one"), with_points("two")]);
            for event in [Event::Enter, Event::Ready, Event::Enter] {
                session.handle(event);
            }
            let awaited = Effect::AwaitGoAhead { awaited: Awaited::Feedback, overrulable: true };
            assert_eq!(session.handle(judged_with_points())[1], awaited);
            assert_eq!(session.handle(Event::Skip), [], "the answer is not passed over any more");
            session.handle(Event::Overrule);
            session.handle(written("2"));
            session.handle(written(""));
            let effects = session.handle(last);
            let Effect::ShowFeedback { loop_index: 0, outcomes } = &effects[0] else { panic!("{effects:?}") };
            let covered: Vec<usize> = outcomes
                .iter()
                .map(|outcome| match outcome {
                    Outcome::Judged(assessment) => assessment.coverage.covered,
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!(covered, [1, 2]);
            let next = match ending {
                None => Effect::AwaitGoAhead { awaited: Awaited::NextLoop, overrulable: false },
                Some(ending) => Effect::Finish(ending),
            };
            assert_eq!(effects[1..], [next]);
        }
    }

    #[test]
    fn leaving_before_the_last_feedback_shows_it_and_ends_the_session() {
        let mut only = with_points("one");
        only.follow_ups.clear();
        let mut session = Session::new(vec![only], Pace::OnRequest);
        for event in [Event::Start, Event::Enter, Event::Ready, Event::Enter, judged_with_points()] {
            session.handle(event);
        }
        let effects = session.handle(Event::Quit);
        assert!(matches!(effects[..], [Effect::ShowFeedback { .. }, Effect::Finish(Ending::Finished)]));
    }

    fn at_the_first_answer(pace: Pace) -> Session {
        let mut session = Session::new(vec![a_loop("one"), a_loop("two")], pace);
        session.handle(Event::Start);
        if pace == Pace::OnRequest {
            session.handle(Event::Enter);
        }
        let effects = session.handle(Event::Ready);
        assert_eq!(effects, [Effect::OpenTake(place(0, 0)), Effect::Go(120)]);
        session
    }

    #[test]
    fn the_missed_points_are_shown_before_the_follow_up_is_asked() {
        let mut session = at_the_first_answer(Pace::StraightOn);
        assert_eq!(session.handle(Event::Enter), [Effect::CloseTake, Effect::Judge(place(0, 0))]);
        let effects = session.handle(judged());
        assert!(matches!(effects[0], Effect::ShowCoverage(at, _) if at == place(0, 0)));
        assert_eq!(effects[1], Effect::Ask(place(0, 1)));
    }

    #[test]
    fn a_whole_sitting_ends_each_loop_with_feedback() {
        let mut session = at_the_first_answer(Pace::StraightOn);
        let mut seen = Vec::new();
        for _ in 0..4 {
            session.handle(Event::Enter);
            seen.extend(session.handle(judged()));
            seen.extend(session.handle(Event::Ready));
        }
        let feedback: Vec<(usize, usize)> = seen
            .iter()
            .filter_map(|effect| match effect {
                Effect::ShowFeedback { loop_index, outcomes } => Some((*loop_index, outcomes.len())),
                _ => None,
            })
            .collect();
        assert_eq!(feedback, [(0, 2), (1, 2)]);
        assert_eq!(seen.last(), Some(&Effect::Finish(Ending::Finished)));
        assert!(seen.contains(&Effect::BeginLoop(place(1, 0))));
    }

    #[test]
    fn somebody_who_is_there_is_asked_before_each_question() {
        let mut session = Session::new(vec![a_loop("one")], Pace::OnRequest);
        let effects = session.handle(Event::Start);
        assert_eq!(
            effects,
            [Effect::ShowRules, Effect::AwaitGoAhead { awaited: Awaited::Beginning, overrulable: false }]
        );
        session.handle(Event::Enter);
        session.handle(Event::Ready);
        session.handle(Event::Enter);
        // Its questions have no points, so that there is nothing to overrule.
        let awaited = Effect::AwaitGoAhead { awaited: Awaited::FollowUp, overrulable: false };
        assert_eq!(session.handle(judged())[1], awaited);
        assert_eq!(session.handle(Event::Overrule), []);
    }

    #[test]
    fn the_answer_ends_half_a_second_after_its_time() {
        let mut session = at_the_first_answer(Pace::StraightOn);
        assert_eq!(session.handle(Event::Elapsed(120.0)), [Effect::AnnounceRemaining(Remaining::TimeIsUp)]);
        assert_eq!(session.handle(Event::Elapsed(120.4)), []);
        assert_eq!(session.handle(Event::Elapsed(120.5)), [Effect::CloseTake, Effect::Judge(place(0, 0))]);
    }

    #[test]
    fn time_is_announced_once_at_each_moment() {
        let mut session = at_the_first_answer(Pace::StraightOn);
        let said: Vec<Remaining> = (0..1200)
            .flat_map(|tenth| session.handle(Event::Elapsed(f64::from(tenth) / 10.0)))
            .map(|effect| match effect {
                Effect::AnnounceRemaining(remaining) => remaining,
                other => panic!("unexpected {other:?}"),
            })
            .collect();
        // Half of two minutes is one minute, so that it is not said twice.
        assert_eq!(said, [Remaining::Half(60), Remaining::TenSeconds]);
        assert_eq!(announcements(180).len(), 4);
        assert_eq!(announcements(12), [(12.0, Remaining::TimeIsUp)]);
    }

    #[test]
    fn a_pause_stops_the_clock() {
        let mut session = at_the_first_answer(Pace::StraightOn);
        assert_eq!(session.handle(Event::Pause), [Effect::Hold]);
        assert_eq!(session.handle(Event::Elapsed(500.0)), []);
        assert_eq!(session.handle(Event::Pause), [Effect::Resume]);
        assert_eq!(session.handle(Event::Elapsed(1.0)), []);
    }

    #[test]
    fn a_new_take_keeps_the_old_one_and_gets_the_whole_time() {
        let mut session = at_the_first_answer(Pace::StraightOn);
        session.handle(Event::Elapsed(119.0));
        assert_eq!(
            session.handle(Event::Retake),
            [Effect::CloseTake, Effect::OpenTake(place(0, 0)), Effect::Go(120)]
        );
        assert_eq!(session.handle(Event::Elapsed(59.0)), []);
    }

    #[test]
    fn leaving_in_the_middle_of_an_answer_keeps_it() {
        let mut session = at_the_first_answer(Pace::StraightOn);
        assert_eq!(session.handle(Event::Quit), [Effect::CloseTake, Effect::Finish(Ending::Left)]);
        assert_eq!(session.handle(Event::Enter), []);
    }

    #[test]
    fn a_source_that_fails_in_an_answer_loses_nothing_and_fails_the_next_question_only_if_it_stays_gone() {
        let mut session = at_the_first_answer(Pace::StraightOn);
        let effects = session.handle(Event::SourceFailed("unplugged".into()));
        assert_eq!(effects[1..], [Effect::CloseTake, Effect::Judge(place(0, 0))]);
        session.handle(judged());
        let effects = session.handle(Event::SourceFailed("still gone".into()));
        assert_eq!(effects.last(), Some(&Effect::Finish(Ending::Failed)));
    }

    #[test]
    fn questions_without_an_answer_count_as_not_answered() {
        let mut session = Session::new(vec![a_loop("one")], Pace::StraightOn);
        session.handle(Event::Start);
        assert_eq!(session.handle(Event::Unanswered)[0], Effect::MarkSkipped(place(0, 0)));
        let effects = session.handle(Event::Unanswered);
        assert_eq!(
            effects[1],
            Effect::ShowFeedback { loop_index: 0, outcomes: vec![Outcome::Skipped, Outcome::Skipped] }
        );
    }

    #[test]
    fn a_session_resumes_at_the_next_question() {
        let at = place(0, 1);
        let mut session = Session::resume(vec![a_loop("one")], Pace::StraightOn, at, vec![Outcome::Skipped]);
        let effects = session.handle(Event::Start);
        assert_eq!(effects[1..], [Effect::BeginLoop(at), Effect::Ask(at)]);
        let effects = session.handle(Event::Skip);
        assert!(
            effects
                .iter()
                .any(|effect| matches!(effect, Effect::ShowFeedback { outcomes, .. } if outcomes.len() == 2))
        );
    }

    /// Whatever is pressed whenever: takes are closed before anything is judged or the session ends,
    /// never two are open, and nothing follows the end.
    #[test]
    fn keys_mashed_in_any_order_never_lose_a_take() {
        let mut random = 1_u64;
        for _ in 0..2_000 {
            let mut session = Session::new(vec![a_loop("one"), a_loop("two")], Pace::OnRequest);
            let (mut open, mut over) = (false, false);
            for step in 0..60 {
                random =
                    random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let event = match (random >> 33) % 28 {
                    _ if step == 0 => Event::Start,
                    0..5 => Event::Enter,
                    5..9 => Event::Ready,
                    9 => Event::Pause,
                    10 => Event::Retake,
                    11 => Event::Skip,
                    12..15 => Event::Elapsed((random >> 40) as f64 % 150.0),
                    15..20 if random.is_multiple_of(2) => judged_with_points(),
                    15..20 => judged(),
                    20 => Event::NotJudged("no".into()),
                    21 => Event::SourceEnded,
                    22 if random.is_multiple_of(7) => Event::Quit,
                    23 if random.is_multiple_of(5) => Event::SourceFailed("gone".into()),
                    24 | 25 => Event::Overrule,
                    26 | 27 => Event::Written(["1", "7", "", "so what"][(random >> 50) as usize % 4].into()),
                    _ => Event::Unanswered,
                };
                for effect in session.handle(event) {
                    assert!(!over, "nothing may follow the end");
                    match effect {
                        Effect::OpenTake(_) => assert!(!std::mem::replace(&mut open, true)),
                        Effect::CloseTake => assert!(std::mem::replace(&mut open, false)),
                        Effect::Judge(_) | Effect::Ask(_) | Effect::AwaitGoAhead { .. } => assert!(!open),
                        Effect::AskPoint(..) | Effect::Correct { .. } | Effect::Learn { .. } => {
                            assert!(!open, "no recording runs beside it");
                        }
                        Effect::Finish(_) => {
                            assert!(!open);
                            over = true;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
}
