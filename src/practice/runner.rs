//! Carries a [`Session`]'s effects out: reads the microphone, writes recordings and the journal, lets
//! the recogniser work and the view show.
//!
//! One task owns everything; capture, the voice and recognition work in threads of their own and send
//! results back to it.

use std::collections::{HashMap, VecDeque};
use std::future::pending;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

use super::capture::{Capture, Heard, OpenSource};
use super::feedback::Feedback;
use super::keeper::{Keeper, News};
use super::scribe::{Scribe, ScribeNews};
use super::session::{Effect, Ending, Event, Pace, Place, Remaining, Session, TAIL_SECONDS};
use super::voice::Voice;
use crate::assessment::{Assessment, Source};
use crate::audio::{Gate, SAMPLE_RATE, level_dbfs, meter};
use crate::coverage::{PointVerdict, Reader, Verdict, credited};
use crate::journal::{SessionHandle, SessionState};
use crate::learned::{Learned, how_to_forget};
use crate::loops::{Question, RULES};
use crate::recognise::Recognised;
use crate::speak::Speaker;
use crate::transcript::Transcript;
use crate::ui::{Notice, View};

/// What is said when the recogniser's thread is gone.
const STOPPED: &str =
    "the recogniser has stopped; the recording is kept, and `viva review` transcribes it later";

/// How often the clock is looked at and drawn.
const TICK: Duration = Duration::from_millis(50);

/// How often writing is tried again while the disk refuses it.
const TRY_AGAIN: Duration = Duration::from_secs(2);

/// Where answers come from.
pub enum Answers {
    /// A microphone; opened anew after it has failed.
    Live(Box<dyn FnMut() -> OpenSource>),
    /// Recordings.
    Recorded {
        /// Those that there are.
        recordings: HashMap<Place, OpenSource>,
        /// Whether they are heard as fast as they were said.
        real_time: bool,
    },
    /// Lines that are typed.
    Typed,
}

/// What the user does.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Something that means the same at any moment.
    Event(Event),
    /// A key: what it means, and what it writes where the user is asked for words.
    Key(Option<Event>, Writing),
    /// A line that stands for a key: what it means, or what to say of a line that means nothing; and the
    /// line, for where the user is asked for words.
    Letter(Result<Event, String>, String),
    /// A line of a typed answer, without its end.
    Line(String),
    /// Something to tell the user about what they typed.
    Remark(String),
    /// No more input will come.
    Ended,
}

/// What a key does to a line that is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    /// Adds a character.
    Character(char),
    /// Takes the last character away.
    Back,
    /// Ends the line.
    End,
    /// Gives the line up.
    GiveUp,
}

/// What a session is carried out with.
pub struct Equipment {
    /// Where answers come from.
    pub answers: Answers,
    /// The recogniser; `None` for typed answers.
    pub scribe: Option<Scribe>,
    /// The voice; `None` where nothing is to be spoken.
    pub speaker: Option<Box<dyn Speaker>>,
    /// The screen.
    pub view: Box<dyn View>,
    /// What the user can press or type, in words; empty where nobody can.
    pub controls: String,
    /// The user's keys and lines, and what signals ask for.
    pub input: mpsc::UnboundedReceiver<Input>,
    /// What the user has taught.
    pub learned: Learned,
    /// What reads answers for their meaning.
    pub reader: Box<dyn Reader>,
}

/// How a session ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    /// Why it ended.
    pub ending: Ending,
    /// Why not everything could be kept, although it was tried until the end.
    pub unsaved: Option<String>,
}

/// Carries the session out until it ends.
pub async fn run(session: Session, record: SessionHandle, equipment: Equipment) -> Ended {
    let Equipment { answers, scribe, speaker, view, controls, input, learned, reader } = equipment;
    let mut runner = Runner {
        session,
        keeper: Keeper::new(record),
        attended: !matches!(answers, Answers::Recorded { .. }),
        answers,
        capture: None,
        scribe,
        voice: Voice::new(speaker),
        view,
        viewer_gone: false,
        controls,
        input: Some(input),
        learned,
        reader,
        lines: VecDeque::new(),
        awaiting: false,
        overrulable: false,
        writing: None,
        gate: Gate::new(),
        asking: false,
        answer: None,
        judging: None,
        queue: VecDeque::new(),
        ending: None,
    };
    runner.begin();
    runner.live().await
}

