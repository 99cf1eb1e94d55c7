//! From an architecture's name and sizes to a network.

use crate::nn::Generator;
use crate::nn::anime::{AnimeConfig, anime};
use crate::nn::norm::Statistics;
use crate::nn::resnet::{RESNET_6, RESNET_9, ResNetConfig, resnet};
use crate::nn::unet::{UNET_128, UNET_256, UNetConfig, unet};
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
    UNet256(UNetConfig),
    /// pix2pix's U-Net with seven halvings.
    #[serde(rename = "unet_128")]
    UNet128(UNetConfig),
    /// CycleGAN's residual generator with nine blocks.
    #[serde(rename = "resnet_9blocks")]
    ResNet9(ResNetConfig),
    /// The same with six.
    #[serde(rename = "resnet_6blocks")]
    ResNet6(ResNetConfig),
}

impl Architecture {
    /// The generator with `vb`'s parameters.
    ///
    /// # Errors
    /// When the builder lacks a tensor or has one of another shape.
    pub fn build(&self, vb: VarBuilder<'_>) -> Result<Box<dyn Generator>> {
        Ok(match self {
            Self::Anime(config) => Box::new(anime(config, vb)?),
            Self::UNet256(config) => Box::new(unet(UNET_256, *config, vb)?),
            Self::UNet128(config) => Box::new(unet(UNET_128, *config, vb)?),
            Self::ResNet9(config) => Box::new(resnet(RESNET_9, *config, vb)?),
            Self::ResNet6(config) => Box::new(resnet(RESNET_6, *config, vb)?),
        })
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
        match self {
            Self::Anime(_) => (3, 3),
            Self::UNet256(config) | Self::UNet128(config) => (config.inputs, config.outputs),
            Self::ResNet9(config) | Self::ResNet6(config) => (config.inputs, config.outputs),
        }
    }

    /// Whether a seed changes what it draws: dropout at inference, as the
    /// reference implementation has it beside each picture's own statistics.
    pub fn draws_by_chance(&self) -> bool {
        let (dropout, statistics) = match self {
            Self::Anime(_) => return false,
            Self::UNet256(config) | Self::UNet128(config) => (config.dropout, config.statistics),
            Self::ResNet9(config) | Self::ResNet6(config) => (config.dropout, config.statistics),
        };
        dropout > 0.0 && statistics == Statistics::Image
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
