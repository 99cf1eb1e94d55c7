//! A norm and the rectifier behind it in one pass forward and one back:
//! candle's batch norm keeps half a dozen tensors of its argument's size
//! for its derivative, this one none but argument and result.

use super::second;
#[cfg(feature = "cuda")]
use crate::kernels::cuda::training::{self, Groups};
use crate::kernels::fresh::zeros;
use crate::kernels::norm::{Group, gradient, moments};
use crate::kernels::planes::rectify;
use crate::nn::activation::LeakyReluGradient;
#[cfg(feature = "cuda")]
use crate::nn::on_cuda::{made, view, with_values};
use crate::nn::ops::{apart, slice};
use crate::nn::segment::apply3;
#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp3, Layout, Result, Shape, Storage, Tensor, bail};

/// `(2, groups)`: mean and biased variance of `groups` groups of the planes of
/// `x` `(N, C, H, W)`, see [`moments`]. No gradient goes back through them.
///
/// # Errors
/// Those of candle.
pub(super) fn moments_of(x: &Tensor, groups: usize) -> Result<Tensor> {
    x.contiguous()?.apply_op1_no_bwd(&Moments { groups })
}

struct Moments {
    groups: usize,
}

impl CustomOp1 for Moments {
    fn name(&self) -> &'static str {
        "moments"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, _, height, width) = l.shape().dims4()?;
        let moments = moments(slice(s, l)?, height * width, self.groups);
        Ok((CpuStorage::F32([moments.mean, moments.variance].concat()), (2, self.groups).into()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> Result<(CudaStorage, Shape)> {
        let (x, (_, _, height, width)) = (view(s, l)?, l.shape().dims4()?);
        made(s, (2, self.groups), |stream| training::moments(stream, &x, self.groups, height * width))
    }
}

/// Runs `f` on the values of a tensor that an op holds besides its arguments.
fn with_slice<T>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> Result<T>) -> Result<T> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => f(slice(storage, layout)?),
        _ => bail!("an op's tensors are on one device"),
    }
}

/// `leaky((x − mean) / √(variance + ε)·weight + bias)` of `x` `(N, C, H, W)` by its own `moments` `(2, groups)`; `weight` and `bias`
/// have a value for each of their groups. A `slope` of 1 is no rectifier. Can be differentiated twice.
///
/// # Errors
/// Those of candle.
pub(super) fn normalise(
    x: &Tensor,
    moments: Tensor,
    epsilon: f64,
    (weight, bias): (&Tensor, &Tensor),
    slope: f32,
) -> Result<Tensor> {
    apply3(&x.contiguous()?, weight, bias, Normalise { moments, epsilon, slope })
}

/// See [`normalise`].
#[derive(Clone)]
struct Normalise {
    /// `(2, groups)`.
    moments: Tensor,
    epsilon: f64,
    slope: f32,
}

impl Normalise {
    /// Each group's mean and inverse deviation, of its `(2, groups)`.
    fn groups<'a>(&self, moments: &'a [f32]) -> impl Iterator<Item = (f32, f32)> + use<'a> {
        let ((mean, variance), epsilon) = (moments.split_at(moments.len() / 2), self.epsilon);
        let inverse = move |variance: &f32| (1.0 / (f64::from(*variance) + epsilon).sqrt()) as f32;
        mean.iter().copied().zip(variance.iter().map(inverse))
    }
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
        with_slice(&self.moments, |moments| {
            let groups = || self.groups(moments).zip(weight);
            let scale: Vec<f32> = groups().map(|((_, inverse), weight)| weight * inverse).collect();
            let terms = groups().zip(&scale).zip(bias);
            let shift: Vec<f32> = terms.map(|((((mean, _), _), scale), bias)| bias - mean * scale).collect();
            let y = rectify(x, Some(&scale), &shift, self.slope, height * width);
            Ok((CpuStorage::F32(y), l1.shape().clone()))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
        s3: &CudaStorage,
        l3: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let (x, weight, bias, (_, _, height, width)) =
            (view(s1, l1)?, view(s2, l2)?, view(s3, l3)?, l1.shape().dims4()?);
        with_values(&self.moments, |moments| {
            let of = Groups { moments, weight, epsilon: self.epsilon as f32, slope: self.slope };
            made(s1, l1.shape(), |stream| training::normalise(stream, &x, &of, &bias, height * width))
        })
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
        // Of their own memory: a parameter's gradient would hold all of `all`.
        let of_groups = |start, like: &Tensor| all.narrow(0, start, groups)?.force_contiguous()?.reshape(like.shape());
        let of_values = all.narrow(0, 0, values)?.reshape(x.shape())?;
        Ok((Some(of_values), Some(of_groups(values, weight)?), Some(of_groups(values + groups, bias)?)))
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
        let groups: Vec<_> = with_slice(&self.of.moments, |moments| {
            let groups = self.of.groups(moments).zip(weight);
            Ok(groups.map(|((mean, inverse), &weight)| Group { mean, inverse, weight }).collect())
        })?;
        let mut all = zeros(x.len() + 2 * weight.len());
        let (of_x, of_groups) = all.split_at_mut(x.len());
        let (of_weight, of_bias) = with_slice(&self.result, |result| {
            Ok(gradient([x, result, grad], &groups, self.of.slope, height * width, of_x))
        })?;
        of_groups.iter_mut().zip(of_weight.into_iter().chain(of_bias)).for_each(|(to, value)| *to = value);
        let count = all.len();
        Ok((CpuStorage::F32(all), count.into()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
        s3: &CudaStorage,
        l3: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let (x, weight, grad, (_, _, height, width)) =
            (view(s1, l1)?, view(s2, l2)?, view(s3, l3)?, l1.shape().dims4()?);
        let count = x.len() + 2 * weight.len();
        with_values(&self.of.moments, |moments| {
            let of = Groups { moments, weight, epsilon: self.of.epsilon as f32, slope: self.of.slope };
            with_values(&self.result, |result| {
                made(s1, count, |stream| {
                    training::normalise_gradient(stream, (&x, &result, &grad), &of, height * width)
                })
            })
        })
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
        let moments = moments_of(&x, 1).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!((moments[0] - 1000.125).abs() < 1e-3 && (moments[1] - 0.015_625).abs() < 1e-5, "{moments:?}");
    }
}
