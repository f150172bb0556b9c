//! Comparing what was heard with what was said.

#![allow(dead_code)]

/// The words in lower case, without punctuation; hyphens part words.
pub fn words(text: &str) -> Vec<String> {
    // "M.S.E." is one word.
    text.replace(". ", " ")
        .replace('.', "")
        .split(|letter: char| !letter.is_alphanumeric() && letter != '\'')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// The word error rate: the least number of words to replace, leave out or put in, over the number of
/// words that were said.
pub fn word_error_rate(said: &str, heard: &str) -> f64 {
    let (said, heard) = (words(said), words(heard));
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (index, word) in said.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for column in 1..row.len() {
            let replaced = diagonal + usize::from(*word != heard[column - 1]);
            diagonal = row[column];
            row[column] = replaced.min(row[column] + 1).min(row[column - 1] + 1);
        }
    }
    row[heard.len()] as f64 / said.len().max(1) as f64
}
