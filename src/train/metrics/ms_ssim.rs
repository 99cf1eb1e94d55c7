//! Structural similarity at several scales (Wang, Simoncelli, Bovik 2003,
//! "Multiscale structural similarity for image quality assessment"): Gaussian
//! windows of 11 pixels (σ 1.5) that lie wholly in the picture, means over 2×2
//! pixels from scale to scale.

use super::grey::Grey;

/// The paper's weights, from the full size down.
const WEIGHTS: [f64; 5] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];
const WINDOW: usize = 11;
const SIGMA: f64 = 1.5;
const C1: f64 = 0.01 * 0.01;
const C2: f64 = 0.03 * 0.03;

/// MS-SSIM of two pictures of one size, data range 1. A picture under 176
/// pixels has fewer scales than five, whose weights are then brought to a sum
/// of 1; one under 11 has none, and is compared in one window as large as it is.
pub(super) fn ms_ssim(a: &Grey, b: &Grey) -> f64 {
    let shorter = a.width.min(a.height);
    let scales = (1..=WEIGHTS.len()).rev().find(|scales| shorter >> (scales - 1) >= WINDOW).unwrap_or(1);
    let total: f64 = WEIGHTS[..scales].iter().sum();
    let (mut a, mut b) = (halves(a, 1), halves(b, 1));
    let mut product = 1.0;
    for (scale, weight) in WEIGHTS[..scales].iter().enumerate() {
        if scale > 0 {
            (a, b) = (halves(&a, 2), halves(&b, 2));
        }
        let (similarity, contrast) = compare(&a, &b);
        // Brightness counts at the smallest scale alone.
        let factor = if scale + 1 == scales { similarity } else { contrast };
        product *= factor.max(0.0).powf(weight / total);
    }
    product
}

/// Means over `by`×`by` pixels; what does not fill a block is left out.
fn halves(grey: &Grey, by: usize) -> Grey {
    let (width, height) = (grey.width / by, grey.height / by);
    let mean = |i: usize| {
        let (x, y) = (i % width * by, i / width * by);
        let block = (0..by * by).map(|k| grey.values[(y + k / by) * grey.width + x + k % by]);
        block.sum::<f64>() / (by * by) as f64
    };
    Grey { width, height, values: (0..width * height).map(mean).collect() }
}

/// Mean SSIM, and the mean of its contrast and structure terms.
fn compare(a: &Grey, b: &Grey) -> (f64, f64) {
    let product = |f: fn(f64, f64) -> f64| {
        blurred(a, &a.values.iter().zip(&b.values).map(|(a, b)| f(*a, *b)).collect::<Vec<_>>())
    };
    let (mean_a, mean_b) = (product(|a, _| a), product(|_, b| b));
    let (aa, bb, ab) = (product(|a, _| a * a), product(|_, b| b * b), product(|a, b| a * b));
    let (mut similarity, mut contrast) = (0.0, 0.0);
    for i in 0..mean_a.len() {
        let (ma, mb) = (mean_a[i], mean_b[i]);
        let (va, vb, vab) = (aa[i] - ma * ma, bb[i] - mb * mb, ab[i] - ma * mb);
        let cs = (2.0 * vab + C2) / (va + vb + C2);
        contrast += cs;
        similarity += cs * (2.0 * ma * mb + C1) / (ma * ma + mb * mb + C1);
    }
    (similarity / mean_a.len() as f64, contrast / mean_a.len() as f64)
}

/// `values` of the picture's size under the window, where it fits.
fn blurred(grey: &Grey, values: &[f64]) -> Vec<f64> {
    let (across, down) = (taps(grey.width), taps(grey.height));
    let (width, height) = (grey.width + 1 - across.len(), grey.height + 1 - down.len());
    let sum = |at: usize, step: usize, taps: &[f64], values: &[f64]| -> f64 {
        taps.iter().enumerate().map(|(k, tap)| tap * values[at + k * step]).sum()
    };
    let rows: Vec<f64> =
        (0..width * grey.height).map(|i| sum(i / width * grey.width + i % width, 1, &across, values)).collect();
    (0..width * height).map(|i| sum(i, width, &down, &rows)).collect()
}

/// The Gaussian's weights, as many as fit into `side` pixels; an odd number.
fn taps(side: usize) -> Vec<f64> {
    let count = WINDOW.min(side - usize::from(side.is_multiple_of(2)));
    let middle = (count / 2) as f64;
    let taps: Vec<f64> = (0..count).map(|i| (-(i as f64 - middle).powi(2) / (2.0 * SIGMA * SIGMA)).exp()).collect();
    let sum: f64 = taps.iter().sum();
    taps.into_iter().map(|tap| tap / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::drawings;
    use super::*;

    // What NumPy and SciPy say of `drawings` (see the parent's tests for `draw` and `grey`):
    //
    // import scipy.signal as sig
    // def ms_ssim(a, b):
    //     w = np.array([.0448, .2856, .3001, .2363, .1333])
    //     n = max(k for k in range(1, 6) if min(a.shape) >> (k - 1) >= 11); w = w[:n] / w[:n].sum()
    //     g = np.exp(-(np.arange(11) - 5) ** 2 / 4.5); g = np.outer(g, g) / g.sum() ** 2
    //     f = lambda x: sig.convolve2d(x, g, mode="valid")
    //     out = 1
    //     for k in range(n):
    //         if k:
    //             h, v = a.shape[0] // 2, a.shape[1] // 2
    //             a, b = (x[:2 * h, :2 * v].reshape(h, 2, v, 2).mean((1, 3)) for x in (a, b))
    //         ma, mb = f(a), f(b)
    //         cs = (2 * (f(a * b) - ma * mb) + 9e-4) / (f(a * a) - ma ** 2 + f(b * b) - mb ** 2 + 9e-4)
    //         s = cs * (2 * ma * mb + 1e-4) / (ma ** 2 + mb ** 2 + 1e-4)
    //         out *= (s if k == n - 1 else cs).mean() ** w[k]
    //     return out
    #[test]
    fn it_is_the_papers() {
        let theirs = [((200, 180), 0.6412297407543028), ((64, 48), 0.53089210720615), ((37, 29), 0.411068410302616)];
        for ((width, height), theirs) in theirs {
            let (a, b) = drawings(width, height);
            let ours = ms_ssim(&Grey::of(&a), &Grey::of(&b));
            assert!((ours - theirs).abs() <= 1e-9, "{width}×{height}: {ours}, not {theirs}");
        }
    }

    #[test]
    fn small_pictures_are_compared_too() {
        for (width, height) in [(1, 1), (2, 9), (10, 10), (11, 40), (176, 176)] {
            let (a, b) = drawings(width, height);
            let (a, b) = (Grey::of(&a), Grey::of(&b));
            assert!((ms_ssim(&a, &a) - 1.0).abs() < 1e-12, "{width}×{height}");
            assert!((0.0..1.0).contains(&ms_ssim(&a, &b)), "{width}×{height}");
        }
    }
}
