//! The ggml form of a whisper model: what must be in the file, in which order, and whether it is.
//!
//! The layout is whisper.cpp's: magic, eleven hyperparameters, the mel filters, the vocabulary, then
//! the tensors, each with its own small header. All numbers are little endian.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use super::{ModelError, mel};

/// `ggml` read as a number.
const MAGIC: u32 = 0x6767_6d6c;
/// Tokens that stand in the file: GPT-2's own and the end of text. The others whisper.cpp numbers itself.
pub(super) const WRITTEN_TOKENS: usize = 50_257;
/// Vocabulary sizes: English only, multilingual, and multilingual with Cantonese (large-v3).
const VOCABULARIES: [u32; 3] = [51_864, 51_865, 51_866];
/// Encoder positions: 30 s in steps of 20 ms.
const AUDIO_CONTEXT: u32 = 1_500;
/// More than any whisper model has; keeps sums of sizes far from overflow.
const MOST_LAYERS: u32 = 64;
const WIDEST_STATE: u32 = 8_192;
const MOST_TEXT: u32 = 4_096;
/// The longest token in whisper's vocabularies has 128 bytes.
const LONGEST_TOKEN: u32 = 1_024;

/// What the head of the file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hyperparameters {
    /// Tokens the decoder knows: 51,864 for English only, more for many languages.
    pub vocabulary: u32,
    /// Encoder positions in 30 s.
    pub audio_context: u32,
    /// Width of the encoder.
    pub audio_state: u32,
    /// Attention heads in an encoder layer.
    pub audio_heads: u32,
    /// Layers of the encoder.
    pub audio_layers: u32,
    /// Decoder positions.
    pub text_context: u32,
    /// Width of the decoder.
    pub text_state: u32,
    /// Attention heads in a decoder layer.
    pub text_heads: u32,
    /// Layers of the decoder.
    pub text_layers: u32,
    /// Mel bands: 80, or 128 from large-v3 on.
    pub mel_bands: u32,
    /// How weights are stored: 0 `f32`, 1 `f16`, others quantised; thousands are a format version.
    pub file_type: u32,
}

impl Hyperparameters {
    /// Whether the model writes down languages other than English.
    pub fn is_multilingual(&self) -> bool {
        self.vocabulary > VOCABULARIES[0]
    }

    fn numbers(&self) -> [u32; 11] {
        [
            self.vocabulary,
            self.audio_context,
            self.audio_state,
            self.audio_heads,
            self.audio_layers,
            self.text_context,
            self.text_state,
            self.text_heads,
            self.text_layers,
            self.mel_bands,
            self.file_type,
        ]
    }

    /// Whether whisper.cpp can make something of these; what is odd about them if not.
    pub(super) fn check(&self) -> Result<(), String> {
        let fault = |what: &str, value: u32| Err(format!("it says it has {value} {what}"));
        if !VOCABULARIES.contains(&self.vocabulary) {
            return fault("tokens in its vocabulary, which no whisper model has", self.vocabulary);
        }
        if self.audio_context != AUDIO_CONTEXT {
            return fault("encoder positions instead of 1,500", self.audio_context);
        }
        if !(1..=MOST_TEXT).contains(&self.text_context) {
            return fault("decoder positions", self.text_context);
        }
        if !(1..=WIDEST_STATE).contains(&self.audio_state) || self.text_state != self.audio_state {
            return Err(format!(
                "it says its layers are {} and {} wide, which no whisper model is",
                self.audio_state, self.text_state
            ));
        }
        for heads in [self.audio_heads, self.text_heads] {
            if heads == 0 || !self.audio_state.is_multiple_of(heads) {
                return fault("attention heads, which do not divide its width", heads);
            }
        }
        for layers in [self.audio_layers, self.text_layers] {
            if !(1..=MOST_LAYERS).contains(&layers) {
                return fault("layers", layers);
            }
        }
        if ![80, 128].contains(&self.mel_bands) {
            return fault("mel bands instead of 80 or 128", self.mel_bands);
        }
        Ok(())
    }

