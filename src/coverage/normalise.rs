//! From words as they were written to tokens that compare: one spelling for what is said the same.
//!
//! Ordinary text normalisers are wrong here, since they drop the minus of "p - y" and the "(n)" of
//! "O(n)". Answers, prompts and keywords all pass through the same rules, so that it matters only
//! that both sides come out equal.

/// What follows a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Boundary {
    /// The next token of the same phrase.
    None,
    /// A comma, a colon, a bracket, a dash.
    Comma,
    /// A full stop, a question or exclamation mark, a semicolon.
    Sentence,
}

/// One unit of comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// Lower case, contractions opened, numbers as digits, symbols as words.
    pub text: String,
    /// Index of the word that it comes from.
    pub word: usize,
    /// What follows it.
    pub boundary: Boundary,
}

/// Longer tokens are cut here: no term is that long, and a stemmer need not chew on a megabyte.
const LONGEST_TOKEN: usize = 48;

/// Sounds that carry nothing.
const FILLERS: [&str; 12] = ["um", "umm", "uh", "uhm", "uhh", "er", "erm", "hm", "hmm", "mm", "mhm", "ah"];

/// Turns written words into tokens; each token knows the index of its word.
pub(super) fn tokens<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<Token> {
    let pieces: Vec<Piece> =
        words.into_iter().enumerate().flat_map(|(index, word)| pieces(index, word)).collect();
    let mut tokens = Tokens::default();
    for index in 0..pieces.len() {
        tokens.read(&pieces, index);
    }
    tokens.0.retain(|token| !FILLERS.contains(&token.text.as_str()));
    join_numbers(tokens.0)
}

/// The tokens of a plain piece of text.
pub(super) fn text_tokens(text: &str) -> Vec<Token> {
    tokens(text.split_whitespace())
}

/// A run of letters or digits, or a symbol by itself.
#[derive(Debug)]
struct Piece {
    text: String,
    is_symbol: bool,
    /// No white space before it.
    glued: bool,
    word: usize,
}

/// Takes one written word apart: at symbols, between letters and digits, at camel humps.
fn pieces(word_index: usize, word: &str) -> Vec<Piece> {
    let characters: Vec<char> = word.chars().map(plain).collect();
    let mut pieces: Vec<Piece> = Vec::new();
    let mut run_goes_on = false;
    for (index, &character) in characters.iter().enumerate() {
        let before = index.checked_sub(1).map(|index| characters[index]);
        let after = characters.get(index + 1).copied();
        let both = |test: fn(char) -> bool| before.is_some_and(test) && after.is_some_and(test);
        let in_number = both(|character| character.is_ascii_digit());
        if character == ',' && in_number {
            continue;
        }
        let in_run = character.is_alphanumeric() && character != '²'
            || character == '.' && in_number
            || character == '\'' && both(char::is_alphabetic);
        let starts_new = before.is_some_and(|before| {
            before.is_ascii_digit() && character.is_alphabetic()
                || before.is_alphabetic() && character.is_ascii_digit()
                || is_camel_hump(&characters, index)
        });
        match pieces.last_mut().filter(|_| in_run && run_goes_on && !starts_new) {
            Some(run) if run.text.len() < LONGEST_TOKEN => run.text.extend(character.to_lowercase()),
            Some(_) => {}
            None => pieces.push(Piece {
                text: character.to_lowercase().collect(),
                is_symbol: !in_run,
                glued: index > 0,
                word: word_index,
            }),
        }
        run_goes_on = in_run;
    }
    pieces
}

/// `LayerNorm` has a hump; `NaN`, `PyTorch` and `LLMs` have none.
fn is_camel_hump(characters: &[char], index: usize) -> bool {
    let lower = |character: &&char| character.is_lowercase();
    characters[index].is_uppercase()
        && characters[..index].iter().rev().take_while(lower).count() >= 2
        && characters[index + 1..].iter().take_while(lower).count() >= 2
}

/// Typographic variants as plain ASCII, accents off.
fn plain(character: char) -> char {
    match character {
        '’' | '‘' | 'ʼ' | '`' | '´' => '\'',
        '‐' | '‑' | '−' => '-',
        '–' | '―' => '—',
        '“' | '”' | '„' | '«' | '»' => '"',
        '⁄' | '÷' => '/',
        '·' | '×' => '*',
        'à'..='å' => 'a',
        'è'..='ë' => 'e',
        'ì'..='ï' => 'i',
        'ò'..='ö' => 'o',
        'ù'..='ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        _ => character,
    }
}

#[derive(Default)]
struct Tokens(Vec<Token>);

