//! From whisper's tokens to words with times: joined, cleaned of what nobody said, and placed.

use std::ops::Range;

use super::pieces::Piece;
use crate::audio::SAMPLE_RATE;
use crate::transcript::{Segment, Word};

/// One token of text as whisper wrote it.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// Its bytes; a letter may be spread over several tokens. A word begins with a space.
    pub bytes: Vec<u8>,
    /// Whisper's own probability, 0..1.
    pub probability: f32,
    /// Where dynamic time warping sees it end, in seconds of the piece.
    pub end_seconds: Option<f64>,
}

/// A word that has no start yet.
#[derive(Debug, Clone, PartialEq)]
struct Heard {
    text: String,
    probability: f32,
    end_seconds: Option<f64>,
}

/// Whisper's alignment sees a word end this much late: measured on eight synthetic sentences with
/// known times (134 words; then half of all starts are within 0.05 s and nine in ten within 0.28 s).
const ALIGNMENT_LATE_SECONDS: f64 = 0.1;
/// How far a word may reach out of the speech that the voice activity sees.
const SLACK_SECONDS: f64 = 0.1;
/// No word is shorter.
const SHORTEST_WORD_SECONDS: f64 = 0.02;
/// A pause this long ends a segment.
const SEGMENT_PAUSE_SECONDS: f64 = 1.0;

/// What whisper writes for noise, learnt from the ends of films. Not heard unless it is clear.
const SAID_OF_NOISE: [&str; 16] = [
    "you",
    "thank you",
    "thank you very much",
    "thank you so much",
    "thanks",
    "thanks for watching",
    "thank you for watching",
    "thanks for listening",
    "please subscribe",
    "bye",
    "bye bye",
    "the end",
    "oh",
    "so",
    "hmm",
    "silence",
];
/// The least that what is in [`SAID_OF_NOISE`] must have, of the voice activity and of whisper, to be
/// taken for speech.
const CLEAR: f32 = 0.8;

/// Words that describe sounds, where they stand in brackets on their own.
const SOUNDS: [&str; 18] = [
    "music",
    "applause",
    "laughter",
    "laughs",
    "noise",
    "silence",
    "static",
    "wind",
    "cough",
    "coughs",
    "sigh",
    "sighs",
    "sniffs",
    "click",
    "clicks",
    "beep",
    "inaudible",
    "audio",
];

/// What was said in a piece, as segments with times in the recording.
pub fn segments(tokens: &[Token], piece: &Piece) -> Vec<Segment> {
    let words = without_loops(without_annotations(join(tokens)));
    if words.is_empty() || is_noise(&words, piece.confidence) {
        return Vec::new();
    }
    split(place(words, piece))
}

/// Joins tokens into words. What has neither letter nor digit belongs to the word before it, except
/// for signs that are said ("p - y").
fn join(tokens: &[Token]) -> Vec<Heard> {
    let mut words: Vec<(Vec<u8>, f32, Option<f64>)> = Vec::new();
    for token in tokens {
        match words.last_mut() {
            Some((bytes, probability, end)) if !token.bytes.starts_with(b" ") => {
                bytes.extend(&token.bytes);
                *probability = probability.min(token.probability);
                // Punctuation is not spoken, and the alignment puts it anywhere.
                if token.end_seconds.is_some() && token.bytes.iter().any(|byte| !byte.is_ascii_punctuation())
                {
                    *end = token.end_seconds;
                }
            }
            _ => words.push((token.bytes.clone(), token.probability, token.end_seconds)),
        }
    }
    let mut joined: Vec<Heard> = Vec::new();
    for (bytes, probability, end_seconds) in words {
        let text = String::from_utf8_lossy(&bytes).trim().to_owned();
        let spoken = is_spoken(&text) || text.contains(['[', '(', '♪']);
        match joined.last_mut() {
            _ if text.is_empty() => {}
            Some(before) if !spoken => before.text.push_str(&text),
            None if !spoken => {}
            _ => joined.push(Heard { text, probability, end_seconds }),
        }
    }
    joined
}

/// Leaves out what describes a sound: "[BLANK_AUDIO]", "(wind blowing)", "*sighs*", "♪".
fn without_annotations(words: Vec<Heard>) -> Vec<Heard> {
    let mut kept = Vec::new();
    let mut rest = words.as_slice();
    while let Some(first) = rest.first() {
        let closing = match first.text.chars().next() {
            Some('[') => Some(']'),
            Some('(') => Some(')'),
            Some('*') => Some('*'),
            Some('♪') => Some('♪'),
            _ => None,
        };
        let group = closing.and_then(|closing| {
            let ends = |word: &Heard| {
                word.text.chars().count() > 1
                    && word.text.trim_end_matches(|letter: char| ".,!?".contains(letter)).ends_with(closing)
            };
            rest.iter().take(6).position(ends).map(|last| &rest[..=last])
        });
        match group.filter(|group| describes_a_sound(group)) {
            Some(group) => rest = &rest[group.len()..],
            None => {
                if is_spoken(&first.text) {
                    kept.push(first.clone());
                }
                rest = &rest[1..];
            }
        }
    }
    kept
}

