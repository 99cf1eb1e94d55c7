//! Structural similarity (Wang et al. 2004, "Image quality assessment: from
//! error visibility to structural similarity", eq. 13), in the form of
//! scikit-image: uniform windows that lie wholly in the picture, and sample
//! (n − 1) variances.

use super::grey::Grey;

/// The window's side.
const WINDOW: usize = 7;
const C1: f64 = 0.01 * 0.01;
const C2: f64 = 0.03 * 0.03;

/// Mean SSIM of two pictures of one size, data range 1. Where a side is shorter
/// than the window, the largest odd window that fits is taken.
pub(super) fn ssim(a: &Grey, b: &Grey) -> f64 {
    let fits = WINDOW.min(a.width).min(a.height);
    let side = fits - usize::from(fits.is_multiple_of(2));
    let count = (side * side) as f64;
    // The moments Σa, Σb, Σa², Σb², Σab of each column of the window, kept up
    // while the window moves down.
    let mut columns = vec![[0.0; 5]; a.width];
    let (mut sum, mut windows) = (0.0, 0usize);
    for y in 0..a.height {
        add_row(&mut columns, a, b, y, 1.0);
        if y + 1 < side {
            continue;
        }
        let mut window = [0.0; 5];
        for x in 0..a.width {
            accumulate(&mut window, &columns[x], 1.0);
            if x + 1 < side {
                continue;
            }
            sum += similarity(window.map(|moment| moment / count), count);
            windows += 1;
            accumulate(&mut window, &columns[x + 1 - side], -1.0);
        }
        add_row(&mut columns, a, b, y + 1 - side, -1.0);
    }
    sum / windows as f64
}

fn add_row(columns: &mut [[f64; 5]], a: &Grey, b: &Grey, y: usize, sign: f64) {
    let row = y * a.width..(y + 1) * a.width;
    for ((column, &a), &b) in columns.iter_mut().zip(&a.values[row.clone()]).zip(&b.values[row]) {
        accumulate(column, &[a, b, a * a, b * b, a * b], sign);
    }
}

fn accumulate(sum: &mut [f64; 5], moments: &[f64; 5], sign: f64) {
    for (sum, moment) in sum.iter_mut().zip(moments) {
        *sum += sign * moment;
    }
}

fn similarity([a, b, aa, bb, ab]: [f64; 5], count: f64) -> f64 {
    let sample = if count > 1.0 { count / (count - 1.0) } else { 1.0 };
    let (va, vb, vab) = (sample * (aa - a * a), sample * (bb - b * b), sample * (ab - a * b));
    (2.0 * a * b + C1) * (2.0 * vab + C2) / ((a * a + b * b + C1) * (va + vb + C2))
}
