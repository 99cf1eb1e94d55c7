//! What a segment reads of candle's graph.

#[cfg(feature = "cuda")]
use crate::nn::on_cuda::blank;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor, TensorId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Gradients by tensor, on their way from a segment to the links that give them to candle.
pub(super) type Found = Arc<Mutex<HashMap<TensorId, Tensor>>>;

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hands a tensor's gradient from a segment to candle. Custom ops have three arguments at most, so the links to all that a
/// segment reads are a chain: each makes one value, which the next one reads beside its own tensor.
pub(super) struct Link(pub Found);

impl Link {
    fn gradient(&self, argument: &Tensor) -> Result<Option<Tensor>> {
        match lock(&self.0).remove(&argument.id()) {
            Some(gradient) => Ok(Some(gradient)),
            None if argument.is_variable() => Ok(None),
            // candle counts on one.
            None => argument.zeros_like().map(Some),
        }
    }
}

impl CustomOp1 for Link {
    fn name(&self) -> &'static str {
        "segment-reads"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(vec![0.0]), 1.into()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &candle_core::CudaStorage, _: &Layout) -> Result<(candle_core::CudaStorage, Shape)> {
        blank(s)
    }

    fn bwd(&self, argument: &Tensor, _: &Tensor, _: &Tensor) -> Result<Option<Tensor>> {
        self.gradient(argument)
    }
}

impl CustomOp2 for Link {
    fn name(&self) -> &'static str {
        "segment-reads"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        CustomOp1::cpu_fwd(self, s, l)
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s: &candle_core::CudaStorage,
        l: &Layout,
        _: &candle_core::CudaStorage,
        _: &Layout,
    ) -> Result<(candle_core::CudaStorage, Shape)> {
        CustomOp1::cuda_fwd(self, s, l)
    }

    fn bwd(
        &self,
        argument: &Tensor,
        chain: &Tensor,
        _: &Tensor,
        _: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        Ok((self.gradient(argument)?, Some(chain.zeros_like()?)))
    }
}
