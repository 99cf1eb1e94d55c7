//! Parameters, moments and averages changed in place: one pass over memory,
//! where tensor ops would allocate and copy for each term.

#[cfg(feature = "cuda")]
use super::on_cuda::{view, view_mut};
use super::ops::slice;
use crate::kernels::adam::{advance, approach, moments};
#[cfg(feature = "cuda")]
use crate::kernels::cuda::training;
use candle_core::{CpuStorage, InplaceOp2, Layout, Result, Tensor, Var, bail};
#[cfg(feature = "cuda")]
use candle_core::{CudaStorage, Error};

pub use crate::kernels::adam::AdamStep;
pub use crate::kernels::awake::in_pool;
pub use crate::kernels::memory::keep_freed;

/// The values of a contiguous f32 tensor, to be changed.
fn slice_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&mut values[start..end]),
        _ => bail!("an update in place needs a contiguous f32 tensor"),
    }
}

struct Moments(AdamStep);

impl InplaceOp2 for Moments {
    fn name(&self) -> &'static str {
        "adam-moments"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<()> {
        let both = slice_mut(s1, l1)?;
        let (first, second) = both.split_at_mut(both.len() / 2);
        moments(&self.0, first, second, slice(s2, l2)?);
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s1: &mut CudaStorage, l1: &Layout, s2: &CudaStorage, l2: &Layout) -> Result<()> {
        let stream = s2.device.cuda_stream();
        training::adam_moments(&stream, &self.0, &mut view_mut(s1, l1)?, &view(s2, l2)?).map_err(Error::wrap)
    }
}

struct Advance(AdamStep);

impl InplaceOp2 for Advance {
    fn name(&self) -> &'static str {
        "adam-advance"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<()> {
        let both = slice(s2, l2)?;
        let (first, second) = both.split_at(both.len() / 2);
        advance(&self.0, slice_mut(s1, l1)?, first, second);
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s1: &mut CudaStorage, l1: &Layout, s2: &CudaStorage, l2: &Layout) -> Result<()> {
        let stream = s2.device.cuda_stream();
        training::adam_advance(&stream, &self.0, &mut view_mut(s1, l1)?, &view(s2, l2)?).map_err(Error::wrap)
    }
}

struct Approach(f32);

impl InplaceOp2 for Approach {
    fn name(&self) -> &'static str {
        "approach"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<()> {
        approach(slice_mut(s1, l1)?, slice(s2, l2)?, self.0);
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s1: &mut CudaStorage, l1: &Layout, s2: &CudaStorage, l2: &Layout) -> Result<()> {
        let stream = s2.device.cuda_stream();
        training::approach(&stream, &mut view_mut(s1, l1)?, &view(s2, l2)?, self.0).map_err(Error::wrap)
    }
}

/// One Adam step (Kingma, Ba 2015, algorithm 1) on `parameter`; `state` holds
/// its first and second moment, `(2, count)`.
///
/// # Errors
/// When the shapes do not fit or the device fails.
pub fn adam_step(step: AdamStep, parameter: &Var, state: &Var, gradient: &Tensor) -> Result<()> {
    state.inplace_op2(&gradient.contiguous()?, &Moments(step))?;
    parameter.inplace_op2(state, &Advance(step))
}

/// `average += share · (value − average)`.
///
/// # Errors
/// When the shapes differ or the device fails.
pub fn move_towards(average: &Var, value: &Tensor, share: f64) -> Result<()> {
    average.inplace_op2(&value.contiguous()?, &Approach(share as f32))
}
