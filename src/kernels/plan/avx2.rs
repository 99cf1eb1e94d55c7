//! AVX2 and FMA: 3 × 32 sums in 12 of the 16 registers.

use super::Instructions;
use super::kernel::{AHEAD, Kernel, LANES, Strand, Sums, VECTORS, by_rows, fetch};
use super::run::Work;
use std::arch::x86_64::*;

/// f32 through FMA.
#[derive(Clone, Copy)]
pub struct Avx2;

/// A vector of the plan is two of AVX2's.
const HALVES: usize = 2;
const HALF: usize = LANES / HALVES;

impl Kernel for Avx2 {
    type Value = f32;
    type Vector = __m256;
    const ROWS: usize = 3;
    const GROUP: usize = 1;
    const INSTRUCTIONS: Instructions = Instructions::Avx2;

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn tile(strands: &[Strand<f32>], panel: *const f32, rows: usize, vectors: usize, sums: &mut Sums) {
        // SAFETY: as the caller says.
        unsafe { by_rows!(rows, vectors, tile(strands, panel, sums), 1 2 3) }
    }

    #[inline(always)]
    fn announce(at: *const f32) {
        fetch(at);
    }

    #[target_feature(enable = "avx2,fma")]
    unsafe fn work(task: &impl Work) {
        // SAFETY: as the caller says.
        unsafe { task.run() }
    }
}

/// # Safety
/// See [`Kernel::tile`].
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn tile<const ROWS: usize, const COUNT: usize>(strands: &[Strand<f32>], panel: *const f32, sums: &mut Sums) {
    let mut totals = [[[_mm256_setzero_ps(); HALVES]; COUNT]; ROWS];
    let mut panel = panel;
    for strand in strands {
        for segment in 0..strand.segments {
            // SAFETY: the strand lies inside its buffer for ROWS rows, and the panel is as long as all strands.
            unsafe {
                let start = strand.start.add(segment * strand.segment_step);
                for k in 0..strand.length {
                    let factors: [_; ROWS] =
                        std::array::from_fn(|row| _mm256_set1_ps(*start.add(row * strand.row + k)));
                    for v in 0..COUNT {
                        fetch(panel.wrapping_add(v * LANES).wrapping_byte_add(AHEAD));
                        for half in 0..HALVES {
                            let weights = _mm256_loadu_ps(panel.add(v * LANES + half * HALF));
                            for (totals, factor) in totals.iter_mut().zip(factors) {
                                totals[v][half] = _mm256_fmadd_ps(factor, weights, totals[v][half]);
                            }
                        }
                    }
                    panel = panel.add(COUNT * LANES);
                }
            }
        }
    }
    const { assert!(COUNT <= VECTORS) };
    for (totals, sums) in totals.iter().zip(&mut sums.0) {
        for (total, sums) in totals.iter().flatten().zip(sums.chunks_exact_mut(HALF)) {
            // SAFETY: a chunk is HALF long.
            unsafe { _mm256_storeu_ps(sums.as_mut_ptr(), *total) }
        }
    }
}
