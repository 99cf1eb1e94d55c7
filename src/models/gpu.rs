//! A model's plan on a GPU, held against the layers before it is used.

use super::card::Card;
use crate::nn::Generator;
use crate::nn::plan::{Plan, agreement};
use candle_core::{Device, Result, Tensor, bail};
use std::collections::HashMap;

/// The least agreement, in dB, with which a plan is used. bf16 alone costs less.
const LEAST: f64 = 40.0;

/// The plan of a model's tensors on `device`, if it draws there what `network`, its layers in f32, draw. If not, the log
/// says why: the layers draw then.
pub(super) fn plan(
    card: &Card,
    tensors: HashMap<String, Tensor>,
    network: &dyn Generator,
    device: &Device,
) -> Option<Box<dyn Plan>> {
    let architecture = &card.architecture;
    let sizes = (architecture.channels().0, architecture.noise(), architecture.styles());
    let made = make(card, tensors, device).and_then(|plan| Ok((agreement(&*plan, network, sizes, device)?, plan)));
    match made {
        Ok((decibels, plan)) if decibels >= LEAST => {
            tracing::debug!(model = card.name, decibels, "the plan on the GPU draws what the layers draw");
            return Some(plan);
        }
        Ok((decibels, _)) => tracing::warn!(
            model = card.name,
            decibels,
            "the plan on the GPU does not draw what the layers draw (at least {LEAST} dB); the layers are used"
        ),
        Err(error) => {
            tracing::warn!(model = card.name, %error, "there is no plan on the GPU; the layers are used");
        }
    }
    None
}

#[cfg(feature = "cuda")]
fn make(card: &Card, tensors: HashMap<String, Tensor>, device: &Device) -> Result<Box<dyn Plan>> {
    let Device::Cuda(device) = device else { bail!("only CUDA has one") };
    // An outline's parameters are read on the CPU.
    let network = card.architecture.build(super::model::constants(tensors, &Device::Cpu))?;
    crate::nn::plan::plan_on_cuda(&network.outline()?, device)
}

#[cfg(not(feature = "cuda"))]
fn make(_: &Card, _: HashMap<String, Tensor>, _: &Device) -> Result<Box<dyn Plan>> {
    bail!("this binary was built without CUDA")
}
