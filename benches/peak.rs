//! How many multiply-adds a second this machine's vector instructions do at
//! most, from registers alone: what the networks' own rates are shares of.
//!
//! `cargo bench --bench peak [-- THREADS]`

use std::time::Instant;

/// Sums that are independent of each other: more than an instruction's latency hides behind.
const SUMS: usize = 28;
/// Instructions of each sum.
const ROUNDS: usize = 10_000_000;
/// Of so many tries the fastest counts.
const TRIES: usize = 5;

type Spin = unsafe fn();

fn main() {
    let threads = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    let threads = threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let kinds = kinds();
    if kinds.is_empty() {
        println!("none of the instructions that this measures are here");
    }
    for (name, products, spin) in kinds {
        let rate = (0..TRIES).map(|_| rate(threads, products, spin)).fold(0.0, f64::max);
        println!("{name}: {rate:.0} G multiply-adds a second, {threads} threads");
    }
}

/// Billions of multiply-adds a second.
fn rate(threads: usize, products: usize, spin: Spin) -> f64 {
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            // SAFETY: `kinds` names only what the machine has.
            scope.spawn(|| unsafe { spin() });
        }
    });
    (threads * ROUNDS * SUMS * products) as f64 / start.elapsed().as_secs_f64() / 1e9
}

#[cfg(not(target_arch = "x86_64"))]
fn kinds() -> Vec<(&'static str, usize, Spin)> {
    Vec::new()
}

/// The instructions that the machine has, and the products of each.
#[cfg(target_arch = "x86_64")]
fn kinds() -> Vec<(&'static str, usize, Spin)> {
    let mut kinds: Vec<(&'static str, usize, Spin)> = Vec::new();
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        kinds.push(("AVX2 f32", 8, x86::avx2));
    }
    if is_x86_feature_detected!("avx512f") {
        kinds.push(("AVX-512 f32", 16, x86::avx512));
        if is_x86_feature_detected!("avx512bf16") {
            kinds.push(("AVX-512 bf16", 32, x86::avx512_bf16));
        }
    }
    // It also asks the system for the tiles.
    if sakuga::kernels::plan::Instructions::Amx.available() {
        kinds.push(("AMX bf16", 16 * 16 * 32, x86::amx));
    }
    kinds
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{ROUNDS, SUMS};
    use std::arch::asm;
    use std::arch::x86_64::*;
    use std::hint::black_box;

    #[target_feature(enable = "avx2,fma")]
    pub fn avx2() {
        let (a, b) = (_mm256_set1_ps(black_box(0.5)), _mm256_set1_ps(black_box(0.3)));
        // 16 registers hold the sums and both factors.
        let mut sums = [_mm256_setzero_ps(); SUMS / 2];
        for _ in 0..2 * ROUNDS {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(a, b, *sum);
            }
        }
        black_box(sums);
    }

    #[target_feature(enable = "avx512f")]
    pub fn avx512() {
        let (a, b) = (_mm512_set1_ps(black_box(0.5)), _mm512_set1_ps(black_box(0.3)));
        let mut sums = [_mm512_setzero_ps(); SUMS];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(a, b, *sum);
            }
        }
        black_box(sums);
    }

    /// Eight tiles of 16 rows of 64 bytes (Intel's Software Developer's Manual, volume 1, §18.2).
    #[repr(align(64))]
    struct Shape([u8; 64]);

    static SHAPE: Shape = {
        let mut shape = [0; 64];
        shape[0] = 1;
        let mut tile = 0;
        while tile < 8 {
            (shape[16 + 2 * tile], shape[48 + tile]) = (64, 16);
            tile += 1;
        }
        Shape(shape)
    };

    pub fn amx() {
        // SAFETY: the machine has tiles, which hold zeros and are released at the end.
        unsafe {
            asm!("ldtilecfg [{}]", in(reg) SHAPE.0.as_ptr(), options(nostack, readonly));
            for _ in 0..ROUNDS * SUMS / 4 {
                asm!(
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    "tdpbf16ps tmm1, tmm4, tmm7",
                    "tdpbf16ps tmm2, tmm5, tmm6",
                    "tdpbf16ps tmm3, tmm5, tmm7",
                    options(nostack, nomem)
                );
            }
            asm!("tilerelease", options(nostack, nomem));
        }
    }

    #[target_feature(enable = "avx512f,avx512bf16")]
    pub fn avx512_bf16() {
        let pairs = _mm512_cvtne2ps_pbh(_mm512_set1_ps(black_box(0.5)), _mm512_set1_ps(black_box(0.3)));
        let mut sums = [_mm512_setzero_ps(); SUMS];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = _mm512_dpbf16_ps(*sum, pairs, pairs);
            }
        }
        black_box(sums);
    }
}
