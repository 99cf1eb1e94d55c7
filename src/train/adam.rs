//! Adam (Kingma, Ba 2015) with moments of our own: candle's keeps them
//! private, and a resumed run must have them back.

use crate::nn::init::Parameters;
use crate::nn::update::{AdamStep, adam_step};
use candle_core::backprop::GradStore;
use candle_core::{DType, Result, Tensor, Var, bail};
use std::collections::HashMap;

/// One parameter and its moments.
struct Slot {
    name: String,
    parameter: Var,
    /// First and second moment, `(2, count)`.
    moments: Var,
}

/// What is done to gradients before they are followed; 0: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// The longest that all of them together may be: longer ones are shrunk
    /// by one factor (Pascanu et al. 2013).
    pub clip: f64,
    /// L2 regularisation: how much of a parameter is added to its gradient.
    pub decay: f64,
}

impl Limits {
    /// The factor that brings the gradients of `slots` to the length allowed.
    fn factor(self, slots: &[Slot], grads: &GradStore) -> Result<f64> {
        if self.clip == 0.0 {
            return Ok(1.0);
        }
        let squares = slots.iter().filter_map(|slot| grads.get(slot.parameter.as_tensor()));
        let squares = squares.map(|gradient| gradient.sqr()?.sum_all()).collect::<Result<Vec<_>>>()?;
        if squares.is_empty() {
            return Ok(1.0);
        }
        let length = f64::from(Tensor::stack(&squares, 0)?.sum_all()?.to_scalar::<f32>()?).sqrt();
        Ok(if length > self.clip { self.clip / length } else { 1.0 })
    }

    fn applied(self, gradient: &Tensor, factor: f64, parameter: &Var) -> Result<Tensor> {
        let mut gradient = gradient.clone();
        if factor != 1.0 {
            gradient = (gradient * factor)?;
        }
        if self.decay > 0.0 {
            gradient = (gradient + (parameter.as_detached_tensor() * self.decay)?)?;
        }
        Ok(gradient)
    }
}

/// The optimiser of one network.
pub struct Adam {
    limits: Limits,
    slots: Vec<Slot>,
    /// Decays of the first and of the second moment.
    betas: (f64, f64),
    /// Steps taken so far.
    steps: u64,
}

impl Adam {
    /// For every trainable parameter, with moments of zero.
    ///
    /// # Errors
    /// Those of candle.
    pub fn new(parameters: &Parameters, betas: (f64, f64)) -> Result<Self> {
        let slots = parameters
            .trainable()
            .into_iter()
            .map(|(name, parameter)| {
                let moments = Var::zeros((2, parameter.elem_count()), DType::F32, parameter.device())?;
                Ok(Slot { name, parameter, moments })
            })
            .collect::<Result<_>>()?;
        Ok(Self { limits: Limits::default(), slots, betas, steps: 0 })
    }

    /// The same, within `limits`.
    pub fn limited(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// One step at learning rate `rate` with the gradients of `grads`; a
    /// parameter without one stays.
    ///
    /// # Errors
    /// Those of candle.
    pub fn step(&mut self, grads: &GradStore, rate: f64) -> Result<()> {
        self.steps += 1;
        let (beta1, beta2) = self.betas;
        let step = AdamStep { rate, beta1, beta2, epsilon: 1e-8, step: self.steps };
        let factor = self.limits.factor(&self.slots, grads)?;
        for slot in &self.slots {
            if let Some(gradient) = grads.get(slot.parameter.as_tensor()) {
                let gradient = self.limits.applied(gradient, factor, &slot.parameter)?;
                adam_step(step, &slot.parameter, &slot.moments, &gradient)?;
            }
        }
        Ok(())
    }

    /// The moments by their parameters' names, and the number of steps.
    pub fn state(&self) -> (HashMap<String, Tensor>, u64) {
        let moments = self.slots.iter().map(|slot| (slot.name.clone(), slot.moments.as_tensor().clone()));
        (moments.collect(), self.steps)
    }

    /// Goes on from a saved state.
    ///
    /// # Errors
    /// When a moment is missing or of another shape.
    pub fn restore(&mut self, moments: &HashMap<String, Tensor>, steps: u64) -> Result<()> {
        for slot in &self.slots {
            let Some(saved) = moments.get(&slot.name) else {
                bail!("the checkpoint lacks the moments of {}", slot.name)
            };
            slot.moments.set(&saved.to_device(slot.moments.device())?)?;
        }
        self.steps = steps;
        Ok(())
    }
}
