//! How long judging an answer takes: `cargo bench --bench assess`.
//!
//! The target is 5 ms for a spoken answer of two minutes (about 300 words).

#![allow(clippy::unwrap_used, missing_docs)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use vivavoce::coverage::{WordsAlone, assess};
use vivavoce::loops::Library;
use vivavoce::transcript::Transcript;

const CORPUS: &str = include_str!("../tests/fixtures/corpus/dev.jsonl");

/// The corpus's answers to the systems question, repeated up to a number of words.
fn answer(words: usize) -> Transcript {
    let texts: Vec<String> = CORPUS
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|answer| answer["loop"] == 6)
        .map(|answer| answer["text"].as_str().unwrap().to_owned())
        .collect();
    let all: Vec<&str> = texts.iter().flat_map(|text| text.split_whitespace()).cycle().take(words).collect();
    Transcript::typed(&all.join(" "))
}

fn benches(criterion: &mut Criterion) {
    let library = Library::built_in().unwrap();
    let question = &library.get("systems").unwrap().content.question;
    let mut group = criterion.benchmark_group("assess");
    for words in [30, 300, 5_000, 50_000] {
        let transcript = answer(words);
        group.throughput(Throughput::Elements(words as u64));
        group.bench_function(BenchmarkId::from_parameter(words), |bencher| {
            bencher.iter(|| assess(question, &transcript, &WordsAlone));
        });
    }
    group.finish();
}

criterion_group!(assessing, benches);
criterion_main!(assessing);
