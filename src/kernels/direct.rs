//! 3×3 convolutions of stride 1, straight from the planes: no lowered windows
//! to write, pack and read again. AVX-512 only; the caller asks [`fits`] first.
//!
//! Convolution and its adjoint are one loop with other weights: 8 output
//! channels of 32 pixels stay in registers over all of the window. The weight
//! gradient keeps the 27 sums of one input and three output channels there.
//! Every value is summed in the same order wherever it lies in its row.

use super::geometry::Geometry;
use rayon::prelude::*;
use std::arch::x86_64::{
    __m512, __mmask16, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps,
    _mm512_reduce_add_ps, _mm512_set1_ps, _mm512_setzero_ps,
};
use std::cell::RefCell;

/// Values in a vector.
const LANES: usize = 16;
/// Output channels that are computed at once.
const BLOCK: usize = 8;
/// Floats of a picture's share that should stay in the L2 cache.
const CACHE_FLOATS: usize = 128 * 1024;

thread_local! {
    /// Planes with their border of zeros: kept between calls.
    static PADDED: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Whether these loops can compute `g` on this machine.
pub(super) fn fits(g: &Geometry) -> bool {
    g.kernel == 3 && g.stride == 1 && g.padding == 1 && is_x86_feature_detected!("avx512f")
}

/// Rows of planes with zeros around, whole vectors long.
#[derive(Clone, Copy)]
struct Rows {
    width: usize,
    /// From row to row.
    stride: usize,
    /// From plane to plane.
    plane: usize,
}

impl Rows {
    /// Room for `rows` rows of `width` and the borders.
    fn new(width: usize, rows: usize) -> Self {
        let stride = width.next_multiple_of(LANES) + 2;
        Self { width, stride, plane: (rows + 2) * stride }
    }

    /// Vectors in a row.
    fn vectors(self) -> usize {
        self.width.div_ceil(LANES)
    }

    /// The lanes of vector `i` that lie in the row.
    fn mask(self, i: usize) -> __mmask16 {
        let left = self.width - i * LANES;
        if left >= LANES { !0 } else { (1 << left) - 1 }
    }

    /// Copies rows `first − 1 ..` of `planes` `(·, height, width)`; what lies
    /// outside is zero.
    fn fill(self, planes: &[f32], height: usize, first: usize, out: &mut [f32]) {
        for (plane, out) in planes.chunks_exact(height * self.width).zip(out.chunks_exact_mut(self.plane)) {
            for (i, out) in out.chunks_exact_mut(self.stride).enumerate() {
                match (first + i).checked_sub(1).filter(|row| *row < height) {
                    Some(row) => {
                        out[0] = 0.0;
                        out[1..=self.width].copy_from_slice(&plane[row * self.width..][..self.width]);
                        out[self.width + 1..].fill(0.0);
                    }
                    None => out.fill(0.0),
                }
            }
        }
    }
}

fn with_padded<R>(len: usize, f: impl FnOnce(&mut [f32]) -> R) -> R {
    PADDED.with_borrow_mut(|padded| {
        if padded.len() < len {
            padded.resize(len, 0.0);
        }
        f(&mut padded[..len])
    })
}

/// `y = conv(x, w)`; see [`super::conv::forward`].
pub(super) fn forward(g: &Geometry, x: &[f32], w: &[f32], y: &mut [f32]) {
    let packed = pack(g.out_channels, g.in_channels, |o, i, tap| w[(o * g.in_channels + i) * 9 + tap]);
    correlate(g, (g.in_channels, x), &packed, (g.out_channels, y));
}

/// `x = convᵀ(y, w)`: convolution with the window turned round and the
/// channels exchanged; see [`super::conv::adjoint`].
pub(super) fn adjoint(g: &Geometry, y: &[f32], w: &[f32], x: &mut [f32]) {
    let packed = pack(g.in_channels, g.out_channels, |i, o, tap| w[(o * g.in_channels + i) * 9 + 8 - tap]);
    correlate(g, (g.out_channels, y), &packed, (g.in_channels, x));
}

/// Weights `(⌈outputs/8⌉, inputs, 9, 8)`: as the inner loop reads them; those
/// of missing outputs are zero.
fn pack(outputs: usize, inputs: usize, weight: impl Fn(usize, usize, usize) -> f32) -> Vec<f32> {
    let mut packed = vec![0f32; outputs.div_ceil(BLOCK) * inputs * 9 * BLOCK];
    for (o, block) in (0..outputs).map(|o| (o, o / BLOCK * inputs * 9 * BLOCK + o % BLOCK)) {
        for (at, (i, tap)) in (0..inputs).flat_map(|i| (0..9).map(move |tap| (i, tap))).enumerate() {
            packed[block + at * BLOCK] = weight(o, i, tap);
        }
    }
    packed
}

/// Every output channel of every picture, a strip of rows at a time.
fn correlate(g: &Geometry, (inputs, x): (usize, &[f32]), packed: &[f32], (outputs, y): (usize, &mut [f32])) {
    let (height, width) = g.input;
    let pixels = height * width;
    if pixels == 0 || inputs == 0 || outputs == 0 {
        return y.fill(0.0);
    }
    let rows = (CACHE_FLOATS / (inputs * (width + 2))).clamp(4, 16).min(height);
    let strips = height.div_ceil(rows);
    // Each strip of each picture writes rows of its own of every plane.
    let mut targets: Vec<Vec<&mut [f32]>> = (0..g.batch * strips).map(|_| Vec::with_capacity(outputs)).collect();
    for (i, plane) in y.chunks_exact_mut(pixels).enumerate() {
        for (strip, rows) in plane.chunks_mut(rows * width).enumerate() {
            targets[i / outputs * strips + strip].push(rows);
        }
    }
    targets.into_par_iter().enumerate().for_each(|(task, mut targets)| {
        let (picture, first) = (task / strips, task % strips * rows);
        let layout = Rows::new(width, rows.min(height - first));
        with_padded(inputs * layout.plane, |padded| {
            layout.fill(&x[picture * inputs * pixels..][..inputs * pixels], height, first, padded);
            for (weights, targets) in packed.chunks_exact(inputs * 9 * BLOCK).zip(targets.chunks_mut(BLOCK)) {
                // SAFETY: `fits` has found AVX-512.
                unsafe { strip(layout, padded, weights, targets) };
            }
        });
    });
}

/// Up to 8 output channels of a strip, two vectors of pixels at a time.
#[target_feature(enable = "avx512f")]
fn strip(layout: Rows, padded: &[f32], weights: &[f32], targets: &mut [&mut [f32]]) {
    let vectors = targets.first().map_or(0, |target| target.len() / layout.width * layout.vectors());
    let place = |vector: usize| (vector / layout.vectors(), vector % layout.vectors());
    for first in (0..vectors).step_by(2) {
        // A last one alone is computed twice, to the same values.
        let places = [place(first), place((first + 1).min(vectors - 1))];
        let at = places.map(|(row, i)| row * layout.stride + i * LANES);
        let sums = sums(layout, padded, weights, at);
        for (sums, target) in sums.iter().zip(targets.iter_mut()) {
            for (sum, &(row, i)) in sums.iter().zip(&places) {
                let target = &mut target[row * layout.width..][..layout.width][i * LANES..];
                // SAFETY: the mask's lanes are those that the slice has.
                unsafe { _mm512_mask_storeu_ps(target.as_mut_ptr(), layout.mask(i), *sum) };
            }
        }
    }
}

/// The sums over all windows of the vectors that begin at `at`, for 8 output channels.
#[target_feature(enable = "avx512f")]
#[inline]
fn sums(layout: Rows, padded: &[f32], weights: &[f32], at: [usize; 2]) -> [[__m512; 2]; BLOCK] {
    let inputs = weights.len() / (9 * BLOCK);
    let farthest = at[0].max(at[1]) + (inputs - 1) * layout.plane + 2 * layout.stride + 2 + LANES;
    assert!(farthest <= padded.len() && weights.len() == inputs * 9 * BLOCK);
    let mut sums = [[_mm512_setzero_ps(); 2]; BLOCK];
    for (input, weights) in weights.chunks_exact(9 * BLOCK).enumerate() {
        for (tap, weights) in weights.chunks_exact(BLOCK).enumerate() {
            let offset = input * layout.plane + tap / 3 * layout.stride + tap % 3;
            // SAFETY: no vector reaches beyond `farthest`, which is asserted.
            let x = unsafe {
                let x = padded.as_ptr().add(offset);
                [_mm512_loadu_ps(x.add(at[0])), _mm512_loadu_ps(x.add(at[1]))]
            };
            for (sums, &weight) in sums.iter_mut().zip(weights) {
                let weight = _mm512_set1_ps(weight);
                sums[0] = _mm512_fmadd_ps(weight, x[0], sums[0]);
                sums[1] = _mm512_fmadd_ps(weight, x[1], sums[1]);
            }
        }
    }
    sums
}

/// `w = wgrad(x, y)`; see [`super::conv::weight_gradient`].
pub(super) fn weight_gradient(g: &Geometry, x: &[f32], y: &[f32], w: &mut [f32]) {
    let ((height, width), pixels) = (g.input, g.in_pixels());
    w.fill(0.0);
    if pixels == 0 || g.out_channels == 0 {
        return;
    }
    // As many pictures at once as leave their outputs in the cache.
    let group = (CACHE_FLOATS / (g.out_channels * pixels)).clamp(1, g.batch.max(1));
    let layout = Rows::new(width, height);
    let of_channel = |channel: usize| {
        let mut sums = vec![0f32; g.out_channels * 9];
        with_padded(group * layout.plane, |padded| {
            for first in (0..g.batch).step_by(group) {
                let pictures = first..(first + group).min(g.batch);
                for (picture, padded) in pictures.clone().zip(padded.chunks_exact_mut(layout.plane)) {
                    let at = (picture * g.in_channels + channel) * pixels;
                    layout.fill(&x[at..at + pixels], height, 0, padded);
                }
                let padded = &padded[..pictures.len() * layout.plane];
                let y = &y[first * g.out_channels * pixels..][..pictures.len() * g.out_channels * pixels];
                for (block, sums) in sums.chunks_mut(3 * 9).enumerate() {
                    let outputs = (3 * block, g.out_channels);
                    // SAFETY: `fits` has found AVX-512.
                    unsafe {
                        match sums.len() / 9 {
                            3 => add_products::<3>(layout, padded, y, outputs, sums),
                            2 => add_products::<2>(layout, padded, y, outputs, sums),
                            _ => add_products::<1>(layout, padded, y, outputs, sums),
                        }
                    }
                }
            }
        });
        sums
    };
    let channels: Vec<_> = (0..g.in_channels).into_par_iter().map(of_channel).collect();
    for (input, sums) in channels.iter().enumerate() {
        for (output, sums) in sums.chunks_exact(9).enumerate() {
            w[(output * g.in_channels + input) * 9..][..9].copy_from_slice(sums);
        }
    }
}

/// Adds to `sums` `(OUTPUTS, 9)` the products of the padded pictures of one
/// channel with the outputs `(·, outputs, H, W)` from `first` on.
#[target_feature(enable = "avx512f")]
fn add_products<const OUTPUTS: usize>(
    layout: Rows,
    padded: &[f32],
    y: &[f32],
    (first, outputs): (usize, usize),
    sums: &mut [f32],
) {
    let height = layout.plane / layout.stride - 2;
    let pixels = height * layout.width;
    let mut vectors = [[_mm512_setzero_ps(); 9]; OUTPUTS];
    for (padded, y) in padded.chunks_exact(layout.plane).zip(y.chunks_exact(outputs * pixels)) {
        let y = &y[first * pixels..][..OUTPUTS * pixels];
        for place in 0..height * layout.vectors() {
            let (row, i) = (place / layout.vectors(), place % layout.vectors());
            let (mask, at) = (layout.mask(i), row * layout.width + i * LANES);
            let x = row * layout.stride + i * LANES;
            let mut of_y = [_mm512_setzero_ps(); OUTPUTS];
            for (k, of_y) in of_y.iter_mut().enumerate() {
                // SAFETY: the mask's lanes lie in row `row` of plane `k` of `y`.
                *of_y = unsafe { _mm512_maskz_loadu_ps(mask, y.as_ptr().add(k * pixels + at)) };
            }
            for tap in 0..9 {
                // SAFETY: the vector ends at most 2 rows, 2 columns and a vector
                // further, which a padded plane has.
                let x = unsafe { _mm512_loadu_ps(padded.as_ptr().add(x + tap / 3 * layout.stride + tap % 3)) };
                for (vectors, of_y) in vectors.iter_mut().zip(&of_y) {
                    vectors[tap] = _mm512_fmadd_ps(*of_y, x, vectors[tap]);
                }
            }
        }
    }
    for (sum, vector) in sums.iter_mut().zip(vectors.as_flattened()) {
        *sum += _mm512_reduce_add_ps(*vector);
    }
}