/// An answer being given.
struct Answer {
    limit: u32,
    clock: Clock,
    held: bool,
    /// Loudest level since the clock was last drawn, 0..1.
    level: f32,
    /// Whether the time for a typed answer is over and only its last line is waited for.
    last_line: bool,
    /// Frames that the source had lost when the answer began.
    dropped_before: u64,
}

enum Clock {
    /// Sound is its own clock: samples since the go signal.
    Samples(u64),
    /// Typed answers: since when.
    Since(Instant),
}

struct Runner {
    session: Session,
    keeper: Keeper,
    answers: Answers,
    capture: Option<Capture>,
    scribe: Option<Scribe>,
    voice: Voice,
    view: Box<dyn View>,
    viewer_gone: bool,
    controls: String,
    input: Option<mpsc::UnboundedReceiver<Input>>,
    learned: Learned,
    reader: Box<dyn Reader>,
    /// Whether somebody may still press a key or type a line.
    attended: bool,
    /// Typed lines that no answer has taken yet.
    lines: VecDeque<String>,
    /// Whether the user is asked to press Enter.
    awaiting: bool,
    /// Whether they can overrule a verdict instead.
    overrulable: bool,
    /// What has been written so far of what the user is asked for in words.
    writing: Option<String>,
    /// Listens to a live source while no answer is given: says when one can begin.
    gate: Gate,
    /// Whether a question has been asked and its answer has not begun.
    asking: bool,
    answer: Option<Answer>,
    /// The question whose answer is with the recogniser, and the length of the recording in seconds.
    judging: Option<(Place, f64)>,
    queue: VecDeque<Event>,
    ending: Option<Ending>,
}

impl Runner {
    fn begin(&mut self) {
        if let Answers::Live(open) = &mut self.answers {
            self.capture = Some(Capture::start(open()));
        }
        self.queue.push_back(Event::Start);
        self.work_off();
    }

    /// Waits for what happens next until the session has ended and everything is kept.
    async fn live(mut self) -> Ended {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut tried = Instant::now();
        loop {
            if let Some(ending) = self.ending {
                // The last words are worth waiting for as long as somebody is there to make room.
                if !self.keeper.is_failing() || !self.attended {
                    return Ended { ending, unsaved: self.keeper.why_failing().map(str::to_owned) };
                }
            }
            tokio::select! {
                input = input(&mut self.input) => self.take_input(input),
                heard = heard(&mut self.capture) => self.take_sound(heard),
                news = news(&mut self.scribe) => self.take_news(news),
                _ = tick.tick() => {
                    self.tick();
                    if self.keeper.is_failing() && tried.elapsed() >= TRY_AGAIN {
                        tried = Instant::now();
                        let news = self.keeper.settle();
                        self.tell(news);
                    }
                }
            }
            self.work_off();
        }
    }

