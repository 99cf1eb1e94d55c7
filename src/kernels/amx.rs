//! AMX's tiles: 32 × 32 sums of bf16 products in four tiles of 16 × 16.
//!
//! The compiler has no stable names for tiles, so this is assembly. Tiles keep one shape throughout: 16 rows of 64
//! bytes. Of the eight, 0 to 3 hold sums, 4 and 5 the left factors (16 rows of 32), 6 and 7 the right ones (16 columns
//! of 32, two neighbouring factors of a column side by side).

use super::meanwhile::{Meanwhile, Nothing};
use half::bf16;
use std::arch::asm;
use std::arch::x86_64::{__cpuid, __cpuid_count};
use std::sync::OnceLock;

/// Rows, and columns, of a tile of sums.
pub const TILE: usize = 16;
/// Factors of a sum that one product takes.
pub const CHUNK: usize = 32;

/// The shape of tiles, as LDTILECFG reads it (Intel's Software Developer's Manual, volume 1, §18.2).
#[repr(C, align(64))]
struct Shape {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

static SHAPE: Shape = Shape {
    palette: 1,
    start_row: 0,
    reserved: [0; 14],
    row_bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
};

/// Where one side's factors lie.
#[derive(Clone, Copy)]
pub struct Factors {
    /// The first row of each of two tiles; the second is read only where a product takes it.
    pub tiles: [*const bf16; 2],
    /// Values from a tile's row to its next.
    pub pitch: usize,
    /// Values from a chunk to the next.
    pub step: usize,
}

/// Runs `work` with tiles in their shape.
///
/// # Safety
/// [`available`] has said yes.
#[inline(always)]
pub unsafe fn with_tiles(work: impl FnOnce()) {
    // SAFETY: the machine has AMX and the process may use it; the compiler's own code uses no tiles, so nothing of it is
    // overwritten, and releasing them leaves the processor as it was.
    unsafe {
        asm!("ldtilecfg [{}]", in(reg) &raw const SHAPE, options(nostack, readonly));
        work();
        asm!("tilerelease", options(nostack, nomem));
    }
}

/// Loads a tile of 16 rows of 64 bytes, a row every `step` bytes.
macro_rules! load {
    ($tile:literal, $start:expr, $step:expr) => {
        asm!(
            concat!("tileloadd tmm", $tile, ", [{} + {}*1]"),
            in(reg) $start, in(reg) $step, options(nostack, readonly)
        )
    };
}

/// Adds the products of 16 × 32 left and 32 × 16 right factors to a tile of sums.
macro_rules! multiply {
    ($sums:literal, $left:literal, $right:literal) => {
        asm!(concat!("tdpbf16ps tmm", $sums, ", tmm", $left, ", tmm", $right), options(nostack, nomem))
    };
}

/// Stores a tile of sums.
macro_rules! store {
    ($tile:literal, $start:expr) => {
        asm!(
            concat!("tilestored [{} + {}*1], tmm", $tile),
            in(reg) $start, in(reg) PITCH, options(nostack)
        )
    };
}

/// Bytes of a row of sums in memory: two tiles side by side.
const PITCH: usize = size_of::<[f32; 2 * TILE]>();

/// Sets the sums to zero.
///
/// # Safety
/// Of this and all that follow: called inside [`with_tiles`].
#[inline(always)]
pub unsafe fn clear() {
    // SAFETY: as the caller says.
    unsafe { asm!("tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3", options(nostack, nomem)) }
}

/// Adds `chunks` products; with `TALL` also the second left tile's, with `WIDE` the second right one's. After each, one
/// of `parts` parts of `meanwhile` is done.
///
/// # Safety
/// Each side's tiles can be read for so many chunks, and `meanwhile`'s demands hold.
#[inline(always)]
pub unsafe fn add_meanwhile<const TALL: bool, const WIDE: bool>(
    left: &Factors,
    right: &Factors,
    chunks: usize,
    (meanwhile, parts): (&mut impl Meanwhile, usize),
) {
    let ([mut first, mut second], [mut near, mut far]) = (left.tiles, right.tiles);
    let (left_pitch, right_pitch) = (2 * left.pitch, 2 * right.pitch);
    for _ in 0..chunks {
        // SAFETY: as the caller says.
        unsafe {
            load!("4", first, left_pitch);
            load!("6", near, right_pitch);
            multiply!("0", "4", "6");
            if WIDE {
                load!("7", far, right_pitch);
                multiply!("1", "4", "7");
            }
            if TALL {
                load!("5", second, left_pitch);
                multiply!("2", "5", "6");
                if WIDE {
                    multiply!("3", "5", "7");
                }
            }
            meanwhile.part(parts);
        }
        // The last step may lead beyond the end, where nothing is read.
        first = first.wrapping_add(left.step);
        second = second.wrapping_add(left.step);
        near = near.wrapping_add(right.step);
        far = far.wrapping_add(right.step);
    }
}

/// [`add_meanwhile`] with nothing to do.
///
/// # Safety
/// The same.
#[inline(always)]
pub unsafe fn add<const TALL: bool, const WIDE: bool>(left: &Factors, right: &Factors, chunks: usize) {
    // SAFETY: as the caller says.
    unsafe { add_meanwhile::<TALL, WIDE>(left, right, chunks, (&mut Nothing, 1)) }
}

/// [`add`], with the second tiles of each side where they are wanted.
///
/// # Safety
/// The same.
#[inline(always)]
pub unsafe fn add_where((tall, wide): (bool, bool), left: &Factors, right: &Factors, chunks: usize) {
    // SAFETY: as the caller says.
    unsafe {
        match (tall, wide) {
            (true, true) => add::<true, true>(left, right, chunks),
            (true, false) => add::<true, false>(left, right, chunks),
            (false, true) => add::<false, true>(left, right, chunks),
            (false, false) => add::<false, false>(left, right, chunks),
        }
    }
}

/// Stores the sums into rows of 32; the second left tile's from row `second` on.
///
/// # Safety
/// `sums` has `second + 16` rows with `TALL`, else 16.
#[inline(always)]
pub unsafe fn store<const TALL: bool>(sums: *mut f32, second: usize) {
    // SAFETY: as the caller says.
    unsafe {
        store!("0", sums);
        store!("1", sums.add(TILE));
        if TALL {
            let sums = sums.add(second * 2 * TILE);
            store!("2", sums);
            store!("3", sums.add(TILE));
        }
    }
}

/// Goes on with the sums `(32, 32)` that [`store`] has left.
///
/// # Safety
/// `sums` has 32 rows.
#[inline(always)]
pub unsafe fn resume(sums: *const f32) {
    // SAFETY: as the caller says.
    unsafe {
        load!("0", sums, PITCH);
        load!("1", sums.add(TILE), PITCH);
        load!("2", sums.add(TILE * 2 * TILE), PITCH);
        load!("3", sums.add(TILE * 2 * TILE + TILE), PITCH);
    }
}

/// Whether the processor has AMX, the system lets this process use it, and it multiplies right.
pub fn available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| present() && permitted() && proven())
}

