//! Convolution, its adjoint and its weight gradient: three faces of one
//! trilinear form, each as strips of lowered windows times a matrix product;
//! `direct`, `gathered` and `winograd` have better ways for some sizes.
//!
//! The work is cut by the sizes alone, never by the number of threads, so the
//! results are the same bits on any machine with the same vector units.

#[cfg(target_arch = "x86_64")]
use super::direct;
use super::gathered;
use super::geometry::Geometry;
use super::lowering::{col2im, im2col};
use super::matmul::{Strides, Target, matmul};
use super::winograd::Winograd;
use rayon::prelude::*;
use std::cell::RefCell;
use std::ops::Range;

thread_local! {
    /// Lowered windows: kept between calls, so that a layer costs no allocation.
    static COLUMNS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

fn with_columns<R>(len: usize, f: impl FnOnce(&mut [f32]) -> R) -> R {
    COLUMNS.with_borrow_mut(|columns| {
        if columns.len() < len {
            columns.resize(len, 0.0);
        }
        f(&mut columns[..len])
    })
}

/// Strips of at most `rows` output rows.
fn strips(g: &Geometry, rows: usize) -> impl Iterator<Item = Range<usize>> + use<> {
    let height = g.output.0;
    (0..height.div_ceil(rows.max(1))).map(move |i| i * rows..((i + 1) * rows).min(height))
}

/// Input channels that one task of the adjoint or the weight gradient takes.
fn channel_block(g: &Geometry) -> usize {
    const BLOCKS: usize = 8;
    g.in_channels.div_ceil(BLOCKS).max(1)
}

/// `y = conv(x, w)`: `x` `(N, Cin, H, W)`, `w` `(Cout, Cin, K, K)`, `y` `(N, Cout, Hout, Wout)`.
pub fn forward(g: &Geometry, x: &[f32], w: &[f32], y: &mut [f32]) {
    assert_eq!((x.len(), w.len(), y.len()), (g.input_len(), g.weight_len(), g.output_len()));
    if let Some(winograd) = Winograd::of(g) {
        return winograd.forward(x, w, y);
    }
    #[cfg(target_arch = "x86_64")]
    if direct::fits(g) {
        return direct::forward(g, x, w, y);
    }
    if gathered::fits(g) {
        return gathered::forward(g, x, w, y);
    }
    let window = g.window();
    let rows = g.strip_rows(g.in_channels);
    let strips: Vec<_> = strips(g, rows).collect();
    let target = Target::new(y);
    (0..g.batch * strips.len()).into_par_iter().for_each(|task| {
        let (picture, rows) = (task / strips.len(), strips[task % strips.len()].clone());
        let planes = &x[picture * g.in_channels * g.in_pixels()..][..g.in_channels * g.in_pixels()];
        let pixels = rows.len() * g.output.1;
        let offset = picture * g.out_channels * g.out_pixels() + rows.start * g.output.1;
        with_columns(window * pixels, |columns| {
            im2col(g, planes, rows, pixels, columns);
            // SAFETY: this task's columns of the picture's matrix are the
            // pixels of its own strip; `y` is borrowed for the whole call.
            unsafe {
                matmul(
                    (g.out_channels, pixels, window),
                    target,
                    offset,
                    Strides::rows(g.out_pixels()),
                    false,
                    (w, Strides::rows(window)),
                    (columns, Strides::rows(pixels)),
                );
            }
        });
    });
}

/// `x = convᵀ(y, w)`, the adjoint in `x`: also known as transposed convolution.
pub fn adjoint(g: &Geometry, y: &[f32], w: &[f32], x: &mut [f32]) {
    assert_eq!((x.len(), w.len(), y.len()), (g.input_len(), g.weight_len(), g.output_len()));
    if let Some(winograd) = Winograd::of(g) {
        return winograd.adjoint(y, w, x);
    }
    #[cfg(target_arch = "x86_64")]
    if direct::fits(g) {
        return direct::adjoint(g, y, w, x);
    }
    if gathered::fits(g) {
        return gathered::adjoint(g, y, w, x);
    }
    let (window, block) = (g.window(), channel_block(g));
    let taps = g.kernel * g.kernel;
    let blocks: Vec<_> = x
        .chunks_mut((g.in_channels * g.in_pixels()).max(1))
        .enumerate()
        .flat_map(|(picture, planes)| {
            planes.chunks_mut(block * g.in_pixels()).enumerate().map(move |(i, planes)| (picture, i * block, planes))
        })
        .collect();
    blocks.into_par_iter().for_each(|(picture, first, planes)| {
        planes.fill(0.0);
        let channels = planes.len() / g.in_pixels();
        let height = channels * taps;
        let y = &y[picture * g.out_channels * g.out_pixels()..][..g.out_channels * g.out_pixels()];
        for rows in strips(g, g.strip_rows(channels)) {
            let pixels = rows.len() * g.output.1;
            with_columns(height * pixels, |columns| {
                // SAFETY: `columns` is this thread's own.
                unsafe {
                    matmul(
                        (height, pixels, g.out_channels),
                        Target::new(columns),
                        0,
                        Strides::rows(pixels),
                        false,
                        (&w[first * taps..], Strides::transposed(window)),
                        (&y[rows.start * g.output.1..], Strides::rows(g.out_pixels())),
                    );
                }
                col2im(g, columns, rows, pixels, planes);
            });
        }
    });
}

/// `w = wgrad(x, y)`: how `conv(x, w)·y` changes with `w`.
pub fn weight_gradient(g: &Geometry, x: &[f32], y: &[f32], w: &mut [f32]) {
    /// Tasks worth having, and columns that a matrix product needs to be efficient.
    const TASKS: usize = 8;
    const COLUMNS: usize = 256;
    assert_eq!((x.len(), w.len(), y.len()), (g.input_len(), g.weight_len(), g.output_len()));
    if let Some(winograd) = Winograd::of(g) {
        return winograd.weight_gradient(x, y, w);
    }
    #[cfg(target_arch = "x86_64")]
    if direct::fits(g) {
        return direct::weight_gradient(g, x, y, w);
    }
    if gathered::fits(g) {
        return gathered::weight_gradient(g, x, y, w);
    }
    let taps = g.kernel * g.kernel;
    let block = COLUMNS.div_ceil(taps).max(g.in_channels.div_ceil(TASKS)).min(g.in_channels);
    let blocks = g.in_channels.div_ceil(block);
    // Few channels: groups of pictures make partial sums, added up in order.
    let groups = (TASKS / blocks).clamp(1, g.batch);
    let per_group = g.batch.div_ceil(groups);
    let mut partial = vec![0f32; (groups - 1) * w.len()];
    let length = w.len();
    w.fill(0.0);
    let targets: Vec<_> = std::iter::once(Target::new(w)).chain(partial.chunks_mut(length).map(Target::new)).collect();
    (0..blocks * groups).into_par_iter().for_each(|task| {
        let (i, group) = (task % blocks, task / blocks);
        let channels = i * block..((i + 1) * block).min(g.in_channels);
        for picture in group * per_group..((group + 1) * per_group).min(g.batch) {
            accumulate_weight_gradient(g, channels.clone(), picture, x, y, targets[group]);
        }
    });
    for part in partial.chunks(length) {
        for (w, part) in w.iter_mut().zip(part) {
            *w += *part;
        }
    }
}

/// Adds one picture's part of the weight gradient for some input channels.
fn accumulate_weight_gradient(
    g: &Geometry,
    channels: Range<usize>,
    picture: usize,
    x: &[f32],
    y: &[f32],
    target: Target,
) {
    let taps = g.kernel * g.kernel;
    let width = channels.len() * taps;
    let first = (picture * g.in_channels + channels.start) * g.in_pixels();
    let planes = &x[first..][..channels.len() * g.in_pixels()];
    let y = &y[picture * g.out_channels * g.out_pixels()..][..g.out_channels * g.out_pixels()];
    for rows in strips(g, g.strip_rows(channels.len())) {
        let pixels = rows.len() * g.output.1;
        with_columns(width * pixels, |columns| {
            im2col(g, planes, rows.clone(), pixels, columns);
            // SAFETY: this task's columns of its group's weight matrix are the
            // windows of its own channels; the matrix is borrowed throughout.
            unsafe {
                matmul(
                    (g.out_channels, width, pixels),
                    target,
                    channels.start * taps,
                    Strides::rows(g.window()),
                    true,
                    (&y[rows.start * g.output.1..], Strides::rows(g.out_pixels())),
                    (columns, Strides::transposed(pixels)),
                );
            }
        });
    }
}
