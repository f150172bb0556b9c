//! The CTranslate2 form of a whisper model: a folder with `model.bin` and the vocabulary.
//!
//! `model.bin` is, little endian: version; name and revision of the specification; the variables, each
//! with name, shape, type and numbers; then aliases, pairs of names. A string is its length in two
//! bytes, the text, and a zero byte that the length includes.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use half::slice::HalfFloatSliceExt as _;

use super::ModelError;
use super::ggml::WRITTEN_TOKENS;

/// The one version that whisper models have been written in.
const VERSION: u32 = 6;
/// The specification's name, with its zero byte.
const SPECIFICATION: &[u8] = b"WhisperSpec\0";
/// Numbers converted at a time, so that memory does not grow with the model.
const CHUNK: usize = 64 * 1024;

/// How a variable's numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    F32,
    I8,
    I16,
    I32,
    F16,
    Bf16,
}

impl Kind {
    fn of(id: u8) -> Option<Self> {
        [Self::F32, Self::I8, Self::I16, Self::I32, Self::F16, Self::Bf16].get(usize::from(id)).copied()
    }

    fn bytes(self) -> u64 {
        match self {
            Self::I8 => 1,
            Self::I16 | Self::F16 | Self::Bf16 => 2,
            Self::F32 | Self::I32 => 4,
        }
    }
}

/// Where a variable stands in the file.
#[derive(Debug, Clone)]
struct Variable {
    /// Slowest first.
    dimensions: Vec<u32>,
    kind: Kind,
    offset: u64,
}

impl Variable {
    fn elements(&self) -> u64 {
        self.dimensions.iter().map(|&dimension| u64::from(dimension)).product()
    }
}

/// An opened `model.bin`: where everything is; numbers are read when asked for.
pub(super) struct Weights {
    path: PathBuf,
    file: File,
    variables: HashMap<String, Variable>,
}

