//! Every kernel and every form against the definition in float64.

#![allow(clippy::unwrap_used)]

use super::*;

/// Numbers between −1 and 1, others for another seed.
fn noise(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

/// The values of the three faces, by plain loops.
fn definition(g: &Geometry, [x, w, y]: [&[f32]; 3]) -> [Vec<f64>; 3] {
    let [mut of_x, mut of_w, mut of_y] = [x, w, y].map(|values| vec![0f64; values.len()]);
    let pairs = |(rows, columns): (usize, usize)| (0..rows).flat_map(move |i| (0..columns).map(move |j| (i, j)));
    for (picture, (o, c)) in
        (0..g.batch).flat_map(|n| pairs((g.out_channels, g.in_channels)).map(move |pair| (n, pair)))
    {
        for ((p, q), (r, s)) in pairs(g.output).flat_map(|at| pairs((g.kernel, g.kernel)).map(move |tap| (at, tap))) {
            let (row, column) = (p * g.stride + r, q * g.stride + s);
            let inside = |at: usize, side: usize| at.checked_sub(g.padding).filter(|at| *at < side);
            let (Some(row), Some(column)) = (inside(row, g.input.0), inside(column, g.input.1)) else { continue };
            let i = ((picture * g.in_channels + c) * g.input.0 + row) * g.input.1 + column;
            let j = ((o * g.in_channels + c) * g.kernel + r) * g.kernel + s;
            let k = ((picture * g.out_channels + o) * g.output.0 + p) * g.output.1 + q;
            let [x, w, y] = [x[i], w[j], y[k]].map(f64::from);
            of_x[i] += w * y;
            of_w[j] += x * y;
            of_y[k] += x * w;
        }
    }
    [of_x, of_w, of_y]
}

fn assert_close(what: &str, got: &[f32], wanted: &[f64]) {
    let rms = (wanted.iter().map(|v| v * v).sum::<f64>() / wanted.len() as f64).sqrt();
    let off = got.iter().zip(wanted).map(|(got, wanted)| (f64::from(*got) - wanted).abs()).fold(0.0, f64::max);
    assert!(off <= 1e-5 * rms, "{what}: {off} off, of {rms}");
}

fn compare<K: Kernel<Value = f32>>(g: &Geometry) {
    if !K::INSTRUCTIONS.available() {
        return;
    }
    let [x, w, y] = [noise(g.input_len(), 1), noise(g.weight_len(), 2), noise(g.output_len(), 3)];
    let [of_x, of_w, of_y] = definition(g, [&x, &w, &y]);
    for tile in [2, 4] {
        let winograd = Winograd::new(g, Form { tile, ..Form::of(g).unwrap() });
        let what = format!("{} in tiles of {tile}: {g:?}", K::INSTRUCTIONS.name());
        // What was there before must not matter.
        let (mut to_x, mut to_w, mut to_y) =
            (vec![f32::NAN; x.len()], vec![f32::NAN; w.len()], vec![f32::NAN; y.len()]);
        winograd.forward_by::<K>(&x, &w, &mut to_y);
        assert_close(&format!("forward, {what}"), &to_y, &of_y);
        winograd.adjoint_by::<K>(&y, &w, &mut to_x);
        assert_close(&format!("adjoint, {what}"), &to_x, &of_x);
        winograd.weight_gradient_by::<K>(&x, &y, &mut to_w);
        assert_close(&format!("weight gradient, {what}"), &to_w, &of_w);
    }
}

/// Sides that end in the midst of tiles and of vectors, strips of several pictures and pictures of several strips,
/// channels that fill no panel.
#[test]
fn kernels_and_forms_agree_with_the_definition() {
    let sizes = [(1, (5, 37), (19, 16)), (3, (9, 6), (16, 35)), (2, (40, 66), (17, 18)), (1, (150, 20), (16, 17))];
    for (batch, input, (in_channels, out_channels)) in sizes {
        for (kernel, stride) in [(3, 1), (4, 1), (4, 2)] {
            let output = |side: usize| (side + 2 - kernel) / stride + 1;
            let output = (output(input.0), output(input.1));
            let g = Geometry { batch, in_channels, input, out_channels, output, kernel, stride, padding: 1 };
            compare::<Portable>(&g);
            #[cfg(target_arch = "x86_64")]
            compare::<Avx2>(&g);
            #[cfg(target_arch = "x86_64")]
            compare::<Avx512>(&g);
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let g = Geometry {
        batch: 2,
        in_channels: 70,
        input: (90, 90),
        out_channels: 40,
        output: (90, 90),
        kernel: 3,
        stride: 1,
        padding: 1,
    };
    let [x, w, y] = [noise(g.input_len(), 1), noise(g.weight_len(), 2), noise(g.output_len(), 3)];
    let by_threads = |threads: usize| {
        let [mut to_x, mut to_w, mut to_y] = [x.clone(), w.clone(), y.clone()];
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            let winograd = Winograd::of(&g).unwrap();
            winograd.forward(&x, &w, &mut to_y);
            winograd.adjoint(&y, &w, &mut to_x);
            winograd.weight_gradient(&x, &y, &mut to_w);
        });
        [to_x, to_w, to_y].map(|values| values.into_iter().map(f32::to_bits).collect::<Vec<_>>())
    };
    assert!(by_threads(1) == by_threads(5));
}
