//! The network: a BERT encoder (Devlin et al. 2019) of six layers, in plain floats.
//!
//! The pieces of several texts stand under each other in one matrix: nothing is padded, and the large
//! products have many rows. Only attention looks at each text alone. A product adds up each row in the
//! same order wherever it stands, so that what comes out for a text is the same to the bit whatever
//! stands beside it.

use std::f32::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};
use std::ops::Range;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView1, ArrayViewMut1, Axis, concatenate, s};

use super::onnx::Tensors;
use super::{DIMENSIONS, LONGEST};

/// Word pieces in the vocabulary.
pub(super) const PIECES: usize = 30_522;

const LAYERS: usize = 6;
const HEADS: usize = 12;
const HEAD: usize = DIMENSIONS / HEADS;
/// What a layer widens each piece to before its second half narrows it again.
const WIDE: usize = 1536;
/// Added to each variance, as in training.
const EPSILON: f32 = 1e-12;

/// The weights.
pub(super) struct Network {
    /// For each piece, steps and their size: as floats they would take 47 MB.
    words: Array2<i8>,
    sizes: Vec<f32>,
    /// For each position. The numbers that mark the first of two sentences are added: there is no second.
    positions: Array2<f32>,
    norm: Norm,
    layers: Vec<Layer>,
}

struct Layer {
    /// Queries, keys and values beside each other.
    attend: Linear,
    mix: Linear,
    mix_norm: Norm,
    widen: Linear,
    narrow: Linear,
    norm: Norm,
}

/// A product with weights, what goes in x what comes out, and a bias.
struct Linear {
    weights: Array2<f32>,
    bias: Array1<f32>,
}

/// Brings each row to mean 0 and variance 1, then scales and shifts it.
struct Norm {
    scale: Array1<f32>,
    shift: Array1<f32>,
}

impl Network {
    /// Reads the weights out of the ONNX file, or says why they are not those of this network.
    pub(super) fn read(file: &[u8]) -> Result<Self, String> {
        let tensors = Tensors::find(file).ok_or("it is no ONNX file")?;
        let name = |part: &str| format!("inner.embeddings.{part}");
        let sentences = tensors.floats(&name("token_type_embeddings.weight"), 2 * DIMENSIONS)?;
        let positions = name("position_embeddings.weight");
        let mut sized = tensors.steps(&format!("{positions}_q"), [512, DIMENSIONS])?.mapv(f32::from);
        let sizes = Array1::from(tensors.floats(&format!("{positions}_scale"), 512)?);
        sized *= &sizes.insert_axis(Axis(1));
        sized += &ArrayView1::from(&sentences[..DIMENSIONS]);
        // The export gave the weights of the layers mere numbers; their order is that of their use.
        let products: Vec<&str> = tensors
            .names()
            .filter(|name| name.starts_with("val_"))
            .filter_map(|name| name.strip_suffix("_q"))
            .collect();
        let (products, []) = products.as_chunks() else {
            return Err(format!("it has {} products", products.len()));
        };
        let layers: Vec<Layer> = products
            .iter()
            .enumerate()
            .map(|(layer, products)| Layer::read(&tensors, layer, products))
            .collect::<Result<_, _>>()?;
        if layers.len() != LAYERS {
            return Err(format!("it has {} layers", layers.len()));
        }
        Ok(Self {
            words: tensors.steps(&name("word_embeddings.weight_q"), [PIECES, DIMENSIONS])?,
            sizes: tensors.floats(&name("word_embeddings.weight_scale"), PIECES)?,
            positions: sized.slice_move(s![..LONGEST, ..]),
            norm: Norm::read(&tensors, &name("LayerNorm"))?,
            layers,
        })
    }

