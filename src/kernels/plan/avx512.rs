//! AVX-512: 14 × 32 sums in 28 of the 32 registers.

use super::Instructions;
use super::kernel::{AHEAD, Kernel, LANES, Strand, Sums, by_rows, fetch};
use super::run::Work;
use std::arch::x86_64::*;

/// f32 through AVX-512's fused multiply-add.
#[derive(Clone, Copy)]
pub struct Avx512;

impl Kernel for Avx512 {
    type Value = f32;
    type Vector = __m512;
    const ROWS: usize = 14;
    const GROUP: usize = 1;
    const INSTRUCTIONS: Instructions = Instructions::Avx512;

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn tile(strands: &[Strand<f32>], panel: *const f32, rows: usize, vectors: usize, sums: &mut Sums) {
        // SAFETY: as the caller says.
        unsafe { by_rows!(rows, vectors, tile(strands, panel, sums), 1 2 3 4 5 6 7 8 9 10 11 12 13 14) }
    }

    #[target_feature(enable = "avx512f")]
    unsafe fn work(task: &impl Work) {
        // SAFETY: as the caller says.
        unsafe { task.run() }
    }
}

/// # Safety
/// See [`Kernel::tile`].
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn tile<const ROWS: usize, const VECTORS: usize>(strands: &[Strand<f32>], panel: *const f32, sums: &mut Sums) {
    let mut totals = [[_mm512_setzero_ps(); VECTORS]; ROWS];
    let mut panel = panel;
    for strand in strands {
        for segment in 0..strand.segments {
            // SAFETY: the strand lies inside its buffer for ROWS rows, and the panel is as long as all strands.
            unsafe {
                let start = strand.start.add(segment * strand.segment_step);
                for k in 0..strand.length {
                    let mut weights = [_mm512_setzero_ps(); VECTORS];
                    for (v, weights) in weights.iter_mut().enumerate() {
                        *weights = _mm512_loadu_ps(panel.add(v * LANES));
                        fetch(panel.wrapping_add(v * LANES).wrapping_byte_add(AHEAD));
                    }
                    panel = panel.add(VECTORS * LANES);
                    for (row, totals) in totals.iter_mut().enumerate() {
                        let factor = _mm512_set1_ps(*start.add(row * strand.row + k));
                        for (total, weights) in totals.iter_mut().zip(weights) {
                            *total = _mm512_fmadd_ps(factor, weights, *total);
                        }
                    }
                }
            }
        }
    }
    for (totals, sums) in totals.iter().zip(&mut sums.0) {
        for (total, sums) in totals.iter().zip(sums.chunks_exact_mut(LANES)) {
            // SAFETY: a chunk is LANES long.
            unsafe { _mm512_storeu_ps(sums.as_mut_ptr(), *total) }
        }
    }
}
