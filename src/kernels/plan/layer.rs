//! A fused layer: sums of convolutions, their scale and shift, a residual, a rectifier.

use super::kernel::Kernel;
use super::weights::Panels;

/// One of the buffers that a layer reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// Pixels of it from one output pixel of a phase to the next.
    pub step: usize,
    /// Its values a pixel.
    pub channels: usize,
}

/// The window of one input around an output pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tap {
    /// First row and column, for the phase's first output pixel.
    pub origin: (isize, isize),
    /// Rows and columns.
    pub kernel: (usize, usize),
}

/// Output pixels that share their weights: all of them, or for a doubling those of one parity.
pub struct Phase<K: Kernel> {
    /// The first output pixel.
    pub(super) first: (usize, usize),
    /// One for each input.
    pub(super) taps: Vec<Tap>,
    pub(super) weights: Panels<K>,
}

impl<K: Kernel> Phase<K> {
    /// A phase from output pixel `first` on. `weight(tap, y, x, c, n)` is the weight of input `tap`'s channel `c` at row
    /// `y` and column `x` of its window in output channel `n` of `outputs`.
    pub fn new(
        first: (usize, usize),
        inputs: &[Input],
        taps: Vec<Tap>,
        outputs: usize,
        weight: impl Fn(usize, usize, usize, usize, usize) -> f32 + Sync,
    ) -> Self {
        let lengths: Vec<usize> =
            inputs.iter().zip(&taps).map(|(input, tap)| tap.kernel.0 * tap.kernel.1 * input.channels).collect();
        let weights = Panels::pack(lengths.iter().sum(), outputs, |mut factor, output| {
            let mut index = 0;
            while factor >= lengths[index] {
                factor -= lengths[index];
                index += 1;
            }
            let (channels, columns) = (inputs[index].channels, taps[index].kernel.1);
            weight(index, factor / channels / columns, factor / channels % columns, factor % channels, output)
        });
        Self { first, taps, weights }
    }
}

/// The layer without its buffers.
pub struct Layer<K: Kernel> {
    /// What it reads.
    pub inputs: Vec<Input>,
    /// Output pixels from one of a phase to the next: 1, or 2 for a doubling.
    pub grid: usize,
    /// `grid · grid` of them.
    pub phases: Vec<Phase<K>>,
}