/// Whether the processor has tiles with bf16 products, and the system keeps them over a change of threads.
fn present() -> bool {
    const OSXSAVE: u32 = 1 << 27;
    const BF16_AND_TILE: u32 = 1 << 22 | 1 << 24;
    /// Tile shapes and tile data, in the register of what the system saves.
    const SAVED: u32 = 1 << 17 | 1 << 18;
    if __cpuid(0).eax < 7 || __cpuid(1).ecx & OSXSAVE == 0 || __cpuid_count(7, 0).edx & BF16_AND_TILE != BF16_AND_TILE {
        return false;
    }
    let saved: u32;
    // SAFETY: the processor has XGETBV, as OSXSAVE says.
    unsafe { asm!("xgetbv", in("ecx") 0, out("eax") saved, out("edx") _, options(nostack, nomem)) };
    saved & SAVED == SAVED
}

/// Asks Linux, which gives a process tiles only on request.
#[cfg(target_os = "linux")]
fn permitted() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const TILE_DATA: libc::c_long = 18;
    // SAFETY: the call reads two numbers and changes only this process's permission.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn permitted() -> bool {
    false
}

/// Multiplies a tile whose answer is known: virtual machines have been seen to promise tiles that they garble.
fn proven() -> bool {
    let left: Vec<bf16> = (0..TILE * CHUNK).map(|i| bf16::from_f32((i % 7) as f32)).collect();
    let right: Vec<bf16> = (0..TILE * CHUNK).map(|i| bf16::from_f32((i % 5) as f32)).collect();
    let mut sums = [[0.0f32; 2 * TILE]; TILE];
    let side = |values: &[bf16]| Factors { tiles: [values.as_ptr(); 2], pitch: CHUNK, step: 0 };
    // SAFETY: the processor and the system have tiles; the factors are 16 × 32 and 32 × 16, the sums 16 rows.
    unsafe {
        with_tiles(|| {
            clear();
            add::<false, false>(&side(&left), &side(&right), 1);
            store::<false>(sums.as_mut_ptr().cast(), 0);
        });
    }
    (0..TILE).all(|row| {
        (0..TILE).all(|column| {
            let factor = |k: usize| ((row * CHUNK + k) % 7) as f32;
            let weight = |k: usize| ((k / 2 * 2 * TILE + column * 2 + k % 2) % 5) as f32;
            sums[row][column] == (0..CHUNK).map(|k| factor(k) * weight(k)).sum::<f32>()
        })
    })
}
