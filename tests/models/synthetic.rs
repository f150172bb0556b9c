//! Whisper models of a few hundred kilobytes that say nothing: every number is known beforehand.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use half::{bf16, f16};

/// Width of the model.
pub const STATE: u32 = 8;
/// Decoder positions.
pub const TEXT_CONTEXT: u32 = 16;
/// Tokens that a ggml file spells out.
pub const WRITTEN_TOKENS: usize = 50_257;

/// How weights are stored in `model.bin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    F32,
    F16,
    Bf16,
    /// Bytes with a scale for each row; biases and norms in f32.
    I8,
}

/// What the model looks like.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub vocabulary: u32,
    pub mel_bands: u32,
    pub audio_layers: u32,
    pub text_layers: u32,
    pub numbers: Numbers,
}

impl Shape {
    /// English, 80 bands, as the small published models.
    pub const ENGLISH: Self =
        Self { vocabulary: 51_864, mel_bands: 80, audio_layers: 2, text_layers: 1, numbers: Numbers::F16 };
}

/// The number at `index` of the variable `name`: a small whole number, exact in every storage.
pub fn number(name: &str, index: usize) -> f32 {
    let seed = name.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    let mixed = seed.wrapping_add(index as u32).wrapping_mul(2_654_435_761) >> 16;
    (mixed % 255) as f32 - 127.0
}

/// The scale of a row in [`Numbers::I8`]; powers of two divide exactly.
pub fn scale(row: usize) -> f32 {
    [1.0, 2.0, 4.0][row % 3]
}

/// All weights as CTranslate2 names them, with their shapes, slowest dimension first.
pub fn variables(shape: &Shape) -> Vec<(String, Vec<u32>)> {
    let state = STATE;
    let mut variables: Vec<(String, Vec<u32>)> = Vec::new();
    let mut add = |name: String, dimensions: &[u32]| variables.push((name, dimensions.to_vec()));
    let norm = |add: &mut dyn FnMut(String, &[u32]), prefix: &str| {
        add(format!("{prefix}/beta"), &[state]);
        add(format!("{prefix}/gamma"), &[state]);
    };
    let linear = |add: &mut dyn FnMut(String, &[u32]), prefix: String, rows: u32, columns: u32| {
        add(format!("{prefix}/bias"), &[rows]);
        add(format!("{prefix}/weight"), &[rows, columns]);
    };
    add("encoder/position_encodings/encodings".into(), &[1_500, state]);
    add("encoder/conv1/bias".into(), &[state]);
    add("encoder/conv1/weight".into(), &[state, shape.mel_bands, 3]);
    add("encoder/conv2/bias".into(), &[state]);
    add("encoder/conv2/weight".into(), &[state, state, 3]);
    norm(&mut add, "encoder/layer_norm");
    add("decoder/position_encodings/encodings".into(), &[TEXT_CONTEXT, state]);
    add("decoder/embeddings/weight".into(), &[shape.vocabulary, state]);
    norm(&mut add, "decoder/layer_norm");
    for (side, layers) in [("encoder", shape.audio_layers), ("decoder", shape.text_layers)] {
        for layer in 0..layers {
            let layer = format!("{side}/layer_{layer}");
            linear(&mut add, format!("{layer}/self_attention/linear_0"), 3 * state, state);
            linear(&mut add, format!("{layer}/self_attention/linear_1"), state, state);
            norm(&mut add, &format!("{layer}/self_attention/layer_norm"));
            if side == "decoder" {
                linear(&mut add, format!("{layer}/attention/linear_0"), state, state);
                linear(&mut add, format!("{layer}/attention/linear_1"), 2 * state, state);
                linear(&mut add, format!("{layer}/attention/linear_2"), state, state);
                norm(&mut add, &format!("{layer}/attention/layer_norm"));
            }
            linear(&mut add, format!("{layer}/ffn/linear_0"), 4 * state, state);
            linear(&mut add, format!("{layer}/ffn/linear_1"), state, 4 * state);
            norm(&mut add, &format!("{layer}/ffn/layer_norm"));
        }
    }
    variables
}

