//! A register of f32, for what surrounds the products in Winograd's way.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// Some numbers that a kernel's instructions take together.
///
/// # Safety
/// Of every function: the machine has the instructions, and what a pointer points to holds [`Vector::WIDTH`] numbers.
pub trait Vector: Copy {
    /// How many; a part of [`LANES`](super::LANES).
    const WIDTH: usize;

    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    /// `self · times + plus`.
    unsafe fn mul_add(self, times: Self, plus: Self) -> Self;
    unsafe fn max(self, other: Self) -> Self;
    unsafe fn all(value: f32) -> Self;
    /// The numbers of both in turn: `a₀ b₀ a₁ b₁ …`, the first half of them and the second.
    unsafe fn zip(self, other: Self) -> [Self; 2];
    /// Of both after each other every other number: those in even places and those in odd ones.
    unsafe fn unzip(self, other: Self) -> [Self; 2];
}

/// A vector by the functions of an instruction set.
#[cfg(target_arch = "x86_64")]
macro_rules! by_instructions {
    ($vector:ty, $width:literal, $features:literal, $load:ident, $store:ident, $add:ident, $sub:ident, $mul:ident, $mul_add:ident, $max:ident, $all:ident, $zip:ident, $unzip:ident) => {
        impl Vector for $vector {
            const WIDTH: usize = $width;

            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn load(from: *const f32) -> Self {
                // SAFETY: as the caller says.
                unsafe { $load(from) }
            }
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: as the caller says.
                unsafe { $store(to, self) }
            }
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn add(self, other: Self) -> Self {
                $add(self, other)
            }
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn sub(self, other: Self) -> Self {
                $sub(self, other)
            }
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn mul(self, other: Self) -> Self {
                $mul(self, other)
            }
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn mul_add(self, times: Self, plus: Self) -> Self {
                $mul_add(self, times, plus)
            }
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn max(self, other: Self) -> Self {
                $max(self, other)
            }
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn all(value: f32) -> Self {
                $all(value)
            }
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn zip(self, other: Self) -> [Self; 2] {
                $zip(self, other)
            }
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn unzip(self, other: Self) -> [Self; 2] {
                $unzip(self, other)
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
#[rustfmt::skip] // One a row.
by_instructions!(__m512, 16, "avx512f", _mm512_loadu_ps, _mm512_storeu_ps, _mm512_add_ps, _mm512_sub_ps, _mm512_mul_ps, _mm512_fmadd_ps, _mm512_max_ps, _mm512_set1_ps, zip_sixteen, unzip_sixteen);
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
by_instructions!(__m256, 8, "avx2,fma", _mm256_loadu_ps, _mm256_storeu_ps, _mm256_add_ps, _mm256_sub_ps, _mm256_mul_ps, _mm256_fmadd_ps, _mm256_max_ps, _mm256_set1_ps, zip_eight, unzip_eight);

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f")]
fn zip_sixteen(a: __m512, b: __m512) -> [__m512; 2] {
    let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    let high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
    // Not by `map`, which may stay a call.
    [_mm512_permutex2var_ps(a, low, b), _mm512_permutex2var_ps(a, high, b)]
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f")]
fn unzip_sixteen(a: __m512, b: __m512) -> [__m512; 2] {
    let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    let odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    [_mm512_permutex2var_ps(a, even, b), _mm512_permutex2var_ps(a, odd, b)]
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
fn zip_eight(a: __m256, b: __m256) -> [__m256; 2] {
    let (low, high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
    [_mm256_permute2f128_ps::<0x20>(low, high), _mm256_permute2f128_ps::<0x31>(low, high)]
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
fn unzip_eight(a: __m256, b: __m256) -> [__m256; 2] {
    let (even, odd) = (_mm256_shuffle_ps::<0x88>(a, b), _mm256_shuffle_ps::<0xDD>(a, b));
    // The halves of both lie in turn.
    let even = _mm256_permute4x64_pd::<0xD8>(_mm256_castps_pd(even));
    let odd = _mm256_permute4x64_pd::<0xD8>(_mm256_castps_pd(odd));
    [_mm256_castpd_ps(even), _mm256_castpd_ps(odd)]
}

/// Four numbers: what every target's registers hold.
impl Vector for [f32; 4] {
    const WIDTH: usize = 4;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as the caller says.
        unsafe { from.cast::<Self>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as the caller says.
        unsafe { to.cast::<Self>().write_unaligned(self) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        std::array::from_fn(|i| self[i] + other[i])
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        std::array::from_fn(|i| self[i] - other[i])
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        std::array::from_fn(|i| self[i] * other[i])
    }
    #[inline(always)]
    unsafe fn mul_add(self, times: Self, plus: Self) -> Self {
        std::array::from_fn(|i| self[i] * times[i] + plus[i])
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        std::array::from_fn(|i| self[i].max(other[i]))
    }
    #[inline(always)]
    unsafe fn all(value: f32) -> Self {
        [value; 4]
    }
    #[inline(always)]
    unsafe fn zip(self, other: Self) -> [Self; 2] {
        [[self[0], other[0], self[1], other[1]], [self[2], other[2], self[3], other[3]]]
    }
    #[inline(always)]
    unsafe fn unzip(self, other: Self) -> [Self; 2] {
        [[self[0], self[2], other[0], other[2]], [self[1], self[3], other[1], other[3]]]
    }
}
