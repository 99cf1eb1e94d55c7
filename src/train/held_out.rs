//! What a run looks at after each epoch: pairs that it does not learn from.

use super::dataset::{DataError, Pair, Pairs};
use super::metrics::{self, Figures, RandomNetwork, Textures};
use super::trainer::Trainer;
use crate::imaging::{Picture, pad, tensor};
use crate::looks::Look;
use candle_core::{Device, Result};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Pictures drawn after an epoch, at most: enough to steer by.
const VALIDATED: usize = 24;
/// Pictures in the sample grid.
const SAMPLED: usize = 4;

/// Some of the held-out pairs, spread over the set.
pub(super) struct HeldOut {
    pairs: Vec<Arc<Pair>>,
    looks: Vec<Look>,
}

/// What was found after an epoch.
pub(super) struct Measured {
    /// Medians over the pictures.
    pub(super) figures: Option<Figures>,
    /// The same of each look, where there are several.
    pub(super) looks: BTreeMap<String, Figures>,
    /// See [`Textures::distance`].
    pub(super) frechet: Option<f64>,
}

impl HeldOut {
    /// Of `pairs`, whose targets are `looks`; none without pairs.
    pub(super) fn of(pairs: Option<&Pairs>, looks: &[Look]) -> std::result::Result<Self, DataError> {
        let chosen = pairs.map_or(Ok(Vec::new()), |pairs| {
            let step = pairs.len().div_ceil(VALIDATED).max(1);
            (0..pairs.len()).step_by(step).map(|i| pairs.read(i)).collect()
        })?;
        Ok(Self { pairs: chosen, looks: looks.to_vec() })
    }

    /// How many pairs are looked at.
    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Each picture is drawn in one look, in turn.
    pub(super) fn measure(&self, trainer: &Trainer) -> Result<Measured> {
        let (network, mut drawings, mut targets) = (RandomNetwork::new()?, Textures::default(), Textures::default());
        let mut all = Vec::new();
        for (i, pair) in self.pairs.iter().enumerate() {
            let turn = i % pair.targets.len();
            let drawn = draw(trainer, pair, turn)?;
            network.look(&drawn, &mut drawings)?;
            network.look(&pair.targets[turn], &mut targets)?;
            all.push(metrics::figures(&drawn, &pair.targets[turn]));
        }
        let mut looks = BTreeMap::new();
        for (turn, look) in self.looks.iter().enumerate().filter(|_| self.looks.len() > 1) {
            let of_look: Vec<_> = all.iter().skip(turn).step_by(self.looks.len()).copied().collect();
            looks.extend(metrics::medians(&of_look).map(|figures| (look.to_string(), figures)));
        }
        Ok(Measured { figures: metrics::medians(&all), looks, frechet: drawings.distance(&targets) })
    }

    /// Rows of photo, drawing and target, the looks in turn.
    pub(super) fn grid(&self, trainer: &Trainer) -> Result<Vec<[Picture; 3]>> {
        let row = |(i, pair): (usize, &Arc<Pair>)| {
            let turn = i % pair.targets.len();
            Ok([pair.photo.clone(), draw(trainer, pair, turn)?, pair.targets[turn].clone()])
        };
        self.pairs.iter().take(SAMPLED).enumerate().map(row).collect()
    }
}

/// The photo of `pair` as the trainer now draws it in look `turn`.
fn draw(trainer: &Trainer, pair: &Pair, turn: usize) -> Result<Picture> {
    let photo = tensor::from_picture(&pair.photo, 3, &Device::Cpu)?;
    let padded = pad::to_multiple(&photo, trainer.multiple())?;
    let style: Vec<f32> = (0..pair.targets.len()).map(|i| if i == turn { 1.0 } else { 0.0 }).collect();
    let (width, height) = (pair.photo.width, pair.photo.height);
    let drawn = pad::crop(&trainer.draw(&padded, &style)?, height as usize, width as usize)?;
    tensor::to_picture(&drawn)
}
