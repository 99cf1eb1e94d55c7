//! The convolution family in mixed precision: factors and results rounded to bf16, sums in f32.
//!
//! With AMX, each face is a product of matrices that are read where they lie, in layouts made for tiles (`layout`):
//! convolution and adjoint by `correlate`, the weight gradient by `gradient`, and where there are few output pixels the
//! first and the last by `lowered`. What is summed in which order follows from the sizes, never from the number of threads.
//!
//! Without AMX it is f32's way with rounded factors: for its result, not for speed. That is the oracle, too.

#[cfg(target_arch = "x86_64")]
mod correlate;
#[cfg(target_arch = "x86_64")]
mod gradient;
#[cfg(target_arch = "x86_64")]
mod layout;
#[cfg(target_arch = "x86_64")]
mod lowered;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod transpose;
#[cfg(target_arch = "x86_64")]
mod weights;
#[cfg(target_arch = "x86_64")]
mod window;

use super::conv;
use super::geometry::Geometry;
use half::bf16;

/// A face: its sizes, its two arguments and its result.
type Face = fn(&Geometry, &[f32], &[f32], &mut [f32]);

/// Whether there is a fast way.
pub fn fast() -> bool {
    #[cfg(target_arch = "x86_64")]
    return super::plan::Instructions::Amx.available();
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// As [`conv::forward`].
pub fn forward(g: &Geometry, x: &[f32], w: &[f32], y: &mut [f32]) {
    assert_eq!((x.len(), w.len(), y.len()), (g.input_len(), g.weight_len(), g.output_len()));
    #[cfg(target_arch = "x86_64")]
    if fits(g) {
        return match lowered::pixels(g) {
            // Beyond, what lowering costs is more than what it saves of the weights.
            ..=64 => lowered::forward(g, x, w, y),
            _ => correlate::forward(g, x, w, y),
        };
    }
    rounded(conv::forward, g, x, w, y);
}

/// As [`conv::adjoint`].
pub fn adjoint(g: &Geometry, y: &[f32], w: &[f32], x: &mut [f32]) {
    assert_eq!((x.len(), w.len(), y.len()), (g.input_len(), g.weight_len(), g.output_len()));
    #[cfg(target_arch = "x86_64")]
    if fits(g) {
        return correlate::adjoint(g, y, w, x);
    }
    rounded(conv::adjoint, g, y, w, x);
}

/// As [`conv::weight_gradient`].
pub fn weight_gradient(g: &Geometry, x: &[f32], y: &[f32], w: &mut [f32]) {
    assert_eq!((x.len(), w.len(), y.len()), (g.input_len(), g.weight_len(), g.output_len()));
    #[cfg(target_arch = "x86_64")]
    if fits(g) {
        return match lowered::pixels(g) {
            ..=256 => lowered::weight_gradient(g, x, y, w),
            _ => gradient::weight_gradient(g, x, y, w),
        };
    }
    rounded(conv::weight_gradient, g, x, y, w);
}

/// Whether AMX has a way for these sizes.
#[cfg(target_arch = "x86_64")]
fn fits(g: &Geometry) -> bool {
    fast() && g.input_len() > 0 && g.weight_len() > 0 && g.output_len() > 0
}

/// A face step by step.
fn rounded(face: Face, g: &Geometry, a: &[f32], b: &[f32], out: &mut [f32]) {
    let round = |values: &[f32]| values.iter().map(|value| bf16::from_f32(*value).to_f32()).collect::<Vec<_>>();
    face(g, &round(a), &round(b), out);
    out.iter_mut().for_each(|value| *value = bf16::from_f32(*value).to_f32());
}
