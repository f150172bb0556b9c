//! From a question as it is written to one that a voice reads as people say it.
//!
//! Voices read prose well. What they get wrong is what interviews are full of: abbreviations (`MSE` is
//! three letters, `RAG` is a word), formulas (`p - y`, `O(n^2)`) and names out of code.

/// Words in capitals, and names that are not said as they are written. Letters with spaces between are
/// spelled; everything else is said as it stands here.
const SAID: &[(&str, &str)] = &[
    ("AdamW", "Adam W"),
    ("BERT", "bert"),
    ("BLEU", "blue"),
    ("COLA", "cola"),
    ("CUDA", "cooda"),
    ("FAISS", "face"),
    ("FLOP", "flop"),
    ("FLOPs", "flops"),
    ("FLOPS", "flops"),
    ("GAN", "gan"),
    ("GANs", "gans"),
    ("GELU", "gelu"),
    ("GLUE", "glue"),
    ("JAX", "jacks"),
    ("JSON", "jason"),
    ("LASSO", "lasso"),
    ("LIME", "lime"),
    ("LoRA", "lora"),
    ("MAP", "map"),
    ("mAP", "M A P"),
    ("NaN", "nan"),
    ("NaNs", "nans"),
    ("NAN", "nan"),
    ("NumPy", "num pie"),
    ("ONNX", "onyx"),
    ("PyTorch", "pie torch"),
    ("QLoRA", "Q lora"),
    ("RAG", "rag"),
    ("RAM", "ram"),
    ("ReLU", "ray loo"),
    ("RoBERTa", "roberta"),
    ("RoPE", "rope"),
    ("ROUGE", "rouge"),
    ("SHAP", "shap"),
    ("SQL", "sequel"),
    ("SQuAD", "squad"),
    ("SwiGLU", "swiglu"),
    ("TensorFlow", "tensor flow"),
    ("ZeRO", "zero"),
    ("ZERO", "zero"),
    ("etc", "et cetera"),
    ("i.i.d", "I I D"),
    ("iid", "I I D"),
    ("i.e", "that is"),
    ("e.g", "for example"),
    ("numpy", "num pie"),
    ("pytorch", "pie torch"),
    ("vs", "versus"),
    ("w.r.t", "with respect to"),
    ("wrt", "with respect to"),
    ("argmax", "arg max"),
    ("argmin", "arg min"),
    ("logsumexp", "log sum exp"),
    ("softmax", "soft max"),
    ("logsoftmax", "log soft max"),
    ("bf", "B F"),
    ("fp", "F P"),
    ("kNN", "K N N"),
];

/// Ordinary words that people put in capitals to stress them.
const STRESSED: &[&str] = &[
    "AGAIN", "ALL", "ALSO", "ALWAYS", "AND", "ANY", "ARE", "AS", "AT", "BAD", "BE", "BEST", "BOTH", "BUT",
    "BY", "CAN", "DO", "DOES", "EACH", "EVEN", "EVER", "EVERY", "EXACT", "FEW", "FIRST", "FOR", "FROM",
    "GET", "GO", "GOOD", "HAS", "HAVE", "HOW", "IF", "IN", "INTO", "IS", "IT", "ITS", "JUST", "LAST", "LESS",
    "MAX", "MAY", "MIN", "MORE", "MOST", "MUST", "NEVER", "NEW", "NO", "NONE", "NOT", "NOW", "OF", "OFF",
    "OLD", "ON", "ONCE", "ONE", "ONLY", "OR", "OUT", "OVER", "SAME", "SET", "SO", "SOME", "STILL", "SUM",
    "TEST", "THAN", "THAT", "THE", "THEM", "THEN", "THERE", "THESE", "THEY", "THIS", "TIME", "TO", "TOO",
    "TRAIN", "TRUE", "TWO", "UP", "USE", "VERY", "WAS", "WE", "WELL", "WHAT", "WHEN", "WHERE", "WHICH",
    "WHO", "WHY", "WILL", "WITH", "YES", "YOU", "YOUR",
];

