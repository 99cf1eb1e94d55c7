//! AVX-512 BF16: each lane sums the products of two neighbouring bf16 pairs, in f32.

use super::Instructions;
use super::kernel::{AHEAD, Kernel, LANES, Strand, Sums, by_rows, fetch};
use super::run::Work;
use half::bf16;
use std::arch::x86_64::*;

/// bf16 through AVX-512's dot product.
#[derive(Clone, Copy)]
pub struct Avx512Bf16;

impl Kernel for Avx512Bf16 {
    type Value = bf16;
    type Vector = __m512;
    const ROWS: usize = 14;
    const GROUP: usize = 2;
    const INSTRUCTIONS: Instructions = Instructions::Avx512Bf16;

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    unsafe fn tile(strands: &[Strand<bf16>], panel: *const bf16, rows: usize, vectors: usize, sums: &mut Sums) {
        // SAFETY: as the caller says.
        unsafe { by_rows!(rows, vectors, tile(strands, panel, sums), 1 2 3 4 5 6 7 8 9 10 11 12 13 14) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    unsafe fn widen(from: *const bf16) -> __m512 {
        // SAFETY: as the caller says.
        let halves = unsafe { _mm256_loadu_si256(from.cast()) };
        _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(halves)))
    }

    /// By one instruction; it takes what is under 2⁻¹²⁶ for 0.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    unsafe fn narrow(numbers: __m512, to: *mut bf16) {
        // SAFETY: 16 bf16 are 256 bits, whatever they are called, and can be written.
        unsafe { _mm256_storeu_si256(to.cast(), std::mem::transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(numbers))) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    unsafe fn narrow_pair([first, second]: [__m512; 2], to: *mut bf16) {
        // SAFETY: 32 bf16 are 512 bits, whatever they are called, and can be written.
        unsafe {
            _mm512_storeu_si512(to.cast(), std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(second, first)))
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    unsafe fn work(task: &impl Work) {
        // SAFETY: as the caller says.
        unsafe { task.run() }
    }
}

/// # Safety
/// See [`Kernel::tile`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn tile<const ROWS: usize, const VECTORS: usize>(strands: &[Strand<bf16>], panel: *const bf16, sums: &mut Sums) {
    // SAFETY: 512 bits are 512 bits; only the name of what is in them differs.
    let pairs = |bits: __m512i| unsafe { std::mem::transmute::<__m512i, __m512bh>(bits) };
    let mut totals = [[_mm512_setzero_ps(); VECTORS]; ROWS];
    let mut panel = panel;
    for strand in strands {
        for segment in 0..strand.segments {
            // SAFETY: the strand lies inside its buffer for ROWS rows and its length is even; the panel is as long as
            // all strands.
            unsafe {
                let start = strand.start.add(segment * strand.segment_step);
                for k in (0..strand.length).step_by(2) {
                    let mut weights = [_mm512_setzero_si512(); VECTORS];
                    for (v, weights) in weights.iter_mut().enumerate() {
                        *weights = _mm512_loadu_si512(panel.add(v * 2 * LANES).cast());
                        fetch(panel.wrapping_add(v * 2 * LANES).wrapping_byte_add(AHEAD));
                    }
                    panel = panel.add(VECTORS * 2 * LANES);
                    for (row, totals) in totals.iter_mut().enumerate() {
                        let pair = start.add(row * strand.row + k).cast::<i32>().read_unaligned();
                        let factor = pairs(_mm512_set1_epi32(pair));
                        for (total, weights) in totals.iter_mut().zip(weights) {
                            *total = _mm512_dpbf16_ps(*total, factor, pairs(weights));
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
