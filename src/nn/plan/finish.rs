//! From the last layer's values, channels last, to the picture `(N, C, H, W)`.

use super::{Finish, Last};
use crate::kernels::fresh::zeros;
use crate::kernels::lines::{add, add_recoloured, all_tanh, shuffle};
use crate::kernels::plan::{Buffer, Value};
use rayon::prelude::*;
use std::ops::Range;

/// The picture, of `photo`'s size; `colours` are the numbers of [`Outline::recoloured`](super::Outline::recoloured).
/// Rows that are not `wanted` are zeros.
pub(super) fn finish<T: Value>(
    last: &Last,
    values: &Buffer<T>,
    photo: &[f32],
    (colours, wanted): (Option<&[f32]>, &Range<usize>),
) -> Vec<f32> {
    let Last { block, channels, finish, .. } = *last;
    let (height, width) = (values.height * block, values.width * block);
    let mut picture = zeros(values.batch * channels * height * width);
    // All lines that a row of values becomes, so that it is read once: those of each channel lie far apart.
    let mut lines: Vec<Vec<&mut [f32]>> = (0..values.batch * values.height).map(|_| Vec::new()).collect();
    for (i, line) in picture.chunks_exact_mut(block * width).enumerate() {
        let (plane, y) = (i / values.height, i % values.height);
        lines[plane / channels * values.height + y].push(line);
    }
    lines.into_par_iter().with_min_len(4).enumerate().for_each(|(i, lines)| {
        let (n, row) = (i / values.height, i % values.height);
        if row * block >= wanted.end || (row + 1) * block <= wanted.start {
            return;
        }
        let pixels = values.row(n, row);
        for (c, lines) in lines.into_iter().enumerate() {
            for (i, out) in lines.chunks_exact_mut(width).enumerate() {
                let (first, y) = ((c * block + i) * block, row * block + i);
                match block {
                    // By far the commonest ones, whose inner loop is no loop.
                    1 => shuffle::<1, T>(out, pixels, values.channels, first),
                    2 => shuffle::<2, T>(out, pixels, values.channels, first),
                    _ => {
                        for (out, pixel) in out.chunks_exact_mut(block).zip(pixels.chunks_exact(values.channels)) {
                            out.iter_mut().zip(&pixel[first..]).for_each(|(out, value)| *out = value.f32());
                        }
                    }
                }
                let photo = |c: usize| &photo[((n * channels + c) * height + y) * width..][..width];
                match (finish, colours.and_then(|colours| colours.as_chunks().0.get(c))) {
                    (Finish::Tanh, _) => all_tanh(out),
                    (Finish::AddToPhoto, None) => add(out, photo(c)),
                    (Finish::AddToPhoto, Some(colour)) => add_recoloured(out, [0, 1, 2].map(photo), colour),
                }
            }
        }
    });
    picture
}
