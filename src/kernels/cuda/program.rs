//! A forward pass over pictures of one size on CUDA, as plain data: calls on numbered buffers. It is checked before it
//! runs, so that none reads or writes outside its buffers.

mod check;

/// A pixel's channels are a multiple of this: what tensor cores multiply at once, twice the 16 bytes of bf16 that a thread
/// reads at once.
pub const GROUP: usize = 16;

/// Terms that a layer sums at most, and outputs that one call writes at most.
pub const MOST_TERMS: usize = 4;
/// See [`MOST_TERMS`].
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

    /// Values of a batch.
    pub fn len(&self, batch: usize) -> usize {
        let (height, width) = self.sides();
        batch * height * width * self.channels
    }

    /// Whether it holds nothing, which no area of a sound program does.
    pub fn is_empty(&self) -> bool {
        self.len(1) == 0
    }
}

/// A convolution's weight as the kernel reads it: `(Cout / 16, Cin / 16, K·K, 16, 16)`, the last two an output's inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Weight {
    /// Cout, Cin and K; the channels are multiples of [`GROUP`].
    pub shape: (usize, usize, usize),
    /// They become bf16 on the device.
    pub values: Vec<f32>,
}

impl Weight {
    /// From `(Cout, Cin, K, K)`, or `(Cin, Cout, K, K)` of a transposed convolution, with zeros for the channels that fill
    /// a group.
    pub fn packed(values: &[f32], (a, b, kernel): (usize, usize, usize), transposed: bool) -> Self {
        let (outputs, inputs) = if transposed { (b, a) } else { (a, b) };
        let shape = (outputs.next_multiple_of(GROUP), inputs.next_multiple_of(GROUP), kernel);
        let taps = kernel * kernel;
        debug_assert_eq!(values.len(), a * b * taps);
        let mut packed = Self { shape, values: vec![0.0; shape.0 * shape.1 * taps] };
        for (i, plane) in values.chunks_exact(taps).enumerate() {
            let (output, input) = if transposed { (i % b, i / b) } else { (i / b, i % b) };
            for (tap, value) in plane.iter().enumerate() {
                let at = packed.at(output, input, tap);
                packed.values[at] = *value;
            }
        }
        packed
    }

    /// Where the number lies that an input's value at a tap is multiplied by for an output.
    pub fn at(&self, output: usize, input: usize, tap: usize) -> usize {
        let (_, inputs, kernel) = self.shape;
        let group = (output / GROUP * (inputs / GROUP) + input / GROUP) * kernel * kernel + tap;
        (group * GROUP + output % GROUP) * GROUP + input % GROUP
    }
}

/// A convolution among those that a layer sums: of `input`, what is around it included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// What it reads.
    pub input: Area,
    /// The weight's number.
    pub weight: usize,
    /// Pixels from one window to the next; of a transposed convolution 2, how much larger its output is.
    pub stride: usize,
    /// Zeros around the input; of a transposed convolution, rows and columns cut from the output.
    pub padding: usize,
    /// Whether it is a transposed convolution.
    pub transposed: bool,
}

/// What becomes of a layer's sums: scaled, shifted, with the residual, rectified.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// Where the layer's scales and then its shifts begin among all layers'; none: its sums stay what they are.
    pub affine: Option<usize>,
    /// What is added after the shift.
    pub residual: Option<Area>,
    /// Where it goes, with the slope of each rectifier; all have as much around.
    pub outputs: Vec<(Area, f32)>,
}

/// A step of a program.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// The sum of the terms and its end, with nothing around the outputs.
    Convolve(Vec<Term>, End),
    /// The mean and the deviation of each channel of each picture.
    Moments(Area),
    /// The end of sums that were kept.
    Finish {
        /// The sums, with nothing around.
        sum: Area,
        /// Whether they are normalised first, by the moments that were taken last.
        normalised: bool,
        /// See there.
        end: End,
    },
}

/// All of a pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// Pictures.
    pub batch: usize,
    /// Where the photo comes: a pixel of it holds a block of `photo_block` × `photo_block` pixels, their channels in the
    /// order (channel, row, column).
    pub photo: Area,
    /// The side of a block.
    pub photo_block: usize,
    /// The photo's own channels.
    pub photo_channels: usize,
    /// In this order.
    pub calls: Vec<Call>,
    /// What becomes the picture: `block² · channels` channels, or more, become blocks of `block` × `block` pixels, in the
    /// same order.
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
    fn a_weight_is_packed_in_groups() {
        let (a, b, kernel) = (3, 18, 2);
        let values: Vec<f32> = (0..a * b * kernel * kernel).map(|i| i as f32 + 1.0).collect();
        for transposed in [false, true] {
            let packed = Weight::packed(&values, (a, b, kernel), transposed);
            let ((outputs, inputs, _), sizes) = if transposed { ((32, 16, 2), (b, a)) } else { ((16, 32, 2), (a, b)) };
            assert_eq!(packed.shape, (outputs, inputs, 2));
            let mut seen = vec![false; packed.values.len()];
            for (output, input, tap) in
                (0..outputs).flat_map(|o| (0..inputs).flat_map(move |i| (0..4).map(move |tap| (o, i, tap))))
            {
                let (row, column) = if transposed { (input, output) } else { (output, input) };
                let there = output < sizes.0 && input < sizes.1;
                let expected = if there { values[(row * b + column) * 4 + tap] } else { 0.0 };
                let at = packed.at(output, input, tap);
                assert_eq!(packed.values[at], expected, "{output} {input} {tap}");
                assert!(!std::mem::replace(&mut seen[at], true));
            }
            // Sixteen inputs of an output lie on end, then the next output's.
            assert_eq!((packed.at(1, 0, 0), packed.at(0, 1, 0), packed.at(0, 0, 1)), (16, 1, 256));
        }
    }
}