/// Square brackets and stars are never speech; round ones may be ("f (x)").
fn describes_a_sound(group: &[Heard]) -> bool {
    let bare: Vec<String> =
        group.iter().map(|word| plain(&word.text)).filter(|word| !word.is_empty()).collect();
    !group[0].text.starts_with('(')
        || bare.iter().any(|word| {
            SOUNDS.contains(&word.as_str()) || (word.len() > 5 && word.ends_with("ing") && bare.len() <= 4)
        })
}

/// Cuts loops: whisper sometimes writes the same phrase again and again until its window is full.
/// One of them stays. People repeat themselves as well: a word up to five times, a phrase of a few
/// words up to three times, a long one twice.
fn without_loops(words: Vec<Heard>) -> Vec<Heard> {
    let spelled: Vec<String> = words.iter().map(|word| plain(&word.text)).collect();
    let mut keep = vec![true; words.len()];
    let mut at = 0;
    while at < words.len() {
        let run = (1..=20).find_map(|length| {
            let phrase = spelled.get(at..at + length)?;
            let times = spelled[at..].chunks_exact(length).take_while(|chunk| *chunk == phrase).count();
            let most = match length {
                1 => 5,
                2..=5 => 3,
                _ => 2,
            };
            (times > most).then_some((length, length * times))
        });
        match run {
            Some((length, all)) => {
                // The loop's last round is often cut off in the middle.
                let rest = spelled[at + all..].iter().zip(&spelled[at..at + length]);
                let cut_off = rest.take_while(|(word, looped)| word == looped).count();
                let ends_here = at + all + cut_off == words.len();
                let end = at + all + if ends_here { cut_off } else { 0 };
                keep[at + length..end].fill(false);
                at = end;
            }
            None => at += 1,
        }
    }
    words.into_iter().zip(keep).filter_map(|(word, keep)| keep.then_some(word)).collect()
}

/// Whether this is one of the sentences that whisper writes when it hears no speech.
fn is_noise(words: &[Heard], confidence: f32) -> bool {
    let text = words.iter().map(|word| plain(&word.text)).collect::<Vec<_>>().join(" ");
    let probability = words.iter().map(|word| word.probability).sum::<f32>() / words.len() as f32;
    text.trim().is_empty()
        || (SAID_OF_NOISE.contains(&text.as_str()) && (confidence < CLEAR || probability < CLEAR))
}

/// Whether there is a letter, a digit, or a sign that people say.
fn is_spoken(text: &str) -> bool {
    text.chars().any(|letter| letter.is_alphanumeric() || "+-−*/=<>%&$€£".contains(letter))
}