    /// Every tensor the file must hold, in the order of the published files.
    pub(super) fn tensors(&self) -> Vec<Tensor> {
        let mut tensors = Vec::new();
        let mut add = |name: String, role: Role, dimensions: &[u32]| {
            tensors.push(Tensor { name, role, dimensions: dimensions.to_vec() });
        };
        let (state, mels) = (self.audio_state, self.mel_bands);

        add("encoder.positional_embedding".into(), Role::Exact, &[state, self.audio_context]);
        add("encoder.conv1.weight".into(), Role::Convolution, &[3, mels, state]);
        add("encoder.conv1.bias".into(), Role::Exact, &[1, state]);
        add("encoder.conv2.weight".into(), Role::Convolution, &[3, state, state]);
        add("encoder.conv2.bias".into(), Role::Exact, &[1, state]);
        for layer in 0..self.audio_layers {
            let block = format!("encoder.blocks.{layer}");
            attention(&mut add, &format!("{block}.attn"), state);
            perceptron(&mut add, &block, state);
        }
        add("encoder.ln_post.weight".into(), Role::Exact, &[state]);
        add("encoder.ln_post.bias".into(), Role::Exact, &[state]);

        add("decoder.positional_embedding".into(), Role::Exact, &[state, self.text_context]);
        add("decoder.token_embedding.weight".into(), Role::Matrix, &[state, self.vocabulary]);
        for layer in 0..self.text_layers {
            let block = format!("decoder.blocks.{layer}");
            attention(&mut add, &format!("{block}.attn"), state);
            attention(&mut add, &format!("{block}.cross_attn"), state);
            perceptron(&mut add, &block, state);
        }
        add("decoder.ln.weight".into(), Role::Exact, &[state]);
        add("decoder.ln.bias".into(), Role::Exact, &[state]);
        tensors
    }
}

fn attention(add: &mut impl FnMut(String, Role, &[u32]), prefix: &str, state: u32) {
    for part in ["query", "key", "value", "out"] {
        add(format!("{prefix}.{part}.weight"), Role::Matrix, &[state, state]);
        if part != "key" {
            add(format!("{prefix}.{part}.bias"), Role::Exact, &[state]);
        }
    }
    add(format!("{prefix}_ln.weight"), Role::Exact, &[state]);
    add(format!("{prefix}_ln.bias"), Role::Exact, &[state]);
}

fn perceptron(add: &mut impl FnMut(String, Role, &[u32]), block: &str, state: u32) {
    add(format!("{block}.mlp.0.weight"), Role::Matrix, &[state, 4 * state]);
    add(format!("{block}.mlp.0.bias"), Role::Exact, &[4 * state]);
    add(format!("{block}.mlp.2.weight"), Role::Matrix, &[4 * state, state]);
    add(format!("{block}.mlp.2.bias"), Role::Exact, &[state]);
    add(format!("{block}.mlp_ln.weight"), Role::Exact, &[state]);
    add(format!("{block}.mlp_ln.bias"), Role::Exact, &[state]);
}

/// What decides how a tensor's numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Always `f32`.
    Exact,
    /// `f16`, quantised or not; `f32` only where everything is.
    Convolution,
    /// As the file type says.
    Matrix,
}

/// One tensor of the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tensor {
    pub(super) name: String,
    pub(super) role: Role,
    /// Fastest first, as they stand in the file.
    pub(super) dimensions: Vec<u32>,
}

impl Tensor {
    pub(super) fn elements(&self) -> u64 {
        self.dimensions.iter().map(|&dimension| u64::from(dimension)).product()
    }

    /// Writes the tensor's header; its numbers follow.
    pub(super) fn write_header(&self, output: &mut dyn Write, storage: Storage) -> io::Result<()> {
        write_number(output, self.dimensions.len() as u32)?;
        write_number(output, self.name.len() as u32)?;
        write_number(output, storage.id)?;
        for &dimension in &self.dimensions {
            write_number(output, dimension)?;
        }
        output.write_all(self.name.as_bytes())
    }
}

/// How numbers are stored: blocks of `elements` take `bytes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Storage {
    id: u32,
    elements: u64,
    bytes: u64,
}

impl Storage {
    pub(super) const F32: Self = Self { id: 0, elements: 1, bytes: 4 };
    pub(super) const F16: Self = Self { id: 1, elements: 1, bytes: 2 };

