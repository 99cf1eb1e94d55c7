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
}

/// A vector by the functions of an instruction set.
#[cfg(target_arch = "x86_64")]
macro_rules! by_instructions {
    ($vector:ty, $width:literal, $features:literal, $load:ident, $store:ident, $add:ident, $sub:ident, $mul:ident, $mul_add:ident, $max:ident, $all:ident) => {
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
        }
    };
}

#[cfg(target_arch = "x86_64")]
#[rustfmt::skip] // One a row.
by_instructions!(__m512, 16, "avx512f", _mm512_loadu_ps, _mm512_storeu_ps, _mm512_add_ps, _mm512_sub_ps, _mm512_mul_ps, _mm512_fmadd_ps, _mm512_max_ps, _mm512_set1_ps);
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
by_instructions!(__m256, 8, "avx2,fma", _mm256_loadu_ps, _mm256_storeu_ps, _mm256_add_ps, _mm256_sub_ps, _mm256_mul_ps, _mm256_fmadd_ps, _mm256_max_ps, _mm256_set1_ps);

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
}