    fn work_off(&mut self) {
        while let Some(event) = self.queue.pop_front() {
            for effect in self.session.handle(event) {
                self.carry_out(effect);
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::ShowRules => {
                self.show(Notice::Rules(&RULES));
                let controls = std::mem::take(&mut self.controls);
                if !controls.is_empty() {
                    self.show(Notice::Controls(&controls));
                }
            }
            Effect::AwaitGoAhead { awaited, overrulable } => {
                self.show(Notice::AwaitGoAhead { awaited, typed: self.typed(), overrulable });
                self.awaiting = true;
                self.overrulable = overrulable;
                // Nobody will say so any more.
                if !self.attended {
                    self.queue.push_back(Event::Quit);
                }
            }
            Effect::BeginLoop(place) => {
                let total = self.session.loops().len();
                let practised = self.session.loops().get(place.loop_index).cloned();
                if let Some(practised) = practised {
                    self.show(Notice::Loop { practised: &practised, number: (place.loop_index + 1, total) });
                }
            }
            Effect::Ask(place) => self.ask(place),
            Effect::Hush => self.voice.hush(),
            Effect::OpenTake(place) => self.open_take(place),
            Effect::Go(seconds) => {
                self.show(Notice::Go { seconds, typed: self.typed() });
                self.take_lines();
            }
            Effect::Hold => self.hold(true),
            Effect::Resume => self.hold(false),
            Effect::AnnounceRemaining(remaining) => {
                // How much is left of a recording means nothing while it is read as fast as can be.
                let fast = matches!(self.answers, Answers::Recorded { real_time: false, .. });
                if !fast || remaining == Remaining::TimeIsUp {
                    self.show(Notice::Remaining { remaining, typed: self.typed() });
                }
            }
            Effect::CloseTake => {
                self.drain();
                let dropped = self.dropped();
                let dropped =
                    self.answer.take().map_or(0, |answer| dropped.saturating_sub(answer.dropped_before));
                if matches!(self.answers, Answers::Recorded { .. }) {
                    self.capture = None;
                }
                let news = self.keeper.close();
                self.tell(news);
                if dropped > 0 {
                    self.show(Notice::Warning(&format!(
                        "{dropped} frames of sound were lost in this answer: this machine is very busy"
                    )));
                }
            }
            Effect::Judge(place) => self.judge(place),
            Effect::MarkSkipped(place) => {
                self.asking = false;
                if let Some(question) = self.question(place) {
                    let news = self.keeper.skip(place, &question.id);
                    self.tell(news);
                }
                let recorded = matches!(self.answers, Answers::Recorded { .. });
                self.show(if recorded { Notice::NoRecording } else { Notice::Skipped });
            }
            Effect::ShowCoverage(place, assessment) => {
                if let Some(question) = self.question(place) {
                    self.show(Notice::Coverage { question: &question, assessment: &assessment });
                }
            }
            Effect::AskPoint(place, assessment) => {
                if let Some(question) = self.question(place) {
                    self.show(Notice::WhichPoint { question: &question, assessment: &assessment });
                }
                self.writing = Some(String::new());
            }
            Effect::AskWords(point) => {
                self.show(Notice::WhichWords(&point));
                self.writing = Some(String::new());
            }
            Effect::Refuse(why) => self.show(Notice::Remark(&why)),
            Effect::Correct { place, point, number } => self.correct(place, &point, number),
            Effect::Learn { place, point, said } => self.learn(place, &point, &said),
            Effect::ShowNotJudged(why) | Effect::ShowSourceFailed(why) => self.show(Notice::Warning(&why)),
            Effect::ShowFeedback { loop_index, outcomes } => {
                if let Some(practised) = self.session.loops().get(loop_index) {
                    let feedback = Feedback::on(practised, &outcomes);
                    self.show(Notice::Feedback(&feedback));
                }
            }
            Effect::Finish(ending) => {
                self.capture = None;
                self.ending = Some(ending);
                let news = self.keeper.finish(match ending {
                    Ending::Finished => SessionState::Finished,
                    Ending::Left => SessionState::Left,
                    Ending::Interrupted | Ending::Failed => SessionState::Interrupted,
                });
                self.tell(news);
                if self.keeper.is_failing() && self.attended {
                    self.show(Notice::Warning(
                        "not everything is written yet; free some space: it is tried again every two seconds (Ctrl-C gives up)",
                    ));
                }
            }
        }
    }

    fn ask(&mut self, place: Place) {
        self.awaiting = false;
        let Some(question) = self.question(place) else { return };
        let follow_ups = self.session.loops()[place.loop_index].follow_ups.len();
        self.show(Notice::Question { question: &question, follow_up: (place.question_index, follow_ups) });
        let news = self.keeper.ask(place, &question.id);
        self.tell(news);
        match &mut self.answers {
            Answers::Live(open) => {
                // It failed during the last answer: perhaps it can be had again.
                if self.capture.is_none() {
                    self.capture = Some(Capture::start(open()));
                }
            }
            Answers::Recorded { recordings, .. } if !recordings.contains_key(&place) => {
                self.queue.push_back(Event::Unanswered);
                return;
            }
            Answers::Typed if !self.attended && self.lines.is_empty() => {
                self.queue.push_back(Event::Unanswered);
                return;
            }
            Answers::Recorded { .. } | Answers::Typed => {}
        }
        self.asking = true;
        if let Err(why) = self.voice.say(question.spoken()) {
            self.show(Notice::Warning(&why));
        }
        let next = Place { question_index: place.question_index + 1, ..place };
        if let Some(question) = self.question(next) {
            self.voice.prepare(question.spoken());
        }
        if self.voice.is_silent() {
            self.voice_has_ended();
        } else {
            self.gate.voice_started();
        }
    }

    /// Nothing is being said (any more): the answer can come as soon as it can be heard.
    fn voice_has_ended(&mut self) {
        self.gate.voice_ended();
        if !matches!(self.answers, Answers::Live(_)) && std::mem::take(&mut self.asking) {
            self.queue.push_back(Event::Ready);
        }
    }

    fn open_take(&mut self, place: Place) {
        let limit = self.question(place).map_or(0, |question| question.answer_seconds);
        let (clock, news) = match &mut self.answers {
            Answers::Typed => (Clock::Since(Instant::now()), self.keeper.open_typed()),
            Answers::Live(_) => {
                let pre_roll = std::mem::take(&mut self.gate).pre_roll();
                (Clock::Samples(0), self.keeper.open_spoken(pre_roll))
            }
            Answers::Recorded { recordings, .. } => {
                self.capture = recordings.remove(&place).map(Capture::start);
                (Clock::Samples(0), self.keeper.open_spoken(Vec::new()))
            }
        };
        self.tell(news);
        let dropped_before = self.dropped();
        self.answer =
            Some(Answer { limit, clock, held: false, level: 0.0, last_line: false, dropped_before });
    }

    fn hold(&mut self, held: bool) {
        if let Some(answer) = &mut self.answer {
            answer.held = held;
        }
        self.show(Notice::Paused(held));
    }

    fn judge(&mut self, place: Place) {
        if let Some(text) = self.keeper.text() {
            self.judged(place, Source::Text, Transcript::typed(&text));
            return;
        }
        let Some(recording) = self.keeper.recording() else { return };
        let seconds = self.keeper.seconds();
        if self.scribe.as_ref().is_some_and(|scribe| scribe.transcribe(recording)) {
            self.judging = Some((place, seconds));
            self.show(Notice::Transcribing(0.0, seconds));
        } else {
            self.not_judged(STOPPED);
        }
    }

    fn judged(&mut self, place: Place, source: Source, transcript: Transcript) {
        // Taught here, so that what was learned in this sitting counts as well.
        let Some(mut asked) = self.session.loops().get(place.loop_index).cloned() else { return };
        self.learned.teach(&mut asked);
        let Some(question) = asked.questions().nth(place.question_index) else { return };
        let assessment = Assessment::new(&asked, question, source, transcript, &*self.reader);
        let news = self.keeper.judged(assessment.clone());
        self.tell(news);
        self.queue.push_back(Event::Judged(Box::new(assessment)));
    }

    fn correct(&mut self, place: Place, point: &PointVerdict, number: usize) {
        let news = self.keeper.correct(point);
        self.tell(news);
        self.show(Notice::Corrected { point, number });
        let Some((asked, question)) = self.session.question(place) else { return };
        if point.verdict != Verdict::Covered {
            let wordings = self.learned.of(&asked.id, &question.id, &point.id);
            let remarks: Vec<String> = credited(point, wordings)
                .iter()
                .map(|said| format!("Your wording \"{said}\" made viva credit it; {}.", how_to_forget(said)))
                .collect();
            remarks.iter().for_each(|remark| self.show(Notice::Remark(remark)));
        }
    }

    fn learn(&mut self, place: Place, point: &str, said: &str) {
        let Some((asked, question)) = self.session.question(place) else { return };
        let (asked, question) = (asked.id.clone(), question.id.clone());
        match self.learned.add(&asked, &question, point, said) {
            Ok(()) => {
                let remark = format!("Learned: \"{said}\"; {}.", how_to_forget(said));
                self.show(Notice::Remark(&remark));
            }
            Err(error) => self.show(Notice::Warning(&error.to_string())),
        }
    }

    fn not_judged(&mut self, why: &str) {
        self.queue.push_back(Event::NotJudged(format!("this answer is not judged: {why}")));
    }

    fn take_input(&mut self, input: Option<Input>) {
        match input {
            Some(Input::Event(event)) => self.take_event(event),
            Some(Input::Remark(text)) => self.show(Notice::Remark(&text)),
            Some(Input::Key(_, writing)) if self.writing.is_some() => self.write(writing),
            Some(Input::Key(event, _)) => {
                if let Some(event) = event {
                    self.take_event(event);
                }
            }
            Some(Input::Letter(_, line) | Input::Line(line)) if self.writing.take().is_some() => {
                self.queue.push_back(Event::Written(line));
            }
            Some(Input::Letter(Ok(event), _)) => self.take_event(event),
            Some(Input::Letter(Err(remark), _)) => self.show(Notice::Remark(&remark)),
            Some(Input::Line(line)) if self.awaiting => self.take_line_between(&line),
            Some(Input::Line(line)) => {
                self.lines.push_back(line);
                self.take_lines();
            }
            Some(Input::Ended) => self.leave_alone(),
            None => {
                self.input = None;
                self.leave_alone();
            }
        }
    }

    fn take_event(&mut self, event: Event) {
        if self.ending.is_some() && matches!(event, Event::Quit | Event::Interrupt) {
            // All that is left to do is to wait for the disk.
            self.attended = false;
            return;
        }
        self.awaiting &= event != Event::Enter;
        self.queue.push_back(event);
    }

    /// A key while the user is asked for words.
    fn write(&mut self, writing: Writing) {
        let Some(mut text) = self.writing.take() else { return };
        match writing {
            Writing::End => return self.queue.push_back(Event::Written(text)),
            Writing::GiveUp => return self.queue.push_back(Event::Written(String::new())),
            Writing::Character(character) => text.push(character),
            Writing::Back => _ = text.pop(),
        }
        self.show(Notice::Writing(&text));
        self.writing = Some(text);
    }

    /// Nobody will press a key or type a line any more. Somebody who was there has gone.
    fn leave_alone(&mut self) {
        if !std::mem::replace(&mut self.attended, false) {
            return;
        }
        let was_there = self.session.pace() == Pace::OnRequest;
        if was_there && (self.awaiting || (self.typed() && self.answer.is_none() && self.judging.is_none())) {
            self.queue.push_back(Event::Quit);
        } else {
            self.take_lines();
        }
    }

    /// A line while Enter is awaited: only an empty one goes on. Anything else belongs to the answer
    /// that has just ended.
    fn take_line_between(&mut self, line: &str) {
        if line.trim().is_empty() {
            self.awaiting = false;
            self.queue.push_back(Event::Enter);
        } else if self.overrulable && line.trim() == "o" {
            self.queue.push_back(Event::Overrule);
        } else if self.keeper.text().is_some() {
            let news = self.keeper.write_line(line);
            self.tell(news);
            self.show(Notice::Remark("Kept with the answer before; Enter alone goes on."));
        } else {
            self.show(Notice::Remark("That line is not kept; Enter alone goes on."));
        }
    }

    /// Gives the open typed answer what has been typed, up to the line that ends it.
    fn take_lines(&mut self) {
        let (Answers::Typed, Some(answer)) = (&self.answers, &self.answer) else { return };
        let last_line = answer.last_line;
        let mut ended = false;
        while let (false, Some(line)) = (ended, self.lines.pop_front()) {
            ended = line.trim() == ".";
            if !ended {
                let news = self.keeper.write_line(&line);
                self.tell(news);
                ended = last_line;
            }
        }
        if ended || !self.attended {
            let empty = self.keeper.text().is_none_or(|text| text.trim().is_empty());
            self.queue.push_back(if empty { Event::Unanswered } else { Event::Enter });
        }
    }

    fn take_sound(&mut self, heard: Option<Heard>) {
        match heard {
            Some(Heard::Samples(samples)) => self.take_samples(samples),
            Some(Heard::Warning(warning)) => self.show(Notice::Warning(&warning)),
            Some(Heard::Ended) => {
                self.capture = None;
                self.queue.push_back(Event::SourceEnded);
            }
            None => {
                self.capture = None;
                self.queue.push_back(Event::SourceFailed(
                    "the source of the answer has stopped; what was heard is kept".to_owned(),
                ));
            }
            Some(Heard::Failed(why)) => {
                self.capture = None;
                self.queue.push_back(Event::SourceFailed(why));
            }
        }
    }

    /// Takes what a live source has heard already: it was said before the answer was ended.
    fn drain(&mut self) {
        while matches!(self.answers, Answers::Live(_))
            && let Some(Ok(heard)) = self.capture.as_mut().map(|capture| capture.heard.try_recv())
        {
            self.take_sound(Some(heard));
        }
    }

    fn take_samples(&mut self, mut samples: Vec<f32>) {
        if let Some(Answer { clock: Clock::Samples(so_far), limit, held, level: loudest, .. }) =
            &mut self.answer
        {
            if *held {
                return;
            }
            let end = ((f64::from(*limit) + TAIL_SECONDS) * f64::from(SAMPLE_RATE)) as u64;
            samples.truncate(usize::try_from(end.saturating_sub(*so_far)).unwrap_or(usize::MAX));
            *so_far += samples.len() as u64;
            *loudest = loudest.max(meter(level_dbfs(&samples)));
            let elapsed = *so_far as f64 / f64::from(SAMPLE_RATE);
            let news = self.keeper.write(&samples);
            self.tell(news);
            self.queue.push_back(Event::Elapsed(elapsed));
            return;
        }
        self.gate.feed(&samples);
        if self.asking && self.gate.ready() {
            self.asking = false;
            self.queue.push_back(Event::Ready);
        }
    }

    fn take_news(&mut self, news: Option<ScribeNews>) {
        if news.is_none() {
            self.scribe = None;
        }
        let Some((place, length)) = self.judging else { return };
        match news {
            Some(ScribeNews::Progress(done)) => self.show(Notice::Transcribing(done, length)),
            Some(ScribeNews::Done(Ok(recognised))) => {
                self.judging = None;
                let model = self.scribe.as_ref().map(|scribe| scribe.model.clone()).unwrap_or_default();
                let Recognised { transcript, audio_seconds, transcribe_seconds, .. } = recognised.clone();
                let news = self.keeper.transcribed(&model, recognised);
                self.tell(news);
                self.judged(place, Source::Audio { model, audio_seconds, transcribe_seconds }, transcript);
            }
            Some(ScribeNews::Done(Err(why))) => {
                self.judging = None;
                self.not_judged(&why);
            }
            None => {
                self.judging = None;
                self.not_judged(STOPPED);
            }
        }
    }

    fn tick(&mut self) {
        if let Some(result) = self.voice.poll() {
            if let Err(why) = &result {
                self.show(Notice::Warning(why));
            }
            self.voice_has_ended();
        }
        let typing = self.attended;
        let Some(answer) = &mut self.answer else { return };
        let limit = f64::from(answer.limit);
        match answer.clock {
            Clock::Samples(samples) => {
                let notice = Notice::Clock {
                    seconds_left: limit - samples as f64 / f64::from(SAMPLE_RATE),
                    level: std::mem::take(&mut answer.level),
                    paused: answer.held,
                };
                self.show(notice);
            }
            // The line being typed when the time is over is finished and kept.
            Clock::Since(start) if typing => {
                let elapsed = start.elapsed().as_secs_f64().min(limit);
                answer.last_line = elapsed >= limit;
                self.queue.push_back(Event::Elapsed(elapsed));
            }
            Clock::Since(_) => {}
        }
    }

    fn typed(&self) -> bool {
        matches!(self.answers, Answers::Typed)
    }

    fn dropped(&self) -> u64 {
        self.capture.as_ref().map_or(0, Capture::dropped_frames)
    }

    fn question(&self, place: Place) -> Option<Question> {
        self.session.question(place).map(|(_, question)| question.clone())
    }

    fn tell(&mut self, news: Option<News>) {
        match news {
            Some(News::Held(why)) => self.show(Notice::Warning(&why)),
            Some(News::WrittenAgain) => self.show(Notice::Remark("Everything is written again.")),
            None => {}
        }
    }

    /// Shows something. Where nobody can see it any more the session is left, with everything kept.
    fn show(&mut self, notice: Notice<'_>) {
        if !self.viewer_gone && self.view.show(notice).is_err() {
            self.viewer_gone = true;
            self.attended = false;
            self.queue.push_back(Event::Quit);
        }
    }
}

// Where there is nothing to wait for, these wait for ever.

async fn input(input: &mut Option<mpsc::UnboundedReceiver<Input>>) -> Option<Input> {
    match input {
        Some(input) => input.recv().await,
        None => pending().await,
    }
}

async fn heard(capture: &mut Option<Capture>) -> Option<Heard> {
    match capture {
        Some(capture) => capture.heard.recv().await,
        None => pending().await,
    }
}

async fn news(scribe: &mut Option<Scribe>) -> Option<ScribeNews> {
    match scribe {
        Some(scribe) => scribe.news.recv().await,
        None => pending().await,
    }
}
