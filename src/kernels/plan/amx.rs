//! AMX: 32 × 32 sums in four tiles of 16 × 16, from bf16.
//!
//! The compiler has no stable names for tiles, so this is assembly. Tiles keep one shape throughout: 16 rows of 64
//! bytes. Windows that are no whole chunks of 32 factors, and fewer than 16 output pixels, come gathered, with zeros.

use super::Instructions;
use super::kernel::{Kernel, LANES, Strand, Sums, VECTORS};
use super::run::Work;
use half::bf16;
use std::arch::asm;
use std::arch::x86_64::{__cpuid, __cpuid_count, __m512};
use std::sync::OnceLock;

/// bf16 through AMX's tile products.
#[derive(Clone, Copy)]
pub struct Amx;

/// Rows of a tile.
const TILE: usize = 16;

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

impl Kernel for Amx {
    type Value = bf16;
    type Vector = __m512;
    const ROWS: usize = 2 * TILE;
    const GROUP: usize = 2;
    const CHUNK: usize = 32;
    const LEAST_ROWS: usize = TILE;
    const INSTRUCTIONS: Instructions = Instructions::Amx;

    unsafe fn tile(strands: &[Strand<bf16>], panel: *const bf16, rows: usize, vectors: usize, sums: &mut Sums) {
        // Of 17 to 31 rows the second tile takes the last 16: some are summed twice, none is read beyond the end.
        let second = rows.saturating_sub(TILE);
        // SAFETY: as the caller says.
        unsafe {
            match (second > 0, vectors == VECTORS) {
                (true, true) => tile::<true, true>(strands, panel, second, sums),
                (true, false) => tile::<true, false>(strands, panel, second, sums),
                (false, true) => tile::<false, true>(strands, panel, second, sums),
                (false, false) => tile::<false, false>(strands, panel, second, sums),
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    unsafe fn work(task: &impl Work) {
        // SAFETY: the machine has AMX and the process may use it, as `available` has asked; the compiler's own code
        // uses no tiles, so nothing of it is overwritten, and releasing them leaves the processor as it was.
        unsafe {
            asm!("ldtilecfg [{}]", in(reg) &raw const SHAPE, options(nostack, readonly));
            task.run();
            asm!("tilerelease", options(nostack, nomem));
        }
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

/// Adds the products of 16 × 32 factors and 32 × 16 weights to a tile of sums.
macro_rules! multiply {
    ($sums:literal, $factors:literal, $weights:literal) => {
        asm!(concat!("tdpbf16ps tmm", $sums, ", tmm", $factors, ", tmm", $weights), options(nostack, nomem))
    };
}

/// Stores a tile of sums.
macro_rules! store {
    ($tile:literal, $start:expr) => {
        asm!(
            concat!("tilestored [{} + {}*1], tmm", $tile),
            in(reg) $start, in(reg) size_of::<[f32; VECTORS * LANES]>(), options(nostack)
        )
    };
}

/// Sums 16 rows, and with `TALL` 16 more from row `second` on; one vector of columns, or with `WIDE` two.
///
/// # Safety
/// See [`Kernel::tile`]; tiles have their [`SHAPE`], and `second` is at most 16.
#[inline(always)]
unsafe fn tile<const TALL: bool, const WIDE: bool>(
    strands: &[Strand<bf16>],
    panel: *const bf16,
    second: usize,
    sums: &mut Sums,
) {
    // A panel holds pairs of factors: 64 bytes of them for each vector of columns.
    let pair = if WIDE { 128usize } else { 64 };
    let mut weights = panel.cast::<u8>();
    // SAFETY: the strands lie inside their buffers for 16 rows from the first on, and from `second` on; the panel is as
    // long as they are together; the sums have 32 rows.
    unsafe {
        asm!("tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3", options(nostack, nomem));
        for strand in strands {
            let row = size_of::<bf16>() * strand.row;
            for segment in 0..strand.segments {
                let mut factors = strand.start.add(segment * strand.segment_step).cast::<u8>();
                for _ in 0..strand.length / Amx::CHUNK {
                    load!("4", factors, row);
                    load!("6", weights, pair);
                    multiply!("0", "4", "6");
                    if WIDE {
                        load!("7", weights.add(64), pair);
                        multiply!("1", "4", "7");
                    }
                    if TALL {
                        load!("5", factors.add(second * row), row);
                        multiply!("2", "5", "6");
                        if WIDE {
                            multiply!("3", "5", "7");
                        }
                    }
                    factors = factors.add(Amx::CHUNK * size_of::<bf16>());
                    weights = weights.add(Amx::CHUNK / 2 * pair);
                }
            }
        }
        let sums = sums.0.as_mut_ptr();
        store!("0", sums);
        store!("1", sums.cast::<f32>().add(LANES));
        if TALL {
            store!("2", sums.add(second));
            store!("3", sums.add(second).cast::<f32>().add(LANES));
        }
    }
}

/// Whether the processor has AMX, the system lets this process use it, and it multiplies right.
pub(super) fn available() -> bool {
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
    let factors: Vec<bf16> = (0..TILE * Amx::CHUNK).map(|i| bf16::from_f32((i % 7) as f32)).collect();
    let panel: Vec<bf16> = (0..TILE * Amx::CHUNK).map(|i| bf16::from_f32((i % 5) as f32)).collect();
    let mut sums = Sums([[0.0; VECTORS * LANES]; super::kernel::MAX_ROWS]);
    let strand = Strand { start: factors.as_ptr(), row: Amx::CHUNK, segments: 1, segment_step: 0, length: Amx::CHUNK };
    // SAFETY: the processor and the system have tiles; strand and panel are 16 × 32 and 32 × 16.
    unsafe {
        asm!("ldtilecfg [{}]", in(reg) &raw const SHAPE, options(nostack, readonly));
        Amx::tile(&[strand], panel.as_ptr(), TILE, 1, &mut sums);
        asm!("tilerelease", options(nostack, nomem));
    }
    (0..TILE).all(|row| {
        (0..LANES).all(|column| {
            let factor = |k: usize| ((row * Amx::CHUNK + k) % 7) as f32;
            let weight = |k: usize| ((k / 2 * 2 * LANES + column * 2 + k % 2) % 5) as f32;
            sums.0[row][column] == (0..Amx::CHUNK).map(|k| factor(k) * weight(k)).sum::<f32>()
        })
    })
}
