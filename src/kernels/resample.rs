//! Doubling a picture by repetition, and its adjoint.

use rayon::prelude::*;

/// Nearest-neighbour doubling of planes `(h, w)` to `(2h, 2w)`.
pub fn double(x: &[f32], (h, w): (usize, usize), y: &mut [f32]) {
    assert_eq!(x.len() * 4, y.len());
    y.par_chunks_mut(4 * h * w).zip(x.par_chunks(h * w)).for_each(|(y, x)| {
        for (rows, x) in y.chunks_exact_mut(4 * w).zip(x.chunks_exact(w)) {
            let (upper, lower) = rows.split_at_mut(2 * w);
            for (pair, &x) in upper.chunks_exact_mut(2).zip(x) {
                pair.fill(x);
            }
            lower.copy_from_slice(upper);
        }
    });
}

/// The adjoint of [`double`]: sums of 2×2 blocks, `(2h, 2w)` to `(h, w)`.
pub fn sum_blocks(x: &[f32], (h, w): (usize, usize), y: &mut [f32]) {
    assert_eq!(x.len(), 4 * y.len());
    y.par_chunks_mut(h * w).zip(x.par_chunks(4 * h * w)).for_each(|(y, x)| {
        for (y, rows) in y.chunks_exact_mut(w).zip(x.chunks_exact(4 * w)) {
            let (upper, lower) = rows.split_at(2 * w);
            let pairs = upper.chunks_exact(2).zip(lower.chunks_exact(2));
            for (y, (u, l)) in y.iter_mut().zip(pairs) {
                *y = (u[0] + u[1]) + (l[0] + l[1]);
            }
        }
    });
}
