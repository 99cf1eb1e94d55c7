//! Lines of pixels to parts, each of every so many of them, and back.

use crate::kernels::plan::Vector;

/// # Safety
/// Of all in this file: the machine has the vector's instructions.
#[inline(always)]
pub unsafe fn load<V: Vector>(values: &[f32], at: usize) -> V {
    // SAFETY: as the caller says; the slice is as long as the vector.
    unsafe { V::load(values[at..at + V::WIDTH].as_ptr()) }
}

#[inline(always)]
pub unsafe fn store<V: Vector>(vector: V, values: &mut [f32], at: usize) {
    // SAFETY: as the caller says; the slice is as long as the vector.
    unsafe { vector.store(values[at..at + V::WIDTH].as_mut_ptr()) }
}

/// So many parts of `values`, `pitch` apart: the first has the first of every so many values, the next the second ones.
#[inline(always)]
pub unsafe fn split<V: Vector>(values: &[f32], parts: &mut [f32], count: usize, pitch: usize) {
    // SAFETY: as the caller says.
    unsafe {
        match count {
            2 => split_into::<V, 2>(values, parts, pitch),
            4 => split_into::<V, 4>(values, parts, pitch),
            _ => split_into::<V, 8>(values, parts, pitch),
        }
    }
}

#[inline(always)]
unsafe fn split_into<V: Vector, const N: usize>(values: &[f32], parts: &mut [f32], pitch: usize) {
    for t in (0..pitch).step_by(V::WIDTH) {
        // SAFETY: as the caller says.
        unsafe {
            let mut vectors = [V::all(0.0); N];
            for (i, vector) in vectors.iter_mut().enumerate() {
                *vector = load(values, N * t + i * V::WIDTH);
            }
            unzip(&mut vectors);
            for (i, vector) in vectors.into_iter().enumerate() {
                store(vector, parts, i * pitch + t);
            }
        }
    }
}

/// The way back.
#[inline(always)]
pub unsafe fn join<V: Vector>(parts: &[f32], values: &mut [f32], count: usize, pitch: usize) {
    // SAFETY: as the caller says.
    unsafe {
        match count {
            2 => join_from::<V, 2>(parts, values, pitch),
            4 => join_from::<V, 4>(parts, values, pitch),
            _ => join_from::<V, 8>(parts, values, pitch),
        }
    }
}

#[inline(always)]
unsafe fn join_from<V: Vector, const N: usize>(parts: &[f32], values: &mut [f32], pitch: usize) {
    for t in (0..pitch).step_by(V::WIDTH) {
        // SAFETY: as the caller says.
        unsafe {
            let mut vectors = [V::all(0.0); N];
            for (i, vector) in vectors.iter_mut().enumerate() {
                *vector = load(parts, i * pitch + t);
            }
            zip(&mut vectors);
            for (i, vector) in vectors.into_iter().enumerate() {
                store(vector, values, N * t + i * V::WIDTH);
            }
        }
    }
}

/// Vectors of neighbouring numbers to vectors of every so many numbers.
#[inline(always)]
unsafe fn unzip<V: Vector>(vectors: &mut [V]) {
    // SAFETY: as the caller says.
    unsafe {
        match vectors {
            [a, b] => [*a, *b] = a.unzip(*b),
            [a, b, c, d] => [*a, *b, *c, *d] = unzip_four([*a, *b, *c, *d]),
            [a, b, c, d, e, f, g, h] => {
                let [[i, j], [k, l], [m, n], [o, p]] = [a.unzip(*b), c.unzip(*d), e.unzip(*f), g.unzip(*h)];
                [*a, *c, *e, *g] = unzip_four([i, k, m, o]);
                [*b, *d, *f, *h] = unzip_four([j, l, n, p]);
            }
            _ => unreachable!("a line has two, four or eight parts"),
        }
    }
}

/// The way back.
#[inline(always)]
unsafe fn zip<V: Vector>(vectors: &mut [V]) {
    // SAFETY: as the caller says.
    unsafe {
        match vectors {
            [a, b] => [*a, *b] = a.zip(*b),
            [a, b, c, d] => [*a, *b, *c, *d] = zip_four([*a, *b, *c, *d]),
            [a, b, c, d, e, f, g, h] => {
                let (even, odd) = (zip_four([*a, *c, *e, *g]), zip_four([*b, *d, *f, *h]));
                [[*a, *b], [*c, *d]] = [even[0].zip(odd[0]), even[1].zip(odd[1])];
                [[*e, *f], [*g, *h]] = [even[2].zip(odd[2]), even[3].zip(odd[3])];
            }
            _ => unreachable!("a line has two, four or eight parts"),
        }
    }
}

#[inline(always)]
unsafe fn unzip_four<V: Vector>([a, b, c, d]: [V; 4]) -> [V; 4] {
    // SAFETY: as the caller says.
    unsafe {
        let ([even, odd], [more_even, more_odd]) = (a.unzip(b), c.unzip(d));
        let ([a, c], [b, d]) = (even.unzip(more_even), odd.unzip(more_odd));
        [a, b, c, d]
    }
}

#[inline(always)]
unsafe fn zip_four<V: Vector>([a, b, c, d]: [V; 4]) -> [V; 4] {
    // SAFETY: as the caller says.
    unsafe {
        let ([even, more_even], [odd, more_odd]) = (a.zip(c), b.zip(d));
        let ([a, b], [c, d]) = (even.zip(odd), more_even.zip(more_odd));
        [a, b, c, d]
    }
}
