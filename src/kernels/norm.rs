//! Mean and variance of planes, what a norm makes of them, and the way back.
//!
//! Planes `p` of the same `p % groups` share their mean and variance: a batch
//! norm has a group for each channel, an instance norm one for each plane.

use super::planes::sums;
use rayon::prelude::*;

/// What the values of each group have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// The mean of each group.
    pub mean: Vec<f32>,
    /// The biased variance of each group.
    pub variance: Vec<f32>,
}

/// The moments of `groups` groups of planes of `pixels` values.
pub fn moments(x: &[f32], pixels: usize, groups: usize) -> Moments {
    let of_group = |group: usize| {
        let planes = || x.chunks_exact(pixels).skip(group).step_by(groups);
        let count = (x.len() / groups) as f64;
        let mean = (planes().map(|plane| sums([plane; 3], |[x, ..]| [x, 0.0])[0]).sum::<f64>() / count) as f32;
        let squares = planes().map(|plane| sums([plane; 3], |[x, ..]| [(x - mean) * (x - mean), 0.0])[0]);
        (mean, (squares.sum::<f64>() / count) as f32)
    };
    let (mean, variance) = (0..groups).into_par_iter().map(of_group).unzip();
    Moments { mean, variance }
}

/// What [`gradient`] needs to know of each group.
pub struct Group {
    /// The mean of the norm's argument.
    pub mean: f32,
    /// The inverse of its deviation.
    pub inverse: f32,
    /// What the normalised values were multiplied by.
    pub weight: f32,
}

/// The gradients of `y = leaky((x − mean)·inverse·weight + bias)` when that of `y` is `g`; `mean` and `inverse` are
/// `x`'s own. Into `dx` goes that in `x`; those in each group's weight and bias come back (Ioffe, Szegedy 2015, §3).
pub fn gradient(
    [x, y, g]: [&[f32]; 3],
    groups: &[Group],
    slope: f32,
    pixels: usize,
    dx: &mut [f32],
) -> (Vec<f32>, Vec<f32>) {
    assert_eq!((x.len(), y.len(), g.len()), (dx.len(), dx.len(), dx.len()));
    let mut targets: Vec<Vec<&mut [f32]>> = groups.iter().map(|_| Vec::new()).collect();
    for (plane, target) in dx.chunks_exact_mut(pixels).enumerate() {
        targets[plane % groups.len()].push(target);
    }
    let of_group = |(first, targets): (usize, Vec<&mut [f32]>)| {
        let Group { mean, inverse, weight } = groups[first];
        let plane = |i: usize| (first + i * groups.len()) * pixels..(first + i * groups.len() + 1) * pixels;
        let count = (targets.len() * pixels) as f64;
        // By value: behind a reference the slope would be read again for each number, by no vectors.
        let behind = move |y: f32, g: f32| if y > 0.0 { g } else { slope * g };
        let (mut bias_gradient, mut weight_gradient) = (0.0, 0.0);
        for i in 0..targets.len() {
            let values = [&x[plane(i)], &y[plane(i)], &g[plane(i)]];
            let [of_bias, of_weight] = sums(values, move |[x, y, g]| [behind(y, g), behind(y, g) * (x - mean)]);
            bias_gradient += of_bias;
            weight_gradient += of_weight * f64::from(inverse);
        }
        let (off, along) = ((bias_gradient / count) as f32, (weight_gradient / count) as f32 * inverse);
        let scale = weight * inverse;
        for (i, target) in targets.into_iter().enumerate() {
            let values = x[plane(i)].iter().zip(&y[plane(i)]).zip(&g[plane(i)]);
            for (target, ((&x, &y), &g)) in target.iter_mut().zip(values) {
                *target = scale * (behind(y, g) - off - (x - mean) * along);
            }
        }
        (weight_gradient as f32, bias_gradient as f32)
    };
    targets.into_par_iter().enumerate().map(of_group).unzip()
}
