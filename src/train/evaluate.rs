//! How well a model draws, over a folder of pairs.

use super::dataset::{DataError, Pairs};
use super::metrics::{Figures, RandomNetwork, Textures, figures, medians};
use crate::imaging::{Picture, pad, tensor};
use crate::models::{Model, Style};
use candle_core::Device;
use indicatif::ProgressBar;
use rayon::prelude::*;
use serde::Serialize;
use std::fmt;
use thiserror::Error;

/// Pictures that are drawn before they are measured, on all cores.
const ROUND: usize = 16;

/// Why a model could not be measured.
#[derive(Debug, Error)]
pub enum EvaluateError {
    /// The pairs cannot be had.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The network that tells textures apart failed.
    #[error("cannot compare textures: {0}")]
    Textures(candle_core::Error),
    /// The model cannot draw a photo.
    #[error("the model cannot draw {name} ({width}×{height}): {source}")]
    Draw {
        /// The photo.
        name: String,
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
        /// What the device said.
        source: candle_core::Error,
    },
}

/// The figures of one picture.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The photo's file name.
    pub name: String,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// The drawing against the target.
    pub drawn: Figures,
    /// The untouched photo against the target: what doing nothing would get.
    pub photo: Figures,
    /// The target against itself: what could be reached.
    pub target: Figures,
}

/// The figures of a folder: medians over its pictures, and every picture's own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// How many pictures.
    pub n: usize,
    /// Medians of the drawings.
    pub drawn: Figures,
    /// Medians of the untouched photos.
    pub photo: Figures,
    /// Medians of the targets.
    pub target: Figures,
    /// How far the drawings' textures are from the targets' (see
    /// [`Textures::distance`]), and the untouched photos'; none of too few or
    /// too small pictures.
    pub random_network_frechet: [Option<f64>; 2],
    /// Every picture.
    pub pictures: Vec<Row>,
}

/// Draws every photo of `pairs` with `model`, which is on `device`, in `style`
/// at the photo's own size, and measures it; `progress` counts them.
///
/// # Errors
/// When a pair cannot be read, or a photo is too large for the device.
pub fn evaluate(
    model: &Model,
    style: &Style,
    pairs: &Pairs,
    device: &Device,
    progress: &ProgressBar,
) -> Result<Report, EvaluateError> {
    measure(pairs, |photo| draw(model, style, photo, device), progress)
}

/// The drawing of a whole photo: padded by reflection, cut back.
///
/// # Errors
/// When the device fails.
pub fn draw(model: &Model, style: &Style, photo: &Picture, device: &Device) -> candle_core::Result<Picture> {
    let padded = pad::to_multiple(
        &tensor::from_picture(photo, model.card().architecture.channels().0, device)?,
        model.card().size_multiple,
    )?;
    let drawn = pad::crop(&model.draw(&padded, style)?, photo.height as usize, photo.width as usize)?;
    tensor::to_picture(&drawn)
}

/// As [`evaluate`], against each pair's first target, of whatever `draw` makes of a photo.
///
/// # Errors
/// The same.
pub fn measure(
    pairs: &Pairs,
    draw: impl Fn(&Picture) -> candle_core::Result<Picture>,
    progress: &ProgressBar,
) -> Result<Report, EvaluateError> {
    progress.set_length(pairs.len() as u64);
    let mut pictures = Vec::with_capacity(pairs.len());
    let network = RandomNetwork::new().map_err(EvaluateError::Textures)?;
    let mut textures: [Textures; 3] = Default::default();
    let indices: Vec<usize> = (0..pairs.len()).collect();
    for round in indices.chunks(ROUND) {
        let drawings = round
            .iter()
            .map(|&index| {
                let pair = pairs.read(index)?;
                let Picture { width, height, .. } = pair.photo;
                let failed = |source| EvaluateError::Draw { name: pair.name.clone(), width, height, source };
                let drawn = draw(&pair.photo).map_err(failed)?;
                progress.inc(1);
                Ok((pair, drawn))
            })
            .collect::<Result<Vec<_>, EvaluateError>>()?;
        for (pair, drawn) in &drawings {
            for (picture, textures) in [drawn, &pair.photo, &pair.targets[0]].into_iter().zip(&mut textures) {
                network.look(picture, textures).map_err(EvaluateError::Textures)?;
            }
        }
        pictures.par_extend(drawings.into_par_iter().map(|(pair, drawn)| Row {
            name: pair.name.clone(),
            width: drawn.width,
            height: drawn.height,
            drawn: figures(&drawn, &pair.targets[0]),
            photo: figures(&pair.photo, &pair.targets[0]),
            target: figures(&pair.targets[0], &pair.targets[0]),
        }));
    }
    let median = |pick: fn(&Row) -> Figures| medians(&pictures.iter().map(pick).collect::<Vec<_>>());
    match (median(|row| row.drawn), median(|row| row.photo), median(|row| row.target)) {
        (Some(drawn), Some(photo), Some(target)) => {
            let [drawings, photos, targets] = textures;
            let random_network_frechet = [drawings, photos].map(|textures| textures.distance(&targets));
            Ok(Report { n: pictures.len(), drawn, photo, target, random_network_frechet, pictures })
        }
        _ => Err(DataError::Setting("there are no pairs to measure".into()).into()),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<16}{:>10}{:>10}{:>10}", "medians", "drawn", "photo", "target")?;
        let columns = self.drawn.named().into_iter().zip(self.photo.named()).zip(self.target.named());
        for (((name, drawn), (_, photo)), (_, target)) in columns {
            writeln!(f, "{name:<16}{drawn:>10.4}{photo:>10.4}{target:>10.4}")?;
        }
        if let [Some(drawn), Some(photo)] = self.random_network_frechet {
            writeln!(f, "{:<16}{drawn:>10.4}{photo:>10.4}{:>10.4}", "random-net FD", 0.0)?;
        }
        write!(f, "{} pictures", self.n)
    }
}
