//! Every setting of a run, as a file holds them and flags override them.

use super::adam::Limits;
use super::augment::Augment;
use super::dataset::Direction;
use super::losses::GanLoss;
use super::schedule::Schedule;
use super::styles::Styles;
use crate::looks::Look;
use crate::models::Architecture;
use crate::nn::norm::NormKind;
use crate::nn::patch_gan::PatchGanConfig;
use serde::{Deserialize, Serialize};

/// The settings of a training run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Epochs at the full learning rate.
    pub epochs: usize,
    /// Epochs more, while it falls to zero if the schedule is of that kind.
    pub epochs_decay: usize,
    /// Pairs a step.
    pub batch: usize,
    /// Where every random choice of the run comes from.
    pub seed: u64,
    /// Learning rate of the generator.
    pub rate: f64,
    /// Learning rate of the discriminator.
    pub discriminator_rate: f64,
    /// Adam's decays.
    pub betas: (f64, f64),
    /// How the learning rates go.
    #[serde(default)]
    pub schedule: Schedule,
    /// The longest that a network's gradients, all together, may be; 0: any length.
    #[serde(default)]
    pub clip_gradients: f64,
    /// Weight of L2 regularisation: what is added of each parameter to its gradient.
    #[serde(default)]
    pub weight_decay: f64,
    /// How often a run that diverges goes back to its last checkpoint, to go
    /// on at half the learning rates, before it gives up.
    #[serde(default = "three")]
    pub rollbacks: u32,
    /// Checkpoints kept besides the best one, at least 1.
    #[serde(default = "three")]
    pub keep: u32,
    /// The first epoch, counted from 0, in which the discriminator plays.
    pub adversarial_from: usize,
    /// How its logits become a loss.
    pub gan: GanLoss,
    /// What the label of a real picture lacks of 1 (one-sided label smoothing).
    #[serde(default)]
    pub smoothing: f64,
    /// Drawings kept for the discriminator to see again; 0: none.
    #[serde(default)]
    pub pool: usize,
    /// Weight of `wgan-gp`'s gradient penalty.
    #[serde(default = "ten")]
    pub lambda_penalty: f64,
    /// Largest size of `wgan`'s parameters.
    #[serde(default = "hundredth")]
    pub clip_weights: f64,
    /// Weight of R1, the penalty on the discriminator's slope at real pictures; 0: none.
    #[serde(default)]
    pub lambda_r1: f64,
    /// Steps from one R1 to the next, which weighs as much as all of them.
    #[serde(default = "sixteen")]
    pub r1_every: u64,
    /// Weight of the generator's adversarial loss.
    pub lambda_gan: f64,
    /// Weight of feature matching (Wang et al. 2018: 10 beside a GAN weight of 1).
    #[serde(default)]
    pub lambda_features: f64,
    /// Weight of L1 (Isola et al. 2017: 100 beside a GAN weight of 1).
    pub lambda_l1: f64,
    /// Weight of the L1 of gradients.
    pub lambda_gradient: f64,
    /// Weight of the sharpness loss.
    pub lambda_sharpness: f64,
    /// Weight of the structure loss, 1 − SSIM.
    #[serde(default)]
    pub lambda_structure: f64,
    /// Weight of the alternation loss, which keeps checkerboards away.
    #[serde(default)]
    pub lambda_alternation: f64,
    /// Weight of the L1 of colours without their light.
    #[serde(default)]
    pub lambda_colour: f64,
    /// Weight of the shift loss, which keeps drawings from flickering. A step takes some 40 % longer with it.
    #[serde(default)]
    pub lambda_shift: f64,
    /// The epoch, counted from 0, in which the sharpness loss's weight rises
    /// from 0: a sudden one throws a trained generator off.
    #[serde(default)]
    pub sharpness_from: usize,
    /// Convolutions of bf16 factors, summed in f32; parameters and all else stay f32. For CUDA and for CPUs with AMX;
    /// others do as if, and are slower for it.
    #[serde(default)]
    pub mixed_precision: bool,
    /// Decay of the running average of the generator's parameters; 0: none.
    pub ema: f64,
    /// Render the targets in these looks instead of reading them. Several:
    /// the generator learns all of them and the blends between them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looks: Vec<Look>,
    /// Which half of a pair is the photo.
    pub direction: Direction,
    /// The generator.
    pub architecture: Architecture,
    /// The discriminator.
    pub discriminator: PatchGanConfig,
    /// What is done to a pair before it is shown.
    pub augment: Augment,
    /// How several looks are mixed.
    #[serde(default)]
    pub styles: Styles,
}

