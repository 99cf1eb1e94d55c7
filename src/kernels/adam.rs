//! Adam (Kingma, Ba 2015) as one pass over parameters, moments and gradients.

use rayon::prelude::*;

/// Numbers of one step.
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    /// Learning rate.
    pub rate: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub epsilon: f32,
    /// How many steps have been taken, this one included: for the bias correction.
    pub step: u64,
}

/// Moves `parameters` by one step; `first` and `second` are the moments.
pub fn adam(s: &AdamStep, parameters: &mut [f32], first: &mut [f32], second: &mut [f32], gradient: &[f32]) {
    const GRAIN: usize = 16 * 1024;
    assert_eq!((first.len(), second.len(), gradient.len()), (parameters.len(), parameters.len(), parameters.len()));
    let t = s.step.min(i32::MAX as u64) as i32;
    let correction1 = 1.0 - f64::from(s.beta1).powi(t);
    let correction2 = 1.0 - f64::from(s.beta2).powi(t);
    let rate = (f64::from(s.rate) / correction1) as f32;
    let root = (1.0 / correction2.sqrt()) as f32;
    let state = first.par_chunks_mut(GRAIN).zip(second.par_chunks_mut(GRAIN));
    let parts = parameters.par_chunks_mut(GRAIN).zip(gradient.par_chunks(GRAIN));
    parts.zip(state).for_each(|((p, g), (m, v))| {
        for (((p, &g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
            *m = s.beta1 * *m + (1.0 - s.beta1) * g;
            *v = s.beta2 * *v + (1.0 - s.beta2) * g * g;
            *p -= rate * *m / (v.sqrt() * root + s.epsilon);
        }
    });
}