/// Signs that are said with words of their own, wherever they stand.
const SIGNS: &[(&str, &str)] = &[
    ("->", " to "),
    ("=>", " gives "),
    ("<=", " at most "),
    (">=", " at least "),
    ("!=", " not equal to "),
    ("==", " equals "),
    ("\u{2192}", " to "),
    ("\u{2264}", " at most "),
    ("\u{2265}", " at least "),
    ("\u{2260}", " not equal to "),
    ("\u{2248}", " about "),
    ("\u{00d7}", " times "),
    ("\u{00b7}", " times "),
    ("\u{00f7}", " divided by "),
    ("\u{00b1}", " plus or minus "),
    ("\u{221e}", " infinity "),
    ("\u{221a}", " square root of "),
    ("\u{2211}", " sum of "),
    ("\u{2202}", " partial "),
    ("\u{2207}", " gradient of "),
    ("\u{00b2}", " squared "),
    ("\u{00b3}", " cubed "),
    ("\u{2019}", "'"),
    ("\u{2018}", "'"),
    ("\u{201c}", "\""),
    ("\u{201d}", "\""),
    ("\u{2026}", ", "),
    ("\u{2212}", "-"),
    ("\u{2014}", " - "),
    ("\u{03b1}", " alpha "),
    ("\u{03b2}", " beta "),
    ("\u{03b3}", " gamma "),
    ("\u{03b4}", " delta "),
    ("\u{0394}", " delta "),
    ("\u{03b5}", " epsilon "),
    ("\u{03b7}", " eta "),
    ("\u{03b8}", " theta "),
    ("\u{03bb}", " lambda "),
    ("\u{03bc}", " mu "),
    ("\u{03c0}", " pi "),
    ("\u{03c1}", " rho "),
    ("\u{03c3}", " sigma "),
    ("\u{03a3}", " sigma "),
    ("\u{03c4}", " tau "),
    ("\u{03c6}", " phi "),
    ("\u{03c9}", " omega "),
    ("\u{00b5}", " mu "),
];

/// The text as people say it, for a voice that reads English: abbreviations spelled or said as words,
/// formulas in words, no marks of Markdown. Never empty where the text is not.
#[must_use]
pub fn speakable(text: &str) -> String {
    let mut written: String = text.chars().filter(|&c| c != '`').collect();
    for (sign, words) in SIGNS {
        written = written.replace(sign, words);
    }
    written = written.replace("**", "");
    let words: Vec<&str> = written.split_whitespace().collect();
    let mut said: Vec<String> = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let neighbours = (index.checked_sub(1).map(|before| words[before]), words.get(index + 1).copied());
        match (sign(word, neighbours), said.last_mut()) {
            (Some(","), Some(last)) if !last.ends_with([',', '.', ';', ':', '?', '!']) => last.push(','),
            (Some(","), _) => {}
            (Some(name), _) => said.push(name.into()),
            (None, _) => said.push(word_as_said(word)),
        }
    }
    let said = said.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    if said.is_empty() { text.trim().to_owned() } else { said }
}

/// A sign that stands alone between two words; `,` is a pause.
fn sign(word: &str, neighbours: (Option<&str>, Option<&str>)) -> Option<&'static str> {
    let in_formula = match neighbours {
        (Some(before), Some(after)) => is_operand(before) && is_operand(after),
        _ => false,
    };
    Some(match word {
        "-" | "\u{2013}" if in_formula => "minus",
        "/" if in_formula => "over",
        "|" if in_formula => "given",
        "-" | "\u{2013}" | "/" | "|" | "--" | "\u{2022}" => ",",
        "*" if in_formula => "times",
        "*" => ",",
        "+" => "plus",
        "=" => "equals",
        "&" => "and",
        "<" => "less than",
        ">" => "greater than",
        "~" => "about",
        "@" => "at",
        _ => return None,
    })
}

/// What can stand in a formula: a letter, a number, a name with a digit, an index or an argument.
fn is_operand(word: &str) -> bool {
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    bare.chars().count() == 1 || bare.chars().any(|c| c.is_ascii_digit()) || word.contains(['(', '_', '^'])
}

/// One word between spaces, with the marks around it.
fn word_as_said(word: &str) -> String {
    let start =
        word.find(|c: char| !matches!(c, '(' | '[' | '{' | '"' | '\'' | '*' | '_')).unwrap_or(word.len());
    let opening: String = word[..start].chars().filter(|&c| c == '(').collect();
    let rest = &word[start..];
    // A bracket that belongs to the word, as in `f(x)`, is not a mark around it.
    let end = rest
        .char_indices()
        .rev()
        .take_while(|&(at, c)| match c {
            ')' => !rest[..at].contains('('),
            ']' | '}' | '"' | '\'' | '*' | '_' | '.' | ',' | ';' | ':' | '?' | '!' => true,
            _ => false,
        })
        .last()
        .map_or(rest.len(), |(at, _)| at);
    let closing: String =
        rest[end..].chars().filter(|c| matches!(c, ')' | '.' | ',' | ';' | ':' | '?' | '!')).collect();
    // The last dot of `e.g.` belongs to it, and is no end of a sentence.
    let closing = match &rest[..end] {
        "e.g" | "i.e" | "vs" | "w.r.t" | "i.i.d" | "etc" => closing.trim_start_matches('.'),
        _ => &closing,
    };
    format!("{opening}{}{closing}", inside(&rest[..end]))
}