fn three() -> u32 {
    3
}

fn ten() -> f64 {
    10.0
}

fn hundredth() -> f64 {
    0.01
}

fn sixteen() -> u64 {
    16
}

/// What is in force at a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// Share of the learning rates: 1, then falling to 0.
    pub rate: f64,
    /// Share of the sharpness loss's weight: 0, then rising to 1 within an epoch.
    pub sharpness: f64,
    /// Whether the discriminator plays.
    pub adversarial: bool,
}

impl Recipe {
    /// The names of the built-in recipes.
    pub const NAMES: [&'static str; 2] = ["anime", "pix2pix"];

    /// The file of a built-in recipe: the paper's `pix2pix`, and `anime`, ours.
    pub fn file(name: &str) -> Option<&'static str> {
        match name {
            "anime" => Some(include_str!("recipes/anime.toml")),
            "pix2pix" => Some(include_str!("recipes/pix2pix.toml")),
            _ => None,
        }
    }

    /// A built-in recipe; `None` where there is none of that name.
    ///
    /// # Errors
    /// Never, as long as the files are sound: a test reads them all.
    pub fn built_in(name: &str) -> Option<Result<Self, toml::de::Error>> {
        Self::file(name).map(toml::from_str)
    }

    /// Draws in `looks`, with a generator that has a style for each.
    pub fn draw_in(&mut self, looks: &[Look]) {
        self.looks = looks.to_vec();
        if let Architecture::Anime(config) = &mut self.architecture {
            config.styles = if looks.len() > 1 { looks.len() } else { 0 };
            config.recolours = looks.len() > 1;
        }
    }

    /// Whether a discriminator plays at all.
    pub fn is_adversarial(&self) -> bool {
        (self.lambda_gan > 0.0 || self.lambda_features > 0.0) && self.adversarial_from < self.total_epochs()
    }

    /// What is done to gradients before they are followed.
    pub fn limits(&self) -> Limits {
        Limits { clip: self.clip_gradients, decay: self.weight_decay }
    }

    /// Epochs in all.
    pub fn total_epochs(&self) -> usize {
        self.epochs + self.epochs_decay
    }

    /// What is in force after `done` epochs (a fraction counts); `history` is
    /// the validation's L1 of every epoch done.
    pub fn stage(&self, done: f64, history: &[f64]) -> Stage {
        Stage {
            rate: self.schedule.share(done, self.epochs, self.epochs_decay, history),
            sharpness: (done - self.sharpness_from as f64).clamp(0.0, 1.0),
            adversarial: self.is_adversarial() && done >= self.adversarial_from as f64,
        }
    }