/// Letters and digits, in lower case.
fn plain(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Gives each word its time in the recording: in order, not overlapping, within speech.
fn place(words: Vec<Heard>, piece: &Piece) -> Vec<Word> {
    let seconds = |sample: usize| sample as f64 / f64::from(SAMPLE_RATE);
    let regions: Vec<Range<f64>> = piece
        .speech
        .iter()
        .map(|region| seconds(region.start) - SLACK_SECONDS..seconds(region.end) + SLACK_SECONDS)
        .collect();
    let ends = ends(&words, &regions);
    let mut times: Vec<(f64, f64)> = Vec::with_capacity(words.len());
    let mut region = 0;
    let mut before = 0.0_f64;
    for end in ends {
        // A word begins where the one before it ended, or where speech begins again: it belongs to
        // the stretch of speech that most of that time is in.
        let end = end.max(before);
        let overlap = |candidate: &Range<f64>| end.min(candidate.end) - before.max(candidate.start);
        region = (region..regions.len())
            .max_by(|&a, &b| overlap(&regions[a]).total_cmp(&overlap(&regions[b])).then(b.cmp(&a)))
            .unwrap_or(region);
        let within = regions.get(region).cloned().unwrap_or(0.0..f64::MAX);
        let start = before.max(within.start).max(0.0);
        let end = end.min(within.end).max(start + SHORTEST_WORD_SECONDS);
        times.push((start, end));
        before = end;
    }
    // Words squeezed together at the end must not reach beyond it.
    let mut limit = piece.parts.last().map_or(f64::MAX, |part| seconds(part.in_piece + part.length));
    for (start, end) in times.iter_mut().rev() {
        *end = end.min(limit);
        *start = start.min((*end - SHORTEST_WORD_SECONDS).max(0.0));
        limit = *start;
    }
    words
        .into_iter()
        .zip(times)
        .map(|(word, (start, end))| Word {
            text: word.text,
            start_seconds: Some(milliseconds(piece.in_recording(start, true))),
            end_seconds: Some(milliseconds(piece.in_recording(end, false))),
            probability: Some((f64::from(word.probability) * 1e4).round() / 1e4),
        })
        .collect()
}

/// Where each word ends in the piece, in seconds. Where whisper does not say, the time of all speech
/// is shared out by the words' letters.
fn ends(words: &[Heard], regions: &[Range<f64>]) -> Vec<f64> {
    let said: Option<Vec<f64>> = words.iter().map(|word| word.end_seconds).collect();
    if let Some(said) = said {
        return said.into_iter().map(|end| (end - ALIGNMENT_LATE_SECONDS).max(0.0)).collect();
    }
    let letters = |word: &Heard| word.text.chars().count() + 1;
    let all = words.iter().map(letters).sum::<usize>() as f64;
    let speech: f64 = regions.iter().map(|region| region.end - region.start).sum();
    let mut so_far = 0;
    words
        .iter()
        .map(|word| {
            so_far += letters(word);
            let mut left = speech * so_far as f64 / all;
            for region in regions {
                let length = region.end - region.start;
                if left <= length + 1e-9 {
                    return region.start + left;
                }
                left -= length;
            }
            regions.last().map_or(0.0, |region| region.end)
        })
        .collect()
}

/// Segments end with a sentence or at a pause.
fn split(words: Vec<Word>) -> Vec<Segment> {
    let mut segments: Vec<Vec<Word>> = Vec::new();
    for word in words {
        let begins = segments.last().and_then(|segment| segment.last()).is_none_or(|before| {
            let pause = word.start_seconds.zip(before.end_seconds).map(|(start, end)| start - end);
            before.text.ends_with(['.', '?', '!'])
                || pause.is_some_and(|pause| pause >= SEGMENT_PAUSE_SECONDS)
        });
        match segments.last_mut() {
            Some(segment) if !begins => segment.push(word),
            _ => segments.push(vec![word]),
        }
    }
    segments
        .into_iter()
        .map(|words| Segment {
            start_seconds: words.first().and_then(|word| word.start_seconds),
            end_seconds: words.last().and_then(|word| word.end_seconds),
            text: words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" "),
            words,
        })
        .collect()
}

