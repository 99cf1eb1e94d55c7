//! A model that is loaded and can draw.

use super::card::Card;
use super::gpu;
use super::style::Style;
use crate::nn::autocast::Autocast;
use crate::nn::dropout::Noise;
use crate::nn::noise_input::beside;
use crate::nn::patch_gan::{PatchGan, patch_gan};
use crate::nn::plan::{PixelPlan, Plan, Precision, View, instructions, plan};
use crate::nn::{Generator, Pass};
use candle_core::{DType, Device, Result, Tensor, bail};
use candle_nn::VarBuilder;
use candle_nn::ops::sigmoid;
use std::collections::HashMap;

/// A generator, perhaps with the discriminator that judged it, on a device.
pub struct Model {
    card: Card,
    generator: Drawer,
    discriminator: Option<PatchGan>,
    bytes: u64,
}

/// The generator in the form in which its device draws fastest.
enum Drawer {
    /// On the CPU.
    Plan(Box<dyn PixelPlan>),
    /// On a GPU, by convolutions of bf16 factors or not.
    Layers { network: Box<dyn Generator>, bf16: bool },
    /// On a GPU in bf16; the layers draw in bf16 what the plan does not.
    Both(Box<dyn Plan>, Box<dyn Generator>),
}

impl Model {
    /// A model of a card and its tensors (any float type).
    ///
    /// # Errors
    /// When a tensor is missing or of another shape than the card says, or the processor cannot compute in `precision`.
    pub fn new(
        card: Card,
        generator: HashMap<String, Tensor>,
        discriminator: Option<HashMap<String, Tensor>>,
        device: &Device,
        precision: Precision,
    ) -> Result<Self> {
        let tensors = generator.values().chain(discriminator.iter().flat_map(HashMap::values));
        let bytes = tensors.map(|tensor| 4 * tensor.elem_count() as u64).sum();
        let network = card.architecture.build(constants(generator.clone(), device))?;
        if !card.size_multiple.is_multiple_of(network.multiple()) {
            bail!("the card's size_multiple {} is not one of {}", card.size_multiple, network.multiple());
        }
        if ![0, card.styles.len()].contains(&card.architecture.styles()) {
            bail!("the card names {} styles, but its network has {}", card.styles.len(), card.architecture.styles());
        }
        let discriminator = match (card.discriminator, discriminator) {
            (Some(config), Some(tensors)) => Some(patch_gan(config, constants(tensors, device))?),
            _ => None,
        };
        let generator = if device.is_cpu() {
            Drawer::Plan(plan(&network.outline()?, instructions(precision)?)?)
        } else if precision == Precision::F32 {
            Drawer::Layers { network, bf16: false }
        } else {
            match gpu::plan(&card, generator, &*network, device) {
                Some(plan) => Drawer::Both(plan, network),
                None => Drawer::Layers { network, bf16: precision == Precision::Bf16 },
            }
        };
        Ok(Self { card, generator, discriminator, bytes })
    }

    /// Its card.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// The memory that its weights take in f32, bytes; packed in bf16 they take half.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// SHA-256 of the generator's weight file.
    pub fn weights_hash(&self) -> &str {
        &self.card.weights.generator.sha256
    }

    /// `photo` `(N, 3, H, W)` in −1..1, sides multiples of the card's
    /// `size_multiple`, to a picture of the same shape and range in `style`.
    ///
    /// # Errors
    /// When the shape does not fit or the device fails.
    pub fn draw(&self, photo: &Tensor, style: &Style) -> Result<Tensor> {
        let noise = style.seed.map(Noise::new);
        match &self.generator {
            Drawer::Plan(plan) => {
                let seen = beside(photo, self.card.architecture.noise(), noise.as_ref())?;
                plan.draw(&seen, style.weights(), noise.as_ref())
            }
            Drawer::Layers { network, bf16 } => layered(&**network, *bf16, photo, style),
            // The plan on a GPU draws no dropout, which no other generator has.
            Drawer::Both(_, network) if noise.is_some() && self.card.architecture.pix2pix().is_some() => {
                layered(&**network, true, photo, style)
            }
            Drawer::Both(plan, network) => {
                let seen = beside(photo, self.card.architecture.noise(), None)?;
                plan.draw(&seen, style.weights(), None).or_else(|error| {
                    // As when memory for the plan's buffers is short.
                    tracing::warn!(model = self.card.name, %error, "the plan failed; the layers are tried");
                    layered(&**network, true, photo, style)
                })
            }
        }
    }

    /// Whether [`Self::draw_pixels`] draws: on the CPU, without noise beside the photo.
    pub fn takes_pixels(&self) -> bool {
        matches!(self.generator, Drawer::Plan(_)) && self.card.architecture.noise() == 0
    }

    /// Draws what `view` keeps of `photos` into the `drawings`, as many, all of one size: bytes `(H, W, C)`, as many
    /// channels as the architecture takes and draws.
    ///
    /// # Errors
    /// When a size or the style does not fit, or the model takes no pixels.
    pub fn draw_pixels(&self, photos: &[&[u8]], drawings: &mut [&mut [u8]], view: &View, style: &Style) -> Result<()> {
        let noise = style.seed.map(Noise::new);
        match &self.generator {
            Drawer::Plan(plan) if self.takes_pixels() => {
                plan.draw_pixels(photos, drawings, view, style.weights(), noise.as_ref())
            }
            _ => bail!("the model {} takes tensors here", self.card.name),
        }
    }

    /// What it computes with, for people: the instructions of its plan, or the device.
    pub fn instructions(&self) -> &'static str {
        match &self.generator {
            Drawer::Plan(plan) => plan.instructions(),
            Drawer::Both(plan, _) => plan.instructions(),
            Drawer::Layers { bf16: false, .. } => "layers",
            Drawer::Layers { bf16: true, .. } => "layers-bf16",
        }
    }

    /// How real the discriminator finds each patch of a picture given its photo,
    /// `(N, 1, H', W')` in 0 (drawn by a machine) … 1.
    ///
    /// # Errors
    /// When the model has no discriminator, or the shapes do not fit.
    pub fn score(&self, photo: &Tensor, picture: &Tensor) -> Result<Tensor> {
        match &self.discriminator {
            Some(discriminator) => sigmoid(&discriminator.forward(photo, picture, &Pass::INFERENCE)?),
            None => bail!("the model {} has no discriminator", self.card.name),
        }
    }
}

/// What `network`'s layers draw on candle.
fn layered(network: &dyn Generator, bf16: bool, photo: &Tensor, style: &Style) -> Result<Tensor> {
    let _precision = Autocast::new(bf16);
    let (noise, style) = (style.seed.map(Noise::new), style.tensor(photo.device())?);
    network.forward(photo, &Pass { style: style.as_ref(), noise: noise.as_ref(), ..Pass::INFERENCE })
}

/// Parameters that are no variables: a pass then keeps no graph, and with it
/// none of its layers' values, in memory.
pub(super) fn constants(tensors: HashMap<String, Tensor>, device: &Device) -> VarBuilder<'static> {
    VarBuilder::from_tensors(tensors, DType::F32, device)
}
