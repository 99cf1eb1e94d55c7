//! A model that is loaded and can draw.

use super::card::Card;
use super::style::Style;
use crate::nn::patch_gan::{PatchGan, patch_gan};
use crate::nn::{Generator, Pass};
use candle_core::{DType, Device, Result, Tensor, bail};
use candle_nn::VarBuilder;
use std::collections::HashMap;

/// A generator, perhaps with the discriminator that judged it, on a device.
pub struct Model {
    card: Card,
    generator: Box<dyn Generator>,
    discriminator: Option<PatchGan>,
}

impl Model {
    /// A model of a card and its tensors (any float type; they run in f32).
    ///
    /// # Errors
    /// When a tensor is missing or of another shape than the card says.
    pub fn new(
        card: Card,
        generator: HashMap<String, Tensor>,
        discriminator: Option<HashMap<String, Tensor>>,
        device: &Device,
    ) -> Result<Self> {
        let network = card.architecture.build(constants(generator, device))?;
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
        Ok(Self { card, generator: network, discriminator })
    }

    /// Its card.
    pub fn card(&self) -> &Card {
        &self.card
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
        let style = style.tensor(photo.device())?;
        self.generator.forward(photo, &Pass { style: style.as_ref(), ..Pass::INFERENCE })
    }

    /// The discriminator's logits `(N, 1, H', W')` of a picture given its photo.
    ///
    /// # Errors
    /// When the model has no discriminator, or the shapes do not fit.
    pub fn score(&self, photo: &Tensor, picture: &Tensor) -> Result<Tensor> {
        match &self.discriminator {
            Some(discriminator) => discriminator.forward(photo, picture, &Pass::INFERENCE),
            None => bail!("the model {} has no discriminator", self.card.name),
        }
    }
}

/// Parameters that are no variables: a pass then keeps no graph, and with it
/// none of its layers' values, in memory.
fn constants(tensors: HashMap<String, Tensor>, device: &Device) -> VarBuilder<'static> {
    VarBuilder::from_tensors(tensors, DType::F32, device)
}