    /// What is wrong with the settings, if anything is.
    pub fn fault(&self) -> Option<String> {
        let (styles, looks) = (self.architecture.styles(), self.looks.len());
        let checks = [
            (styles == looks || styles == 0 && looks < 2, "the architecture's styles must be as many as the looks"),
            (self.total_epochs() > 0, "epochs + epochs_decay must be at least 1"),
            (self.batch > 0, "batch must be at least 1"),
            (self.rate > 0.0 && self.discriminator_rate > 0.0, "learning rates must be above 0"),
            ((0.0..1.0).contains(&self.ema), "ema must be at least 0 and below 1"),
            ([self.betas.0, self.betas.1].iter().all(|beta| (0.0..1.0).contains(beta)), "betas must be in 0..1"),
            (self.weights().all(|weight| weight >= 0.0), "the loss weights must not be negative"),
            (
                self.teaching_weights().iter().any(|weight| *weight > 0.0),
                "all losses have a weight of 0: there is nothing to learn",
            ),
            ((0.0..0.5).contains(&self.smoothing), "smoothing must be at least 0 and below 0.5"),
            (
                self.smoothing == 0.0 || self.gan.has_labels(),
                "smoothing is for the losses with labels, vanilla and lsgan: leave it at 0",
            ),
            (self.clip_weights > 0.0, "clip_weights must be above 0"),
            (self.r1_every > 0, "r1_every must be at least 1"),
            (
                self.clip_gradients >= 0.0 && self.weight_decay >= 0.0,
                "clip_gradients and weight_decay must not be negative",
            ),
            (self.keep > 0, "keep must be at least 1"),
            (matches!(self.discriminator.inputs, 3 | 6), "discriminator.inputs must be 6, or 3 for the picture alone"),
            ((1..=2).contains(&self.discriminator.scales), "discriminator.scales must be 1 or 2"),
            (
                self.gan != GanLoss::WganGp || self.discriminator.norm != NormKind::Batch,
                "wgan-gp's penalty is each picture's own, and a batch norm mixes them: \
                 set discriminator.norm to \"instance\" or \"none\" (--discriminator-norm)",
            ),
        ];
        let fault = checks.into_iter().find(|(sound, _)| !sound).map(|(_, fault)| fault.to_owned());
        fault.or_else(|| self.schedule.fault().map(str::to_owned)).or_else(|| self.styles.fault(looks))
    }

    /// The weights of the losses that can teach a drawing by themselves.
    fn teaching_weights(&self) -> [f64; 6] {
        [
            self.lambda_l1,
            self.lambda_gradient,
            self.lambda_sharpness,
            self.lambda_structure,
            self.lambda_gan,
            self.lambda_features,
        ]
    }

    fn weights(&self) -> impl Iterator<Item = f64> {
        self.teaching_weights().into_iter().chain([
            self.lambda_alternation,
            self.lambda_colour,
            self.lambda_shift,
            self.lambda_penalty,
            self.lambda_r1,
        ])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn recipe(name: &str) -> Recipe {
        Recipe::built_in(name).unwrap().unwrap()
    }

    #[test]
    fn the_built_in_recipes_are_sound() {
        for name in Recipe::NAMES {
            assert_eq!(recipe(name).fault(), None, "{name}");
            let text = toml::to_string_pretty(&recipe(name)).unwrap();
            assert_eq!(toml::from_str::<Recipe>(&text).unwrap(), recipe(name), "{name} survives its own file");
        }
        let paper = recipe("pix2pix");
        let Architecture::UNet256(unet) = paper.architecture.clone() else { panic!("{:?}", paper.architecture) };
        assert_eq!((unet, paper.discriminator), Default::default());
        assert_eq!((paper.batch, paper.gan, paper.lambda_l1, paper.augment.load), (1, GanLoss::Vanilla, 100.0, 286));
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let fault = |change: fn(&mut Recipe)| {
            let mut recipe = recipe("pix2pix");
            change(&mut recipe);
            recipe.fault().unwrap_or_default()
        };
        assert!(fault(|r| r.gan = GanLoss::WganGp).contains("batch norm"));
        assert!(fault(|r| (r.gan, r.smoothing) = (GanLoss::Hinge, 0.1)).contains("smoothing"));
        assert!(fault(|r| (r.lambda_l1, r.lambda_gan) = (0.0, 0.0)).contains("nothing to learn"));
        assert!(fault(|r| r.lambda_r1 = -1.0).contains("negative"));
        assert!(fault(|r| r.discriminator.scales = 3).contains("scales"));
        assert!(fault(|r| r.schedule = Schedule::Step { every: 0, factor: 0.1 }).contains("every"));
    }

    /// The switches of the paper's ablation.
    #[test]
    fn without_a_weight_the_discriminator_does_not_play() {
        let mut recipe = recipe("pix2pix");
        assert!(recipe.stage(0.0, &[]).adversarial);
        recipe.lambda_gan = 0.0;
        assert!(!recipe.stage(0.0, &[]).adversarial);
        recipe.lambda_features = 10.0;
        assert!(recipe.stage(0.0, &[]).adversarial);
    }
}
