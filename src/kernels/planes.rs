//! Planes and a number each: scaled, shifted, rectified; and planes times planes summed up.

use rayon::prelude::*;

/// `x[p, ·] · by[p]` over planes `p` of `pixels` values.
pub fn scale(x: &[f32], by: &[f32], pixels: usize) -> Vec<f32> {
    assert_eq!(x.len(), by.len() * pixels);
    let mut y = vec![0f32; x.len()];
    y.par_chunks_mut(pixels).zip(x.par_chunks(pixels)).zip(by).for_each(|((y, x), &by)| {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = x * by;
        }
    });
    y
}

/// `leaky(x[p, ·]·scale[p] + shift[p])` over planes `p` of `pixels` values;
/// scale and shift begin again where they end. Without a scale it is 1.
pub fn rectify(x: &[f32], scale: Option<&[f32]>, shift: &[f32], slope: f32, pixels: usize) -> Vec<f32> {
    let mut y = vec![0f32; x.len()];
    y.par_chunks_mut(pixels).zip(x.par_chunks(pixels)).enumerate().for_each(|(plane, (y, x))| {
        let by = scale.map_or(1.0, |scale| scale[plane % scale.len()]);
        // The slope by value: behind a reference it would be read again for each number, by no vectors.
        let (shift, slope) = (shift[plane % shift.len()], slope);
        for (y, &x) in y.iter_mut().zip(x) {
            let x = x * by + shift;
            *y = if x > 0.0 { x } else { slope * x };
        }
    });
    y
}

/// `x[p, ·] + bias[p] + residual[p, ·]`; the bias begins again where it ends.
pub fn add(x: &[f32], bias: &[f32], residual: &[f32], pixels: usize) -> Vec<f32> {
    assert_eq!(x.len(), residual.len());
    let mut y = vec![0f32; x.len()];
    let planes = x.par_chunks(pixels).zip(residual.par_chunks(pixels));
    y.par_chunks_mut(pixels).zip(planes).enumerate().for_each(|(plane, (y, (x, residual)))| {
        let bias = bias[plane % bias.len()];
        for ((y, &x), &residual) in y.iter_mut().zip(x).zip(residual) {
            *y = x + bias + residual;
        }
    });
    y
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
