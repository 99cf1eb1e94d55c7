//! Rows of sixteen numbers to columns.

use crate::kernels::plan::Vector;
use std::arch::x86_64::{__m512, _mm512_setzero_ps};

/// Rows and columns that are exchanged together.
pub const SIDE: usize = 16;

/// The columns of `rows`: by four rounds in which the halves are laid together in turn.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn transpose(mut rows: [__m512; SIDE]) -> [__m512; SIDE] {
    for _ in 0..4 {
        let mut next = [_mm512_setzero_ps(); SIDE];
        for (i, pair) in next.as_chunks_mut::<2>().0.iter_mut().enumerate() {
            // SAFETY: whoever calls has AVX-512.
            *pair = unsafe { rows[i].zip(rows[i + SIDE / 2]) };
        }
        rows = next;
    }
    rows
}