/// The bytes of a `model.bin`.
pub fn model_bin(shape: &Shape) -> Vec<u8> {
    let mut table: Vec<(String, Vec<u32>, u8, Vec<u8>)> = vec![
        ("encoder/num_heads".into(), vec![], 2, 2_i16.to_le_bytes().to_vec()),
        ("decoder/num_heads".into(), vec![], 2, 2_i16.to_le_bytes().to_vec()),
        ("decoder/pre_norm".into(), vec![], 1, vec![1]),
    ];
    for (name, dimensions) in variables(shape) {
        let count = dimensions.iter().product::<u32>() as usize;
        let numbers: Vec<f32> = (0..count).map(|index| number(&name, index)).collect();
        let numbers = numbers.into_iter();
        let is_matrix = dimensions.len() > 1 && name.ends_with("weight");
        match shape.numbers {
            Numbers::F16 => {
                let bytes = numbers.flat_map(|number| f16::from_f32(number).to_le_bytes()).collect();
                table.push((name, dimensions, 4, bytes));
            }
            Numbers::Bf16 => {
                let bytes = numbers.flat_map(|number| bf16::from_f32(number).to_le_bytes()).collect();
                table.push((name, dimensions, 5, bytes));
            }
            Numbers::I8 if is_matrix => {
                let rows = dimensions[0];
                let scales = (0..rows as usize).flat_map(|row| scale(row).to_le_bytes()).collect();
                table.push((format!("{name}_scale"), vec![rows], 0, scales));
                table.push((name, dimensions, 1, numbers.map(|number| number as i8 as u8).collect()));
            }
            Numbers::F32 | Numbers::I8 => {
                table.push((name, dimensions, 0, numbers.flat_map(f32::to_le_bytes).collect()));
            }
        }
    }
    let mut bytes = 6_u32.to_le_bytes().to_vec();
    text(&mut bytes, "WhisperSpec");
    bytes.extend(3_u32.to_le_bytes());
    bytes.extend((table.len() as u32).to_le_bytes());
    for (name, dimensions, kind, data) in table {
        text(&mut bytes, &name);
        bytes.push(dimensions.len() as u8);
        dimensions.iter().for_each(|dimension| bytes.extend(dimension.to_le_bytes()));
        bytes.push(kind);
        bytes.extend((data.len() as u32).to_le_bytes());
        bytes.extend(data);
    }
    bytes.extend(1_u32.to_le_bytes());
    text(&mut bytes, "decoder/projection/weight");
    text(&mut bytes, "decoder/embeddings/weight");
    bytes
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u16 + 1).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.push(0);
}

/// The written tokens as a vocabulary spells them, GPT-2's way, and the bytes they stand for.
pub fn tokens(shape: &Shape) -> Vec<(String, Vec<u8>)> {
    let end = if shape.vocabulary == 51_864 { "<|endoftext|>" } else { "" };
    (0..WRITTEN_TOKENS)
        .map(|id| match id {
            0 => ("!".to_owned(), b"!".to_vec()),
            1 => ("Ġthe".to_owned(), b" the".to_vec()),
            2 => ("Ã©".to_owned(), "é".as_bytes().to_vec()),
            3 => ("Ċ".to_owned(), b"\n".to_vec()),
            4 => ("ł".to_owned(), vec![0xa0]),
            5 => ("Ń".to_owned(), vec![0xad]),
            6 => ("ÿ".to_owned(), vec![0xff]),
            7 => ("ġ".to_owned(), vec![0x7f]),
            50_256 => (end.to_owned(), end.as_bytes().to_vec()),
            _ => (format!("w{id}"), format!("w{id}").into_bytes()),
        })
        .collect()
}

/// A `tokenizer.json` with these tokens, and one that a ggml file does not spell out.
pub fn tokenizer_json(shape: &Shape) -> String {
    let vocabulary: serde_json::Map<String, serde_json::Value> =
        tokens(shape).into_iter().zip(0..).map(|((word, _), id)| (word, id.into())).collect();
    serde_json::json!({
        "model": { "type": "BPE", "vocab": vocabulary, "merges": [] },
        "added_tokens": [{ "id": 50_257, "content": "<|startoftranscript|>", "special": true }],
    })
    .to_string()
}

/// Writes a CTranslate2 folder.
pub fn write_folder(folder: &Path, shape: &Shape) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("model.bin"), model_bin(shape)).unwrap();
    fs::write(folder.join("tokenizer.json"), tokenizer_json(shape)).unwrap();
}
