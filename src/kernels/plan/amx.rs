//! AMX over the plan's strands: 32 × 32 sums, from bf16.
//!
//! Rows of windows are read in whole chunks of 32 factors; fewer than 16 output pixels come gathered, with zeros.

use super::kernel::{Kernel, LANES, Strand, Sums, VECTORS, fetch};
use super::run::Work;
use super::{Avx512Bf16, Instructions};
use crate::kernels::amx::{self, CHUNK, Factors, TILE};
use crate::kernels::meanwhile::{Meanwhile, Nothing};
use half::bf16;
use std::arch::x86_64::__m512;

/// bf16 through AMX's tile products.
#[derive(Clone, Copy)]
pub struct Amx;

impl Kernel for Amx {
    type Value = bf16;
    type Vector = __m512;
    const ROWS: usize = 2 * TILE;
    const GROUP: usize = 2;
    const CHUNK: usize = CHUNK;
    const LEAST_ROWS: usize = TILE;
    const INSTRUCTIONS: Instructions = Instructions::Amx;

    unsafe fn tile(strands: &[Strand<bf16>], panel: *const bf16, rows: usize, vectors: usize, sums: &mut Sums) {
        // SAFETY: as the caller says.
        unsafe { Self::tile_meanwhile(strands, panel, (rows, vectors), sums, &mut Nothing) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    unsafe fn tile_meanwhile(
        strands: &[Strand<bf16>],
        panel: *const bf16,
        (rows, vectors): (usize, usize),
        sums: &mut Sums,
        meanwhile: &mut impl Meanwhile,
    ) {
        // Of 17 to 31 rows the second tile takes the last 16: some are summed twice, none is read beyond the end.
        let second = rows.saturating_sub(TILE);
        // SAFETY: as the caller says.
        unsafe {
            match (second > 0, vectors == VECTORS) {
                (true, true) => tile::<true, true>(strands, panel, second, sums, meanwhile),
                (true, false) => tile::<true, false>(strands, panel, second, sums, meanwhile),
                (false, true) => tile::<false, true>(strands, panel, second, sums, meanwhile),
                (false, false) => tile::<false, false>(strands, panel, second, sums, meanwhile),
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    unsafe fn widen(from: *const bf16) -> __m512 {
        // SAFETY: the machine has AVX-512's bf16 beside AMX; else as the caller says.
        unsafe { Avx512Bf16::widen(from) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    unsafe fn narrow(numbers: __m512, to: *mut bf16) {
        // SAFETY: as above.
        unsafe { Avx512Bf16::narrow(numbers, to) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    unsafe fn narrow_pair(numbers: [__m512; 2], to: *mut bf16) {
        // SAFETY: as above.
        unsafe { Avx512Bf16::narrow_pair(numbers, to) }
    }

    #[inline(always)]
    fn announce(at: *const bf16) {
        fetch(at);
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    unsafe fn work(task: &impl Work) {
        // SAFETY: as the caller says.
        unsafe { amx::with_tiles(|| task.run()) }
    }
}

/// Sums 16 rows, and with `TALL` 16 more from row `second` on; one vector of columns, or with `WIDE` two.
///
/// # Safety
/// See [`Kernel::tile`]; tiles have their shape, and `second` is at most 16.
#[inline(always)]
unsafe fn tile<const TALL: bool, const WIDE: bool>(
    strands: &[Strand<bf16>],
    panel: *const bf16,
    second: usize,
    sums: &mut Sums,
    meanwhile: &mut impl Meanwhile,
) {
    // A panel holds pairs of factors: two for each column.
    let pair = if WIDE { 2 * VECTORS * LANES } else { 2 * LANES };
    let sums: *mut f32 = sums.0.as_mut_ptr().cast();
    let mut weights = panel;
    let parts = strands.iter().map(|strand| strand.segments * (strand.length / CHUNK)).sum();
    // SAFETY: the strands lie inside their buffers for 16 rows from the first on, and from `second` on; the panel is as
    // long as they are together; the sums have 32 rows.
    unsafe {
        amx::clear();
        for strand in strands {
            for segment in 0..strand.segments {
                let start = strand.start.add(segment * strand.segment_step);
                let rows = Factors { tiles: [start, start.add(second * strand.row)], pitch: strand.row, step: CHUNK };
                let columns = Factors { tiles: [weights, weights.add(2 * LANES)], pitch: pair, step: CHUNK / 2 * pair };
                amx::add_meanwhile::<TALL, WIDE>(&rows, &columns, strand.length / CHUNK, (meanwhile, parts));
                weights = weights.add(strand.length / 2 * pair);
            }
        }
        amx::store::<TALL>(sums, second);
    }
}
