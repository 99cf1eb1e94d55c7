//! Planes and a number each: scaled, shifted, rectified; and planes times planes summed up.

use super::activation::gate;
use super::fresh::by_parts;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// `x[p, ·] · by[p]` over planes `p` of `pixels` values.
pub fn scale(x: &[f32], by: &[f32], pixels: usize) -> Vec<f32> {
    assert_eq!(x.len(), by.len() * pixels);
    by_parts(x.len(), pixels, 0.0, |plane, y| {
        let by = by[plane];
        for (y, &x) in y.iter_mut().zip(&x[plane * pixels..]) {
            *y = x * by;
        }
    })
}

/// `leaky(x[p, ·]·scale[p] + shift[p])` over planes `p` of `pixels` values;
/// scale and shift begin again where they end. Without a scale it is 1.
pub fn rectify(x: &[f32], scale: Option<&[f32]>, shift: &[f32], slope: f32, pixels: usize) -> Vec<f32> {
    by_parts(x.len(), pixels, 0.0, |plane, y| {
        let by = scale.map_or(1.0, |scale| scale[plane % scale.len()]);
        // The slope by value: behind a reference it would be read again for each number, by no vectors.
        let (shift, slope) = (shift[plane % shift.len()], slope);
        for (y, &x) in y.iter_mut().zip(&x[plane * pixels..]) {
            let x = x * by + shift;
            *y = if x > 0.0 { x } else { slope * x };
        }
    })
}

/// The same of `x` without a scale, in its place.
pub fn rectify_in_place(x: &mut [f32], shift: &[f32], slope: f32, pixels: usize) {
    x.par_chunks_mut(pixels).enumerate().for_each(|(plane, x)| {
        let (shift, slope) = (shift[plane % shift.len()], slope);
        for x in x {
            let shifted = *x + shift;
            *x = if shifted > 0.0 { shifted } else { slope * shifted };
        }
    });
}

/// The way back of [`rectify`]: `g[p, ·]` where its result `y` is positive, else `slope·g[p, ·]`, and behind them the
/// sums of all that over the planes of each of `shifts` shifts.
pub fn rectify_gradient(y: &[f32], g: &[f32], shifts: usize, slope: f32, pixels: usize) -> Vec<f32> {
    assert_eq!(y.len(), g.len());
    // A plane is summed up while it is in the cache.
    let of_planes: Vec<AtomicU64> = (0..y.len() / pixels.max(1)).map(|_| AtomicU64::default()).collect();
    let mut both = by_parts(y.len() + shifts, pixels, 0.0, |plane, to| {
        if let Some(sum) = of_planes.get(plane) {
            let first = plane * pixels;
            gate([&y[first..], &g[first..]], slope, to);
            sum.store(plane_sum(to).to_bits(), Relaxed);
        }
    });
    for (shift, sum) in both[y.len()..].iter_mut().enumerate() {
        let planes = of_planes.iter().skip(shift).step_by(shifts);
        *sum = planes.map(|sum| f64::from_bits(sum.load(Relaxed))).sum::<f64>() as f32;
    }
    both
}

/// `out[c] = Σ x[n, c, ·]` over planes of `pixels` values.
pub fn total(x: &[f32], pixels: usize, out: &mut [f32]) {
    let channels = out.len();
    out.par_iter_mut().enumerate().for_each(|(channel, out)| {
        let planes = x.chunks_exact(pixels).skip(channel).step_by(channels);
        *out = planes.map(plane_sum).sum::<f64>() as f32;
    });
}

fn plane_sum(plane: &[f32]) -> f64 {
    sums([plane; 3], |[x, ..]| [x, 0.0])[0]
}

/// `x[p, ·] + bias[p]`; the bias begins again where it ends.
pub fn shift(x: &[f32], bias: &[f32], pixels: usize) -> Vec<f32> {
    rectify(x, None, bias, 1.0, pixels)
}

