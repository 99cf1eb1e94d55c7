//! From an architecture's name and sizes to a network.

use crate::nn::Generator;
use crate::nn::anime::{AnimeConfig, anime};
use crate::nn::noise_input::NoiseInput;
use crate::nn::norm::Statistics;
use crate::nn::pix2pix::Pix2pixConfig;
use crate::nn::resnet::{RESNET_6, RESNET_9, resnet};
use crate::nn::unet::{UNET_128, UNET_256, unet};
use candle_core::Result;
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

/// A generator's architecture, as a card names it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum Architecture {
    /// Sakuga's own generator.
    #[serde(rename = "anime")]
    Anime(AnimeConfig),
    /// pix2pix's U-Net with eight halvings.
    #[serde(rename = "unet_256")]
    UNet256(Pix2pixConfig),
    /// pix2pix's U-Net with seven halvings.
    #[serde(rename = "unet_128")]
    UNet128(Pix2pixConfig),
    /// CycleGAN's residual generator with nine blocks.
    #[serde(rename = "resnet_9blocks")]
    ResNet9(Pix2pixConfig),
    /// The same with six.
    #[serde(rename = "resnet_6blocks")]
    ResNet6(Pix2pixConfig),
}

impl Architecture {
    /// The generator with `vb`'s parameters.
    ///
    /// # Errors
    /// When the builder lacks a tensor or has one of another shape.
    pub fn build(&self, vb: VarBuilder<'_>) -> Result<Box<dyn Generator>> {
        let network: Box<dyn Generator> = match self {
            Self::Anime(config) => Box::new(anime(config, vb)?),
            Self::UNet256(config) => Box::new(unet(UNET_256, *config, vb)?),
            Self::UNet128(config) => Box::new(unet(UNET_128, *config, vb)?),
            Self::ResNet9(config) => Box::new(resnet(RESNET_9, *config, vb)?),
            Self::ResNet6(config) => Box::new(resnet(RESNET_6, *config, vb)?),
        };
        Ok(match self.noise() {
            0 => network,
            channels => Box::new(NoiseInput::new(network, channels)),
        })
    }

    /// The sizes of one of pix2pix's generators.
    pub fn pix2pix(&self) -> Option<&Pix2pixConfig> {
        match self {
            Self::Anime(_) => None,
            Self::UNet256(config) | Self::UNet128(config) | Self::ResNet9(config) | Self::ResNet6(config) => {
                Some(config)
            }
        }
    }

    /// The same, to change them.
    pub fn pix2pix_mut(&mut self) -> Option<&mut Pix2pixConfig> {
        match self {
            Self::Anime(_) => None,
            Self::UNet256(config) | Self::UNet128(config) | Self::ResNet9(config) | Self::ResNet6(config) => {
                Some(config)
            }
        }
    }

    /// Styles that the network itself tells apart; 0: it draws in one.
    pub fn styles(&self) -> usize {
        match self {
            Self::Anime(config) => config.styles,
            _ => 0,
        }
    }

    /// Channels of the photo and of the picture: 1 is grey, 3 RGB, 4 RGB and alpha.
    pub fn channels(&self) -> (usize, usize) {
        self.pix2pix().map_or((3, 3), |config| (config.inputs, config.outputs))
    }

    /// Channels of Gaussian noise that it sees beside the photo.
    pub fn noise(&self) -> usize {
        self.pix2pix().map_or(0, |config| config.noise)
    }

    /// Whether a seed changes what it draws: noise beside the photo, or dropout
    /// at inference, as the reference implementation has it beside each
    /// picture's own statistics.
    pub fn draws_by_chance(&self) -> bool {
        let drops = |config: &Pix2pixConfig| config.dropout > 0.0 && config.statistics == Statistics::Image;
        self.noise() > 0 || self.pix2pix().is_some_and(drops)
    }

    /// The name a card gives it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Anime(_) => "anime",
            Self::UNet256(_) => "unet_256",
            Self::UNet128(_) => "unet_128",
            Self::ResNet9(_) => "resnet_9blocks",
            Self::ResNet6(_) => "resnet_6blocks",
        }
    }
}
