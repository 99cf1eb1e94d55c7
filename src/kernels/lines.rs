//! Lines of a photo to a network's pixels, and of a picture from its last values.

use super::plan::Value;
use multiversion::multiversion;
use std::array;

/// Pixels of `VALUES` values from the lines of their three colours; a fourth value is 0.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
pub fn interleave<const VALUES: usize, T: Value>(pixels: &mut [T], [red, green, blue]: [&[f32]; 3]) {
    let pixels = pixels.as_chunks_mut::<VALUES>().0;
    for (((pixel, red), green), blue) in pixels.iter_mut().zip(red).zip(green).zip(blue) {
        let colours = [*red, *green, *blue].map(T::of);
        *pixel = array::from_fn(|c| colours.get(c).copied().unwrap_or_default());
    }
}

/// Of each pixel's `channels` values the `BLOCK` from `first` on, one after another.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
pub fn shuffle<const BLOCK: usize, T: Value>(out: &mut [f32], pixels: &[T], channels: usize, first: usize) {
    for (out, pixel) in out.as_chunks_mut::<BLOCK>().0.iter_mut().zip(pixels.chunks_exact(channels)) {
        if let Some(values) = pixel[first..].first_chunk::<BLOCK>() {
            *out = values.map(Value::f32);
        }
    }
}

/// The hyperbolic tangent of each.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub fn all_tanh(values: &mut [f32]) {
    values.iter_mut().for_each(|value| *value = tanh(*value));
}

/// Adds the photo's own colour, within −1..1.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub fn add(values: &mut [f32], photo: &[f32]) {
    for (value, photo) in values.iter_mut().zip(photo) {
        *value = (*value + photo).clamp(-1.0, 1.0);
    }
}

/// Adds what three numbers make of the photo's colours, and the fourth, within −1..1.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub fn add_recoloured(values: &mut [f32], [r, g, b]: [&[f32]; 3], &[red, green, blue, add]: &[f32; 4]) {
    for (((value, r), g), b) in values.iter_mut().zip(r).zip(g).zip(b) {
        *value = (*value + (red * r + green * g + blue * b + add)).clamp(-1.0, 1.0);
    }
}

/// The hyperbolic tangent, to 2e-6, by eight terms of Lambert's continued fraction. Unlike the library's, a loop of it
/// becomes vector instructions.
#[inline(always)]
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
