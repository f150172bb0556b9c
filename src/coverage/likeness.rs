//! How near what was said comes to a point in meaning: for points without keywords.
//!
//! A [`Reader`] gives each piece of a word a direction that depends on the sentence it stands in. A sentence and
//! a point are compared piece by piece, both ways ("late interaction": Khattab and Zaharia 2020, "ColBERT"), and
//! as wholes, once with the direction of the question taken out. Most of what counts is the difference to the
//! other points of the question: how near is near hangs on what is talked about, which of the points is the
//! nearest does not.
//!
//! A logistic model weighs these figures; `likeness.txt` has its weights, `examples/fit_likeness.rs` fits them.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use super::normalise::text_tokens;
use super::ways::is_light;
use crate::loops::Question;

/// Something that reads sentences for their meaning.
pub trait Reader {
    /// Reads texts, each given as its words in order. `None` where nothing can be read, for lack of a model.
    fn read(&self, texts: &[Vec<&str>]) -> Option<Vec<Reading>>;
}

/// For want of a [`Reader`]: points without keywords are found by the words of their text.
#[derive(Debug, Clone, Copy)]
pub struct WordsAlone;

impl Reader for WordsAlone {
    fn read(&self, _: &[Vec<&str>]) -> Option<Vec<Reading>> {
        None
    }
}

/// What a text means to a [`Reader`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// The direction of the whole: a vector of length 1.
    pub whole: Vec<f32>,
    /// Its pieces, in order.
    pub pieces: Vec<Piece>,
}

/// A word or a piece of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// Index of the word among the words of the text, from 0.
    pub word: usize,
    /// The same for equal pieces.
    pub id: usize,
    /// How rare it is in ordinary text, 0..1; 0 for what is no word.
    pub rarity: f32,
    /// What it means here: a vector of length 1.
    pub direction: Vec<f32>,
}

/// The figures of a [`Likeness`], in the order of [`Likeness::figures`].
pub const FIGURES: [&str; 10] = [
    "how much of the sentence the point has",
    "... more than the nearest other point",
    "... more than the other points on average",
    "how much of the point the sentence has",
    "... more than of the other points on average",
    "the piece of the point that the sentence has least",
    "cosine of the wholes, more than of the nearest other point",
    "... without the direction of the question",
    "cosine of the point and the question",
    "number of points",
];

/// A sentence beside a point.
#[derive(Debug, Clone, PartialEq)]
pub struct Likeness {
    /// First and last word of the sentence, as indices into the words of the answer.
    pub sentence: RangeInclusive<usize>,
    /// The words of the sentence that have the most of the point.
    pub words: Vec<usize>,
    /// See [`FIGURES`].
    pub figures: [f64; FIGURES.len()],
}

impl Likeness {
    /// The log odds that the point is made by the sentence, so far as its meaning tells.
    pub fn log_odds(&self) -> f64 {
        let (bias, weights) = &*WEIGHTS;
        bias + weights.iter().zip(&self.figures).map(|(weight, figure)| weight * figure).sum::<f64>()
    }

    /// How much sentence and point have of each other.
    fn nearness(&self) -> f64 {
        self.figures[0] + self.figures[3]
    }
}

static WEIGHTS: LazyLock<(f64, Vec<f64>)> = LazyLock::new(|| {
    let named = |name: &str| {
        let lines = include_str!("likeness.txt").lines().filter_map(|line| line.split_once('\t'));
        let found = lines.filter(|(_, of)| *of == name).find_map(|(weight, _)| weight.parse().ok());
        found.unwrap_or_default()
    };
    (named("bias"), FIGURES.map(named).to_vec())
});

/// Longer sentences are cut: speech has few full stops, and what is meant seldom takes more words.
const LONGEST_SENTENCE: usize = 32;

/// So many sentences a point are looked at more closely.
const MOST: usize = 3;

/// What a piece counts for that the question has too.
const PROMPT_WEIGHT: f32 = 0.25;