impl Tokens {
    fn read(&mut self, pieces: &[Piece], index: usize) {
        let piece = &pieces[index];
        if !piece.is_symbol {
            if piece.text == "2" && index > 0 && pieces[index - 1].text == "^" {
                return self.push("squared", piece.word);
            }
            for part in open_contraction(&piece.text) {
                self.push(part, piece.word);
            }
            return;
        }
        let before = index.checked_sub(1).map(|index| &pieces[index]).filter(|before| !before.is_symbol);
        let after = pieces.get(index + 1).filter(|after| !after.is_symbol);
        let glued_before = before.filter(|_| piece.glued);
        let glued_after = after.filter(|after| after.glued);
        let inside = glued_before.is_some() && glued_after.is_some();
        match piece.text.as_str() {
            "-" => match (before, after) {
                (Some(_), Some(_)) if inside => {
                    if subtracts(pieces, index) {
                        self.push("minus", piece.word);
                    }
                }
                (_, Some(after)) if glued_after.is_some() && !piece.glued && is_term(&after.text) => {
                    self.push("minus", piece.word);
                }
                (Some(before), Some(after)) if is_term(&before.text) || is_term(&after.text) => {
                    self.push("minus", piece.word);
                }
                _ => self.end(Boundary::Comma),
            },
            "." if glued_after.is_some() || ends_initialism(pieces, index) => {}
            "." if before.is_none() => self.end(Boundary::Comma), // an ellipsis
            "." | "?" | "!" | ";" => self.end(Boundary::Sentence),
            "(" | "[" if inside => self.push("of", piece.word),
            "," | ":" | "—" | "(" | "[" | ")" | "]" | "…" => self.end(Boundary::Comma),
            "@" => self.push("at", piece.word),
            "&" => self.push("and", piece.word),
            "%" => self.push("percent", piece.word),
            "=" => self.push("equals", piece.word),
            "+" => self.push("plus", piece.word),
            "*" if before.is_some() && after.is_some() => self.push("times", piece.word),
            "/" if !piece.glued => self.push("over", piece.word),
            "^" if after.is_some_and(|after| after.text != "2") => self.push("to", piece.word),
            "²" => self.push("squared", piece.word),
            "√" => self.push("sqrt", piece.word),
            "∞" => self.push("infinity", piece.word),
            _ => {}
        }
    }

    fn push(&mut self, text: &str, word: usize) {
        self.0.push(Token { text: text.to_owned(), word, boundary: Boundary::None });
    }

    fn end(&mut self, boundary: Boundary) {
        if let Some(last) = self.0.last_mut() {
            last.boundary = last.boundary.max(boundary);
        }
    }
}

/// What a minus stands between: letters, numbers, and what the minus sign alone goes with.
fn is_term(text: &str) -> bool {
    text.chars().count() == 1
        || text.starts_with(|first: char| first.is_ascii_digit())
        || matches!(text, "hat" | "inf" | "infinity")
}

/// Whether the hyphen inside a word is a minus: `p-y` and `1-p` are, `k-d-e`, `x-axis`, `0-1`, `f-1` are not.
fn subtracts(pieces: &[Piece], index: usize) -> bool {
    let is_letter = |piece: &Piece| {
        piece.text.chars().count() == 1 && piece.text.starts_with(|letter: char| letter.is_alphabetic())
    };
    let is_hyphen = |at: Option<usize>| {
        at.and_then(|at| pieces.get(at)).is_some_and(|piece| piece.text == "-" && piece.glued)
    };
    let (before, after) = (&pieces[index - 1], &pieces[index + 1]);
    let is_difference = is_letter(after) && (is_letter(before) || before.text == "1");
    is_difference && !is_hyphen(index.checked_sub(2)) && !is_hyphen(Some(index + 2))
}

/// Whether the full stop belongs to `K.D.E.`, `e.g.`, `vs.`
fn ends_initialism(pieces: &[Piece], index: usize) -> bool {
    let Some(before) = index.checked_sub(1).map(|index| &pieces[index]) else { return false };
    matches!(before.text.as_str(), "vs" | "etc")
        || before.text.chars().count() == 1
            && before.glued
            && index.checked_sub(2).is_some_and(|index| pieces[index].text == ".")
}

/// "wouldn't" is two words, "model's" is "model".
fn open_contraction(text: &str) -> Vec<&str> {
    // What people and recognisers write without the apostrophe.
    match text {
        "cannot" | "cant" => return vec!["can", "not"],
        "dont" => return vec!["do", "not"],
        "doesnt" => return vec!["does", "not"],
        "didnt" => return vec!["did", "not"],
        "isnt" => return vec!["is", "not"],
        "wouldnt" => return vec!["would", "not"],
        "im" => return vec!["i", "am"],
        "ive" => return vec!["i", "have"],
        _ => {}
    }
    let Some((stem, ending)) = text.rsplit_once('\'') else { return vec![text] };
    match (stem, ending) {
        ("won", "t") => vec!["will", "not"],
        ("can", "t") => vec!["can", "not"],
        ("shan", "t") => vec!["shall", "not"],
        ("ain", "t") => vec!["is", "not"],
        (_, "t") if stem.ends_with('n') => vec![&stem[..stem.len() - 1], "not"],
        (_, "re") => vec![stem, "are"],
        (_, "ve") => vec![stem, "have"],
        (_, "ll") => vec![stem, "will"],
        (_, "m") => vec![stem, "am"],
        ("i" | "you" | "we" | "they" | "he" | "she" | "it", "d") => vec![stem, "would"],
        ("it" | "that" | "there" | "what" | "he" | "she" | "here" | "where" | "who", "s") => vec![stem, "is"],
        ("let", "s") => vec!["let", "us"],
        _ => vec![stem],
    }
}

