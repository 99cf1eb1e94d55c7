//! im2col and col2im: windows of a picture laid out as the columns of a matrix
//! (Chellapilla, Puri, Simard 2006), a strip of output rows at a time.

use super::geometry::Geometry;
use std::ops::Range;

/// Output columns whose window column `kx` falls inside the input.
fn valid_columns(g: &Geometry, kx: usize) -> Range<usize> {
    let (width, out_width) = (g.input.1, g.output.1);
    let first = g.padding.saturating_sub(kx).div_ceil(g.stride);
    let end = (width + g.padding).saturating_sub(kx).div_ceil(g.stride);
    let end = end.min(out_width);
    first.min(end)..end
}

/// The input row under output row `y` and window row `ky`, if it is inside.
fn input_row(g: &Geometry, y: usize, ky: usize) -> Option<usize> {
    (y * g.stride + ky).checked_sub(g.padding).filter(|&row| row < g.input.0)
}

/// Fills `columns` `(C·K·K, rows·Wout)`, whose rows are `pitch` values apart,
/// with the windows of `planes` `(C, H, W)` under the output rows `rows`.
pub(super) fn im2col(g: &Geometry, planes: &[f32], rows: Range<usize>, pitch: usize, columns: &mut [f32]) {
    let (k, s, width, out_width) = (g.kernel, g.stride, g.input.1, g.output.1);
    let pixels = rows.len() * out_width;
    for (c, plane) in planes.chunks_exact(g.in_pixels()).enumerate() {
        for (ky, kx) in (0..k * k).map(|tap| (tap / k, tap % k)) {
            let valid = valid_columns(g, kx);
            let start = (c * k * k + ky * k + kx) * pitch;
            let out = &mut columns[start..start + pixels];
            for (y, out) in rows.clone().zip(out.chunks_exact_mut(out_width)) {
                let Some(row) = input_row(g, y, ky) else {
                    out.fill(0.0);
                    continue;
                };
                out[..valid.start].fill(0.0);
                out[valid.end..].fill(0.0);
                if valid.is_empty() {
                    continue;
                }
                let from = row * width + valid.start * s + kx - g.padding;
                let out = &mut out[valid.clone()];
                match s {
                    1 => out.copy_from_slice(&plane[from..from + out.len()]),
                    2 => {
                        let source = &plane[from..from + 2 * out.len() - 1];
                        // Pairs first: the compiler turns them into shuffles.
                        let pairs = source.chunks_exact(2);
                        if let (Some(last), [value]) = (out.last_mut(), pairs.remainder()) {
                            *last = *value;
                        }
                        for (o, pair) in out.iter_mut().zip(pairs) {
                            *o = pair[0];
                        }
                    }
                    _ => {
                        for (o, value) in out.iter_mut().zip(plane[from..].iter().step_by(s)) {
                            *o = *value;
                        }
                    }
                }
            }
        }
    }
}

/// The adjoint of [`im2col`]: adds the columns back to where they came from.
pub(super) fn col2im(g: &Geometry, columns: &[f32], rows: Range<usize>, pitch: usize, planes: &mut [f32]) {
    let (k, s, width, out_width) = (g.kernel, g.stride, g.input.1, g.output.1);
    let pixels = rows.len() * out_width;
    for (c, plane) in planes.chunks_exact_mut(g.in_pixels()).enumerate() {
        for (ky, kx) in (0..k * k).map(|tap| (tap / k, tap % k)) {
            let valid = valid_columns(g, kx);
            if valid.is_empty() {
                continue;
            }
            let start = (c * k * k + ky * k + kx) * pitch;
            let values = &columns[start..start + pixels];
            for (y, values) in rows.clone().zip(values.chunks_exact(out_width)) {
                let Some(row) = input_row(g, y, ky) else { continue };
                let from = row * width + valid.start * s + kx - g.padding;
                let values = &values[valid.clone()];
                if s == 1 {
                    let out = &mut plane[from..from + values.len()];
                    for (o, value) in out.iter_mut().zip(values) {
                        *o += *value;
                    }
                } else {
                    for (o, value) in plane[from..].iter_mut().step_by(s).zip(values) {
                        *o += *value;
                    }
                }
            }
        }
    }
}
