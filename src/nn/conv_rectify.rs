//! A convolution, its bias and its rectifier as one op: candle neither keeps what the convolution made nor adds up its
//! gradient.

use super::conv::Convolution;
use super::ops::slice;
use super::rectify::Rectify;
use super::segment::apply3;
use crate::kernels::planes;
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

struct ConvRectify {
    convolution: Convolution,
    rectify: Rectify,
}

impl CustomOp3 for ConvRectify {
    fn name(&self) -> &'static str {
        "convolution-rectify"
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
        let (mut y, shape) = self.convolution.on_cpu(slice(s1, l1)?, slice(s2, l2)?);
        planes::rectify_in_place(&mut y, slice(s3, l3)?, self.rectify.slope, self.convolution.geometry.out_pixels());
        Ok((CpuStorage::F32(y), shape))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &candle_core::CudaStorage,
        l1: &Layout,
        s2: &candle_core::CudaStorage,
        l2: &Layout,
        s3: &candle_core::CudaStorage,
        l3: &Layout,
    ) -> Result<(candle_core::CudaStorage, Shape)> {
        use candle_core::CustomOp2;
        let (y, shape) = super::cudnn::convolution(&self.convolution, (s1, l1), (s2, l2))?;
        CustomOp2::cuda_fwd(&self.rectify, &y, &Layout::contiguous(shape), s3, l3)
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        bias: &Tensor,
        y: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (behind, bias) = self.rectify.behind(y, grad, bias)?;
        let (x, w) = self.convolution.gradients(x, w, &behind)?;
        Ok((x, w, Some(bias)))
    }
}

/// `leaky(conv(x, w) + bias)` of `x` `(N, Cin, H, W)`, `w` `(Cout, Cin, K, K)` and `bias` `(Cout)`; `slope` above 0.
///
/// # Errors
/// As for [`conv2d`](super::conv::conv2d).
pub(super) fn conv_rectify(
    x: &Tensor,
    w: &Tensor,
    bias: &Tensor,
    (stride, padding): (usize, usize),
    slope: f32,
) -> Result<Tensor> {
    let convolution = Convolution::forward(x, w, stride, padding)?;
    apply3(&x.contiguous()?, &w.contiguous()?, bias, ConvRectify { convolution, rectify: Rectify { slope } })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::conv::conv2d;
    use super::super::rectify::rectify;
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn it_is_the_two_ops_with_their_gradients() {
        let var = |shape: &[usize], from: f32| {
            let values = (0..shape.iter().product()).map(|i: usize| (1.7 * i as f32 + from).sin()).collect();
            Var::from_vec(values, shape, &Device::Cpu).unwrap()
        };
        for (stride, kernel) in [(1, 3), (2, 4)] {
            let all = [var(&[2, 3, 8, 6], 0.0), var(&[5, 3, kernel, kernel], 0.5), var(&[5], 0.9)];
            let [x, w, bias] = &all;
            let values = |y: Tensor| {
                let grads = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
                let of = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
                let mut values = vec![of(&y)];
                values.extend(all.iter().map(|var| of(grads.get(var).unwrap())));
                values
            };
            let apart = rectify(&conv2d(x, w, stride, 1).unwrap(), None, bias, 0.2).unwrap();
            let both = conv_rectify(x, w, bias, (stride, 1), 0.2).unwrap();
            assert_eq!(both.dims(), apart.dims());
            assert_eq!(values(both), values(apart));
        }
    }
}
