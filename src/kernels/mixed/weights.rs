//! Weights as left factors.

use super::transpose::{SIDE, transpose};
use crate::kernels::aligned::Aligned;
use crate::kernels::amx::{CHUNK, TILE};
use half::bf16;
use std::arch::x86_64::{
    __m256bh, __m256i, _mm256_storeu_si256, _mm512_cvtneps_pbh, _mm512_maskz_loadu_ps, _mm512_setzero_ps,
};

/// `(⌈outputs/16⌉, taps, ⌈inputs/32⌉, 16, 32)`, filled up with zeros.
pub struct Weights {
    values: Aligned<bf16>,
    taps: usize,
    chunks: usize,
}

impl Weights {
    /// Of `w`, in which the `taps` of a pair of channels lie together. Outputs and inputs are counts, each with the
    /// distance from one to the next.
    pub fn new(w: &[f32], outputs: (usize, usize), inputs: (usize, usize), taps: usize) -> Self {
        let chunks = inputs.0.div_ceil(CHUNK);
        let block_len = taps * chunks * CHUNK * TILE;
        let values = Aligned::filled(outputs.0.div_ceil(TILE) * block_len, block_len, |block, to| {
            let rows = (outputs.0 - block * TILE).min(TILE);
            let of_block = (&w[block * TILE * outputs.1..], (rows, outputs.1));
            // SAFETY: whoever makes tiles has them, and AVX-512 with them.
            unsafe { pack(of_block, inputs, taps, to) }
        });
        Self { values, taps, chunks }
    }

    /// Where the weights of a block of 16 outputs and a tap lie, chunk after chunk.
    #[inline(always)]
    pub fn at(&self, block: usize, tap: usize) -> *const bf16 {
        self.values.slice()[(block * self.taps + tap) * self.chunks * CHUNK * TILE..].as_ptr()
    }
}

/// One block: 16 inputs and 16 taps at a time, which lie the other way round in `w`.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
fn pack((w, rows): (&[f32], (usize, usize)), inputs: (usize, usize), taps: usize, to: &mut [bf16]) {
    let tap_len = to.len() / taps;
    for input in (0..inputs.0).step_by(SIDE) {
        let count = (inputs.0 - input).min(SIDE);
        for row in 0..rows.0 {
            for tap in (0..taps).step_by(SIDE) {
                let taps = (taps - tap).min(SIDE);
                let mut vectors = [_mm512_setzero_ps(); SIDE];
                for (i, vector) in vectors.iter_mut().take(count).enumerate() {
                    let from = &w[row * rows.1 + (input + i) * inputs.1 + tap..][..taps];
                    // SAFETY: the mask's lanes are those that the slice has.
                    *vector = unsafe { _mm512_maskz_loadu_ps(((1u32 << taps) - 1) as u16, from.as_ptr()) };
                }
                let columns = transpose(vectors);
                let place = input / CHUNK * CHUNK * TILE + row * CHUNK + input % CHUNK;
                for (t, column) in columns.into_iter().take(taps).enumerate() {
                    let to = &mut to[(tap + t) * tap_len + place..][..SIDE];
                    // SAFETY: 16 numbers of 16 bits are 256 bits, whatever they are called.
                    unsafe {
                        let column = std::mem::transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(column));
                        _mm256_storeu_si256(to.as_mut_ptr().cast(), column);
                    }
                }
            }
        }
    }
}

/// Exchanges rows and columns of every window `(kernel, kernel)`: columns that are channels of their own go with the
/// channels.
pub fn transpose_windows(w: &mut [f32], kernel: usize) {
    for window in w.chunks_exact_mut(kernel * kernel) {
        for row in 1..kernel {
            for column in 0..row {
                window.swap(row * kernel + column, column * kernel + row);
            }
        }
    }
}