/// The value of a number word below a hundred.
fn small_number(text: &str) -> Option<u32> {
    const UNITS: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    if ["nought", "naught"].contains(&text) {
        return Some(0);
    }
    let position = |names: &[&str]| names.iter().position(|name| *name == text).map(|at| at as u32);
    position(&UNITS).or_else(|| position(&TENS).map(|ten| 20 + 10 * ten))
}

/// Number words as digits: "thirty two" is 32, "five hundred" 500, "zero point two" 0.2.
fn join_numbers(tokens: Vec<Token>) -> Vec<Token> {
    let mut joined: Vec<Token> = Vec::with_capacity(tokens.len());
    // Whether the last joined token is a number word that may still grow ("thirty" + "two").
    let mut open_ten = false;
    for mut token in tokens {
        let last = joined.last_mut().filter(|last| last.boundary == Boundary::None);
        let number = small_number(&token.text);
        match (last, number, token.text.as_str()) {
            (Some(last), Some(unit @ 1..=9), _) if open_ten => {
                let tens: u32 = last.text.parse().unwrap_or(0);
                last.text = (tens + unit).to_string();
                last.boundary = token.boundary;
                open_ten = false;
                continue;
            }
            (Some(last), None, "hundred" | "thousand")
                if last.text.len() <= 3 && last.text.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                last.text.push_str(if token.text == "hundred" { "00" } else { "000" });
                last.boundary = token.boundary;
                open_ten = false;
                continue;
            }
            (_, None, "hundred") => "100".clone_into(&mut token.text),
            (_, None, "thousand") => "1000".clone_into(&mut token.text),
            (_, Some(value), _) => {
                open_ten = (20..100).contains(&value) && value % 10 == 0;
                token.text = value.to_string();
            }
            _ => open_ten = false,
        }
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits(&token.text)
            && let [.., whole, point] = joined.as_mut_slice()
            && point.text == "point"
            && digits(&whole.text)
            && (whole.boundary, point.boundary) == (Boundary::None, Boundary::None)
        {
            whole.text = format!("{}.{}", whole.text, token.text);
            whole.boundary = token.boundary;
            joined.pop();
            continue;
        }
        joined.push(token);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(text: &str) -> String {
        text_tokens(text).iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_said_the_same_is_spelled_the_same() {
        for (written, expected) in [
            ("Cross-Entropy,", "cross entropy"),
            ("p - y", "p minus y"),
            ("p-y", "p minus y"),
            ("p − y", "p minus y"),
            ("1-p", "1 minus p"),
            ("-inf", "minus inf"),
            ("K-D-E", "k d e"),
            ("K.D.E. works", "k d e works"),
            ("x-axis", "x axis"),
            ("BF16 and bf sixteen", "bf 16 and bf 16"),
            ("Recall@10", "recall at 10"),
            ("recall at ten", "recall at 10"),
            ("sixteen-bit", "16 bit"),
            ("thirty-two, two", "32 2"),
            ("a few hundred steps", "a few 100 steps"),
            ("five hundred", "500"),
            ("zero point two points", "0.2 points"),
            ("1,000 steps", "1000 steps"),
            ("O(n^2)", "o of n squared"),
            ("O(n²)", "o of n squared"),
            ("LayerNorm NaN ZeRO PyTorch", "layer norm nan 0 pytorch"),
            ("I wouldn't, can't, don’t", "i would not can not do not"),
            ("the model's", "the model"),
            ("it's that's", "it is that is"),
            ("um, the, uh, seeds", "the seeds"),
            ("FSDP/ZeRO", "fsdp 0"),
            ("naïve Bayes", "naive bayes"),
            ("🙂 seeds 🎉", "seeds"),
            ("\u{0}\u{7}", ""),
            ("—", ""),
        ] {
            assert_eq!(
                spelled(written),
                expected.replace("zero", if written.contains("ZeRO") { "0" } else { "zero" }),
                "{written}"
            );
        }
    }

    #[test]
    fn boundaries_are_kept() {
        let boundaries: Vec<Boundary> =
            text_tokens("priors, e.g. this one. Next... and").iter().map(|token| token.boundary).collect();
        use Boundary::{Comma, None, Sentence};
        assert_eq!(boundaries, [Comma, None, None, None, Sentence, Sentence, None]);
    }

    #[test]
    fn a_very_long_word_is_cut() {
        assert!(text_tokens(&"x".repeat(1_000_000))[0].text.len() <= LONGEST_TOKEN);
    }
}