    /// What becomes of each piece of each text: pieces x dimensions. A text has at most [`LONGEST`]
    /// pieces, all of them less than [`PIECES`].
    pub(super) fn run(&self, texts: &[Vec<usize>]) -> Vec<Array2<f32>> {
        let rows = texts.iter().map(Vec::len).sum();
        let mut states = Array2::zeros([rows, DIMENSIONS]);
        let pieces = texts.iter().flat_map(|text| text.iter().enumerate());
        for (mut state, (position, &piece)) in states.rows_mut().into_iter().zip(pieces) {
            state.zip_mut_with(&self.words.row(piece), |state, &step| {
                *state = f32::from(step) * self.sizes[piece];
            });
            state += &self.positions.row(position);
        }
        self.norm.apply(&mut states);
        for layer in &self.layers {
            layer.apply(texts, &mut states);
        }
        ranges(texts).map(|rows| states.slice(s![rows, ..]).to_owned()).collect()
    }
}

impl Layer {
    fn read(tensors: &Tensors<'_>, layer: usize, products: &[&str; 6]) -> Result<Self, String> {
        let part = |part: &str| format!("inner.encoder.layer.{layer}.{part}");
        let linear = |product: usize, bias: &str, shape: [usize; 2]| {
            let mut weights = tensors.steps(&format!("{}_q", products[product]), shape)?.mapv(f32::from);
            weights *= &Array1::from(tensors.floats(&format!("{}_scale", products[product]), shape[1])?);
            let bias = Array1::from(tensors.floats(&part(bias), shape[1])?);
            Ok::<_, String>(Linear { weights, bias })
        };
        const SQUARE: [usize; 2] = [DIMENSIONS, DIMENSIONS];
        let query = linear(0, "attention.self.query.bias", SQUARE)?;
        let key = linear(1, "attention.self.key.bias", SQUARE)?;
        let value = linear(2, "attention.self.value.bias", SQUARE)?;
        let weights = [query.weights.view(), key.weights.view(), value.weights.view()];
        let bias = [query.bias.view(), key.bias.view(), value.bias.view()];
        Ok(Self {
            attend: Linear {
                weights: concatenate(Axis(1), &weights).map_err(|error| error.to_string())?,
                bias: concatenate(Axis(0), &bias).map_err(|error| error.to_string())?,
            },
            mix: linear(3, "attention.output.dense.bias", SQUARE)?,
            mix_norm: Norm::read(tensors, &part("attention.output.LayerNorm"))?,
            widen: linear(4, "intermediate.dense.bias", [DIMENSIONS, WIDE])?,
            narrow: linear(5, "output.dense.bias", [WIDE, DIMENSIONS])?,
            norm: Norm::read(tensors, &part("output.LayerNorm"))?,
        })
    }

    fn apply(&self, texts: &[Vec<usize>], states: &mut Array2<f32>) {
        let attended = attention(texts, &self.attend.apply(states));
        self.mix.add(&attended, states);
        self.mix_norm.apply(states);
        let mut wide = self.widen.apply(states);
        wide.mapv_inplace(gelu);
        self.narrow.add(&wide, states);
        self.norm.apply(states);
    }
}

impl Linear {
    fn apply(&self, states: &Array2<f32>) -> Array2<f32> {
        let mut out = Array2::zeros([states.nrows(), self.bias.len()]);
        self.add(states, &mut out);
        out
    }

    /// Adds what comes out to something of its shape.
    fn add(&self, states: &Array2<f32>, to: &mut Array2<f32>) {
        *to += &self.bias;
        general_mat_mul(1.0, states, &self.weights, 1.0, to);
    }
}

impl Norm {
    fn read(tensors: &Tensors<'_>, name: &str) -> Result<Self, String> {
        let row = |part: &str| tensors.floats(&format!("{name}.{part}"), DIMENSIONS).map(Array1::from);
        Ok(Self { scale: row("weight")?, shift: row("bias")? })
    }

    fn apply(&self, states: &mut Array2<f32>) {
        for mut row in states.rows_mut() {
            row -= row.sum() / DIMENSIONS as f32;
            row /= (row.dot(&row) / DIMENSIONS as f32 + EPSILON).sqrt();
            row *= &self.scale;
            row += &self.shift;
        }
    }
}

