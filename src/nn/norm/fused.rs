//! A norm and the rectifier behind it in one pass forward and one back, on the
//! CPU: candle's batch norm keeps half a dozen tensors of its argument's size
//! for its derivative, this one none but argument and result.

use super::second;
use crate::kernels::fresh::zeros;
use crate::kernels::norm::{Group, Moments, gradient, moments};
use crate::kernels::planes::rectify;
use crate::nn::activation::LeakyReluGradient;
use crate::nn::ops::{apart, slice};
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Storage, Tensor, bail};

/// Mean and biased variance of `groups` groups of the planes of `x`
/// `(N, C, H, W)`, see [`moments`]. No gradient goes back through them.
///
/// # Errors
/// Those of candle.
pub(super) fn moments_of(x: &Tensor, groups: usize) -> Result<Moments> {
    let (_, _, height, width) = x.dims4()?;
    let x = x.contiguous()?;
    let (storage, layout) = x.storage_and_layout();
    let Storage::Cpu(values) = &*storage else { bail!("a norm's moments are taken on the CPU") };
    Ok(moments(slice(values, layout)?, height * width, groups))
}

/// `leaky((x − mean) / √(variance + ε)·weight + bias)` of `x` `(N, C, H, W)` by its own `moments`; `weight` and `bias`
/// have a value for each of their groups. A `slope` of 1 is no rectifier. Can be differentiated twice.
///
/// # Errors
/// Those of candle.
pub(super) fn normalise(
    x: &Tensor,
    moments: Moments,
    epsilon: f64,
    (weight, bias): (&Tensor, &Tensor),
    slope: f32,
) -> Result<Tensor> {
    let inverse = |variance: &f32| (1.0 / (f64::from(*variance) + epsilon).sqrt()) as f32;
    let inverse = moments.variance.iter().map(inverse).collect();
    x.contiguous()?.apply_op3(weight, bias, Normalise { mean: moments.mean, inverse, epsilon, slope })
}

/// See [`normalise`].
#[derive(Clone)]
struct Normalise {
    mean: Vec<f32>,
    /// The inverse deviations.
    inverse: Vec<f32>,
    epsilon: f64,
    slope: f32,
}

impl CustomOp3 for Normalise {
    fn name(&self) -> &'static str {
        "normalise"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, weight, bias) = (slice(s1, l1)?, slice(s2, l2)?, slice(s3, l3)?);
        let (_, _, height, width) = l1.shape().dims4()?;
        let scale: Vec<f32> = weight.iter().zip(&self.inverse).map(|(weight, inverse)| weight * inverse).collect();
        let terms = scale.iter().zip(&self.mean).zip(bias);
        let shift: Vec<f32> = terms.map(|((scale, mean), bias)| bias - mean * scale).collect();
        let y = rectify(x, Some(&scale), &shift, self.slope, height * width);
        Ok((CpuStorage::F32(y), l1.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        y: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        // The result only says which values the rectifier let through.
        let op = Gradient { of: self.clone(), result: y.detach() };
        let all = apart(x).contiguous()?.apply_op3(&apart(weight), &grad.contiguous()?, op)?;
        let (values, groups) = (x.elem_count(), weight.elem_count());
        let part = |start, len, like: &Tensor| all.narrow(0, start, len)?.reshape(like.shape()).map(Some);
        Ok((part(0, values, x)?, part(values, groups, weight)?, part(values + groups, groups, bias)?))
    }
}

/// `(x, weight, gradient of the result)` to the gradients in argument, weight and bias, one after the other.
struct Gradient {
    of: Normalise,
    result: Tensor,
}

