//! How a discriminator's logits change along a direction, as a graph of its
//! own: the way to second derivatives that asks for first ones only.
//!
//! A gradient penalty is a function `P(g)` of the slope `g = ∂D/∂x`. With
//! `v = ∂P/∂g` held constant, its gradient in the parameters is that of the
//! directional derivative `v·∂D/∂x` (Pearlmutter 1994, "Fast exact
//! multiplication by the Hessian"), which one more pass computes.

use super::{PatchGan, SLOPE};
use crate::nn::generator::Pass;
use crate::nn::norm::{EPSILON, Norm};
use candle_core::{DType, Result, Tensor};

impl PatchGan {
    /// The derivative of the logits of `judged` `(N, Cin, H, W)` (see
    /// [`PatchGan::judged`]) along `direction` of its shape, with each batch's
    /// own statistics in the norms: `(N, 1, H', W')`. This scale's alone.
    ///
    /// # Errors
    /// When the shapes differ or the pictures are smaller than a patch's layers need.
    pub fn derivative(&self, judged: &Tensor, direction: &Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        let (mut x, mut along) = (judged.clone(), direction.clone());
        for layer in &self.layers {
            let conv = layer.weighted(pass)?;
            (x, along) = normed(&layer.norm, &conv.forward(&x)?, &conv.linear(&along)?)?;
            // The rectifier's slope, constant almost everywhere.
            let gate = ((x.detach().gt(0.0)?.to_dtype(DType::F32)? * (1.0 - f64::from(SLOPE)))? + f64::from(SLOPE))?;
            (x, along) = ((&x * &gate)?, (along * gate)?);
        }
        self.judge.weighted(pass)?.linear(&along)
    }
}

/// A norm's values and their derivative.
fn normed(norm: &Norm, x: &Tensor, along: &Tensor) -> Result<(Tensor, Tensor)> {
    let mean = |t: &Tensor| match norm {
        Norm::Batch(..) => t.mean_keepdim((0, 2, 3)),
        _ => t.mean_keepdim((2, 3)),
    };
    if let Norm::None = norm {
        return Ok((x.clone(), along.clone()));
    }
    let centred = x.broadcast_sub(&mean(x)?)?;
    let deviation = (mean(&centred.sqr()?)? + EPSILON)?.sqrt()?;
    let y = centred.broadcast_div(&deviation)?;
    let along = along.broadcast_sub(&mean(along)?)?;
    let stretch = y.broadcast_mul(&mean(&(&y * &along)?)?)?;
    let along = (along - stretch)?.broadcast_div(&deviation)?;
    match norm {
        Norm::Batch(norm, _) => match norm.weight_and_bias() {
            Some((weight, bias)) => {
                let channels = |t: &Tensor| t.reshape((1, (), 1, 1));
                let (weight, bias) = (channels(weight)?, channels(bias)?);
                Ok((y.broadcast_mul(&weight)?.broadcast_add(&bias)?, along.broadcast_mul(&weight)?))
            }
            None => Ok((y, along)),
        },
        _ => Ok((y, along)),
    }
}
