//! Tensors as a checkpoint stores them: views of raw numbers.

/// The type of a storage's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// IEEE half.
    F16,
    /// Brain floating point.
    BF16,
    /// IEEE single.
    F32,
    /// IEEE double.
    F64,
    /// Whole numbers or truth values of so many bytes: counters, never weights.
    Whole(usize),
}

impl Number {
    /// Bytes of one.
    pub fn size(self) -> usize {
        match self {
            Self::F16 | Self::BF16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
            Self::Whole(size) => size,
        }
    }
}

/// Numbers of one type in a file of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// The file's name in `data/`.
    pub key: String,
    /// What its numbers are.
    pub number: Number,
    /// How many there are.
    pub count: usize,
}

/// A view of a storage; every element of it lies inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTensor {
    /// Where its numbers are.
    pub storage: Storage,
    /// The first number.
    pub offset: usize,
    /// Lengths of the dimensions.
    pub shape: Vec<usize>,
    /// Steps between neighbours, in numbers, a dimension.
    pub strides: Vec<usize>,
}

impl StoredTensor {
    /// How many elements it has.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// Its elements in order, out of its storage's little-endian `bytes`;
    /// `None` where they are no floats.
    ///
    /// # Panics
    /// Never for the bytes of the whole storage: all elements lie inside.
    pub fn floats(&self, bytes: &[u8]) -> Option<Vec<f32>> {
        match self.storage.number {
            Number::F16 => Some(self.gather(bytes, |x| half::f16::from_le_bytes(x).to_f32())),
            Number::BF16 => Some(self.gather(bytes, |x| half::bf16::from_le_bytes(x).to_f32())),
            Number::F32 => Some(self.gather(bytes, f32::from_le_bytes)),
            Number::F64 => Some(self.gather(bytes, |x| f64::from_le_bytes(x) as f32)),
            Number::Whole(_) => None,
        }
    }

    /// Steps through the elements like an odometer: the last dimension turns first.
    fn gather<const N: usize>(&self, bytes: &[u8], float: impl Fn([u8; N]) -> f32) -> Vec<f32> {
        let (numbers, _) = bytes.as_chunks::<N>();
        let mut index = vec![0; self.shape.len()];
        let mut place = self.offset;
        let mut floats = Vec::with_capacity(self.count());
        loop {
            floats.push(float(numbers[place]));
            let Some(turning) = (0..index.len()).rev().find(|&at| index[at] + 1 < self.shape[at]) else {
                return floats;
            };
            for (turn, stride) in index.iter_mut().zip(&self.strides).skip(turning + 1) {
                place -= *turn * stride;
                *turn = 0;
            }
            index[turning] += 1;
            place += self.strides[turning];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(number: Number, count: usize, offset: usize, shape: &[usize], strides: &[usize]) -> StoredTensor {
        let storage = Storage { key: "0".into(), number, count };
        StoredTensor { storage, offset, shape: shape.to_vec(), strides: strides.to_vec() }
    }

    #[test]
    fn strides_and_offset_choose_the_elements() {
        let bytes: Vec<u8> = (0..8u8).flat_map(|i| f32::from(i).to_le_bytes()).collect();
        let floats = |offset, shape: &[usize], strides: &[usize]| {
            stored(Number::F32, 8, offset, shape, strides).floats(&bytes).unwrap_or_default()
        };
        assert_eq!(floats(0, &[2, 3], &[3, 1]), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(floats(1, &[3, 2], &[1, 3]), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        assert_eq!(floats(0, &[2, 2, 2], &[1, 4, 2]), [0.0, 2.0, 4.0, 6.0, 1.0, 3.0, 5.0, 7.0]);
        assert_eq!(floats(7, &[], &[]), [7.0]);
    }

    #[test]
    fn every_float_becomes_f32() {
        let cases = [
            (Number::F16, half::f16::from_f32(-1.5).to_le_bytes().to_vec()),
            (Number::BF16, half::bf16::from_f32(-1.5).to_le_bytes().to_vec()),
            (Number::F32, (-1.5f32).to_le_bytes().to_vec()),
            (Number::F64, (-1.5f64).to_le_bytes().to_vec()),
        ];
        for (number, bytes) in cases {
            assert_eq!(bytes.len(), number.size());
            assert_eq!(stored(number, 1, 0, &[1], &[1]).floats(&bytes), Some(vec![-1.5]), "{number:?}");
        }
        assert_eq!(stored(Number::Whole(8), 1, 0, &[1], &[1]).floats(&[0; 8]), None);
    }
}
