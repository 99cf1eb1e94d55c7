//! The door from candle's tensors to the plan on CUDA.

use super::super::{Outline, Plan};
use super::layout::Layout;
use crate::kernels::cuda::Machine;
use crate::nn::dropout::Noise;
use candle_core::{
    CpuStorage, CudaDevice, CudaStorage, CustomOp1, Error, Layout as Strides, Result, Shape, Tensor, bail,
};
use std::sync::{Mutex, PoisonError};

/// The plan of `outline` for `device`, in bf16.
///
/// # Errors
/// When the outline's tensors are not f32 on the CPU or its layers have a form that the plan does not know, or the
/// device or one of its libraries refuses.
pub fn plan(outline: &Outline, device: &CudaDevice) -> Result<Box<dyn Plan>> {
    let (layout, weights) = Layout::new(outline)?;
    let affine = layout.affine(&[]).len();
    let machine = Machine::new(device.cuda_stream(), weights, affine).map_err(Error::wrap)?;
    Ok(Box::new(Drawer { layout, machine: Mutex::new(machine) }))
}

struct Drawer {
    layout: Layout,
    machine: Mutex<Machine>,
}

impl Plan for Drawer {
    fn draw(&self, photo: &Tensor, style: &[f32], noise: Option<&Noise>) -> Result<Tensor> {
        let (_, channels, height, width) = photo.dims4()?;
        self.layout.fits((channels, height, width), style.len(), noise.is_some())?;
        photo.contiguous()?.apply_op1_no_bwd(&Run { drawer: self, style })
    }

    fn instructions(&self) -> &'static str {
        "cuda-bf16"
    }
}

struct Run<'a> {
    drawer: &'a Drawer,
    style: &'a [f32],
}

impl CustomOp1 for Run<'_> {
    fn name(&self) -> &'static str {
        "plan"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Strides) -> Result<(CpuStorage, Shape)> {
        bail!("the photo is on the CPU, but this plan draws on CUDA")
    }

    fn cuda_fwd(&self, storage: &CudaStorage, strides: &Strides) -> Result<(CudaStorage, Shape)> {
        let (batch, _, height, width) = strides.shape().dims4()?;
        let Some((start, end)) = strides.contiguous_offsets() else {
            bail!("expected a contiguous photo, got strides {:?}", strides.stride());
        };
        let photo = storage.as_cuda_slice::<f32>()?.slice(start..end);
        let (layout, size) = (&self.drawer.layout, (batch, height, width));
        let mut machine = self.drawer.machine.lock().unwrap_or_else(PoisonError::into_inner);
        let drawn = machine.draw(size, || layout.program(size), &layout.affine(self.style), &photo);
        let picture = drawn.map_err(Error::wrap)?;
        let shape = (batch, layout.picture, height, width).into();
        Ok((CudaStorage::wrap_cuda_slice(picture, storage.device.clone()), shape))
    }
}