/// A word without marks around it: its parts and the signs between them.
fn inside(word: &str) -> String {
    if let Some(said) = known(word) {
        return said.into();
    }
    match word {
        "C++" => return "C plus plus".into(),
        "C#" => return "C sharp".into(),
        _ => {}
    }
    let mut said = String::new();
    let mut part = String::new();
    let characters: Vec<char> = word.chars().collect();
    let is_digit = |index: Option<usize>| {
        index.and_then(|index| characters.get(index)).is_some_and(char::is_ascii_digit)
    };
    let is_letter = |index: Option<usize>| {
        index.and_then(|index| characters.get(index)).is_some_and(|c| c.is_alphabetic())
    };
    let mut index = 0;
    while index < characters.len() {
        let (before, after) = (index.checked_sub(1), Some(index + 1));
        let words = match characters[index] {
            '-' | '\u{2013}' if before.is_none() || !(is_digit(before) || is_letter(before)) => " minus ",
            // 1e-5
            '-' if is_digit(after)
                && part.strip_suffix('e').is_some_and(|n| n.ends_with(|c: char| c.is_ascii_digit())) =>
            {
                part.pop();
                " e minus "
            }
            '-' | '\u{2013}' if is_digit(before) && is_digit(after) => " to ",
            // A hyphen between words is for the voice; around an abbreviation it is a space.
            '-' if is_plain(&part) && is_plain_after(&characters[index + 1..]) => "-",
            '-' | '\u{2013}' | '_' => " ",
            '/' if is_digit(before) && is_digit(after) => " over ",
            // A/B, I/O: with a space an A would be read as the article.
            '/' if part.len() == 1 && !is_letter(Some(index + 2)) => "-",
            '/' => " ",
            '@' => " at ",
            '&' => " and ",
            '=' => " equals ",
            '+' => " plus ",
            '<' => " less than ",
            '>' => " greater than ",
            '|' => " given ",
            '~' => " about ",
            '%' => " percent ",
            '*' => " times ",
            '^' => match characters.get(index + 1) {
                Some('2') if !is_digit(Some(index + 2)) => {
                    index += 1;
                    " squared "
                }
                Some('3') if !is_digit(Some(index + 2)) => {
                    index += 1;
                    " cubed "
                }
                Some('T') if !is_letter(Some(index + 2)) => {
                    index += 1;
                    " transpose "
                }
                _ => " to the power of ",
            },
            '(' if is_letter(before) && characters.get(index + 1) != Some(&')') => " of ",
            '(' | ')' | '[' | ']' | '{' | '}' | '\\' | '"' => " ",
            ',' if is_digit(before) && is_digit(after) => "",
            other => {
                part.push(other);
                index += 1;
                continue;
            }
        };
        said.push_str(&name(&part));
        part.clear();
        said.push_str(words);
        index += 1;
    }
    said.push_str(&name(&part));
    said
}

/// An ordinary word in small letters, which keeps its hyphens.
fn is_plain(part: &str) -> bool {
    part.chars().count() > 1
        && part.chars().skip(1).all(|c| c.is_lowercase() || c == '\'')
        && known(part).is_none()
}

fn is_plain_after(rest: &[char]) -> bool {
    let part: String = rest.iter().take_while(|c| c.is_alphanumeric()).collect();
    is_plain(&part)
}

/// A name without signs: letters, digits, dots.
fn name(part: &str) -> String {
    if let Some(said) = known(part) {
        return said.into();
    }
    for plural in ["'s", "\u{2019}s", "s"] {
        if let Some(singular) = part.strip_suffix(plural).filter(|singular| is_abbreviation(singular)) {
            return match known(singular) {
                Some(said) => format!("{said}{plural}"),
                // Voices say `L L Ms` with an S of its own.
                None => format!("{}'s", spelled(singular)),
            };
        }
    }
    if is_abbreviation(part) {
        return spelled(part);
    }
    let digits_at = part.find(|c: char| c.is_ascii_digit());
    let letters_at = part.find(|c: char| c.is_alphabetic());
    match (letters_at, digits_at) {
        // F1, BM25, int8
        (Some(0), Some(at)) => {
            let (letters, digits) = part.split_at(at);
            let letters =
                if letters.chars().all(char::is_uppercase) { spelled(letters) } else { name(letters) };
            format!("{letters} {digits}")
        }
        // 10x, 7B, 80GB
        (Some(at), Some(0)) if part[at..].chars().all(char::is_alphabetic) => {
            let (number, unit) = part.split_at(at);
            let unit = match unit {
                "x" => "times".into(),
                "k" | "K" => "thousand".into(),
                "M" => "million".into(),
                "B" => "billion".into(),
                "GB" => "gigabytes".into(),
                "MB" => "megabytes".into(),
                "TB" => "terabytes".into(),
                "ms" => "milliseconds".into(),
                // 1980s, 1st, 2nd
                "s" | "st" | "nd" | "rd" | "th" => return part.into(),
                unit => name(unit),
            };
            format!("{number} {unit}")
        }
        _ => part.into(),
    }
}

