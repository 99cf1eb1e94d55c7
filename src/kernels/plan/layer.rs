//! A fused layer: sums of convolutions, their scale and shift, a residual, a rectifier.

use super::area::Area;
use super::kernel::Kernel;
use super::weights::{Panel, Panels};
use super::winograd::Form;
use std::ops::Range;

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

impl Tap {
    /// Values that a kernel reads of a row of the window over pixels of so many channels: whole chunks, the weights of
    /// what is not the window's being 0.
    pub(super) fn row<K: Kernel>(&self, channels: usize) -> usize {
        (self.kernel.1 * channels).next_multiple_of(K::CHUNK)
    }
}

/// Where the weights of one tap lie: that of output `n` and channel `c` at the window's row `y` and column `x` is
/// `weights[n · output + c · channel + rows[y] + columns[x]]`.
pub struct Source<'a> {
    /// All of them.
    pub weights: &'a [f32],
    /// Channels that have weights; those beyond have the weight 0.
    pub channels: usize,
    /// From one output channel to the next.
    pub output: usize,
    /// From one channel to the next.
    pub channel: usize,
    /// Where each row of the window lies.
    pub rows: Vec<usize>,
    /// Where each column lies in its row.
    pub columns: Vec<usize>,
}

/// Output pixels that share their weights: all of them, or for a doubling those of one parity.
pub struct Phase<K: Kernel> {
    /// The first output pixel.
    pub(super) first: (usize, usize),
    /// One for each input.
    pub(super) taps: Vec<Tap>,
    pub(super) weights: Panels<K>,
    /// How its windows are those of Winograd's points, if the weights are.
    pub(super) winograd: Option<Form>,
}

impl<K: Kernel> Layer<K> {
    /// Whether a convolution in one phase takes fewer products where nothing else is summed with it.
    pub fn better_alone(input: Input, tap: Tap) -> bool {
        Form::of::<K>(&[input], &[tap], 2).is_some()
    }

    /// What the windows around the output pixels of `area`, in those of a phase, see of an input of `height` × `width`.
    pub fn seen(&self, input: usize, area: &Area, (height, width): (usize, usize)) -> Area {
        let along = |range: &Range<usize>, side: usize, window: fn(&Tap) -> (isize, usize)| {
            let windows = self.phases.iter().map(|phase| window(&phase.taps[input]));
            let first = windows.clone().map(|(origin, _)| origin).min().unwrap_or(0);
            let end = windows.map(|(origin, kernel)| origin + kernel as isize).max().unwrap_or(0);
            let pixel = |output: usize, from: isize| {
                ((output * self.inputs[input].step) as isize + from).clamp(0, side as isize) as usize
            };
            pixel(range.start, first)..pixel(range.end.max(1) - 1, end)
        };
        let rows = along(&area.rows, height, |tap| (tap.origin.0, tap.kernel.0));
        Area { rows, columns: along(&area.columns, width, |tap| (tap.origin.1, tap.kernel.1)) }
    }
}

impl<K: Kernel> Phase<K> {
    /// A phase of `outputs` channels from output pixel `first` on, with a tap of `inputs` and its weights
    /// each; by Winograd's way where it has one, in tiles of `tile` (2 or 4) pixels a side if some are given: the
    /// larger the tiles, the larger the weights.
    ///
    /// # Panics
    /// When a source has too few weights, or not as many rows and columns as its tap.
    pub fn new(
        first: (usize, usize),
        inputs: &[Input],
        taps: Vec<Tap>,
        outputs: usize,
        sources: &[Source<'_>],
        tile: Option<usize>,
    ) -> Self {
        for (tap, source) in taps.iter().zip(sources) {
            assert_eq!(tap.kernel, (source.rows.len(), source.columns.len()));
        }
        if let Some(form) = tile.and_then(|tile| Form::of::<K>(inputs, &taps, tile)) {
            let fill = |panel: Panel<'_, K>| form.fill(inputs, sources, panel);
            let weights = Panels::filled(form.factors(inputs), outputs, fill);
            return Self { first, taps, weights, winograd: Some(form) };
        }
        let (mut start, mut places) = (0, Vec::new());
        for ((input, tap), source) in inputs.iter().zip(&taps).zip(sources) {
            let mut of_source = Vec::with_capacity(source.channels * tap.kernel.0 * tap.kernel.1);
            for c in 0..source.channels {
                for (y, row) in source.rows.iter().enumerate() {
                    for (x, column) in source.columns.iter().enumerate() {
                        let to = start + y * tap.row::<K>(input.channels) + x * input.channels + c;
                        of_source.push((c * source.channel + row + column, to));
                    }
                }
            }
            places.push(of_source);
            start += tap.kernel.0 * tap.row::<K>(input.channels);
        }
        let weights = Panels::filled(start, outputs, |mut panel| {
            for (source, places) in sources.iter().zip(&places) {
                panel.set(source.weights, source.output, places);
            }
        });
        Self { first, taps, weights, winograd: None }
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
