//! From the last layer's values, channels last, to the picture `(N, C, H, W)`.

use super::{Finish, Last};
use crate::kernels::plan::{Buffer, Value};
use rayon::prelude::*;

/// The picture, of `photo`'s size; `colours` are the numbers of [`Outline::recoloured`](super::Outline::recoloured).
pub(super) fn finish<T: Value>(last: &Last, values: &Buffer<T>, photo: &[f32], colours: Option<&[f32]>) -> Vec<f32> {
    let Last { block, channels, finish, .. } = *last;
    let (height, width) = (values.height * block, values.width * block);
    let mut picture = vec![0.0; values.batch * channels * height * width];
    picture.par_chunks_mut(width).with_min_len(8).enumerate().for_each(|(line, out)| {
        let (plane, y) = (line / height, line % height);
        let (n, c) = (plane / channels, plane % channels);
        let pixels = values.row(n, y / block).chunks_exact(values.channels);
        let first = (c * block + y % block) * block;
        match block {
            // By far the commonest ones, whose inner loop is no loop.
            1 => shuffle::<1, T>(out, pixels, first),
            2 => shuffle::<2, T>(out, pixels, first),
            _ => {
                for (out, pixel) in out.chunks_exact_mut(block).zip(pixels) {
                    out.iter_mut().zip(&pixel[first..]).for_each(|(out, value)| *out = value.f32());
                }
            }
        }
        match finish {
            Finish::Tanh => out.iter_mut().for_each(|value| *value = tanh(*value)),
            Finish::AddToPhoto => {
                let row = |plane: usize| &photo[(plane * height + y) * width..][..width];
                if let Some(&[red, green, blue, add]) = colours.and_then(|colours| colours.chunks(4).nth(c)) {
                    let [r, g, b] = [0, 1, 2].map(|c| row(n * channels + c));
                    for (((value, r), g), b) in out.iter_mut().zip(r).zip(g).zip(b) {
                        *value = (*value + (red * r + green * g + blue * b + add)).clamp(-1.0, 1.0);
                    }
                } else {
                    for (value, photo) in out.iter_mut().zip(row(plane)) {
                        *value = (*value + photo).clamp(-1.0, 1.0);
                    }
                }
            }
        }
    });
    picture
}

/// Of each pixel the `BLOCK` values from `first` on, one after another.
fn shuffle<'a, const BLOCK: usize, T: Value>(out: &mut [f32], pixels: impl Iterator<Item = &'a [T]>, first: usize) {
    for (out, pixel) in out.as_chunks_mut::<BLOCK>().0.iter_mut().zip(pixels) {
        if let Some(values) = pixel[first..].first_chunk::<BLOCK>() {
            *out = values.map(Value::f32);
        }
    }
}

/// The hyperbolic tangent, to 2e-6, by eight terms of Lambert's continued fraction. Unlike the library's, a loop of it
/// becomes vector instructions.
fn tanh(x: f32) -> f32 {
    // tanh(x) = 2·t / (1 + t²) with t = tanh(x/2), so the fraction is needed for half as far.
    let half = (x / 2.0).clamp(-4.6, 4.6);
    let s = half * half;
    let above = half * (2_027_025.0 + s * (270_270.0 + s * (6_930.0 + s * 36.0)));
    let below = 2_027_025.0 + s * (945_945.0 + s * (51_975.0 + s * (630.0 + s)));
    let t = above / below;
    2.0 * t / (1.0 + t * t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tanh_is_the_librarys() {
        for i in -4000..=4000 {
            let x = i as f32 / 300.0;
            assert!((tanh(x) - x.tanh()).abs() < 2e-6, "tanh({x}) = {}, not {}", tanh(x), x.tanh());
        }
    }
}
