//! Lines of a photo to a network's pixels, and of a picture from its last values: photo and picture are planes of numbers
//! in −1..1, or pixels of bytes.

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

/// Pixels of `VALUES` values in −1..1 from those of `LEVELS` bytes; further values are 0.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
pub fn from_bytes<const LEVELS: usize, const VALUES: usize, T: Value>(pixels: &mut [T], bytes: &[u8]) {
    for (pixel, levels) in pixels.as_chunks_mut::<VALUES>().0.iter_mut().zip(bytes.as_chunks::<LEVELS>().0) {
        *pixel = array::from_fn(|c| levels.get(c).map_or(T::default(), |&level| T::of(value(level))));
    }
}

/// The values of one of a pixel's `CHANNELS` bytes.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
pub fn plane_of<const CHANNELS: usize>(values: &mut [f32], bytes: &[u8], channel: usize) {
    for (out, levels) in values.iter_mut().zip(bytes.as_chunks::<CHANNELS>().0) {
        *out = value(levels[channel]);
    }
}

/// Pixels of three bytes from the lines of their colours; what lies beyond −1..1 is clamped, and what is no number is 0.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
pub fn to_bytes(bytes: &mut [u8], [red, green, blue]: [&[f32]; 3]) {
    for (((pixel, red), green), blue) in bytes.as_chunks_mut::<3>().0.iter_mut().zip(red).zip(green).zip(blue) {
        *pixel = [level(*red), level(*green), level(*blue)];
    }
}

/// A byte as a network sees it.
#[inline(always)]
pub fn value(level: u8) -> f32 {
    f32::from(level) / 127.5 - 1.0
}

/// The byte nearest to a value.
#[inline(always)]
#[allow(clippy::manual_clamp, reason = "what is no number would stay none")]
pub fn level(value: f32) -> u8 {
    let level = (value * 127.5 + 128.0).max(0.0).min(255.0);
    // SAFETY: it lies between 0 and 255, also where `value` is no number: `max` answers the number of the two. (The cast
    // that looks for such numbers by itself becomes no vector instruction.)
    unsafe { level.to_int_unchecked::<i32>() as u8 }
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
    fn bytes_come_back_and_what_is_beyond_them_is_clamped() {
        assert!((0..=255).all(|byte| level(value(byte)) == byte));
        let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, 1e-30, -1.0, 1.0, 0.5 / 127.5];
        assert_eq!(odd.map(level), [0, 255, 0, 255, 0, 128, 0, 255, 128]);
        // Lines long enough for vectors, and a rest.
        let line: Vec<f32> = (0..77).map(|i| odd.get(i).copied().unwrap_or(i as f32 / 70.0 - 0.5)).collect();
        let back: Vec<f32> = line.iter().rev().copied().collect();
        let mut bytes = vec![7; 3 * 77];
        to_bytes(&mut bytes, [&line, &back, &line]);
        let expected = line.iter().zip(&back).flat_map(|(a, b)| [level(*a), level(*b), level(*a)]);
        assert_eq!(bytes, expected.collect::<Vec<_>>());

        let (mut pixels, mut plane) = (vec![5.0; 4 * 77], vec![5.0; 77]);
        from_bytes::<3, 4, f32>(&mut pixels, &bytes);
        plane_of::<3>(&mut plane, &bytes, 1);
        for ((pixel, bytes), green) in pixels.chunks(4).zip(bytes.chunks(3)).zip(plane) {
            assert_eq!(pixel, [value(bytes[0]), value(bytes[1]), value(bytes[2]), 0.0]);
            assert_eq!(green, value(bytes[1]));
        }
    }

    #[test]
    fn tanh_is_the_librarys() {
        for i in -4000..=4000 {
            let x = i as f32 / 300.0;
            assert!((tanh(x) - x.tanh()).abs() < 2e-6, "tanh({x}) = {}, not {}", tanh(x), x.tanh());
        }
    }
}
