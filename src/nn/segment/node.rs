//! The node that candle sees of a segment.

use super::link::{Found, Link, lock};
use super::{ASKED, Entry, wanted};
use crate::nn::gradients::keep;
#[cfg(feature = "cuda")]
use crate::nn::on_cuda::blank;
use crate::nn::pairs::sum;
use candle_core::{CpuStorage, CustomOp1, InplaceOp1, Layout, Result, Shape, Storage, Tensor, TensorId, bail};
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

/// The result of the entries, as an op of all that they read of candle's graph.
pub(super) fn joined(mut entries: Vec<Entry>, result: Tensor) -> Result<Tensor> {
    let Some(last) = entries.iter().position(|entry| entry.result.id() == result.id()) else {
        if entries.is_empty() {
            return Ok(result);
        }
        bail!("a segment must end in one of its own ops, or its gradient is lost");
    };
    entries.truncate(last + 1);
    // Parameters' gradients go another way; one stands for them where nothing else leads to this node.
    let (mut read, mut parameter) = (Vec::<Tensor>::new(), None);
    for argument in entries.iter().flat_map(|entry| &entry.arguments).filter(|argument| argument.track_op()) {
        if argument.is_variable() {
            parameter = Some(argument.clone());
        } else if read.iter().all(|other| other.id() != argument.id()) {
            read.push(argument.clone());
        }
    }
    if read.is_empty() {
        read.extend(parameter);
    }
    let found = Found::default();
    let mut chain: Option<Tensor> = None;
    for argument in &read {
        let link = Link(found.clone());
        chain = Some(match chain {
            None => argument.apply_op1(link)?,
            Some(chain) => argument.apply_op2(&chain, link)?,
        });
    }
    let Some(chain) = chain else { return Ok(result) };
    let values = Mutex::new(None);
    let shape = result.shape().clone();
    result.inplace_op1(&TakeValues(&values))?;
    chain.apply_op1(Joined { entries: Mutex::new(Some(entries)), shape, values, found })
}

/// Takes a tensor's values away, so that they need not be copied.
struct TakeValues<'a>(&'a Mutex<Option<Storage>>);

impl InplaceOp1 for TakeValues<'_> {
    fn name(&self) -> &'static str {
        "take-values"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, _: &Layout) -> Result<()> {
        let values = std::mem::replace(storage, CpuStorage::F32(Vec::new()));
        *lock(self.0) = Some(Storage::Cpu(values));
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, storage: &mut candle_core::CudaStorage, _: &Layout) -> Result<()> {
        let (nothing, _) = blank(storage)?;
        let values = std::mem::replace(storage, nothing);
        *lock(self.0) = Some(Storage::Cuda(values));
        Ok(())
    }
}

/// The node that candle sees. Its argument is the last of a chain of links, one for each tensor that the segment reads.
struct Joined {
    entries: Mutex<Option<Vec<Entry>>>,
    shape: Shape,
    values: Mutex<Option<Storage>>,
    found: Found,
}

impl CustomOp1 for Joined {
    fn name(&self) -> &'static str {
        "segment"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        match lock(&self.values).take() {
            Some(Storage::Cpu(values)) => Ok((values, self.shape.clone())),
            _ => bail!("a segment's values were taken already"),
        }
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, _: &candle_core::CudaStorage, _: &Layout) -> Result<(candle_core::CudaStorage, Shape)> {
        match lock(&self.values).take() {
            Some(Storage::Cuda(values)) => Ok((values, self.shape.clone())),
            _ => bail!("a segment's values were taken already"),
        }
    }

    fn bwd(&self, chain: &Tensor, result: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let Some(mut entries) = lock(&self.entries).take() else {
            bail!("a segment's gradients are taken once");
        };
        let _asked = Asked::new(&entries);
        let mut gradients = HashMap::new();
        // What the last entry made is this node's now.
        let last = entries.last().map(|entry| entry.result.id());
        gradients.extend(last.map(|id| (id, grad.clone())));
        // Each is dropped with its values as soon as it is done.
        while let Some(entry) = entries.pop() {
            let Some(grad) = gradients.remove(&entry.result.id()) else { continue };
            let result = if Some(entry.result.id()) == last { result } else { &entry.result };
            let of = entry.op.gradients(&entry.arguments, result, &grad)?;
            for (argument, gradient) in entry.arguments.iter().zip(of) {
                let Some(gradient) = gradient.filter(|_| wanted(argument)) else { continue };
                if argument.is_variable() {
                    if keep(argument, gradient)?.is_some() {
                        bail!("the gradients of a segment are taken by gradients::backward");
                    }
                    continue;
                }
                let gradient = match gradients.remove(&argument.id()) {
                    Some(before) => sum(&before, &gradient)?,
                    None => gradient,
                };
                gradients.insert(argument.id(), gradient);
            }
        }
        lock(&self.found).extend(gradients);
        chain.zeros_like().map(Some)
    }
}

/// While it lives, ops make gradients of what entries made.
struct Asked {
    before: HashSet<TensorId>,
}

impl Asked {
    fn new(entries: &[Entry]) -> Self {
        Self { before: ASKED.replace(entries.iter().map(|entry| entry.result.id()).collect()) }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        ASKED.set(std::mem::take(&mut self.before));
    }
}