/// Each piece's view of all pieces of its text, from queries, keys and values beside each other.
fn attention(texts: &[Vec<usize>], asked: &Array2<f32>) -> Array2<f32> {
    let mut attended = Array2::zeros([asked.nrows(), DIMENSIONS]);
    for rows in ranges(texts) {
        let mut weights = Array2::zeros([rows.len(), rows.len()]);
        for head in 0..HEADS {
            let columns = head * HEAD..(head + 1) * HEAD;
            let [query, key, value] = [0, 1, 2].map(|part| {
                let first = part * DIMENSIONS;
                asked.slice(s![rows.clone(), first + columns.start..first + columns.end])
            });
            general_mat_mul((HEAD as f32).sqrt().recip(), &query, &key.t(), 0.0, &mut weights);
            weights.rows_mut().into_iter().for_each(softmax);
            general_mat_mul(1.0, &weights, &value, 0.0, &mut attended.slice_mut(s![rows.clone(), columns]));
        }
    }
    attended
}

/// The rows of each text.
fn ranges(texts: &[Vec<usize>]) -> impl Iterator<Item = Range<usize>> {
    texts.iter().scan(0, |end, text| {
        let start = *end;
        *end += text.len();
        Some(start..*end)
    })
}

/// To numbers that make 1 together.
fn softmax(mut row: ArrayViewMut1<'_, f32>) {
    let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    row.mapv_inplace(|number| (number - most).exp());
    row /= row.sum();
}

/// x times the share of a normal distribution below it (Hendrycks and Gimpel 2016).
fn gelu(x: f32) -> f32 {
    x * (0.5 + 0.5 * erf(x * FRAC_1_SQRT_2))
}

/// The error function to within 4e-7: a quotient of polynomials fitted for the relative error between 0
/// and 4. Beyond, it is 1 to within a float's precision.
fn erf(x: f32) -> f32 {
    const ABOVE: [f32; 7] = [
        1.911_101e-8,
        -1.942_323_3e-6,
        1.472_873_4e-4,
        3.990_595_7e-3,
        5.152_495e-2,
        0.207_125_74,
        FRAC_2_SQRT_PI,
    ];
    const BELOW: [f32; 5] = [1.021_119_4e-3, 1.495_811_3e-2, 0.117_970_94, 0.516_891_66, 1.0];
    let x = x.clamp(-4.0, 4.0);
    let at = |polynomial: &[f32]| polynomial.iter().fold(0.0, |sum, factor| sum * (x * x) + factor);
    x * at(&ABOVE) / at(&BELOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_function_is_that_of_the_tables() {
        // Abramowitz and Stegun 1964, table 7.1.
        for (x, erf_of_x) in [
            (0.0, 0.0),
            (0.1, 0.112_462_92),
            (0.5, 0.520_499_9),
            (1.0, 0.842_700_8),
            (2.0, 0.995_322_3),
            (4.5, 1.0),
        ] {
            assert!((erf(x) - erf_of_x).abs() < 4e-7 && (erf(-x) + erf_of_x).abs() < 4e-7, "{x}: {}", erf(x));
        }
    }

    #[test]
    fn a_norm_brings_rows_to_mean_and_variance() {
        let norm = Norm { scale: Array1::from_elem(DIMENSIONS, 2.0), shift: Array1::ones(DIMENSIONS) };
        let mut rows = Array2::from_shape_fn([2, DIMENSIONS], |(row, column)| (row * column) as f32);
        norm.apply(&mut rows);
        assert!(rows.row(0).iter().all(|&number| number == 1.0));
        assert!((rows.row(1).sum() / DIMENSIONS as f32 - 1.0).abs() < 1e-4);
        assert!((rows.row(1).var(0.0) - 4.0).abs() < 1e-3);
    }
}
