//! Every setting of a run, as a file holds them and flags override them.

use super::augment::Augment;
use super::dataset::Direction;
use super::losses::GanLoss;
use super::styles::Styles;
use crate::looks::Look;
use crate::models::Architecture;
use crate::nn::anime::AnimeConfig;
use crate::nn::norm::NormKind;
use crate::nn::patch_gan::PatchGanConfig;
use crate::nn::unet::UNetConfig;
use serde::{Deserialize, Serialize};

/// The settings of a training run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Epochs at the full learning rate.
    pub epochs: usize,
    /// Epochs more while it falls to zero, linearly.
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
    /// The first epoch, counted from 0, in which the discriminator plays.
    pub adversarial_from: usize,
    /// How its logits become a loss.
    pub gan: GanLoss,
    /// Weight of the generator's adversarial loss.
    pub lambda_gan: f64,
    /// Weight of L1 (Isola et al. 2017: 100 beside a GAN weight of 1).
    pub lambda_l1: f64,
    /// Weight of the L1 of gradients.
    pub lambda_gradient: f64,
    /// Weight of the sharpness loss.
    pub lambda_sharpness: f64,
    /// The epoch, counted from 0, in which that weight rises from 0: a sudden
    /// one throws a trained generator off.
    #[serde(default)]
    pub sharpness_from: usize,
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

    /// A built-in recipe by name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "anime" => Some(Self::anime()),
            "pix2pix" => Some(Self::pix2pix()),
            _ => None,
        }
    }

    /// The paper's settings (Isola et al. 2017, §6.2).
    pub fn pix2pix() -> Self {
        Self {
            epochs: 100,
            epochs_decay: 100,
            batch: 1,
            seed: 1,
            rate: 2e-4,
            discriminator_rate: 2e-4,
            betas: (0.5, 0.999),
            adversarial_from: 0,
            gan: GanLoss::Vanilla,
            lambda_gan: 1.0,
            lambda_l1: 100.0,
            lambda_gradient: 0.0,
            lambda_sharpness: 0.0,
            sharpness_from: 0,
            ema: 0.0,
            looks: Vec::new(),
            direction: Direction::AtoB,
            architecture: Architecture::UNet256(UNetConfig::default()),
            discriminator: PatchGanConfig::default(),
            augment: Augment { scale: [286.0 / 256.0; 2], ..Augment::default() },
            styles: Styles::default(),
        }
    }

    /// Ours: first the likeness alone, then a discriminator that asks for crisp lines.
    pub fn anime() -> Self {
        Self {
            epochs: 4,
            epochs_decay: 11,
            batch: 8,
            rate: 4e-4,
            discriminator_rate: 1e-3,
            adversarial_from: 8,
            gan: GanLoss::Lsgan,
            lambda_gan: 0.03,
            lambda_l1: 1.0,
            lambda_gradient: 0.5,
            lambda_sharpness: 1.0,
            sharpness_from: 8,
            ema: 0.995,
            architecture: Architecture::Anime(AnimeConfig::default()),
            discriminator: PatchGanConfig { width: 32, norm: NormKind::Batch, ..PatchGanConfig::default() },
            augment: Augment { crop: 128, noise: 0.2, jpeg: 0.25, jpeg_quality: [50, 95], ..Augment::default() },
            ..Self::pix2pix()
        }
    }

    /// Draws in `looks`, with a generator that has a style for each.
    pub fn draw_in(&mut self, looks: &[Look]) {
        self.looks = looks.to_vec();
        if let Architecture::Anime(config) = &mut self.architecture {
            config.styles = if looks.len() > 1 { looks.len() } else { 0 };
        }
    }

    /// Epochs in all.
    pub fn total_epochs(&self) -> usize {
        self.epochs + self.epochs_decay
    }

    /// What is in force after `done` epochs (a fraction counts).
    pub fn stage(&self, done: f64) -> Stage {
        let over = (done - self.epochs as f64).max(0.0);
        Stage {
            rate: (1.0 - over / self.epochs_decay.max(1) as f64).clamp(0.0, 1.0),
            sharpness: (done - self.sharpness_from as f64).clamp(0.0, 1.0),
            adversarial: done >= self.adversarial_from as f64,
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
            (
                [self.lambda_gan, self.lambda_l1, self.lambda_gradient, self.lambda_sharpness]
                    .iter()
                    .all(|lambda| *lambda >= 0.0),
                "the loss weights must not be negative",
            ),
        ];
        let fault = checks.into_iter().find(|(sound, _)| !sound).map(|(_, fault)| fault.to_owned());
        fault.or_else(|| self.styles.fault())
    }
}
