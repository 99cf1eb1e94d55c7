//! Settings of a recipe that have a flag.

use crate::looks::Look;
use crate::nn::norm::NormKind;
use crate::train::dataset::Direction;
use crate::train::losses::GanLoss;
use crate::train::recipe::Recipe;
use crate::train::schedule::Schedule;
use anyhow::{Result, bail};
use clap::Args;

/// Settings that override the recipe's.
#[derive(Args, Debug)]
#[command(next_help_heading = "Settings that override the recipe's")]
pub(super) struct Overrides {
    /// Render the targets in these looks: cel, gouache, luminous or ink, or several with commas
    #[arg(long, value_delimiter = ',', value_name = "LOOK")]
    look: Vec<Look>,
    /// Which half is the photo: AtoB or BtoA
    #[arg(long)]
    direction: Option<Direction>,
    /// Epochs at the full learning rate
    #[arg(long)]
    epochs: Option<usize>,
    /// Epochs more, while the rate falls to zero (with --schedule linear or cosine)
    #[arg(long)]
    epochs_decay: Option<usize>,
    /// Pairs a step
    #[arg(long)]
    batch: Option<usize>,
    /// Side of the training crops, pixels
    #[arg(long)]
    crop: Option<usize>,
    /// Where every random choice comes from
    #[arg(long)]
    seed: Option<u64>,
    /// Learning rate of the generator
    #[arg(long)]
    rate: Option<f64>,
    /// Learning rate of the discriminator
    #[arg(long)]
    discriminator_rate: Option<f64>,
    /// First width of a pix2pix generator
    #[arg(long)]
    ngf: Option<usize>,
    /// Channels of Gaussian noise that a pix2pix generator sees beside the photo, so that it draws by chance
    #[arg(long, value_name = "CHANNELS")]
    noise: Option<usize>,
    /// First width of the discriminator
    #[arg(long)]
    ndf: Option<usize>,
    /// Adversarial loss
    #[arg(long)]
    gan: Option<GanLoss>,
    /// How the learning rate goes: linear, cosine, step or plateau
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(Schedule::NAMES))]
    schedule: Option<String>,
    /// The longest that a network's gradients may be; 0: any length
    #[arg(long)]
    clip_gradients: Option<f64>,
    /// Weight of L2 regularisation
    #[arg(long)]
    weight_decay: Option<f64>,
    /// Pixels that a pair's shorter side is brought to before it is cropped; 0: none
    #[arg(long)]
    load: Option<u32>,
    /// Checkpoints kept besides the best one
    #[arg(long)]
    keep: Option<u32>,
    /// Let the discriminator judge the picture alone, without its photo
    #[arg(long)]
    unconditional: bool,
    /// Normalise the discriminator's weights by their spectral norm
    #[arg(long)]
    spectral: bool,
    /// The discriminator's norm: batch, instance or none
    #[arg(long)]
    discriminator_norm: Option<NormKind>,
    /// Sizes at which pictures are judged: 1, or 2 for half the size too
    #[arg(long)]
    scales: Option<usize>,
    /// What the label of a real picture lacks of 1
    #[arg(long)]
    smoothing: Option<f64>,
    /// Drawings kept for the discriminator to see again
    #[arg(long)]
    pool: Option<usize>,
    /// Weight of R1, the penalty on the discriminator's slope
    #[arg(long)]
    lambda_r1: Option<f64>,
    /// Weight of wgan-gp's gradient penalty
    #[arg(long)]
    lambda_penalty: Option<f64>,
    /// Weight of feature matching
    #[arg(long)]
    lambda_features: Option<f64>,
    /// Weight of the adversarial loss; 0: L1 and its like alone
    #[arg(long)]
    lambda_gan: Option<f64>,
    /// Weight of L1
    #[arg(long)]
    lambda_l1: Option<f64>,
    /// Weight of the L1 of gradients
    #[arg(long)]
    lambda_gradient: Option<f64>,
    /// Weight of the sharpness loss
    #[arg(long)]
    lambda_sharpness: Option<f64>,
    /// Weight of the structure loss, 1 − SSIM
    #[arg(long)]
    lambda_structure: Option<f64>,
    /// Weight of the alternation loss, which keeps checkerboards away
    #[arg(long)]
    lambda_alternation: Option<f64>,
    /// Weight of the L1 of colours without their light
    #[arg(long)]
    lambda_colour: Option<f64>,
    /// Weight of the shift loss, which keeps drawings from flickering; needs --crop 112 or more
    #[arg(long)]
    lambda_shift: Option<f64>,
    /// Multiply in bf16 and sum in f32: for CUDA and CPUs with AMX; others do as if, and are slower for it
    #[arg(long)]
    mixed_precision: bool,
    /// First epoch, counted from 0, in which the discriminator plays
    #[arg(long)]
    adversarial_from: Option<usize>,
}

