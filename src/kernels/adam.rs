//! Adam (Kingma, Ba 2015) over slices, and the running average of parameters.

use rayon::prelude::*;

/// Values that one task takes.
const GRAIN: usize = 16 * 1024;

/// Numbers of one step.
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    /// Learning rate.
    pub rate: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// How many steps have been taken, this one included: for the bias correction.
    pub step: u64,
}

impl AdamStep {
    /// Learning rate divided by the first moment's bias correction, and the
    /// factor that corrects the second moment's root.
    pub fn corrections(&self) -> (f64, f64) {
        let t = self.step as f64;
        (self.rate / (1.0 - self.beta1.powf(t)), (1.0 / (1.0 - self.beta2.powf(t))).sqrt())
    }
}

/// Moves both moments towards the gradient and its square.
pub fn moments(s: &AdamStep, first: &mut [f32], second: &mut [f32], gradient: &[f32]) {
    assert_eq!((first.len(), second.len()), (gradient.len(), gradient.len()));
    let (beta1, beta2) = (s.beta1 as f32, s.beta2 as f32);
    // Taken in f64: in f32, 1 − 0.999 is off by one part in a hundred thousand.
    let (rest1, rest2) = ((1.0 - s.beta1) as f32, (1.0 - s.beta2) as f32);
    let parts = first.par_chunks_mut(GRAIN).zip(second.par_chunks_mut(GRAIN));
    parts.zip(gradient.par_chunks(GRAIN)).for_each(|((m, v), g)| {
        for ((m, v), &g) in m.iter_mut().zip(v).zip(g) {
            *m = beta1 * *m + rest1 * g;
            *v = beta2 * *v + rest2 * g * g;
        }
    });
}

/// Moves the parameters by one step along the moments.
pub fn advance(s: &AdamStep, parameters: &mut [f32], first: &[f32], second: &[f32]) {
    assert_eq!((first.len(), second.len()), (parameters.len(), parameters.len()));
    let (rate, root) = s.corrections();
    let (rate, root, epsilon) = (rate as f32, root as f32, s.epsilon as f32);
    let parts = first.par_chunks(GRAIN).zip(second.par_chunks(GRAIN));
    parameters.par_chunks_mut(GRAIN).zip(parts).for_each(|(p, (m, v))| {
        for ((p, &m), &v) in p.iter_mut().zip(m).zip(v) {
            *p -= rate * m / (v.sqrt() * root + epsilon);
        }
    });
}

/// `average += share · (value − average)`.
pub fn approach(average: &mut [f32], value: &[f32], share: f32) {
    assert_eq!(average.len(), value.len());
    average.par_chunks_mut(GRAIN).zip(value.par_chunks(GRAIN)).for_each(|(average, value)| {
        for (a, &v) in average.iter_mut().zip(value) {
            *a += share * (v - *a);
        }
    });
}
