//! Any size to a network's multiple, and back.

use candle_core::{Result, Tensor};

/// `t` `(N, C, H, W)`, grown at the right and the bottom until both sides are
/// multiples of `multiple`.
///
/// The new pixels mirror the picture at its last row or column, which is not
/// repeated (… 3 4 5 | 4 3 …); a side too short for that repeats its edge
/// (1 2 | 2 2 2 2).
///
/// # Errors
/// If `t` has not four dimensions, or `multiple` or a side is 0.
pub fn to_multiple(t: &Tensor, multiple: usize) -> Result<Tensor> {
    let (_, _, height, width) = t.dims4()?;
    if multiple == 0 || height == 0 || width == 0 {
        candle_core::bail!("cannot pad {:?} to multiples of {multiple}", t.shape());
    }
    let t = extend(t, 3, width.next_multiple_of(multiple) - width)?;
    extend(&t, 2, height.next_multiple_of(multiple) - height)
}

/// The first `height` rows and `width` columns of `t` `(N, C, H, W)`.
///
/// # Errors
/// If `t` has fewer of them.
pub fn crop(t: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    t.narrow(2, 0, height)?.narrow(3, 0, width)
}

/// `t` with `extra` more entries at the end of `dim`.
fn extend(t: &Tensor, dim: usize, extra: usize) -> Result<Tensor> {
    if extra == 0 {
        return Ok(t.clone());
    }
    let last = t.dim(dim)? - 1;
    let sources: Vec<u32> =
        if extra <= last { (1..=extra).map(|i| (last - i) as u32).collect() } else { vec![last as u32; extra] };
    // Only the strip is gathered: gathering the whole would cost a pass more.
    let sources = Tensor::new(sources, t.device())?;
    let strip = t.contiguous()?.index_select(&sources, dim)?;
    Tensor::cat(&[t, &strip], dim)
}
