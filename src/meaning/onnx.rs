//! The weights in an ONNX file. The network that they belong to is known, so that of all the file says
//! (protocol buffers, by `onnx.proto`) only the initial values are read.

use ndarray::Array2;

/// The named arrays of numbers in a file, in its order.
pub(super) struct Tensors<'a>(Vec<Tensor<'a>>);

/// An array of numbers, as `TensorProto` has it.
#[derive(Debug, Default)]
struct Tensor<'a> {
    name: &'a str,
    shape: Vec<usize>,
    kind: u64,
    bytes: &'a [u8],
}

/// `TensorProto.DataType`.
const FLOAT: u64 = 1;
const INT8: u64 = 3;

impl<'a> Tensors<'a> {
    /// Finds them; `None` where the file breaks off or is something else.
    pub(super) fn find(file: &'a [u8]) -> Option<Self> {
        const GRAPH: u64 = 7;
        const INITIALIZER: u64 = 5;
        let graph = fields(file)?.into_iter().find(|&(number, _)| number == GRAPH)?.1.bytes()?;
        let initializers = fields(graph)?.into_iter().filter(|&(number, _)| number == INITIALIZER);
        initializers.map(|(_, value)| tensor(value.bytes()?)).collect::<Option<_>>().map(Self)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.0.iter().map(|tensor| tensor.name)
    }

    /// A row of numbers, however the file shapes it.
    pub(super) fn floats(&self, name: &str, length: usize) -> Result<Vec<f32>, String> {
        let tensor = self.of_kind(name, FLOAT)?;
        let (numbers, []) = tensor.bytes.as_chunks() else {
            return Err(format!("its `{name}` breaks off"));
        };
        let numbers: Vec<f32> = numbers.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        match numbers.len() == length {
            true => Ok(numbers),
            false => Err(format!("its `{name}` has the shape {:?}", tensor.shape)),
        }
    }

    /// A matrix of int8 weights: what counts are their steps.
    pub(super) fn steps(&self, name: &str, shape: [usize; 2]) -> Result<Array2<i8>, String> {
        let tensor = self.of_kind(name, INT8)?;
        let numbers = tensor.bytes.iter().map(|byte| byte.cast_signed()).collect();
        match tensor.shape == shape {
            true => Array2::from_shape_vec(shape, numbers).map_err(|_| format!("its `{name}` breaks off")),
            false => Err(format!("its `{name}` has the shape {:?}", tensor.shape)),
        }
    }

    fn of_kind(&self, name: &str, kind: u64) -> Result<&Tensor<'a>, String> {
        let found = self.0.iter().find(|tensor| tensor.name == name && tensor.kind == kind);
        found.ok_or_else(|| format!("it has no `{name}` of the kind {kind}"))
    }
}

fn tensor(message: &[u8]) -> Option<Tensor<'_>> {
    let mut tensor = Tensor::default();
    for (number, value) in fields(message)? {
        match number {
            1 => tensor.shape.push(usize::try_from(value.number()?).ok()?),
            2 => tensor.kind = value.number()?,
            8 => tensor.name = str::from_utf8(value.bytes()?).ok()?,
            9 => tensor.bytes = value.bytes()?,
            _ => {}
        }
    }
    Some(tensor)
}

/// What a field of a message holds.
#[derive(Debug, Clone, Copy)]
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    fn number(self) -> Option<u64> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    fn bytes(self) -> Option<&'a [u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }
}

/// The fields of a message with their numbers.
fn fields(mut message: &[u8]) -> Option<Vec<(u64, Value<'_>)>> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message)?;
        let length = match key & 7 {
            0 => {
                fields.push((key >> 3, Value::Number(varint(&mut message)?)));
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut message)?).ok()?,
            5 => 4,
            _ => return None,
        };
        fields.push((key >> 3, Value::Bytes(message.split_off(..length)?)));
    }
    Some(fields)
}

/// A number of seven bits a byte, the lowest first.
fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = *message.split_off_first()?;
        number |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// A field with bytes in it.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut field = vec![number << 3 | 2];
        let mut length = bytes.len();
        while length >= 0x80 {
            field.push(length as u8 | 0x80);
            length >>= 7;
        }
        field.push(length as u8);
        field.extend(bytes);
        field
    }

    fn file(tensors: &[(&str, u8, [u8; 2], &[u8])]) -> Vec<u8> {
        let tensors = tensors.iter().map(|&(name, kind, [rows, columns], bytes)| {
            let head = [1 << 3, rows, 1 << 3, columns, 2 << 3, kind];
            field(5, &[&head[..], &field(8, name.as_bytes()), &field(9, bytes)].concat())
        });
        // A version before the graph, and something of eight bytes in it.
        [
            vec![1 << 3, 9],
            field(
                7,
                &[tensors.collect::<Vec<_>>().concat(), vec![6 << 3 | 1, 0, 0, 0, 0, 0, 0, 0, 0]].concat(),
            ),
        ]
        .concat()
    }

    #[test]
    fn numbers_are_found_by_name_and_in_order() {
        let many = [7; 300];
        let row: Vec<u8> = [1.5f32, -2.0].iter().flat_map(|number| number.to_le_bytes()).collect();
        let file = file(&[("a", 3, [1, 2], &[1, 0xFF]), ("row", 1, [2, 1], &row), ("b", 3, [3, 100], &many)]);
        let tensors = Tensors::find(&file).unwrap();
        assert_eq!(tensors.names().collect::<Vec<_>>(), ["a", "row", "b"]);
        assert_eq!(tensors.steps("a", [1, 2]).unwrap(), ndarray::array![[1, -1]]);
        assert_eq!(tensors.floats("row", 2).unwrap(), [1.5, -2.0]);
        assert_eq!(tensors.steps("b", [3, 100]).unwrap(), Array2::from_elem([3, 100], 7));
    }

    #[test]
    fn what_is_not_as_expected_is_told() {
        let file = file(&[("a", 3, [1, 2], &[1]), ("row", 1, [1, 1], &[0, 0, 0])]);
        let tensors = Tensors::find(&file).unwrap();
        assert!(tensors.steps("a", [1, 2]).unwrap_err().contains("`a` breaks off"));
        assert!(tensors.steps("a", [2, 1]).unwrap_err().contains("`a` has the shape [1, 2]"));
        assert!(tensors.steps("row", [1, 1]).unwrap_err().contains("no `row`"));
        assert!(tensors.floats("row", 1).unwrap_err().contains("`row` breaks off"));
        assert!(tensors.floats("b", 1).unwrap_err().contains("no `b`"));
        for end in 0..file.len() {
            assert!(Tensors::find(&file[..end]).is_none_or(|tensors| tensors.names().count() < 2), "{end}");
        }
        assert!(Tensors::find(b"neither a network nor anything else").is_none());
    }
}