    /// What the file type (`ggml_ftype`) means for matrices: `ggml.h` and its block structures.
    fn of_file_type(file_type: u32) -> Option<Self> {
        let quantised = |id, elements, bytes| Some(Self { id, elements, bytes });
        match file_type % 1_000 {
            0 => Some(Self::F32),
            1 => Some(Self::F16),
            2 => quantised(2, 32, 18),     // q4_0
            3 => quantised(3, 32, 20),     // q4_1
            7 => quantised(8, 32, 34),     // q8_0
            8 => quantised(6, 32, 22),     // q5_0
            9 => quantised(7, 32, 24),     // q5_1
            10 => quantised(10, 256, 84),  // q2_K
            11 => quantised(11, 256, 110), // q3_K
            12 => quantised(12, 256, 144), // q4_K
            13 => quantised(13, 256, 176), // q5_K
            14 => quantised(14, 256, 210), // q6_K
            _ => None,
        }
    }

    fn for_role(self, role: Role) -> Self {
        match role {
            Role::Exact => Self::F32,
            Role::Convolution if self == Self::F32 => Self::F32,
            Role::Convolution => Self::F16,
            Role::Matrix => self,
        }
    }

    /// Bytes for so many elements, if they fill whole blocks.
    fn size(self, elements: u64) -> Option<u64> {
        elements.is_multiple_of(self.elements).then(|| elements / self.elements * self.bytes)
    }
}

fn write_number(output: &mut dyn Write, number: u32) -> io::Result<()> {
    output.write_all(&number.to_le_bytes())
}

/// Writes everything that stands before the tensors.
pub(super) fn write_head(
    output: &mut dyn Write,
    parameters: &Hyperparameters,
    tokens: &[Vec<u8>],
) -> io::Result<()> {
    write_number(output, MAGIC)?;
    for number in parameters.numbers() {
        write_number(output, number)?;
    }
    write_number(output, parameters.mel_bands)?;
    write_number(output, mel::BINS as u32)?;
    for weight in mel::filters(parameters.mel_bands as usize) {
        output.write_all(&weight.to_le_bytes())?;
    }
    write_number(output, tokens.len() as u32)?;
    for token in tokens {
        write_number(output, token.len() as u32)?;
        output.write_all(token)?;
    }
    Ok(())
}

/// Whether a file is a whole whisper model in ggml form: its head, its vocabulary, and every tensor
/// with its name, shape and length to the last byte. The weights themselves are skipped, so that
/// this takes a few milliseconds whatever the size.
///
/// whisper.cpp itself believes most of what it reads: call this before it opens a file.
///
/// # Errors
/// [`ModelError::Read`] where the file cannot be read, [`ModelError::NotAModel`] with the reason.
pub fn check_ggml(path: &Path) -> Result<Hyperparameters, ModelError> {
    let read = |source| ModelError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(read)?;
    let metadata = file.metadata().map_err(read)?;
    if metadata.is_dir() {
        return Err(ModelError::not_a_model(path, "it is a folder"));
    }
    let mut reader = Reader { input: BufReader::new(file), left: metadata.len() };
    check(&mut reader).map_err(|flaw| match flaw {
        Flaw::Io(source) => read(source),
        Flaw::Content(reason) => ModelError::not_a_model(path, reason),
    })
}

/// Why reading stopped.
enum Flaw {
    Io(io::Error),
    Content(String),
}

impl From<io::Error> for Flaw {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<String> for Flaw {
    fn from(reason: String) -> Self {
        Self::Content(reason)
    }
}

/// A file of known length.
struct Reader {
    input: BufReader<File>,
    left: u64,
}

impl Reader {
    fn claim(&mut self, bytes: u64, what: &str) -> Result<(), Flaw> {
        self.left = self
            .left
            .checked_sub(bytes)
            .ok_or_else(|| Flaw::Content(format!("the file is cut off in the middle of {what}")))?;
        Ok(())
    }