impl Overrides {
    /// Changes what the flags name.
    ///
    /// # Errors
    /// When a flag is not for the recipe's architecture.
    pub(super) fn apply(&self, recipe: &mut Recipe) -> Result<()> {
        fn set<T: Copy>(value: Option<T>, target: &mut T) {
            if let Some(value) = value {
                *target = value;
            }
        }
        if !self.look.is_empty() {
            recipe.draw_in(&self.look);
        }
        set(self.direction, &mut recipe.direction);
        set(self.epochs, &mut recipe.epochs);
        set(self.epochs_decay, &mut recipe.epochs_decay);
        set(self.batch, &mut recipe.batch);
        set(self.crop, &mut recipe.augment.crop);
        set(self.seed, &mut recipe.seed);
        set(self.rate, &mut recipe.rate);
        set(self.discriminator_rate, &mut recipe.discriminator_rate);
        set(self.ndf, &mut recipe.discriminator.width);
        set(self.gan, &mut recipe.gan);
        set(self.lambda_gan, &mut recipe.lambda_gan);
        set(self.lambda_l1, &mut recipe.lambda_l1);
        set(self.lambda_gradient, &mut recipe.lambda_gradient);
        set(self.lambda_sharpness, &mut recipe.lambda_sharpness);
        set(self.lambda_structure, &mut recipe.lambda_structure);
        set(self.lambda_alternation, &mut recipe.lambda_alternation);
        set(self.lambda_colour, &mut recipe.lambda_colour);
        set(self.lambda_shift, &mut recipe.lambda_shift);
        set(self.adversarial_from, &mut recipe.adversarial_from);
        set(self.clip_gradients, &mut recipe.clip_gradients);
        set(self.weight_decay, &mut recipe.weight_decay);
        set(self.load, &mut recipe.augment.load);
        set(self.keep, &mut recipe.keep);
        set(self.unconditional.then_some(3), &mut recipe.discriminator.inputs);
        set(self.mixed_precision.then_some(true), &mut recipe.mixed_precision);
        set(self.spectral.then_some(true), &mut recipe.discriminator.spectral);
        set(self.discriminator_norm, &mut recipe.discriminator.norm);
        set(self.scales, &mut recipe.discriminator.scales);
        set(self.smoothing, &mut recipe.smoothing);
        set(self.pool, &mut recipe.pool);
        set(self.lambda_r1, &mut recipe.lambda_r1);
        set(self.lambda_penalty, &mut recipe.lambda_penalty);
        set(self.lambda_features, &mut recipe.lambda_features);
        set(self.schedule.as_deref().and_then(Schedule::named), &mut recipe.schedule);
        match recipe.architecture.pix2pix_mut() {
            Some(config) => {
                set(self.ngf, &mut config.width);
                set(self.noise, &mut config.noise);
            }
            None if self.ngf.is_some() => {
                bail!("--ngf is for pix2pix's generators; set the anime widths in a --config file")
            }
            None if self.noise.is_some() => bail!("--noise is for pix2pix's generators; anime has no noise input"),
            None => {}
        }
        Ok(())
    }
}