impl CustomOp3 for Gradient {
    fn name(&self) -> &'static str {
        "normalise-gradient"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, weight, grad) = (slice(s1, l1)?, slice(s2, l2)?, slice(s3, l3)?);
        let (_, _, height, width) = l1.shape().dims4()?;
        let (result, layout) = self.result.storage_and_layout();
        let Storage::Cpu(result) = &*result else { bail!("a norm's argument and result are on one device") };
        let groups = self.of.mean.iter().zip(&self.of.inverse).zip(weight);
        let groups: Vec<_> = groups.map(|((&mean, &inverse), &weight)| Group { mean, inverse, weight }).collect();
        let mut all = zeros(x.len() + 2 * weight.len());
        let values = [x, slice(result, layout)?, grad];
        let (of_x, of_groups) = all.split_at_mut(x.len());
        let (of_weight, of_bias) = gradient(values, &groups, self.of.slope, height * width, of_x);
        of_groups.iter_mut().zip(of_weight.into_iter().chain(of_bias)).for_each(|(to, value)| *to = value);
        let count = all.len();
        Ok((CpuStorage::F32(all), count.into()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        grad: &Tensor,
        _: &Tensor,
        along: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let gate = |grad: &Tensor| self.result.apply_op2(grad, LeakyReluGradient(self.of.slope));
        let [x, weight, grad] = second::derivative([x, weight, grad], gate, self.of.epsilon, along)?;
        Ok((x, weight, grad))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::nn::activation::leaky_relu;
    use crate::nn::generator::Pass;
    use crate::nn::norm::{Norm, Statistics, instance_norm};
    use candle_core::{Device, Var};
    use candle_nn::{BatchNorm, ModuleT};

    const SHAPE: (usize, usize, usize, usize) = (3, 5, 7, 9);

    fn wave(shape: impl Into<Shape>, seed: f32) -> Tensor {
        let shape = shape.into();
        let values: Vec<f32> = (0..shape.elem_count()).map(|i| (0.7 * i as f32 + seed).sin() + 0.3 * seed).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    fn batch_norm(weight: &Tensor, bias: &Tensor) -> BatchNorm {
        let kept = |value: f32| Tensor::full(value, SHAPE.1, &Device::Cpu).unwrap();
        BatchNorm::new(SHAPE.1, kept(0.1), kept(2.0), weight.clone(), bias.clone(), 1e-5).unwrap()
    }

    fn differ(a: &Tensor, b: &Tensor) -> f32 {
        assert_eq!(a.dims(), b.dims());
        (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar().unwrap()
    }

    /// The gradients in `of` of the sum of `y` times something.
    fn gradients<const N: usize>(y: &Tensor, of: [&Var; N]) -> [Tensor; N] {
        let grads = (y * wave(y.shape(), 2.0)).unwrap().sum_all().unwrap().backward().unwrap();
        of.map(|var| grads.get(var).unwrap().clone())
    }

    #[test]
    fn it_is_candles_batch_norm_and_a_rectifier() {
        for slope in [0.0, 0.2, 1.0] {
            let x = Var::from_tensor(&wave(SHAPE, 0.0)).unwrap();
            let weight = Var::from_tensor(&wave(SHAPE.1, 3.0)).unwrap();
            let bias = Var::from_tensor(&wave(SHAPE.1, -0.3)).unwrap();
            let (ours, candles) = (batch_norm(&weight, &bias), batch_norm(&weight, &bias));
            let pass = Pass { training: true, ..Pass::INFERENCE };
            let y = Norm::Batch(ours.clone(), Statistics::Running).rectified(&x, slope, &pass).unwrap();
            let oracle = leaky_relu(&candles.forward_t(&x, true).unwrap(), slope).unwrap();
            assert!(differ(&y, &oracle) < 1e-5);
            assert!(differ(ours.running_mean(), candles.running_mean()) < 1e-6);
            assert!(differ(ours.running_var(), candles.running_var()) < 1e-6);
            let of = [&x, &weight, &bias];
            for (got, wanted) in gradients(&y, of).iter().zip(gradients(&oracle, of)) {
                assert!(differ(got, &wanted) < 1e-4, "slope {slope}: {got} instead of {wanted}");
            }
        }
    }

    #[test]
    fn it_is_the_instance_norm_and_a_rectifier() {
        let x = Var::from_tensor(&wave(SHAPE, 0.0)).unwrap();
        let y = Norm::Instance.rectified(&x, 0.2, &Pass::INFERENCE).unwrap();
        let oracle = leaky_relu(&instance_norm(&x).unwrap(), 0.2).unwrap();
        assert!(differ(&y, &oracle) < 1e-5);
        let ([got], [wanted]) = (gradients(&y, [&x]), gradients(&oracle, [&x]));
        assert!(differ(&got, &wanted) < 1e-4, "{got} instead of {wanted}");
    }

    #[test]
    fn moments_of_large_and_far_values_keep_their_digits() {
        // 100,000 values around 1000: in f32 alone their sum would lose the thousandths.
        let values: Vec<f32> = (0..100_000).map(|i| 1000.0 + (i % 2) as f32 * 0.25).collect();
        let x = Tensor::from_vec(values, (1, 1, 250, 400), &Device::Cpu).unwrap();
        let Moments { mean, variance } = moments_of(&x, 1).unwrap();
        assert!((mean[0] - 1000.125).abs() < 1e-3 && (variance[0] - 0.015_625).abs() < 1e-5, "{mean:?} {variance:?}");
    }
}
