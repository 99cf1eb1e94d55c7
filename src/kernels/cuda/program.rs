//! A forward pass over pictures of one size on CUDA, as plain data: calls on numbered buffers. It is checked before it
//! runs, so that none reads or writes outside its buffers.

mod check;

/// A pixel's channels are a multiple of this: 16 bytes of bf16, which a thread reads at once and tensor cores ask for.
pub const GROUP: usize = 8;

/// Terms that a layer sums at most, and outputs that one finish writes at most.
pub const MOST_SUMS: usize = 4;
/// See [`MOST_SUMS`].
pub const MOST_OUTPUTS: usize = 2;

/// Activations in a buffer's beginning, bf16 and channels last: `(N, H + 2·around, W + 2·around, C)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// Its number.
    pub buffer: usize,
    /// Rows without those around.
    pub height: usize,
    /// Columns without those around.
    pub width: usize,
    /// Channels, a multiple of [`GROUP`]; those that the network lacks are zero.
    pub channels: usize,
    /// Pixels on each side that are mirrored.
    pub around: usize,
}

impl Area {
    /// Rows and columns with those around.
    pub fn sides(&self) -> (usize, usize) {
        (self.height + 2 * self.around, self.width + 2 * self.around)
    }

    /// Groups of channels in all pixels of a batch.
    pub fn groups(&self, batch: usize) -> usize {
        let (height, width) = self.sides();
        batch * height * width * self.channels / GROUP
    }

    /// Values of a batch.
    pub fn len(&self, batch: usize) -> usize {
        self.groups(batch) * GROUP
    }

    /// Whether it holds nothing, which no area of a sound program does.
    pub fn is_empty(&self) -> bool {
        self.groups(1) == 0
    }
}

/// A convolution's weight as cuDNN reads it beside channels-last activations: `(A, K, K, B)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Weight {
    /// A, B and K: A are the outputs of a convolution, the inputs of a transposed one.
    pub shape: (usize, usize, usize),
    /// They become bf16 on the device.
    pub values: Vec<f32>,
}

impl Weight {
    /// From `(a, b, K, K)`, with zeros where a and b are no multiples of [`GROUP`].
    pub fn packed(values: &[f32], (a, b, kernel): (usize, usize, usize)) -> Self {
        let shape = (a.next_multiple_of(GROUP), b.next_multiple_of(GROUP), kernel);
        let taps = kernel * kernel;
        let mut packed = vec![0.0; shape.0 * taps * shape.1];
        for (i, plane) in values.chunks_exact(taps).enumerate() {
            for (tap, value) in plane.iter().enumerate() {
                packed[(i / b * taps + tap) * shape.1 + i % b] = *value;
            }
        }
        debug_assert_eq!(values.len(), a * b * taps);
        Self { shape, values: packed }
    }
}

/// Writes `output` with a convolution of `input`, what is around it included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// What it reads.
    pub input: Area,
    /// What it writes, with nothing around.
    pub output: Area,
    /// The weight's number.
    pub weight: usize,
    /// Pixels from one window to the next; of a transposed convolution, how much larger its output is.
    pub stride: usize,
    /// Zeros around the input; of a transposed convolution, rows and columns cut from the output.
    pub padding: usize,
    /// Whether it is a transposed convolution: cuDNN's derivative by the data.
    pub transposed: bool,
}

/// The end of a layer: its sums, perhaps normalised, scaled, shifted, with the residual, rectified.
#[derive(Clone, Debug, PartialEq)]
pub struct Finishing {
    /// What is added up, with nothing around.
    pub sums: Vec<Area>,
    /// What is added after the shift.
    pub residual: Option<Area>,
    /// By the moments that were taken last.
    pub normalised: bool,
    /// Where the layer's scales and then its shifts begin among all layers'.
    pub affine: usize,
    /// Where it goes, with the slope of each rectifier; all have as much around.
    pub outputs: Vec<(Area, f32)>,
}

/// A step of a program.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// By cuDNN.
    Convolve(Convolution),
    /// The mean and the deviation of these areas' sum, of each channel of each picture.
    Moments(Vec<Area>),
    /// As the kernel `finish` does.
    Finish(Finishing),
}

/// All of a pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// Pictures.
    pub batch: usize,
    /// Where the photo comes.
    pub photo: Area,
    /// The photo's own channels.
    pub photo_channels: usize,
    /// In this order.
    pub calls: Vec<Call>,
    /// What becomes the picture: `block² · channels` channels, or more, become blocks of `block` × `block` pixels.
    pub last: Area,
    /// The side of a block.
    pub block: usize,
    /// The picture's channels.
    pub channels: usize,
    /// The values are added to the photo and the sum clamped to −1..1; else it is their hyperbolic tangent.
    pub add_to_photo: bool,
    /// Where among all layers' scales and shifts the 3×4 numbers begin by which the photo is recoloured before.
    pub colours: Option<usize>,
    /// Values that each buffer holds.
    pub buffers: Vec<usize>,
}

impl Program {
    /// The picture's height and width.
    pub fn size(&self) -> (usize, usize) {
        (self.last.height * self.block, self.last.width * self.block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_packed_channels_last() {
        let (a, b, kernel) = (3, 9, 2);
        let values: Vec<f32> = (0..a * b * kernel * kernel).map(|i| i as f32 + 1.0).collect();
        let packed = Weight::packed(&values, (a, b, kernel));
        assert_eq!(packed.shape, (8, 16, 2));
        assert_eq!(packed.values.len(), 8 * 4 * 16);
        for (i, value) in packed.values.iter().enumerate() {
            let (row, tap, column) = (i / 64, i / 16 % 4, i % 16);
            let expected = if row < a && column < b { values[(row * b + column) * 4 + tap] } else { 0.0 };
            assert_eq!(*value, expected, "{row} {tap} {column}");
        }
    }
}