/// Times finer than a millisecond say nothing.
fn milliseconds(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::pieces::Part;
    use super::*;

    /// Tokens as written, `|` between them, each ending half a second after the one before.
    fn tokens(source: &str) -> Vec<Token> {
        source
            .split('|')
            .enumerate()
            .map(|(place, text)| Token {
                bytes: text.as_bytes().to_vec(),
                probability: 0.9,
                end_seconds: Some((place + 1) as f64 * 0.5),
            })
            .collect()
    }

    /// A token for each word.
    fn spoken(text: &str) -> Vec<Token> {
        tokens(&text.split_whitespace().map(|word| format!(" {word}")).collect::<Vec<_>>().join("|"))
    }

    fn piece(speech: &[Range<f64>], confidence: f32) -> Piece {
        let samples = |seconds: f64| (seconds * 16_000.0) as usize;
        let length = samples(28.0);
        Piece {
            audio: vec![0.0; length],
            parts: vec![Part { in_piece: 0, in_recording: 160_000, length }],
            speech: speech.iter().map(|region| samples(region.start)..samples(region.end)).collect(),
            confidence,
        }
    }

    fn text_of(tokens: &[Token], confidence: f32) -> String {
        let segments = segments(tokens, &piece(&[0.0..28.0], confidence));
        segments.iter().map(|segment| segment.text.as_str()).collect::<Vec<_>>().join(" / ")
    }

    #[test]
    fn tokens_become_words_with_their_punctuation() {
        assert_eq!(
            text_of(&tokens(" Cross|-|ent|ropy|,| it|'s| p| -| y|..."), 1.0),
            "Cross-entropy, it's p - y..."
        );
        // A letter of two bytes in two tokens.
        let mut split = tokens(" caf|x|x| ok");
        split[1].bytes = vec![0xC3];
        split[2].bytes = vec![0xA9];
        assert_eq!(text_of(&split, 1.0), "café ok");
        assert_eq!(text_of(&tokens(" ...| - and|"), 1.0), "- and");
    }

    #[test]
    fn a_word_is_as_sure_as_its_least_sure_token() {
        let mut heard = tokens(" ber|nou|lli");
        heard[1].probability = 0.25;
        let segments = segments(&heard, &piece(&[0.0..2.0], 1.0));
        assert_eq!(segments[0].words[0].probability, Some(0.25));
    }

    #[test]
    fn descriptions_of_sounds_are_not_speech() {
        for noise in [
            "[BLANK_AUDIO]",
            "(wind blowing)",
            "[Music]",
            "(upbeat music)",
            "*sighs*",
            "[ Silence ]",
            "♪",
            "♪ ♪",
            "(keyboard clicking) [BLANK_AUDIO]",
            "...",
        ] {
            assert_eq!(text_of(&spoken(noise), 1.0), "", "{noise}");
        }
        assert_eq!(
            text_of(&spoken("so [coughs] the loss (which is convex) is f (x)"), 1.0),
            "so the loss (which is convex) is f (x)"
        );
    }

    #[test]
    fn what_whisper_says_of_noise_counts_only_where_it_is_clear() {
        for noise in ["you", "Thank you.", "Thanks for watching!"] {
            assert_eq!(text_of(&spoken(noise), 0.6), "");
            let mut unsure = spoken(noise);
            unsure.iter_mut().for_each(|token| token.probability = 0.4);
            assert_eq!(text_of(&unsure, 0.95), "");
            assert_eq!(text_of(&spoken(noise), 0.95), noise);
        }
        assert_eq!(text_of(&spoken("thank you for the question"), 0.6), "thank you for the question");
    }

    #[test]
    fn loops_are_cut_and_people_are_not() {
        let again = |phrase: &str, times: usize| vec![phrase; times].join(" ");
        let heard = |text: &str| text_of(&spoken(text), 1.0);
        assert_eq!(heard(&format!("well {} so", again("it is", 12))), "well it is so");
        assert_eq!(heard(&again("And then we go.", 8)), "And then we go.");
        assert_eq!(heard(&format!("{} i'm going", again("I'm going to do that", 9))), "I'm going to do that");
        assert_eq!(heard(&again("no", 40)), "no");
        for human in ["no no no it is very very very convex", "p times p times p", "the the the loss"] {
            assert_eq!(heard(human), human);
        }
    }

    fn times(words: &[Word]) -> Vec<(f64, f64)> {
        words.iter().map(|word| (word.start_seconds.unwrap(), word.end_seconds.unwrap())).collect()
    }

    fn placed(tokens: &[Token], piece: &Piece) -> Vec<(f64, f64)> {
        let segments = segments(tokens, piece);
        let words: Vec<Word> = segments.into_iter().flat_map(|segment| segment.words).collect();
        let times = times(&words);
        assert!(times.iter().all(|(start, end)| start < end && *start >= 10.0 && *end <= 38.0), "{times:?}");
        assert!(times.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{times:?}");
        times
    }

    #[test]
    fn words_stand_where_speech_is_and_in_order() {
        // Two words, a pause of two seconds, two words.
        let mut heard = spoken("a b c d");
        for (token, end) in heard.iter_mut().zip([1.0, 1.6, 4.1, 5.0]) {
            token.end_seconds = Some(end);
        }
        let times = placed(&heard, &piece(&[0.5..1.5, 3.5..5.0], 1.0));
        assert_eq!(times, [(10.4, 10.9), (10.9, 11.5), (13.4, 14.0), (14.0, 14.9)]);
    }

    #[test]
    fn a_word_aligned_into_a_pause_ends_with_its_speech() {
        let mut heard = spoken("a b c");
        for (token, end) in heard.iter_mut().zip([1.0, 3.0, 4.1]) {
            token.end_seconds = Some(end);
        }
        let times = placed(&heard, &piece(&[0.5..1.5, 3.5..5.0], 1.0));
        assert!(times[1].1 <= 11.6 && times[2].0 >= 13.4, "{times:?}");
    }

    #[test]
    fn times_hold_together_whatever_the_alignment_says() {
        let all: Vec<f64> = vec![28.0, 28.0, 0.0, 27.99, 99.0, 3.0, 28.0, 28.0];
        let mut heard = spoken("a b c d e f g h");
        for (token, end) in heard.iter_mut().zip(all) {
            token.end_seconds = Some(end);
        }
        placed(&heard, &piece(&[0.0..1.0, 20.0..28.0], 1.0));
        placed(&heard, &piece(&[], 1.0));
        heard.iter_mut().for_each(|token| token.end_seconds = None);
        let times = placed(&heard, &piece(&[0.0..1.0, 20.0..23.0], 1.0));
        assert!(times[0].1 < 11.0 && times[7].1 > 32.9, "{times:?}");
    }

    #[test]
    fn segments_end_with_sentences_and_pauses() {
        let mut heard = spoken("It is convex. And smooth but then more");
        for (token, end) in heard.iter_mut().zip([1.0, 1.3, 2.0, 2.5, 3.0, 6.0, 6.3, 6.6]) {
            token.end_seconds = Some(end);
        }
        let segments = segments(&heard, &piece(&[0.5..3.0, 5.5..7.0], 1.0));
        let texts: Vec<&str> = segments.iter().map(|segment| segment.text.as_str()).collect();
        assert_eq!(texts, ["It is convex.", "And smooth", "but then more"]);
    }
}
