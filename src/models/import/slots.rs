//! Which tensor of a state dict is which of ours.

use super::state_dict::StateDict;
use super::{ImportError, quoted};
use crate::nn::norm::NormKind;

/// One tensor: our name, theirs and the shape of both.
pub struct Slot {
    pub ours: String,
    pub theirs: String,
    pub shape: Vec<usize>,
}

/// Every tensor of a network.
#[derive(Default)]
pub struct Slots(Vec<Slot>);

impl Slots {
    /// The tensor `what` of the layer that we call `ours` and they `theirs`.
    pub fn add(&mut self, ours: &str, theirs: &str, what: &str, shape: &[usize]) {
        let name = |layer: &str| format!("{layer}.{what}");
        self.0.push(Slot { ours: name(ours), theirs: name(theirs), shape: shape.to_vec() });
    }

    /// A convolution's weight and, if it has one, its bias for `outputs` channels.
    pub fn conv(&mut self, ours: &str, theirs: &str, weight: [usize; 4], bias: Option<usize>) {
        self.add(ours, theirs, "weight", &weight);
        if let Some(outputs) = bias {
            self.add(ours, theirs, "bias", &[outputs]);
        }
    }

    /// A norm of `channels`, which has tensors if it is a batch norm.
    pub fn norm(&mut self, kind: NormKind, ours: &str, theirs: &str, channels: usize) {
        if kind == NormKind::Batch {
            for what in ["weight", "bias", "running_mean", "running_var"] {
                self.add(ours, theirs, what, &[channels]);
            }
        }
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.0.iter()
    }

    /// The slots, if `state` has just these tensors.
    ///
    /// # Errors
    /// When it lacks one of a `network`, has one of another shape or one more.
    pub fn matched(self, network: &'static str, norm: NormKind, state: &StateDict) -> Result<Vec<Slot>, ImportError> {
        let misfit = |reason: String| ImportError::Misfit { network, reason };
        for Slot { theirs, shape, .. } in &self.0 {
            match state.shape(theirs) {
                Some(found) if found == shape => {}
                Some(found) => return Err(misfit(format!("{theirs:?} has the shape {found:?} instead of {shape:?}"))),
                None => return Err(misfit(format!("{theirs:?} is missing"))),
            }
        }
        // A counter of training steps, which files from before PyTorch 0.4.1 lack; and before 0.4 instance norm kept
        // statistics that it never used.
        let unused = |name: &str| {
            name.ends_with(".num_batches_tracked")
                || norm == NormKind::Instance && (name.ends_with(".running_mean") || name.ends_with(".running_var"))
        };
        match state.names().find(|name| !unused(name) && self.0.iter().all(|slot| slot.theirs != *name)) {
            Some(more) => Err(misfit(format!("it has no {}", quoted(more)))),
            None => Ok(self.0),
        }
    }
}

/// The norm of a network whose first convolution's bias is called `bias`: only instance norm leaves it one, and only
/// batch norm has parameters.
pub fn norm(state: &StateDict, bias: &str) -> NormKind {
    if state.has(bias) {
        NormKind::Instance
    } else if state.names().any(|name| name.ends_with(".running_mean")) {
        NormKind::Batch
    } else {
        NormKind::None
    }
}
