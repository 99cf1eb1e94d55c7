//! What an instruction set brings to the plan.

use super::Instructions;
use super::run::Work;
use super::vector::Vector;
use crate::kernels::meanwhile::Meanwhile;
use half::bf16;

/// f32 sums in a vector; channels of a buffer are padded to a multiple of it.
pub const LANES: usize = 16;
/// Vectors of sums side by side: a panel's columns are so many times [`LANES`].
pub const VECTORS: usize = 2;
/// The most rows that a kernel takes in one tile.
pub const MAX_ROWS: usize = 32;

/// How many bytes ahead the kernels of vectors fetch a panel's weights. They are read one after another, but the
/// processor's own prefetching stops at a page's end, and begins anew on the next one.
#[cfg(target_arch = "x86_64")]
pub(super) const AHEAD: usize = 4096;

/// Has the processor fetch the cache line that `at` lies in, if anything does.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn fetch<T>(at: *const T) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: it changes nothing but what is in the caches, whatever the address.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
}

/// A row of a tile's sums.
pub type Row = [f32; VECTORS * LANES];

/// Sums of a tile, row after row.
#[repr(align(64))]
pub struct Sums(pub [Row; MAX_ROWS]);

/// A number as buffers and weights hold it.
pub trait Value: Copy + Default + Send + Sync + 'static {
    /// The nearest one to `value`.
    fn of(value: f32) -> Self;
    /// Its value.
    fn f32(self) -> f32;
}

impl Value for f32 {
    #[inline(always)]
    fn of(value: f32) -> Self {
        value
    }
    #[inline(always)]
    fn f32(self) -> f32 {
        self
    }
}

impl Value for bf16 {
    /// Rounds to nearest even; written without branches, so that loops of it become vector instructions. A NaN whose
    /// payload would round up to infinity stays a NaN only if its upper bits say so: finite sums have none.
    #[inline(always)]
    fn of(value: f32) -> Self {
        let bits = value.to_bits();
        Self::from_bits((bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16) as u16)
    }
    #[inline(always)]
    fn f32(self) -> f32 {
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }
}

/// Where a tile's rows find the factors of one term: for row `r`, `segments` runs of `length` values, the first at
/// `start + r · row` and each `segment_step` after the other.
#[derive(Clone, Copy)]
pub struct Strand<T> {
    pub start: *const T,
    pub row: usize,
    pub segments: usize,
    pub segment_step: usize,
    pub length: usize,
}

/// One instruction set's way of summing a tile.
pub trait Kernel: Copy + Send + Sync + 'static {
    /// What buffers and weights hold.
    type Value: Value;
    /// f32 in the instruction set's registers.
    type Vector: Vector;
    /// Rows of a full tile.
    const ROWS: usize;
    /// Neighbouring factors that one lane takes together: their weights lie side by side.
    const GROUP: usize;
    /// What a strand's length is a multiple of; 32 at most, which is what can be read beyond a buffer's last pixel.
    const CHUNK: usize = Self::GROUP;
    /// A strand can be read for so many rows, also where a tile has fewer.
    const LEAST_ROWS: usize = 1;
    /// What the machine must have.
    const INSTRUCTIONS: Instructions;

    /// Sums products of `rows` rows (1..=[`Self::ROWS`]) and `vectors` (1..=`VECTORS`) times [`LANES`] columns.
    /// `panel` holds, for every [`Self::GROUP`] factors of the strands in turn, the group for each column.
    ///
    /// # Safety
    /// The machine has the instructions; the strands lie inside their buffers for `rows` rows, [`Self::LEAST_ROWS`] at
    /// least; their lengths are multiples of [`Self::CHUNK`], and the panel is as long as all of them.
    unsafe fn tile(
        strands: &[Strand<Self::Value>],
        panel: *const Self::Value,
        rows: usize,
        vectors: usize,
        sums: &mut Sums,
    );

    /// As [`Self::tile`], with all of `meanwhile` done before, or part by part between the products.
    ///
    /// # Safety
    /// As for [`Self::tile`], and `meanwhile`'s demands hold.
    #[inline(always)]
    unsafe fn tile_meanwhile(
        strands: &[Strand<Self::Value>],
        panel: *const Self::Value,
        (rows, vectors): (usize, usize),
        sums: &mut Sums,
        meanwhile: &mut impl Meanwhile,
    ) {
        // SAFETY: as the caller says.
        unsafe {
            meanwhile.part(1);
            Self::tile(strands, panel, rows, vectors, sums);
        }
    }

    /// A register of a buffer's values, `Vector::WIDTH` of them. Kernels of other values than f32 have their own.
    ///
    /// # Safety
    /// The machine has the instructions, and so many values can be read.
    #[inline(always)]
    unsafe fn widen(from: *const Self::Value) -> Self::Vector {
        // SAFETY: as the caller says.
        unsafe { Self::Vector::load(from.cast()) }
    }

    /// Stores the values nearest to a register's numbers. Kernels of other values than f32 have their own.
    ///
    /// # Safety
    /// The machine has the instructions, and so many values can be written.
    #[inline(always)]
    unsafe fn narrow(numbers: Self::Vector, to: *mut Self::Value) {
        // SAFETY: as the caller says.
        unsafe { numbers.store(to.cast()) }
    }

    /// Stores two registers' numbers one after the other, as [`Self::narrow`] does.
    ///
    /// # Safety
    /// The machine has the instructions, and so many values can be written.
    #[inline(always)]
    unsafe fn narrow_pair(numbers: [Self::Vector; 2], to: *mut Self::Value) {
        // SAFETY: as the caller says.
        unsafe {
            Self::narrow(numbers[0], to);
            Self::narrow(numbers[1], to.add(Self::Vector::WIDTH));
        }
    }

    /// Says that what lies there is read soon: the processor may fetch it, and does not mind if nothing is there. For
    /// kernels that else wait for memory.
    #[inline(always)]
    fn announce(_at: *const Self::Value) {}

    /// Runs a task, compiled for the instructions.
    ///
    /// # Safety
    /// The machine has the instructions, and the task's own demands hold.
    unsafe fn work(task: &impl Work);
}

/// Calls a function that is generic over the number of rows with the number at hand.
macro_rules! by_rows {
    ($rows:expr, $vectors:expr, $tile:ident $arguments:tt, $($count:literal)*) => {
        match ($rows, $vectors) {
            $(($count, 1) => $tile::<$count, 1> $arguments,)*
            $(($count, 2) => $tile::<$count, 2> $arguments,)*
            _ => unreachable!("tiles have no more rows and vectors than the kernel says"),
        }
    };
}
pub(super) use by_rows;
