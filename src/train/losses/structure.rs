//! What the eye takes for the same structure.

use super::grey::grey;
use candle_core::{Result, Tensor, bail};

/// Side of a window, pixels: the measure's. Odd, so that windows without
/// overlap start at every place of the generator's grid of 2ⁿ pixels.
const WINDOW: usize = 7;

/// 1 − SSIM of grey (Wang et al. 2004, eq. 13) over windows of 7×7 pixels that
/// lie side by side: the measure's own windows, a 49th of them. Crops fall
/// where they please, so over a run every window is seen.
///
/// L1 settles for a flat mean where it cannot tell the target's texture;
/// here flatness costs as much as a wrong texture does (Zhao et al. 2017).
///
/// # Errors
/// When the shapes differ or a side is under 7 pixels.
pub fn structure(drawn: &Tensor, target: &Tensor) -> Result<Tensor> {
    const C1: f64 = 0.01 * 0.01;
    const C2: f64 = 0.03 * 0.03;
    const COUNT: f64 = (WINDOW * WINDOW) as f64;
    // 0..1, as the measure sees it: the light term is not the same about 0.
    let lit = |picture: &Tensor| windows(&grey(picture)?.affine(0.5, 0.5)?);
    let (a, b) = (lit(drawn)?, lit(target)?);
    let (mean_a, mean_b) = (a.mean_keepdim(2)?, b.mean_keepdim(2)?);
    let (a, b) = (a.broadcast_sub(&mean_a)?, b.broadcast_sub(&mean_b)?);
    // A sample's variance: over n − 1.
    let moment = |x: Tensor| x.sum_keepdim(2)? / (COUNT - 1.0);
    let (variances, covariance) = (moment((a.sqr()? + b.sqr()?)?)?, moment((a * b)?)?);
    let light = ((((&mean_a * &mean_b)? * 2.0)? + C1)? / ((mean_a.sqr()? + mean_b.sqr()?)? + C1)?)?;
    let contrast = (((covariance * 2.0)? + C2)? / (variances + C2)?)?;
    1.0 - (light * contrast)?.mean_all()?
}

/// `(N, 1, H, W)` to `(N, H/7 · W/7, 49)`.
fn windows(grey: &Tensor) -> Result<Tensor> {
    let (n, _, h, w) = grey.dims4()?;
    let (rows, columns) = (h / WINDOW, w / WINDOW);
    if rows == 0 || columns == 0 {
        bail!("the structure loss needs sides of at least {WINDOW} pixels, not {w}×{h}");
    }
    let whole = grey.narrow(2, 0, rows * WINDOW)?.narrow(3, 0, columns * WINDOW)?.contiguous()?;
    let windows = whole.reshape((n, rows, WINDOW, columns, WINDOW))?.transpose(2, 3)?;
    windows.contiguous()?.reshape((n, rows * columns, WINDOW * WINDOW))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::pictures;
    use super::*;
    use crate::imaging::Picture;
    use crate::train::metrics;
    use candle_core::{Device, Var};

    fn loss(drawn: &Tensor, target: &Tensor) -> f32 {
        structure(drawn, target).unwrap().to_scalar().unwrap()
    }

    /// A picture of one window has one SSIM, and the loss is what it lacks of 1.
    #[test]
    fn it_is_what_the_measure_lacks_of_one() {
        let picture = |seed: u32| {
            let value = |i: u32| (i.wrapping_mul(seed).wrapping_mul(2_654_435_761) >> 24) as u8;
            Picture { width: 7, height: 7, rgb: (1..148).map(value).collect(), alpha: None }
        };
        let tensor = |picture: &Picture| {
            let values: Vec<f32> = picture.rgb.iter().map(|&value| f32::from(value) / 127.5 - 1.0).collect();
            Tensor::from_vec(values, (1, 7, 7, 3), &Device::Cpu).unwrap().permute((0, 3, 1, 2)).unwrap()
        };
        let (a, b) = (picture(3), picture(5));
        let measured = metrics::figures(&a, &b).ssim;
        let lost = f64::from(loss(&tensor(&a), &tensor(&b)));
        assert!(measured.abs() < 0.9 && (1.0 - lost - measured).abs() < 1e-5, "{lost} beside {measured}");
    }

    #[test]
    fn flatness_costs_more_than_a_soft_likeness() {
        let texture = |x: usize, y: usize| ((x * 7 + y * 13) % 5) as f32 / 5.0 - 0.4;
        let target = pictures::grey(texture);
        let flat = loss(&pictures::grey(|_, _| 0.0), &target);
        let soft = loss(&pictures::grey(|x, y| 0.5 * texture(x, y)), &target);
        assert!(loss(&target, &target).abs() < 1e-6);
        assert!(soft > 0.1 && flat > 2.0 * soft, "{soft} and {flat}");
    }

    #[test]
    fn it_can_be_followed() {
        let target = pictures::grey(|x, y| ((x + 2 * y) as f32 / 3.0).sin() / 2.0);
        let mut drawn = pictures::grey(|_, _| 0.1);
        let before = loss(&drawn, &target);
        for _ in 0..20 {
            let variable = Var::from_tensor(&drawn).unwrap();
            let gradients = structure(&variable, &target).unwrap().backward().unwrap();
            let gradient = gradients.get(&variable).unwrap();
            drawn = (&drawn - (gradient * 20.0).unwrap()).unwrap().detach();
        }
        assert!(loss(&drawn, &target) < 0.5 * before);
    }
}
