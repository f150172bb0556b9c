//! Kept sessions for other programs: `viva.session/1` and `viva.session-summary/1`, described in
//! `docs/json.md`.

use serde::Serialize;

use crate::assessment::Assessment;
use crate::coverage::{PointVerdict, Tally, Verdict};
use crate::journal::{
    AnswerState, Content, InputKind, KeptSession, KeptTake, QuestionTally, Ruling, SessionState, Summary,
    stored_time,
};
use crate::loops::Question;
use crate::transcript::Transcript;

/// A session as a list shows it, without what was said.
pub fn summary(session: &Summary) -> impl Serialize + '_ {
    let loops = session.loops.iter().map(|asked| LoopName { id: &asked.id, title: &asked.title }).collect();
    SessionObject::new("viva.session-summary/1", session, loops)
}

/// A session with everything that was said.
pub fn session(kept: &KeptSession) -> impl Serialize + '_ {
    let loops = kept
        .summary
        .loops
        .iter()
        .enumerate()
        .map(|(position, asked)| LoopObject {
            id: &asked.id,
            title: &asked.title,
            hash: asked.hash(),
            questions: asked.questions().map(|question| question_object(kept, position, question)).collect(),
        })
        .collect();
    SessionObject::new("viva.session/1", &kept.summary, loops)
}

#[derive(Serialize)]
struct SessionObject<'a, L> {
    schema: &'static str,
    id: &'a str,
    state: SessionState,
    started_at: String,
    finished_at: Option<String>,
    engine: &'a str,
    model: Option<&'a str>,
    input: InputKind,
    questions: QuestionTally,
    coverage: Tally,
    loops: Vec<L>,
}

impl<'a, L> SessionObject<'a, L> {
    fn new(schema: &'static str, session: &'a Summary, loops: Vec<L>) -> Self {
        Self {
            schema,
            id: &session.id,
            state: session.state,
            started_at: stored_time(session.started_at),
            finished_at: session.finished_at.map(stored_time),
            engine: &session.engine,
            model: session.model.as_deref(),
            input: session.input,
            questions: session.questions,
            coverage: session.coverage,
            loops,
        }
    }
}

#[derive(Serialize)]
struct LoopName<'a> {
    id: &'a str,
    title: &'a str,
}

#[derive(Serialize)]
struct LoopObject<'a> {
    id: &'a str,
    title: &'a str,
    hash: String,
    questions: Vec<QuestionObject<'a>>,
}

#[derive(Serialize)]
struct QuestionObject<'a> {
    id: &'a str,
    prompt: &'a str,
    answer_seconds: u32,
    /// `None`: not asked.
    state: Option<AnswerState>,
    asked_at: Option<String>,
    takes: Vec<TakeObject<'a>>,
}

#[derive(Serialize)]
struct TakeObject<'a> {
    number: u32,
    counts: bool,
    started_at: String,
    #[serde(flatten)]
    content: ContentObject<'a>,
    transcripts: Vec<TranscriptObject<'a>>,
    assessments: Vec<AssessmentObject<'a>>,
    corrections: Vec<CorrectionObject<'a>>,
    /// `None`: not judged.
    judgement: Option<JudgementObject>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum ContentObject<'a> {
    Audio { recording: String, seconds: Option<f64> },
    Typed { text: &'a str },
}

#[derive(Serialize)]
struct TranscriptObject<'a> {
    transcribed_at: String,
    model: &'a str,
    speech: bool,
    audio_seconds: f64,
    transcribe_seconds: f64,
    transcript: &'a Transcript,
}

#[derive(Serialize)]
struct AssessmentObject<'a> {
    assessed_at: String,
    assessment: &'a Assessment,
}

#[derive(Serialize)]
struct CorrectionObject<'a> {
    point: &'a str,
    verdict: Ruling,
    corrected_at: String,
}

/// What counts.
#[derive(Serialize)]
struct JudgementObject {
    points: Vec<JudgedPoint>,
    coverage: Tally,
}

#[derive(Serialize)]
struct JudgedPoint {
    id: String,
    verdict: Verdict,
    viva_said: Verdict,
}

impl JudgementObject {
    fn of(assessment: Assessment) -> Self {
        let point = |point: PointVerdict| JudgedPoint {
            id: point.id,
            verdict: point.verdict,
            viva_said: point.overruled.unwrap_or(point.verdict),
        };
        Self { coverage: assessment.coverage, points: assessment.points.into_iter().map(point).collect() }
    }
}

fn question_object<'a>(kept: &'a KeptSession, position: usize, question: &'a Question) -> QuestionObject<'a> {
    let answer = kept.answer(position, &question.id);
    QuestionObject {
        id: &question.id,
        prompt: &question.prompt,
        answer_seconds: question.answer_seconds,
        state: answer.map(|answer| answer.state),
        asked_at: answer.map(|answer| stored_time(answer.asked_at)),
        takes: answer.map_or_else(Vec::new, |answer| answer.takes.iter().map(take_object).collect()),
    }
}

fn take_object(take: &KeptTake) -> TakeObject<'_> {
    TakeObject {
        number: take.number,
        counts: take.counts,
        started_at: stored_time(take.started_at),
        content: match &take.content {
            Content::Audio { path, seconds } => {
                ContentObject::Audio { recording: path.to_string_lossy().into_owned(), seconds: *seconds }
            }
            Content::Typed { text } => ContentObject::Typed { text },
        },
        transcripts: take
            .transcripts
            .iter()
            .map(|kept| TranscriptObject {
                transcribed_at: stored_time(kept.created_at),
                model: &kept.model,
                speech: kept.recognised.speech,
                audio_seconds: kept.recognised.audio_seconds,
                transcribe_seconds: kept.recognised.transcribe_seconds,
                transcript: &kept.recognised.transcript,
            })
            .collect(),
        assessments: take
            .assessments
            .iter()
            .map(|kept| AssessmentObject {
                assessed_at: stored_time(kept.created_at),
                assessment: &kept.assessment,
            })
            .collect(),
        corrections: take
            .corrections
            .iter()
            .map(|kept| CorrectionObject {
                point: &kept.point,
                verdict: kept.ruling,
                corrected_at: stored_time(kept.created_at),
            })
            .collect(),
        judgement: take.assessment().map(JudgementObject::of),
    }
}
