//! Vectors that are made in parallel. `vec![0.0; n]` is cleared by one thread before the others may write, and for
//! tensors of megabytes that takes as long as what they write.

use rayon::prelude::*;

/// `len` values; every `part` of them, the last one perhaps fewer, are made by `fill` from their number and as many
/// `blank`s. A part should be small enough for the L1 cache, where blanks cost next to nothing.
pub(super) fn by_parts<T: Copy + Send + Sync>(
    len: usize,
    part: usize,
    blank: T,
    fill: impl Fn(usize, &mut [T]) + Sync,
) -> Vec<T> {
    let mut values: Vec<T> = Vec::with_capacity(len);
    values.spare_capacity_mut()[..len].par_chunks_mut(part.max(1)).enumerate().for_each(|(i, part)| {
        for value in part.iter_mut() {
            value.write(blank);
        }
        // SAFETY: all of the part's values have just been written.
        fill(i, unsafe { std::slice::from_raw_parts_mut(part.as_mut_ptr().cast(), part.len()) });
    });
    // SAFETY: the parts cover all values, and each has been written.
    unsafe { values.set_len(len) };
    values
}

/// `len` zeros.
pub fn zeros(len: usize) -> Vec<f32> {
    /// Values that are worth a task.
    const GRAIN: usize = 32 * 1024;
    by_parts(len, GRAIN, 0.0, |_, _| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_filled_and_the_rest_of_it_blank() {
        for (len, part) in [(0, 3), (1, 3), (10_000, 7), (9, 9), (5, 0)] {
            let values = by_parts(len, part, 1.5, |i, part| part[0] = i as f32);
            let part = part.max(1);
            let wanted = (0..len).map(|i| if i % part == 0 { (i / part) as f32 } else { 1.5 });
            assert_eq!(values, wanted.collect::<Vec<_>>());
        }
        assert_eq!(zeros(100_001), vec![0.0; 100_001]);
    }
}
