//! From the CTranslate2 form of a whisper model to the ggml form: a plain rewrite, number for number.

use std::io::Write;
use std::path::Path;

use half::slice::HalfFloatSliceExt as _;

use super::ctranslate2::{Weights, tokens};
use super::ggml::{Hyperparameters, Role, Storage, Tensor, write_head};
use super::{ModelError, News, Stage, Watch};

/// Half precision, the published files' own.
const FILE_TYPE_F16: u32 = 1;

/// Reads the CTranslate2 model in `folder` and writes it to `output`, which is the file `path`, in
/// ggml form. Memory does not grow with the model.
pub(super) fn convert(
    folder: &Path,
    path: &Path,
    output: &mut dyn Write,
    watch: &mut dyn Watch,
) -> Result<Hyperparameters, ModelError> {
    let weights = Weights::open(&folder.join("model.bin"))?;
    let parameters = parameters(&weights)?;
    let tokens = tokens(folder)?;
    let write = |source| ModelError::write(path, source);
    write_head(output, &parameters, &tokens).map_err(write)?;

    let tensors = parameters.tensors();
    let total: u64 = tensors.iter().map(Tensor::elements).sum();
    let mut done = 0;
    let mut bytes = Vec::new();
    let mut halves = Vec::new();
    for tensor in &tensors {
        let storage = if tensor.role == Role::Exact { Storage::F32 } else { Storage::F16 };
        tensor.write_header(output, storage).map_err(write)?;
        let (name, part, parts) = source(&tensor.name);
        let rows = check_shape(&weights, &name, parts, tensor)?;
        weights.read(&name, part * rows..(part + 1) * rows, &mut |numbers| {
            bytes.clear();
            if storage == Storage::F32 {
                bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
            } else {
                halves.resize(numbers.len(), half::f16::ZERO);
                halves.convert_from_f32_slice(numbers);
                bytes.extend(halves.iter().flat_map(|number| number.to_le_bytes()));
            }
            output.write_all(&bytes).map_err(write)?;
            done += numbers.len() as u64;
            watch.tell(News::Progress { stage: Stage::Converting, done, total });
            watch.go_on()
        })?;
    }
    output.flush().map_err(write)?;
    Ok(parameters)
}

fn parameters(weights: &Weights) -> Result<Hyperparameters, ModelError> {
    let shape = |name: &str, rank: usize| {
        let shape = weights.shape(name)?;
        if shape.len() == rank {
            Ok(shape)
        } else {
            Err(ModelError::not_a_model(weights.path(), format!("its variable `{name}` has the wrong shape")))
        }
    };
    let audio = shape("encoder/position_encodings/encodings", 2)?;
    let text = shape("decoder/position_encodings/encodings", 2)?;
    let parameters = Hyperparameters {
        vocabulary: shape("decoder/embeddings/weight", 2)?[0],
        audio_context: audio[0],
        audio_state: audio[1],
        audio_heads: weights.scalar("encoder/num_heads")?,
        audio_layers: weights.layers("encoder"),
        text_context: text[0],
        text_state: text[1],
        text_heads: weights.scalar("decoder/num_heads")?,
        text_layers: weights.layers("decoder"),
        mel_bands: shape("encoder/conv1/weight", 3)?[1],
        file_type: FILE_TYPE_F16,
    };
    parameters.check().map_err(|reason| ModelError::not_a_model(weights.path(), reason))?;
    Ok(parameters)
}

/// The variable that holds a tensor, and which of how many equal parts of it, counted by rows:
/// CTranslate2 stacks query, key and value.
fn source(tensor: &str) -> (String, u32, u32) {
    let (side, rest) = tensor.split_once('.').unwrap_or((tensor, ""));
    let (place, kind) = rest.rsplit_once('.').unwrap_or((rest, ""));
    let norm = if kind == "weight" { "gamma" } else { "beta" };
    let block = place.strip_prefix("blocks.").and_then(|block| block.split_once('.'));
    let Some((layer, place)) = block else {
        let name = match place {
            "positional_embedding" => "position_encodings/encodings".to_owned(),
            "token_embedding" => "embeddings/weight".to_owned(),
            "ln_post" | "ln" => format!("layer_norm/{norm}"),
            convolution => format!("{convolution}/{kind}"),
        };
        return (format!("{side}/{name}"), 0, 1);
    };
    let (inner, part, parts) = match place {
        "attn.query" => ("self_attention/linear_0", 0, 3),
        "attn.key" => ("self_attention/linear_0", 1, 3),
        "attn.value" => ("self_attention/linear_0", 2, 3),
        "attn.out" => ("self_attention/linear_1", 0, 1),
        "attn_ln" => ("self_attention/layer_norm", 0, 1),
        "cross_attn.query" => ("attention/linear_0", 0, 1),
        "cross_attn.key" => ("attention/linear_1", 0, 2),
        "cross_attn.value" => ("attention/linear_1", 1, 2),
        "cross_attn.out" => ("attention/linear_2", 0, 1),
        "cross_attn_ln" => ("attention/layer_norm", 0, 1),
        "mlp.0" => ("ffn/linear_0", 0, 1),
        "mlp.2" => ("ffn/linear_1", 0, 1),
        _ => ("ffn/layer_norm", 0, 1),
    };
    let kind = if inner.ends_with("layer_norm") { norm } else { kind };
    (format!("{side}/layer_{layer}/{inner}/{kind}"), part, parts)
}

/// Checks that a variable holds `parts` tensors of this shape; the rows of one of them.
fn check_shape(weights: &Weights, name: &str, parts: u32, tensor: &Tensor) -> Result<u32, ModelError> {
    let mut expected: Vec<u32> = tensor.dimensions.iter().rev().copied().collect();
    if tensor.name.ends_with("conv1.bias") || tensor.name.ends_with("conv2.bias") {
        expected.pop(); // ggml wants them as columns
    }
    let rows = expected[0];
    expected[0] *= parts;
    if weights.shape(name)? == expected {
        Ok(rows)
    } else {
        Err(ModelError::not_a_model(weights.path(), format!("its variable `{name}` has the wrong shape")))
    }
}
