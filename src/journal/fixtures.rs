//! What the tests of this room and of `review` practise with.

use crate::assessment::{Assessment, Source};
use crate::coverage::WordsAlone;
use crate::loops::{Loop, MAIN_QUESTION, Point, Question};
use crate::recognise::Recognised;
use crate::transcript::{Segment, Transcript, Word};

/// A loop with a main question of two points, a follow-up of one and a follow-up of none.
pub(crate) fn theory() -> Loop {
    Loop {
        id: "theory".into(),
        title: "Theory".into(),
        question: question(
            MAIN_QUESTION,
            "Why cross-entropy?",
            &[("likelihood", "Bernoulli likelihood"), ("gradient", "Useful gradients")],
        ),
        follow_ups: vec![
            question("gradient-wrt-logits", "Derive the gradient.", &[("p-minus-y", "p - y")]),
            question("anything-else", "Anything else?", &[]),
        ],
    }
}

/// The same under another id.
pub(crate) fn probability() -> Loop {
    Loop { id: "probability".into(), title: "Probability".into(), ..theory() }
}

fn question(id: &str, prompt: &str, points: &[(&str, &str)]) -> Question {
    let points = points.iter().map(|(id, text)| Point::new((*id).into(), (*text).into())).collect();
    Question::new(id.into(), prompt.into(), 60, "You should connect".into(), points)
}

/// Words at half a second each.
pub(crate) fn recognised(text: &str) -> Recognised {
    let words: Vec<Word> = text
        .split_whitespace()
        .enumerate()
        .map(|(index, word)| Word {
            text: word.into(),
            start_seconds: Some(index as f64 * 0.5),
            end_seconds: Some(index as f64 * 0.5 + 0.4),
            probability: Some(0.9),
        })
        .collect();
    let audio_seconds = words.len() as f64 * 0.5;
    let segment = Segment {
        start_seconds: Some(0.0),
        end_seconds: Some(audio_seconds),
        text: text.split_whitespace().collect::<Vec<_>>().join(" "),
        words,
    };
    let transcript = Transcript::from_segments(vec![segment]);
    Recognised { speech: !transcript.is_empty(), transcript, audio_seconds, transcribe_seconds: 0.1 }
}

/// The judgement of a spoken answer to a question of `asked`.
pub(crate) fn assessment(asked: &Loop, question_id: &str, recognised: &Recognised) -> Assessment {
    let question = asked.questions().find(|question| question.id == question_id).unwrap();
    let source = Source::Audio {
        model: "tiny.en".into(),
        audio_seconds: recognised.audio_seconds,
        transcribe_seconds: recognised.transcribe_seconds,
    };
    Assessment::new(asked, question, source, recognised.transcript.clone(), &WordsAlone)
}
