//! The discriminator's side of a step: how it learns, and what it asks of the generator.

use super::adam::Adam;
use super::losses::{GanLoss, feature_matching, gradient_penalty, r1, slope_penalty};
use super::pool::Pool;
use super::recipe::Recipe;
use super::rng::Stream;
use crate::nn::Pass;
use crate::nn::gradients::backward;
use crate::nn::init::Parameters;
use crate::nn::patch_gan::{PatchGan, patch_gan};
use candle_core::{Device, Result, Tensor};
use std::collections::HashMap;

/// The discriminator, what moves it, and a second view of it whose parameters
/// are constants: the generator's step needs its gradient in the picture only.
pub(super) struct Judge {
    network: PatchGan,
    constant: PatchGan,
    parameters: Parameters,
    adam: Adam,
    pool: Pool,
}

/// The discriminator's losses before its step.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Learned {
    /// The adversarial loss.
    pub(super) loss: f64,
    /// The penalty on its slope.
    pub(super) penalty: f64,
}

/// What it asks of a drawing, to be differentiated.
pub(super) struct Verdict {
    /// The generator's adversarial loss.
    pub(super) adversarial: Tensor,
    /// Feature matching; none while it has no weight.
    pub(super) features: Option<Tensor>,
}

impl Judge {
    /// Freshly initialised from the recipe's seed.
    pub(super) fn new(recipe: &Recipe, device: &Device) -> Result<Self> {
        let parameters = Parameters::default();
        let network = patch_gan(recipe.discriminator, parameters.seeded(recipe.seed.wrapping_add(1), device))?;
        let constant = patch_gan(recipe.discriminator, parameters.constant(device))?;
        let adam = Adam::new(&parameters, recipe.betas)?.limited(recipe.limits());
        Ok(Self { network, constant, parameters, adam, pool: Pool::new(recipe.pool) })
    }

    /// One step at `rate` on a target and a drawing of `photo`, all
    /// `(N, 3, H, W)`, the `step`th of the run. Losses that are no numbers
    /// come back before they move a parameter.
    pub(super) fn learn(
        &mut self,
        recipe: &Recipe,
        [photo, target, drawn]: [&Tensor; 3],
        (step, rate): (u64, f64),
    ) -> Result<Learned> {
        let pass = Pass { training: true, ..Pass::INFERENCE };
        let mut stream = Stream::derive(recipe.seed, "judge", step);
        let (seen, drawn) = self.pool.exchange(photo, &drawn.detach(), &mut stream)?;
        let real = self.network.logits(photo, target, &pass)?;
        let fake = self.network.logits(&seen, &drawn, &pass)?;
        let mut total = over_scales(&real, &fake, |real, fake| recipe.gan.discriminator(real, fake, recipe.smoothing))?;
        let mut learned = Learned { loss: scalar(&total)?, penalty: 0.0 };

        let mut punish = |weight: f64, judged: Tensor, cost: fn(&Tensor) -> Result<Tensor>| -> Result<()> {
            let mut judged = judged;
            for (i, (network, constant)) in self.network.scales().zip(self.constant.scales()).enumerate() {
                if i > 0 {
                    judged = judged.avg_pool2d(2)?;
                }
                let penalty = slope_penalty(network, constant, &judged, &pass, cost)?;
                learned.penalty += weight * scalar(&penalty.value)?;
                total = (&total + penalty.surrogate * weight)?;
            }
            Ok(())
        };
        if recipe.gan == GanLoss::WganGp {
            // A place between a target and a drawing, for each pair its own.
            let share: Vec<f32> = (0..photo.dim(0)?).map(|_| stream.uniform(0.0, 1.0)).collect();
            let share = Tensor::from_vec(share, (photo.dim(0)?, 1, 1, 1), photo.device())?;
            let between = |a: &Tensor, b: &Tensor| b + (a - b)?.broadcast_mul(&share)?;
            let judged = self.network.judged(&between(photo, &seen)?, &between(target, &drawn)?)?;
            punish(recipe.lambda_penalty, judged, gradient_penalty)?;
        }
        if recipe.lambda_r1 > 0.0 && step.is_multiple_of(recipe.r1_every) {
            // Rarely, and so much the heavier (Karras et al. 2020, lazy regularisation).
            let weight = recipe.lambda_r1 * recipe.r1_every as f64;
            punish(weight, self.network.judged(photo, target)?, r1)?;
        }

        if !(learned.loss.is_finite() && learned.penalty.is_finite()) {
            return Ok(learned);
        }
        self.adam.step(&backward(&total)?, rate * recipe.discriminator_rate)?;
        if recipe.gan == GanLoss::Wgan {
            for (_, parameter) in self.parameters.trainable() {
                let limit = recipe.clip_weights;
                parameter.set(&parameter.as_detached_tensor().clamp(-limit, limit)?)?;
            }
        }
        Ok(learned)
    }

    /// What it asks of `drawn`, whose graph is kept.
    pub(super) fn verdict(&self, recipe: &Recipe, [photo, target, drawn]: [&Tensor; 3]) -> Result<Verdict> {
        let pass = Pass { training: true, ..Pass::INFERENCE };
        let adversarial = |logits: &[Tensor]| over_scales(logits, logits, |logits, _| recipe.gan.generator(logits));
        if recipe.lambda_features <= 0.0 {
            let logits = self.constant.logits(photo, drawn, &pass)?;
            return Ok(Verdict { adversarial: adversarial(&logits)?, features: None });
        }
        let found = self.constant.judge(photo, drawn, &pass)?;
        let features = Some(feature_matching(&found, &self.constant.judge(photo, target, &pass)?)?);
        let logits: Vec<Tensor> = found.into_iter().map(|judgement| judgement.logits).collect();
        Ok(Verdict { adversarial: adversarial(&logits)?, features })
    }

    /// Its weights, by name.
    pub(super) fn weights(&self) -> HashMap<String, Tensor> {
        self.parameters.tensors()
    }

    /// Starts from given weights; says which parameters they do not name.
    pub(super) fn start_from(&mut self, weights: &HashMap<String, Tensor>) -> Result<Vec<String>> {
        self.parameters.set_named(weights)
    }

    /// Its optimiser's state and what the pool holds, by name, and the updates so far.
    pub(super) fn state(&self) -> (HashMap<String, Tensor>, HashMap<String, Tensor>, u64) {
        let (moments, updates) = self.adam.state();
        (moments, self.pool.state(), updates)
    }

    /// Goes on from a saved state.
    pub(super) fn restore(
        &mut self,
        weights: &HashMap<String, Tensor>,
        moments: &HashMap<String, Tensor>,
        pool: &HashMap<String, Tensor>,
        updates: u64,
    ) -> Result<()> {
        self.parameters.set(weights)?;
        self.pool.restore(pool);
        self.adam.restore(moments, updates)
    }
}

/// The mean over the scales of a loss of two pictures' logits.
fn over_scales(a: &[Tensor], b: &[Tensor], loss: impl Fn(&Tensor, &Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let each = a.iter().zip(b).map(|(a, b)| loss(a, b)).collect::<Result<Vec<_>>>()?;
    Tensor::stack(&each, 0)?.mean_all()
}

/// A loss as a number.
pub(super) fn scalar(loss: &Tensor) -> Result<f64> {
    loss.to_scalar::<f32>().map(f64::from)
}