impl Weights {
    /// Reads the table of variables and checks that every byte of the file is accounted for.
    pub(super) fn open(path: &Path) -> Result<Self, ModelError> {
        let read = |source| ModelError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(read)?;
        let length = file.metadata().map_err(read)?.len();
        let variables = table(BufReader::new(&file), length).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => ModelError::not_a_model(path, "the file is cut off"),
            io::ErrorKind::InvalidData => ModelError::not_a_model(path, error.to_string()),
            _ => read(error),
        })?;
        Ok(Self { path: path.to_owned(), file, variables })
    }

    fn find(&self, name: &str) -> Result<&Variable, ModelError> {
        self.variables
            .get(name)
            .ok_or_else(|| ModelError::not_a_model(&self.path, format!("its variable `{name}` is missing")))
    }

    /// A variable's shape, slowest dimension first.
    pub(super) fn shape(&self, name: &str) -> Result<&[u32], ModelError> {
        Ok(&self.find(name)?.dimensions)
    }

    /// How many numbered layers `prefix` has (`encoder` or `decoder`).
    pub(super) fn layers(&self, prefix: &str) -> u32 {
        (0..)
            .take_while(|layer| {
                self.variables.contains_key(&format!("{prefix}/layer_{layer}/ffn/linear_0/weight"))
            })
            .count() as u32
    }

    /// A whole number that stands alone, such as the number of heads.
    pub(super) fn scalar(&self, name: &str) -> Result<u32, ModelError> {
        let variable = self.find(name)?.clone();
        let odd = || ModelError::not_a_model(&self.path, format!("its variable `{name}` is no number"));
        if variable.elements() != 1 {
            return Err(odd());
        }
        let bytes = self.bytes(variable.offset, variable.kind.bytes() as usize)?;
        let value = match (variable.kind, bytes.as_slice()) {
            (Kind::I8, &[a]) => i32::from(a as i8),
            (Kind::I16, &[a, b]) => i32::from(i16::from_le_bytes([a, b])),
            (Kind::I32, &[a, b, c, d]) => i32::from_le_bytes([a, b, c, d]),
            _ => return Err(odd()),
        };
        u32::try_from(value).map_err(|_| odd())
    }

    /// Hands `rows` of a variable (of all its first dimension) to `take`, piece by piece, as `f32`.
    /// Quantised weights are multiplied out; everything else comes as it stands.
    pub(super) fn read(
        &self,
        name: &str,
        rows: std::ops::Range<u32>,
        take: &mut dyn FnMut(&[f32]) -> Result<(), ModelError>,
    ) -> Result<(), ModelError> {
        let variable = self.find(name)?.clone();
        let row = variable.elements() / u64::from(variable.dimensions.first().copied().unwrap_or(1).max(1));
        let scales = match variable.kind {
            Kind::I8 => Some(self.scales(name)?),
            Kind::I16 | Kind::I32 => {
                return Err(ModelError::not_a_model(
                    &self.path,
                    format!("its variable `{name}` holds no weights"),
                ));
            }
            Kind::F32 | Kind::F16 | Kind::Bf16 => None,
        };
        let (mut next, end) = (u64::from(rows.start) * row, u64::from(rows.end) * row);
        let mut numbers = Vec::with_capacity(CHUNK);
        while next < end {
            let count = (end - next).min(CHUNK as u64);
            let width = variable.kind.bytes();
            let bytes = self.bytes(variable.offset + next * width, (count * width) as usize)?;
            decode(variable.kind, &bytes, &mut numbers);
            if let Some(scales) = &scales {
                for (number, index) in numbers.iter_mut().zip(next..) {
                    *number /= scales[(index / row) as usize];
                }
            }
            take(&numbers)?;
            next += count;
        }
        Ok(())
    }

    /// The scales that the rows of quantised weights were multiplied with before they were rounded.
    fn scales(&self, name: &str) -> Result<Vec<f32>, ModelError> {
        let scale_name = format!("{name}_scale");
        let variable = self.find(&scale_name)?.clone();
        let rows = u64::from(self.find(name)?.dimensions.first().copied().unwrap_or(1));
        let count = variable.elements();
        if variable.kind != Kind::F32 || count != rows {
            return Err(ModelError::not_a_model(
                &self.path,
                format!("its variable `{scale_name}` has the wrong shape"),
            ));
        }
        let bytes = self.bytes(variable.offset, (count * 4) as usize)?;
        let mut scales = Vec::new();
        decode(Kind::F32, &bytes, &mut scales);
        if scales.iter().any(|scale| !scale.is_normal()) {
            return Err(ModelError::not_a_model(
                &self.path,
                format!("its variable `{scale_name}` holds a zero"),
            ));
        }
        Ok(scales)
    }

    fn bytes(&self, offset: u64, count: usize) -> Result<Vec<u8>, ModelError> {
        let mut bytes = vec![0; count];
        let mut file = &self.file;
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|source| ModelError::Read { path: self.path.clone(), source })?;
        Ok(bytes)
    }

    /// The file's path, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn decode(kind: Kind, bytes: &[u8], numbers: &mut Vec<f32>) {
    numbers.clear();
    let pairs = || bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    match kind {
        Kind::F32 => numbers.extend(
            bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])),
        ),
        Kind::F16 => {
            let halves: Vec<half::f16> = pairs().map(half::f16::from_bits).collect();
            numbers.resize(halves.len(), 0.0);
            halves.convert_to_f32_slice(numbers);
        }
        Kind::Bf16 => numbers.extend(pairs().map(|bits| half::bf16::from_bits(bits).to_f32())),
        Kind::I8 => numbers.extend(bytes.iter().map(|&byte| f32::from(byte as i8))),
        Kind::I16 | Kind::I32 => {} // counts, never weights
    }
}

/// Reads the table of variables. `InvalidData` carries a reason for people.
fn table(mut input: impl Read + Seek, length: u64) -> io::Result<HashMap<String, Variable>> {
    let invalid = |reason: String| io::Error::new(io::ErrorKind::InvalidData, reason);
    let version = number(&mut input)?;
    let specification = if version <= 64 { text(&mut input)? } else { Vec::new() };
    if specification != SPECIFICATION {
        return Err(invalid("it is no CTranslate2 whisper model".into()));
    }
    if version != VERSION {
        return Err(invalid(format!(
            "it is a CTranslate2 model of version {version}; only {VERSION} can be read"
        )));
    }
    let _revision = number(&mut input)?;
    let count = number(&mut input)?;
    let mut variables = HashMap::new();
    for _ in 0..count {
        let name = name(&mut input)?;
        let mut dimensions = vec![0; usize::from(byte(&mut input)?)];
        for dimension in &mut dimensions {
            *dimension = number(&mut input)?;
        }
        let id = byte(&mut input)?;
        let kind = Kind::of(id)
            .ok_or_else(|| invalid(format!("its variable `{name}` has an unknown type ({id})")))?;
        let bytes = u64::from(number(&mut input)?);
        let offset = input.stream_position()?;
        let elements = dimensions
            .iter()
            .try_fold(1_u64, |product, &dimension| product.checked_mul(u64::from(dimension)));
        if elements.and_then(|elements| elements.checked_mul(kind.bytes())) != Some(bytes) {
            return Err(invalid(format!("its variable `{name}` has a size that is not its shape's")));
        }
        if offset + bytes > length {
            return Err(invalid(format!("the file is cut off in the middle of its variable `{name}`")));
        }
        input.seek(SeekFrom::Start(offset + bytes))?;
        variables.insert(name, Variable { dimensions, kind, offset });
    }
    for _ in 0..number(&mut input)? {
        let (alias, target) = (name(&mut input)?, name(&mut input)?);
        let variable = variables.get(&target).cloned().ok_or_else(|| {
            invalid(format!("its variable `{alias}` stands for `{target}`, which is missing"))
        })?;
        variables.insert(alias, variable);
    }
    match length - input.stream_position()? {
        0 => Ok(variables),
        more => Err(invalid(format!("{more} bytes too many follow its last variable"))),
    }
}