/// For each point the sentences that come nearest to it, the nearest first; `None` without a reader.
pub(super) fn nearest(reader: &dyn Reader, asked: &Question, said: &[&str]) -> Option<Vec<Vec<Likeness>>> {
    let sentences = sentences(said);
    let mut texts = vec![words_of(&asked.prompt)];
    texts.extend(asked.points.iter().map(|point| words_of(&point.text)));
    texts.extend(sentences.iter().map(|sentence| said[sentence.clone()].to_vec()));
    let readings = reader.read(&texts)?;
    let mut texts = texts.iter().zip(&readings).map(|(words, reading)| Text::new(words, reading));
    let question = texts.next()?;
    let points: Vec<Text> = texts.by_ref().take(asked.points.len()).collect();
    let mut all = vec![Vec::new(); points.len()];
    for (sentence, text) in sentences.into_iter().zip(texts) {
        for (of_point, (figures, words)) in all.iter_mut().zip(compare(&question, &points, &text)) {
            let words = words.into_iter().map(|word| sentence.start() + word).collect();
            of_point.push(Likeness { sentence: sentence.clone(), words, figures });
        }
    }
    for of_point in &mut all {
        of_point.sort_by(|one: &Likeness, other| other.nearness().total_cmp(&one.nearness()));
        of_point.truncate(MOST);
    }
    Some(all)
}

/// For each point the cosine of its text and the sentence nearest to it; 0 where nothing was said.
pub(super) fn similarities(reader: &dyn Reader, asked: &Question, said: &[&str]) -> Option<Vec<f64>> {
    let mut texts: Vec<Vec<&str>> = asked.points.iter().map(|point| words_of(&point.text)).collect();
    texts.extend(sentences(said).into_iter().map(|sentence| said[sentence].to_vec()));
    let readings = reader.read(&texts)?;
    let (of_points, of_sentences) = readings.split_at(asked.points.len());
    let nearest = |point: &Reading| {
        of_sentences.iter().map(|sentence| dot(&point.whole, &sentence.whole)).reduce(f64::max)
    };
    Some(of_points.iter().map(|point| nearest(point).unwrap_or_default()).collect())
}

fn words_of(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// First and last word of each sentence.
fn sentences(words: &[&str]) -> Vec<RangeInclusive<usize>> {
    let ends_with = |word: &str, marks: &[char]| word.trim_end_matches(['"', '\'', ')']).ends_with(marks);
    let mut sentences = Vec::new();
    let mut start = 0;
    while start < words.len() {
        let rest = &words[start..words.len().min(start + LONGEST_SENTENCE)];
        let full_stop = rest.iter().position(|word| ends_with(word, &['.', '!', '?', ';']));
        let is_all = start + rest.len() == words.len();
        let comma = || {
            let second_half = rest.len() / 2;
            rest[second_half..].iter().rposition(|word| ends_with(word, &[','])).map(|at| second_half + at)
        };
        let length = match full_stop {
            Some(at) => at + 1,
            None if is_all => rest.len(),
            None => comma().map_or(rest.len(), |at| at + 1),
        };
        sentences.push(start..=start + length - 1);
        start += length;
    }
    sentences
}

/// A text as it is compared.
struct Text<'a> {
    reading: &'a Reading,
    /// Per piece whether it carries something.
    heavy: Vec<bool>,
}

impl<'a> Text<'a> {
    fn new(words: &[&str], reading: &'a Reading) -> Self {
        let is_heavy = |word: &&str| text_tokens(word).iter().any(|token| !is_light(&token.text));
        let words: Vec<bool> = words.iter().map(is_heavy).collect();
        let is_heavy = |piece: &Piece| piece.rarity > 0.0 && words[piece.word];
        let mut heavy: Vec<bool> = reading.pieces.iter().map(is_heavy).collect();
        if !heavy.contains(&true) {
            heavy.fill(true);
        }
        Self { reading, heavy }
    }

    /// The pieces that carry something, by their numbers.
    fn heavy(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.heavy.len()).filter(|&piece| self.heavy[piece])
    }

    /// The mean of a figure of each piece that carries something: rare ones count for more, those of the
    /// question for less.
    fn mean(&self, question: &Self, figures: &[f32]) -> f64 {
        let weight = |piece: usize| {
            let Piece { id, rarity, .. } = &self.reading.pieces[piece];
            let is_asked = question.reading.pieces.iter().any(|asked| asked.id == *id);
            if is_asked { rarity * PROMPT_WEIGHT } else { *rarity }
        };
        let (sum, total) = self.heavy().fold((0.0, 0.0), |(sum, total), piece| {
            (sum + weight(piece) * figures[piece], total + weight(piece))
        });
        if total > 0.0 { f64::from(sum / total) } else { 0.0 }
    }
}

