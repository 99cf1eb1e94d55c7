//! AMX's ways against f32's with rounded factors.

#![allow(clippy::unwrap_used)]

use super::*;
#[cfg(target_arch = "x86_64")]
use crate::kernels::amx::{CHUNK, TILE};
use proptest::prelude::*;

/// Numbers between −1 and 1, others for another seed.
fn noise(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(747_796_405).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

/// Sums in another order round to another of two neighbours, and no further apart.
fn assert_close(what: &str, got: &[f32], wanted: &[f32]) {
    let rms = (wanted.iter().map(|v| v * v).sum::<f32>() / wanted.len() as f32).sqrt();
    for (i, (got, wanted)) in got.iter().zip(wanted).enumerate() {
        let room = 2f32.powi(-7) * wanted.abs() + 1e-5 * rms;
        assert!((got - wanted).abs() <= room, "{what}: value {i} is {got}, not {wanted}");
    }
}

/// A face by AMX and step by step.
fn compare(what: &str, g: &Geometry, ways: [Face; 2], [a, b]: [&[f32]; 2], len: usize) {
    // What was there before must not matter.
    let [mut got, mut wanted] = [vec![f32::NAN; len], vec![f32::NAN; len]];
    ways[0](g, a, b, &mut got);
    rounded(ways[1], g, a, b, &mut wanted);
    assert_close(&format!("{what} of {g:?}"), &got, &wanted);
}

fn compare_all(g: &Geometry, seed: u32) {
    let x = noise(g.input_len(), seed);
    let w = noise(g.weight_len(), seed + 1);
    let y = noise(g.output_len(), seed + 2);
    compare("convolution", g, [forward, conv::forward], [&x, &w], y.len());
    compare("adjoint", g, [adjoint, conv::adjoint], [&y, &w], x.len());
    compare("weight gradient", g, [weight_gradient, conv::weight_gradient], [&x, &y], w.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Sides below and above a tile's, channels that fill none, any window.
    #[test]
    fn amx_agrees_with_rounded_factors(
        (batch, height, width) in (1usize..4, 1usize..40, 1usize..70),
        (in_channels, out_channels) in (1usize..70, 1usize..70),
        (kernel, stride, padding) in (1usize..5, 1usize..3, 0usize..3),
        seed in 0u32..1000,
    ) {
        let (height, width) = (height.max(kernel), width.max(kernel));
        let output = |side: usize| (side + 2 * padding - kernel) / stride + 1;
        let g = Geometry {
            batch,
            in_channels,
            input: (height, width),
            out_channels,
            output: (output(height), output(width)),
            kernel,
            stride,
            padding,
        };
        compare_all(&g, seed);
    }
}

fn halving(batch: usize, channels: usize, side: usize) -> Geometry {
    Geometry {
        batch,
        in_channels: channels,
        input: (side, side),
        out_channels: channels,
        output: (side / 2, side / 2),
        kernel: 4,
        stride: 2,
        padding: 1,
    }
}

/// Several strips of rows, several chunks of channels, weights that are most of the work, and groups of pictures side by
/// side of which the last one is not full.
#[test]
fn large_layers_agree_too() {
    for (batch, channels, side) in [(1, 70, 192), (2, 160, 2), (5, 200, 16), (19, 40, 12)] {
        compare_all(&halving(batch, channels, side), 1);
    }
}

/// What [`large_layers_agree_too`] says of its last one.
#[cfg(target_arch = "x86_64")]
#[test]
fn a_group_of_pictures_may_lack_some() {
    for unit in [TILE, CHUNK] {
        let window = window::Window::seen(&halving(19, 40, 12), unit);
        assert!(window.beside > 1 && 19 % window.beside > 0, "{window:?}");
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    for g in [halving(2, 40, 90), halving(3, 40, 8)] {
        let [x, w, y] = [noise(g.input_len(), 1), noise(g.weight_len(), 2), noise(g.output_len(), 3)];
        let by_threads = |threads: usize| {
            let [mut to_x, mut to_w, mut to_y] = [x.clone(), w.clone(), y.clone()];
            rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
                forward(&g, &x, &w, &mut to_y);
                adjoint(&g, &y, &w, &mut to_x);
                weight_gradient(&g, &x, &y, &mut to_w);
            });
            [to_x, to_w, to_y].map(|values| values.into_iter().map(f32::to_bits).collect::<Vec<_>>())
        };
        assert!(by_threads(1) == by_threads(5));
    }
}
