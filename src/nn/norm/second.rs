//! How a norm's gradients change: written as candle's ops and differentiated by
//! candle. Few ask for it (the slope of a slope), so it need not be fast.

use candle_core::{Result, Tensor, Var};

/// The gradients of `x` `(N, C, H, W)`, `weight` `(groups)` and `grad` `(N, C, H, W)` in the sum of `along` times what
/// [`first`] makes of them.
///
/// # Errors
/// Those of candle.
pub(super) fn derivative(
    [x, weight, grad]: [&Tensor; 3],
    gate: impl Fn(&Tensor) -> Result<Tensor>,
    epsilon: f64,
    along: &Tensor,
) -> Result<[Option<Tensor>; 3]> {
    let variable = |tensor: &Tensor| Var::from_tensor(&tensor.copy()?);
    let at = [variable(x)?, variable(weight)?, variable(grad)?];
    let [x, weight, grad] = at.each_ref().map(Var::as_tensor);
    let grads = (first([x, weight, &gate(grad)?], epsilon)? * along)?.sum_all()?.backward()?;
    Ok(at.each_ref().map(|var| grads.get(var).cloned()))
}

/// The gradients in argument, weight and bias of `norm(x)·weight + bias`, one after the other, when that of the result
/// is `grad` (Ioffe, Szegedy 2015, §3).
fn first([x, weight, grad]: [&Tensor; 3], epsilon: f64) -> Result<Tensor> {
    let (n, c, height, width) = x.dims4()?;
    let groups = weight.elem_count();
    // The planes of a group lie along the first dimension.
    let grouped = |t: &Tensor| t.reshape((n * c / groups, groups, height, width));
    let (x, grad, weight) = (grouped(x)?, grouped(grad)?, weight.reshape((1, groups, 1, 1))?);
    let mean = |t: &Tensor| t.mean_keepdim((0, 2, 3));
    let centred = x.broadcast_sub(&mean(&x)?)?;
    let inverse = (mean(&centred.sqr()?)? + epsilon)?.sqrt()?.recip()?;
    let normed = centred.broadcast_mul(&inverse)?;
    let (off, stretch) = (mean(&grad)?, mean(&(&grad * &normed)?)?);
    let of_x = grad.broadcast_sub(&off)?.broadcast_sub(&normed.broadcast_mul(&stretch)?)?;
    let of_x = of_x.broadcast_mul(&(inverse * weight)?)?;
    let count = (x.elem_count() / groups) as f64;
    Tensor::cat(&[of_x.flatten_all()?, (stretch.flatten_all()? * count)?, (off.flatten_all()? * count)?], 0)
}
