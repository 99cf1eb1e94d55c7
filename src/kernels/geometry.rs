//! The sizes of one convolution.

/// Sizes of the trilinear form that convolution, its adjoint and its weight
/// gradient share: an input `(N, Cin, H, W)`, a weight `(Cout, Cin, K, K)` and
/// an output `(N, Cout, Hout, Wout)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Geometry {
    /// Pictures in the batch, N.
    pub batch: usize,
    /// Channels of the input, Cin.
    pub in_channels: usize,
    /// Height and width of the input.
    pub input: (usize, usize),
    /// Channels of the output, Cout.
    pub out_channels: usize,
    /// Height and width of the output.
    pub output: (usize, usize),
    /// Side of the square kernel, K.
    pub kernel: usize,
    /// Step between neighbouring windows.
    pub stride: usize,
    /// Zeros laid around the input on every side.
    pub padding: usize,
}

impl Geometry {
    /// Values in one window: Cin·K·K.
    pub fn window(&self) -> usize {
        self.in_channels * self.kernel * self.kernel
    }

    /// Pixels of one input plane.
    pub fn in_pixels(&self) -> usize {
        self.input.0 * self.input.1
    }

    /// Pixels of one output plane.
    pub fn out_pixels(&self) -> usize {
        self.output.0 * self.output.1
    }

    /// Values of the input `(N, Cin, H, W)`.
    pub fn input_len(&self) -> usize {
        self.batch * self.in_channels * self.in_pixels()
    }

    /// Values of the output `(N, Cout, Hout, Wout)`.
    pub fn output_len(&self) -> usize {
        self.batch * self.out_channels * self.out_pixels()
    }

    /// Values of the weight `(Cout, Cin, K, K)`.
    pub fn weight_len(&self) -> usize {
        self.out_channels * self.window()
    }

    /// Output rows that one task lowers at a time: enough for an efficient
    /// matrix product, few enough that the lowered windows stay in the L2 cache.
    pub(super) fn strip_rows(&self, channels: usize) -> usize {
        const CACHE_FLOATS: usize = 128 * 1024;
        let window = channels * self.kernel * self.kernel;
        let pixels = (CACHE_FLOATS / window.max(1)).clamp(128, 1024);
        pixels.div_ceil(self.output.1.max(1)).min(self.output.0.max(1))
    }
}
