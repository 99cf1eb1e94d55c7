//! The convolution family against its definition, written as plain loops in
//! float64, over sizes that PyTorch's few cases do not reach: odd and unequal
//! sides, every stride and padding of the family, channels and pixels beyond
//! a kernel's blocks.

use super::numbers::{formula, noise};
use candle_core::{Tensor, Var};
use sakuga::nn::conv::{conv_transpose2d, conv2d};

/// Sizes of one convolution `(N, Cin, H, W)` → `(N, Cout, H', W')`.
#[derive(Clone, Copy, Debug)]
struct Case {
    batch: usize,
    inputs: usize,
    outputs: usize,
    height: usize,
    width: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
}

impl Case {
    fn output(&self, side: usize) -> usize {
        (side + 2 * self.padding - self.kernel) / self.stride + 1
    }

    /// Visits every product of the trilinear form `Σ conv(x, w)·y` by the
    /// indices of its x, w and y.
    fn products(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let (k, oh, ow) = (self.kernel, self.output(self.height), self.output(self.width));
        for n in 0..self.batch {
            for (o, i) in (0..self.outputs).flat_map(|o| (0..self.inputs).map(move |i| (o, i))) {
                for (p, q) in (0..oh).flat_map(|p| (0..ow).map(move |q| (p, q))) {
                    for (r, s) in (0..k).flat_map(|r| (0..k).map(move |s| (r, s))) {
                        let (row, column) = (p * self.stride + r, q * self.stride + s);
                        let inside = |at: usize, side: usize| at.checked_sub(self.padding).filter(|at| *at < side);
                        if let (Some(row), Some(column)) = (inside(row, self.height), inside(column, self.width)) {
                            visit(
                                ((n * self.inputs + i) * self.height + row) * self.width + column,
                                ((o * self.inputs + i) * k + r) * k + s,
                                ((n * self.outputs + o) * oh + p) * ow + q,
                            );
                        }
                    }
                }
            }
        }
    }
}

fn values(t: &Tensor) -> Vec<f32> {
    t.flatten_all().unwrap().to_vec1().unwrap()
}

/// Every element within 1e-5 of the root mean square: float32's own rounding
/// over the longest sums here stays below a tenth of that.
fn assert_close(what: &str, case: &Case, got: &[f32], wanted: &[f64]) {
    assert_eq!(got.len(), wanted.len(), "{what} of {case:?}");
    let rms = (wanted.iter().map(|v| v * v).sum::<f64>() / wanted.len() as f64).sqrt();
    for (i, (got, wanted)) in got.iter().zip(wanted).enumerate() {
        let error = (f64::from(*got) - wanted).abs();
        assert!(error <= 1e-5 * rms, "{what} of {case:?}: element {i} is {got}, not {wanted}");
    }
}

/// Runs the three ops both as values and as each other's gradients.
fn compare(case: Case) {
    let (oh, ow) = (case.output(case.height), case.output(case.width));
    let x = formula("x", (case.batch, case.inputs, case.height, case.width), 1.0, 0.0);
    let w = formula("w", (case.outputs, case.inputs, case.kernel, case.kernel), 1.0, 0.0);
    let y = formula("y", (case.batch, case.outputs, oh, ow), 1.0, 0.0);
    let [xs, ws, ys] = [("x", &x), ("w", &w), ("y", &y)].map(|(name, var)| noise(name, var.elem_count(), 1.0, 0.0));
    let (mut to_x, mut to_w, mut to_y) = (vec![0f64; xs.len()], vec![0f64; ws.len()], vec![0f64; ys.len()]);
    case.products(|i, j, k| {
        let (x, w, y) = (f64::from(xs[i]), f64::from(ws[j]), f64::from(ys[k]));
        to_x[i] += w * y;
        to_w[j] += x * y;
        to_y[k] += x * w;
    });

    let forward = conv2d(&x, &w, case.stride, case.padding).unwrap();
    assert_close("convolution", &case, &values(&forward), &to_y);
    let grads = (forward * y.as_tensor()).unwrap().sum_all().unwrap().backward().unwrap();
    let of = |var: &Var| values(grads.get(var).unwrap());
    assert_close("input gradient", &case, &of(&x), &to_x);
    assert_close("weight gradient", &case, &of(&w), &to_w);

    // The input's rows beyond the last window are the adjoint's output padding.
    let exact = |side: usize, out: usize| (out - 1) * case.stride + case.kernel - 2 * case.padding == side;
    let square = case.height - (oh - 1) * case.stride == case.width - (ow - 1) * case.stride;
    let fits = (case.height + 2 * case.padding).checked_sub((oh - 1) * case.stride + case.kernel);
    if let (Some(extra), true) = (fits, square) {
        let adjoint = conv_transpose2d(&y, &w, case.stride, case.padding, extra).unwrap();
        assert_eq!(extra == 0, exact(case.height, oh));
        assert_close("adjoint", &case, &values(&adjoint), &to_x);
        let grads = (adjoint * x.as_tensor()).unwrap().sum_all().unwrap().backward().unwrap();
        let of = |var: &Var| values(grads.get(var).unwrap());
        assert_close("adjoint's input gradient", &case, &of(&y), &to_y);
        assert_close("adjoint's weight gradient", &case, &of(&w), &to_w);
    }
}

#[test]
fn small_and_odd() {
    const SIDES: [(usize, usize); 4] = [(7, 7), (8, 11), (9, 8), (13, 10)];
    for (kernel, stride) in [(1, 1), (3, 1), (3, 2), (4, 1), (4, 2), (7, 1), (7, 2), (4, 3)] {
        for padding in 0..=(kernel / 2).min(3) {
            // Pictures of few pixels are gathered; a crowd of them is not.
            for (batch, (height, width)) in [2, 20].into_iter().flat_map(|n| SIDES.map(|sides| (n, sides))) {
                compare(Case { batch, inputs: 3, outputs: 2, height, width, kernel, stride, padding });
            }
        }
    }
}

/// One window, one pixel, one channel: where a loop's end may be missed.
#[test]
fn smallest() {
    for (kernel, stride, padding, side) in
        [(4, 2, 1, 2), (3, 1, 1, 1), (3, 2, 1, 1), (4, 1, 1, 2), (7, 1, 3, 1), (1, 1, 0, 1)]
    {
        for (inputs, outputs) in [(1, 1), (1, 5), (5, 1)] {
            let (height, width) = (side, side);
            compare(Case { batch: 1, inputs, outputs, height, width, kernel, stride, padding });
            compare(Case { batch: 3, inputs, outputs, height, width: 40, kernel, stride, padding });
        }
    }
}

/// Beyond the blocks of a tiled kernel: many channels, wide rows, many pictures.
#[test]
fn beyond_the_blocks() {
    for (kernel, stride, padding) in [(4, 2, 1), (3, 1, 1), (4, 1, 1), (7, 1, 0)] {
        // The last are of many channels and of many pixels, in one strip of a picture and in more.
        let sizes = [
            (1, 3, 17, 41, 67),
            (2, 33, 19, 12, 9),
            (5, 16, 3, 7, 8),
            (1, 65, 40, 8, 8),
            (3, 17, 21, 21, 26),
            (1, 70, 16, 35, 47),
            (1, 16, 18, 90, 81),
        ];
        for (batch, inputs, outputs, height, width) in sizes {
            compare(Case { batch, inputs, outputs, height, width, kernel, stride, padding });
        }
    }
}
