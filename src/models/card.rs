//! A model's card: `models/NAME.toml`.

use super::architecture::Architecture;
use crate::nn::patch_gan::PatchGanConfig;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that a user may want to know of a model and that is needed to run it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// The card's file name without `.toml`; never written into the file.
    #[serde(default, skip_deserializing, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// A short name for people.
    pub title: String,
    /// One or two sentences.
    pub description: String,
    /// SPDX expression of the weights' licence.
    pub licence: String,
    /// The looks that it draws.
    pub styles: Vec<String>,
    /// Longest side, in pixels, that the network sees when nothing else is
    /// asked for; `None`: the service's own default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_side: Option<u32>,
    /// What both sides of the network's input are multiples of.
    pub size_multiple: usize,
    /// How far, in pixels, a pixel of the photo can change the picture;
    /// `None`: everywhere, so that the model runs whole, never in tiles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<usize>,
    /// The values that the network reads and draws: black and white.
    pub value_range: [f32; 2],
    /// How the weights came to be.
    pub source: Source,
    /// The generator.
    pub architecture: Architecture,
    /// The discriminator that judged it, if it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discriminator: Option<PatchGanConfig>,
    /// The weight files.
    pub weights: Weights,
    /// Measured quality, by name, as `sakuga-train eval` prints it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub figures: BTreeMap<String, f64>,
}

impl Card {
    /// Whether there is a choice between drawings of the same photo: the
    /// generator draws by chance and a discriminator can judge.
    ///
    /// # Errors
    /// What is missing.
    pub fn choice(&self) -> Result<(), String> {
        let name = &self.name;
        if !self.architecture.draws_by_chance() {
            return Err(format!(
                "the model `{name}` draws a photo the same way each time, so there is nothing to choose from; a pix2pix network \
                 with dropout draws by chance once `sakuga-train publish --at-test image` or `sakuga import --at-test image` has \
                 made it a model, one with a noise input (`sakuga-train fit --recipe pix2pix --noise 1`) always"
            ));
        }
        match self.weights.discriminator {
            Some(_) => Ok(()),
            None => Err(format!("the model `{name}` has no discriminator to judge its drawings")),
        }
    }
}

/// How the weights came to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The command that trained or imported them.
    pub command: String,
    /// The data they were trained on.
    pub data: String,
    /// The commit of Sakuga that trained them.
    #[serde(default)]
    pub commit: String,
}

/// A model's weight files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// The generator's.
    pub generator: WeightFile,
    /// The discriminator's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discriminator: Option<WeightFile>,
}

/// One safetensors file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightFile {
    /// Its path relative to the card's folder.
    pub file: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}
