//! Sharpness: the variance of the Laplacian.

use super::grey::Grey;

/// Keeps the ratio a number where the target is flat; the variance of a
/// Laplacian of 8 bit values that is not 0 lies far above.
const FLOOR: f64 = 1e-12;

/// Variance of the Laplacian (0 1 0, 1 −4 1, 0 1 0) of `drawn` over `target`'s.
pub(super) fn ratio(drawn: &Grey, target: &Grey) -> f64 {
    (variance(drawn) + FLOOR) / (variance(target) + FLOOR)
}

fn variance(grey: &Grey) -> f64 {
    let laplacian = grey.neighbourhoods(|[above, row, below]| above[1] + row[0] + row[2] + below[1] - 4.0 * row[1]);
    let count = laplacian.len() as f64;
    let mean = laplacian.iter().sum::<f64>() / count;
    laplacian.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count
}