    fn number(&mut self, what: &str) -> Result<u32, Flaw> {
        self.claim(4, what)?;
        let mut bytes = [0; 4];
        self.input.read_exact(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn bytes(&mut self, count: u32, what: &str) -> Result<Vec<u8>, Flaw> {
        self.claim(u64::from(count), what)?;
        let mut bytes = vec![0; count as usize];
        self.input.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn skip(&mut self, count: u64, what: &str) -> Result<(), Flaw> {
        self.claim(count, what)?;
        self.input.seek_relative(count as i64)?;
        Ok(())
    }
}

fn check(reader: &mut Reader) -> Result<Hyperparameters, Flaw> {
    let foreign = || Flaw::Content("it does not begin as a ggml file does".into());
    if reader.left < 4 || reader.number("its first four bytes")? != MAGIC {
        return Err(foreign());
    }
    let mut numbers = [0; 11];
    for number in &mut numbers {
        *number = reader.number("its head")?;
    }
    let [
        vocabulary,
        audio_context,
        audio_state,
        audio_heads,
        audio_layers,
        text_context,
        text_state,
        text_heads,
        text_layers,
        mel_bands,
        file_type,
    ] = numbers;
    let parameters = Hyperparameters {
        vocabulary,
        audio_context,
        audio_state,
        audio_heads,
        audio_layers,
        text_context,
        text_state,
        text_heads,
        text_layers,
        mel_bands,
        file_type,
    };
    parameters.check()?;
    let storage = Storage::of_file_type(file_type)
        .ok_or_else(|| format!("its weights are stored in a way that is unknown here (type {file_type})"))?;

    let (bands, bins) = (reader.number("its mel filters")?, reader.number("its mel filters")?);
    if (bands, bins) != (mel_bands, mel::BINS as u32) {
        return Err(
            format!("its mel filters are {bands} x {bins} instead of {mel_bands} x {}", mel::BINS).into()
        );
    }
    reader.skip(u64::from(bands) * u64::from(bins) * 4, "its mel filters")?;

    let tokens = reader.number("its vocabulary")?;
    // The end of text is left out in some early English files.
    if !(WRITTEN_TOKENS as u32 - 1..=vocabulary).contains(&tokens) {
        return Err(format!("its vocabulary has {tokens} words").into());
    }
    for _ in 0..tokens {
        let length = reader.number("its vocabulary")?;
        if length > LONGEST_TOKEN {
            return Err(format!("its vocabulary has a word of {length} bytes").into());
        }
        reader.skip(u64::from(length), "its vocabulary")?;
    }
    check_tensors(reader, &parameters, storage)?;
    Ok(parameters)
}

fn check_tensors(reader: &mut Reader, parameters: &Hyperparameters, storage: Storage) -> Result<(), Flaw> {
    let mut missing: HashMap<String, Tensor> =
        parameters.tensors().into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect();
    let longest_name = missing.keys().map(String::len).max().unwrap_or(0) as u32;
    while reader.left > 0 {
        let rank = reader.number("a tensor")?;
        let name_length = reader.number("a tensor")?;
        let storage_id = reader.number("a tensor")?;
        if !(1..=3).contains(&rank) || name_length > longest_name {
            return Err(Flaw::Content("something that is no tensor follows its vocabulary".into()));
        }
        let mut dimensions = Vec::new();
        for _ in 0..rank {
            dimensions.push(reader.number("a tensor")?);
        }
        let name = reader.bytes(name_length, "a tensor")?;
        let name = String::from_utf8_lossy(&name).into_owned();
        let Some(tensor) = missing.remove(&name) else {
            return Err(format!(
                "it has a tensor `{}` that a whisper model of its size has not",
                name.escape_debug()
            )
            .into());
        };
        let expected = storage.for_role(tensor.role);
        if dimensions != tensor.dimensions || storage_id != expected.id {
            return Err(format!("its tensor `{name}` has the wrong shape").into());
        }
        let size = expected
            .size(tensor.elements())
            .ok_or_else(|| format!("its tensor `{name}` does not divide into the blocks it is stored in"))?;
        reader.skip(size, &format!("the tensor `{name}`"))?;
    }
    match missing.into_keys().min() {
        None => Ok(()),
        Some(name) => Err(format!("the file is cut off: the tensor `{name}` is missing").into()),
    }
}
