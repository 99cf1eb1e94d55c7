//! Convolutions to few pixels: the windows of all pictures side by side in one
//! matrix. Their weights are larger than the caches; so they are read once, not
//! once a picture, and the work is cut by channels, of which there are many.

use super::geometry::Geometry;
use super::lowering::{col2im, im2col};
use super::matmul::{Strides, Target, matmul};
use rayon::prelude::*;

/// Pixels of a batch's outputs up to which they are gathered.
const PIXELS: usize = 256;
/// Tasks worth having.
const TASKS: usize = 16;

/// Whether the outputs of `g` are few enough.
pub(super) fn fits(g: &Geometry) -> bool {
    (1..=PIXELS).contains(&pixels(g)) && g.in_pixels() > 0 && g.weight_len() > 0
}

/// Output pixels of all pictures.
fn pixels(g: &Geometry) -> usize {
    g.batch * g.out_pixels()
}

/// Input channels of a task.
fn block(g: &Geometry) -> usize {
    g.in_channels.div_ceil(TASKS)
}

/// `(N, C, pixels)` to `(C, N, pixels)` when `planes` has `n` times `c` planes.
fn exchanged(planes: &[f32], (n, c): (usize, usize)) -> Vec<f32> {
    let pixels = planes.len() / (n * c);
    let mut out = Vec::with_capacity(planes.len());
    for channel in 0..c {
        for picture in 0..n {
            out.extend_from_slice(&planes[(picture * c + channel) * pixels..][..pixels]);
        }
    }
    out
}

/// The windows `(channels·K·K, N·pixels)` of the input channels from `first` on.
fn lower(g: &Geometry, x: &[f32], first: usize, columns: &mut [f32]) {
    let (all, each) = (pixels(g), g.out_pixels());
    let channels = columns.len() / (all * g.kernel * g.kernel);
    for picture in 0..g.batch {
        let planes = &x[(picture * g.in_channels + first) * g.in_pixels()..][..channels * g.in_pixels()];
        im2col(g, planes, 0..g.output.0, all, &mut columns[picture * each..]);
    }
}

/// See [`super::conv::forward`].
pub(super) fn forward(g: &Geometry, x: &[f32], w: &[f32], y: &mut [f32]) {
    let (window, all) = (g.window(), pixels(g));
    let of_block = block(g) * g.kernel * g.kernel * all;
    let mut columns = vec![0f32; window * all];
    columns.par_chunks_mut(of_block).enumerate().for_each(|(i, columns)| lower(g, x, i * block(g), columns));
    let mut sums = vec![0f32; g.out_channels * all];
    let outputs = g.out_channels.div_ceil(TASKS);
    sums.par_chunks_mut(outputs * all).zip(w.par_chunks(outputs * window)).for_each(|(sums, w)| {
        // SAFETY: `sums` is this task's own.
        unsafe {
            matmul(
                (sums.len() / all, all, window),
                Target::new(sums),
                0,
                Strides::rows(all),
                false,
                (w, Strides::rows(window)),
                (&columns, Strides::rows(all)),
            );
        }
    });
    y.copy_from_slice(&exchanged(&sums, (g.out_channels, g.batch)));
}

/// See [`super::conv::adjoint`].
pub(super) fn adjoint(g: &Geometry, y: &[f32], w: &[f32], x: &mut [f32]) {
    let (taps, all, each) = (g.kernel * g.kernel, pixels(g), g.out_pixels());
    let y = exchanged(y, (g.batch, g.out_channels));
    let mut gathered = vec![0f32; x.len()];
    // `(Cin, N, H, W)`: a task's channels lie together.
    gathered.par_chunks_mut(block(g) * g.batch * g.in_pixels()).enumerate().for_each(|(i, planes)| {
        let height = planes.len() / (g.batch * g.in_pixels()) * taps;
        let mut columns = vec![0f32; height * all];
        // SAFETY: `columns` is this task's own.
        unsafe {
            matmul(
                (height, all, g.out_channels),
                Target::new(&mut columns),
                0,
                Strides::rows(all),
                false,
                (&w[i * block(g) * taps..], Strides::transposed(g.window())),
                (&y, Strides::rows(all)),
            );
        }
        for (plane, target) in planes.chunks_exact_mut(g.in_pixels()).enumerate() {
            let (channel, picture) = (plane / g.batch, plane % g.batch);
            let columns = &columns[channel * taps * all + picture * each..];
            col2im(g, columns, 0..g.output.0, all, target);
        }
    });
    x.copy_from_slice(&exchanged(&gathered, (g.in_channels, g.batch)));
}

/// See [`super::conv::weight_gradient`].
pub(super) fn weight_gradient(g: &Geometry, x: &[f32], y: &[f32], w: &mut [f32]) {
    let (taps, all) = (g.kernel * g.kernel, pixels(g));
    let y = exchanged(y, (g.batch, g.out_channels));
    let target = Target::new(w);
    (0..g.in_channels.div_ceil(block(g))).into_par_iter().for_each(|i| {
        let channels = block(g).min(g.in_channels - i * block(g));
        let mut columns = vec![0f32; channels * taps * all];
        lower(g, x, i * block(g), &mut columns);
        // SAFETY: this task's columns of the weight matrix are the windows of
        // its own channels; `w` is borrowed for the whole call.
        unsafe {
            matmul(
                (g.out_channels, channels * taps, all),
                target,
                i * block(g) * taps,
                Strides::rows(g.window()),
                false,
                (&y, Strides::rows(all)),
                (&columns, Strides::transposed(all)),
            );
        }
    });
}