fn byte(input: &mut impl Read) -> io::Result<u8> {
    let mut byte = [0];
    input.read_exact(&mut byte)?;
    Ok(byte[0])
}

fn number(input: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    input.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

fn text(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    input.read_exact(&mut length)?;
    let mut text = vec![0; usize::from(u16::from_le_bytes(length))];
    input.read_exact(&mut text)?;
    Ok(text)
}

fn name(input: &mut impl Read) -> io::Result<String> {
    let mut text = text(input)?;
    if text.last() == Some(&0) {
        text.pop();
    }
    String::from_utf8(text)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "one of its variables has no readable name"))
}

/// The raw bytes of the tokens that a ggml file spells out, from the first of these that is there:
/// `tokenizer.json`, `vocabulary.json`, `vocabulary.txt`.
pub(super) fn tokens(folder: &Path) -> Result<Vec<Vec<u8>>, ModelError> {
    type Parse = fn(&str) -> Result<Vec<String>, String>;
    let forms: [(&str, Parse); 3] = [
        ("tokenizer.json", from_tokenizer),
        ("vocabulary.json", |text| serde_json::from_str(text).map_err(|error| error.to_string())),
        ("vocabulary.txt", |text| Ok(text.lines().map(str::to_owned).collect())),
    ];
    for (file_name, parse) in forms {
        let path = folder.join(file_name);
        if !path.exists() {
            continue;
        }
        let source =
            fs::read_to_string(&path).map_err(|source| ModelError::Read { path: path.clone(), source })?;
        let words = parse(&source).map_err(|reason| ModelError::not_a_model(&path, reason))?;
        if words.len() < WRITTEN_TOKENS {
            return Err(ModelError::not_a_model(
                &path,
                format!(
                    "it has {} words, and whisper's vocabularies begin with {WRITTEN_TOKENS}",
                    words.len()
                ),
            ));
        }
        let table = byte_table();
        return words[..WRITTEN_TOKENS]
            .iter()
            .map(|word| {
                word.chars()
                    .map(|letter| table.get(&letter).copied())
                    .collect::<Option<Vec<u8>>>()
                    .ok_or_else(|| {
                        ModelError::not_a_model(
                            &path,
                            format!("its word `{}` is not written in GPT-2's way", word.escape_debug()),
                        )
                    })
            })
            .collect();
    }
    Err(ModelError::not_a_model(
        folder,
        "there is no `tokenizer.json`, `vocabulary.json` or `vocabulary.txt` beside `model.bin`",
    ))
}

/// The part of a `tokenizer.json` (Hugging Face's form) that matters here.
#[derive(serde::Deserialize)]
struct Tokenizer {
    model: TokenizerModel,
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
}

#[derive(serde::Deserialize)]
struct TokenizerModel {
    vocab: HashMap<String, usize>,
}

#[derive(serde::Deserialize)]
struct AddedToken {
    id: usize,
    content: String,
}

fn from_tokenizer(source: &str) -> Result<Vec<String>, String> {
    let tokenizer: Tokenizer = serde_json::from_str(source).map_err(|error| error.to_string())?;
    let mut words = vec![None; WRITTEN_TOKENS];
    let added = tokenizer.added_tokens.into_iter().map(|token| (token.content, token.id));
    for (word, id) in tokenizer.model.vocab.into_iter().chain(added) {
        if let Some(place) = words.get_mut(id) {
            *place = Some(word);
        }
    }
    let known = words.iter().flatten().count();
    words.into_iter().collect::<Option<_>>().ok_or_else(|| {
        format!("it names {known} of the {WRITTEN_TOKENS} words that whisper's vocabularies begin with")
    })
}

/// GPT-2 writes tokens, which are bytes, as printable text: bytes that print stand for themselves,
/// the others for the letters from U+0100 on, in order.
fn byte_table() -> HashMap<char, u8> {
    let prints = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let mut others = '\u{100}'..;
    (0..=u8::MAX)
        .filter_map(|byte| {
            let letter = if prints(byte) { char::from(byte) } else { others.next()? };
            Some((letter, byte))
        })
        .collect()
}