/// `x[p, ·] + bias[p] + residual[p, ·]`; the bias begins again where it ends.
pub fn add(x: &[f32], bias: &[f32], residual: &[f32], pixels: usize) -> Vec<f32> {
    assert_eq!(x.len(), residual.len());
    by_parts(x.len(), pixels, 0.0, |plane, y| {
        let bias = bias[plane % bias.len()];
        let first = plane * pixels;
        for ((y, &x), &residual) in y.iter_mut().zip(&x[first..]).zip(&residual[first..]) {
            *y = x + bias + residual;
        }
    })
}

/// `a + b`.
pub fn sum(a: &[f32], b: &[f32]) -> Vec<f32> {
    of_pairs(a, b, |a, b| a + b)
}

/// `a · b`, value by value.
pub fn product(a: &[f32], b: &[f32]) -> Vec<f32> {
    of_pairs(a, b, |a, b| a * b)
}

fn of_pairs(a: &[f32], b: &[f32], of: impl Fn(f32, f32) -> f32 + Sync) -> Vec<f32> {
    /// Values of a part.
    const PART: usize = 8 * 1024;
    assert_eq!(a.len(), b.len());
    by_parts(a.len(), PART, 0.0, |part, y| {
        let first = part * PART;
        for ((y, &a), &b) in y.iter_mut().zip(&a[first..]).zip(&b[first..]) {
            *y = of(a, b);
        }
    })
}

/// The planes of `a` and of `b`, so many of each a picture, in one.
pub fn beside((a, left): (&[f32], usize), (b, right): (&[f32], usize), pixels: usize) -> Vec<f32> {
    by_parts(a.len() + b.len(), pixels, 0.0, |plane, to| {
        let (picture, plane) = (plane / (left + right), plane % (left + right));
        let from = match plane.checked_sub(left) {
            None => &a[(picture * left + plane) * pixels..],
            Some(plane) => &b[(picture * right + plane) * pixels..],
        };
        to.copy_from_slice(&from[..pixels]);
    })
}

/// `Σ x[p, ·] · y[p, ·]` for every plane `p` of `pixels` values.
pub fn dot(x: &[f32], y: &[f32], pixels: usize) -> Vec<f32> {
    assert_eq!(x.len(), y.len());
    let planes = x.par_chunks(pixels).zip(y.par_chunks(pixels));
    planes.map(|(x, y)| sums([x, y, y], |[x, y, _]| [x * y, 0.0])[0] as f32).collect()
}

/// Two sums of what `f` makes of the values of three slices of one length.
pub(super) fn sums(slices: [&[f32]; 3], f: impl Fn([f32; 3]) -> [f32; 2]) -> [f64; 2] {
    /// Sums side by side, so that the compiler can use vectors.
    const LANES: usize = 16;
    /// Values summed in f32 before their sum goes on in f64: a plane may hold a million of one sign.
    const PART: usize = 1024;
    let part = |slices: [&[f32]; 3]| {
        let [mut first, mut second] = [[0f32; LANES]; 2];
        let [(x, x_rest), (y, y_rest), (z, z_rest)] = slices.map(<[f32]>::as_chunks::<LANES>);
        for (lane, ((&x, &y), &z)) in x_rest.iter().zip(y_rest).zip(z_rest).enumerate() {
            [first[lane], second[lane]] = f([x, y, z]);
        }
        for ((x, y), z) in x.iter().zip(y).zip(z) {
            for lane in 0..LANES {
                let [a, b] = f([x[lane], y[lane], z[lane]]);
                first[lane] += a;
                second[lane] += b;
            }
        }
        [first, second].map(|lanes| f64::from(lanes.iter().sum::<f32>()))
    };
    let [x, y, z] = slices.map(|slice| slice.chunks(PART));
    let parts = x.zip(y).zip(z).map(|((x, y), z)| part([x, y, z]));
    parts.fold([0.0; 2], |sums, part| [sums[0] + part[0], sums[1] + part[1]])
}