fn known(word: &str) -> Option<&'static str> {
    SAID.iter().find(|(written, _)| *written == word).map(|(_, said)| *said)
}

/// Two to five capitals that are no stressed word.
fn is_abbreviation(word: &str) -> bool {
    (2..=5).contains(&word.len()) && word.chars().all(|c| c.is_ascii_uppercase()) && !STRESSED.contains(&word)
}

/// Letter by letter. An A at the start would be read as the article.
fn spelled(letters: &str) -> String {
    let spaced = letters.chars().map(String::from).collect::<Vec<_>>().join(" ");
    match spaced.strip_prefix("A ") {
        Some(rest) => format!("A-{rest}"),
        None => spaced,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_said_as_people_say_it() {
        for (written, said) in [
            ("Why does the gradient simplify to `p - y`?", "Why does the gradient simplify to p minus y?"),
            (
                "Explain why logistic regression uses cross-entropy instead of MSE.",
                "Explain why logistic regression uses cross-entropy instead of M S E.",
            ),
            ("hurts exact match on downstream QA. How", "hurts exact match on downstream Q A. How"),
            (
                "Design a small RAG experiment for factual QA.",
                "Design a small rag experiment for factual Q A.",
            ),
            ("What bug would produce NaNs here?", "What bug would produce nans here?"),
            ("returning NaN losses", "returning nan losses"),
            ("fit a larger LLM training run", "fit a larger L L M training run"),
            ("FSDP / ZeRO intuition", "F S D P, zero intuition"),
            ("on one GPU rank?", "on one G P U rank?"),
            ("two GPUs, the LLM's weights", "two G P U's, the L L M's weights"),
            ("Why might better Recall@10 not help?", "Why might better Recall at 10 not help?"),
            ("is only 0.2 points?", "is only 0.2 points?"),
            ("Implement masked softmax for attention.", "Implement masked soft max for attention."),
            ("retrieval-side or generation-side?", "retrieval-side or generation-side?"),
            ("inspect activation/gradient ranges", "inspect activation gradient ranges"),
            ("check `log`, `exp`, division", "check log, exp, division"),
            ("confidence / ambiguity if overlap is high", "confidence, ambiguity if overlap is high"),
            ("lower batch size + gradient accumulation", "lower batch size plus gradient accumulation"),
            ("An O(n^2) loop over x_i", "An O of n squared loop over x i"),
            ("maximise p(y|x) with lr=3e-4", "maximise p of y given x with lr equals 3 e minus 4"),
            ("an A/B test of an API", "an A-B test of an A-P I"),
            ("the ROC AUC and the F1-score", "the R O C A-U C and the F 1 score"),
            ("GPT-4 with a TF-IDF or k-NN baseline", "G P T 4 with a T F I D F or k N N baseline"),
            ("fp16, bf16 and int8", "F P 16, B F 16 and int 8"),
            ("between 2-3 layers, -1 or 10x more", "between 2 to 3 layers, minus 1 or 10 times more"),
            ("Do NOT use ALL features", "Do NOT use ALL features"),
            ("e.g. Adam (or SGD), i.e. an optimizer", "for example Adam (or S G D), that is an optimizer"),
            ("bias vs. variance w.r.t. \u{03b8}", "bias versus variance with respect to theta"),
            ("why \u{2014} and when \u{2014} it fails", "why, and when, it fails"),
            ("**Never** `log_softmax` twice", "Never log soft max twice"),
            ("I/O and input/output", "I-O and input output"),
            ("C++ or C#?", "C plus plus or C sharp?"),
            ("50% of 1,000,000 rows", "50 percent of 1000000 rows"),
            ("x - 1 < 2 * y", "x minus 1 less than 2 times y"),
            ("call `model.fit()` first", "call model.fit first"),
            ("in the 1980s, the 2nd", "in the 1980s, the 2nd"),
        ] {
            assert_eq!(speakable(written), said, "{written}");
        }
    }

    #[test]
    fn what_is_prose_stays_as_it_is() {
        for text in [
            "You have two arrays from two distributions and a new scalar value. How do you decide which source it most likely came from?",
            "What if train is fine but validation is broken?",
            "It's \u{fc}ber-simple, isn't it?",
        ] {
            assert_eq!(speakable(text), text);
        }
    }

    #[test]
    fn nothing_breaks_it_and_nothing_falls_silent() {
        for text in [
            "-",
            "`",
            "()",
            "*",
            "__",
            "\u{2014}",
            "e-",
            "^",
            "a^",
            "-e-5",
            "\u{1f600}",
            "(((",
            "x-",
            "'s",
            "\u{e9}s",
        ] {
            assert!(!speakable(text).is_empty(), "{text}");
        }
        assert_eq!(speakable("  "), "");
    }
}