/// A sentence beside each point: the figures, and the words that have the most of it.
fn compare(question: &Text, points: &[Text], sentence: &Text) -> Vec<([f64; FIGURES.len()], Vec<usize>)> {
    let asked = &question.reading.whole;
    let without_question = across(&sentence.reading.whole, asked);
    let beside: Vec<Beside> = points
        .iter()
        .map(|point| {
            let (in_sentence, in_point) = best_cosines(point.reading, sentence.reading);
            let least = point.heavy().map(|piece| in_sentence[piece]).fold(f32::INFINITY, f32::min);
            Beside {
                of_sentence: sentence.mean(question, &in_point),
                of_point: point.mean(question, &in_sentence),
                least: if least.is_finite() { f64::from(least) } else { 0.0 },
                whole: dot(&point.reading.whole, &sentence.reading.whole),
                across: dot(&across(&point.reading.whole, asked), &without_question),
                words: nearest_words(sentence, &in_point),
            }
        })
        .collect();
    let of_others = |number: usize, figure: fn(&Beside) -> f64| {
        let others = || (0..beside.len()).filter(move |other| *other != number);
        let figures = || others().map(|other| figure(&beside[other]));
        let own = figure(&beside[number]);
        match others().count() {
            // Nothing to compare it with: neither nearer nor farther than others.
            0 => (0.0, 0.0),
            count => {
                let most = figures().fold(f64::NEG_INFINITY, f64::max);
                (own - most, own - figures().sum::<f64>() / count as f64)
            }
        }
    };
    (0..points.len())
        .map(|number| {
            let Beside { of_sentence, of_point, least, .. } = beside[number];
            let (than_nearest, than_others) = of_others(number, |beside| beside.of_sentence);
            let figures = [
                of_sentence,
                than_nearest,
                than_others,
                of_point,
                of_others(number, |beside| beside.of_point).1,
                least,
                of_others(number, |beside| beside.whole).0,
                of_others(number, |beside| beside.across).0,
                dot(&points[number].reading.whole, asked),
                points.len() as f64,
            ];
            (figures, beside[number].words.clone())
        })
        .collect()
}

struct Beside {
    of_sentence: f64,
    of_point: f64,
    least: f64,
    whole: f64,
    across: f64,
    words: Vec<usize>,
}

/// The words of a sentence whose pieces have more of a point than its pieces have on average.
fn nearest_words(sentence: &Text, in_point: &[f32]) -> Vec<usize> {
    let mean =
        sentence.heavy().map(|piece| in_point[piece]).sum::<f32>() / sentence.heavy().count().max(1) as f32;
    let near = sentence.heavy().filter(|&piece| in_point[piece] >= mean);
    let mut words: Vec<usize> = near.map(|piece| sentence.reading.pieces[piece].word).collect();
    words.dedup();
    words
}

/// For each piece of one text the cosine to the nearest piece of the other, and the other way round.
fn best_cosines(one: &Reading, other: &Reading) -> (Vec<f32>, Vec<f32>) {
    let mut best = (vec![0.0_f32; one.pieces.len()], vec![0.0_f32; other.pieces.len()]);
    for (piece, best_of_piece) in one.pieces.iter().zip(&mut best.0) {
        for (beside, best_beside) in other.pieces.iter().zip(&mut best.1) {
            let cosine = piece.direction.iter().zip(&beside.direction).map(|(a, b)| a * b).sum();
            *best_of_piece = best_of_piece.max(cosine);
            *best_beside = best_beside.max(cosine);
        }
    }
    best
}

fn dot(one: &[f32], other: &[f32]) -> f64 {
    f64::from(one.iter().zip(other).map(|(one, other)| one * other).sum::<f32>())
}

/// What is left of a direction when another is taken out of it, of length 1 again.
fn across(direction: &[f32], out: &[f32]) -> Vec<f32> {
    let along = direction.iter().zip(out).map(|(direction, out)| direction * out).sum::<f32>();
    let mut rest: Vec<f32> =
        direction.iter().zip(out).map(|(direction, out)| direction - along * out).collect();
    let length = rest.iter().map(|number| number * number).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    rest.iter_mut().for_each(|number| *number /= length);
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_has_its_weight() {
        let (bias, weights) = &*WEIGHTS;
        assert!(*bias != 0.0 && weights.iter().all(|weight| *weight != 0.0), "{bias} {weights:?}");
    }

    #[test]
    fn sentences_end_at_full_stops_and_long_ones_at_commas() {
        let ends = |text: &str| -> Vec<usize> {
            sentences(&text.split(' ').collect::<Vec<_>>()).iter().map(|sentence| *sentence.end()).collect()
        };
        assert_eq!(ends("One two. Three (four.) Five"), [1, 3, 4]);
        let long = format!("{}here, {}", "word ".repeat(20), "word ".repeat(40));
        assert_eq!(ends(long.trim_end()), [20, 52, 60]);
        assert!(sentences(&[]).is_empty());
    }
}
