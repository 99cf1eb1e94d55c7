//! Two tensors of one shape, value by value, on the threads that all else runs on: candle's has threads of its own.

#[cfg(feature = "cuda")]
use super::on_cuda::{made, view};
use super::ops::{apart, slice};
use super::segment::{apply2, wanted};
#[cfg(feature = "cuda")]
use crate::kernels::cuda::training;
use crate::kernels::planes;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};

/// `a + b`, f32 of any one shape.
///
/// # Errors
/// When the shapes differ.
pub(super) fn sum(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    apply(a, b, Pairs::Sum)
}

/// `x · mask`, f32 of any one shape; the mask is constant.
///
/// # Errors
/// When the shapes differ.
pub(super) fn masked(x: &Tensor, mask: &Tensor) -> Result<Tensor> {
    apply(x, mask, Pairs::Masked)
}

fn apply(a: &Tensor, b: &Tensor, op: Pairs) -> Result<Tensor> {
    if a.shape() != b.shape() {
        bail!("{}: {:?} and {:?} are not of one shape", op.name(), a.shape(), b.shape());
    }
    apply2(&a.contiguous()?, &b.contiguous()?, op)
}

#[derive(Clone, Copy)]
enum Pairs {
    Sum,
    Masked,
}

impl CustomOp2 for Pairs {
    fn name(&self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Masked => "masked",
        }
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let (a, b) = (slice(s1, l1)?, slice(s2, l2)?);
        let values = match self {
            Self::Sum => planes::sum(a, b),
            Self::Masked => planes::product(a, b),
        };
        Ok((CpuStorage::F32(values), l1.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &candle_core::CudaStorage,
        l1: &Layout,
        s2: &candle_core::CudaStorage,
        l2: &Layout,
    ) -> Result<(candle_core::CudaStorage, Shape)> {
        let (a, b) = (view(s1, l1)?, view(s2, l2)?);
        let by = match self {
            Self::Sum => (None, None, Some(&b)),
            Self::Masked => (Some(&b), None, None),
        };
        // A rectifier of slope 1 is none; each value is a plane.
        made(s1, l1.shape(), |stream| training::rectify(stream, &a, by, 1.0, 1))
    }

    fn bwd(&self, a: &Tensor, b: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        match self {
            Self::Sum => {
                let of = |argument| wanted(argument).then(|| grad.clone());
                Ok((of(a), of(b)))
            }
            Self::Masked => Ok((Some(masked(grad, &apart(b))?), None)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn they_are_candles_with_their_gradients() {
        let wave =
            |by: f32| Tensor::from_vec((0..24).map(|i| (by * i as f32).sin()).collect(), (2, 3, 4), &Device::Cpu);
        let (a, b, weight) = (Var::from_tensor(&wave(0.3).unwrap()).unwrap(), wave(0.7).unwrap(), wave(0.9).unwrap());
        let learned = |result: Tensor| {
            let found = (&result * &weight).unwrap().sum_all().unwrap().backward().unwrap();
            [result, found.get(&a).unwrap().clone()].map(|t| t.flatten_all().unwrap().to_vec1::<f32>().unwrap())
        };
        assert_eq!(learned(sum(&a, &b).unwrap()), learned((a.as_tensor() + &b).unwrap()));
        assert_eq!(learned(sum(&b, &a).unwrap()), learned((&b + a.as_tensor()).unwrap()));
        assert_eq!(learned(masked(&a, &b).unwrap()), learned((a.as_tensor() * &b).unwrap()));
        assert!(sum(&a, &b.narrow(2, 0, 2).unwrap()).is_err());
    }
}
