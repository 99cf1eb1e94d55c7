//! Plain Rust: the compiler makes vectors of it where the target has them (NEON on AArch64).

use super::Instructions;
use super::kernel::{Kernel, LANES, Strand, Sums, by_rows};
use super::run::Work;

/// f32 without any instruction that the target may lack.
#[derive(Clone, Copy)]
pub struct Portable;

impl Kernel for Portable {
    type Value = f32;
    type Vector = [f32; 4];
    const ROWS: usize = 2;
    const GROUP: usize = 1;
    const INSTRUCTIONS: Instructions = Instructions::Portable;

    unsafe fn tile(strands: &[Strand<f32>], panel: *const f32, rows: usize, vectors: usize, sums: &mut Sums) {
        // SAFETY: as the caller says.
        unsafe { by_rows!(rows, vectors, tile(strands, panel, sums), 1 2) }
    }

    unsafe fn work(task: &impl Work) {
        // SAFETY: as the caller says.
        unsafe { task.run() }
    }
}

/// # Safety
/// See [`Kernel::tile`].
unsafe fn tile<const ROWS: usize, const VECTORS: usize>(strands: &[Strand<f32>], panel: *const f32, sums: &mut Sums) {
    let mut totals = [[[0.0f32; LANES]; VECTORS]; ROWS];
    let mut panel = panel.cast::<[[f32; LANES]; VECTORS]>();
    for strand in strands {
        for segment in 0..strand.segments {
            for k in 0..strand.length {
                // SAFETY: the strand lies inside its buffer for ROWS rows, and the panel is as long as all strands.
                unsafe {
                    let start = strand.start.add(segment * strand.segment_step + k);
                    let weights = &*panel;
                    panel = panel.add(1);
                    for (row, totals) in totals.iter_mut().enumerate() {
                        let factor = *start.add(row * strand.row);
                        for (total, weight) in totals.as_flattened_mut().iter_mut().zip(weights.as_flattened()) {
                            *total = fused(factor, *weight, *total);
                        }
                    }
                }
            }
        }
    }
    for (totals, sums) in totals.iter().zip(&mut sums.0) {
        sums[..VECTORS * LANES].copy_from_slice(totals.as_flattened());
    }
}

/// a·b + c, fused where that is one instruction on every machine of the target.
#[inline(always)]
fn fused(a: f32, b: f32, c: f32) -> f32 {
    if cfg!(target_arch = "aarch64") { a.mul_add(b, c) } else { a * b + c }
}
