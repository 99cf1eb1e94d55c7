//! Targets that a look renders, each once.

use super::DataError;
use super::layout::Source;
use crate::imaging::{Format, Picture, encode};
use crate::looks::Look;
use crate::models::publish::replace;
use crate::models::registry::sha256;
use indicatif::ProgressBar;
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// `photos` with their rendered targets in `cache`; those that are not there
/// yet are rendered on all cores.
pub(super) fn pairs(
    photos: Vec<(String, PathBuf)>,
    look: Look,
    cache: &Path,
    progress: &ProgressBar,
) -> Result<Vec<(String, Source)>, DataError> {
    progress.set_length(photos.len() as u64);
    let edition = edition(look);
    photos
        .into_par_iter()
        .map(|(name, photo)| {
            let bytes = std::fs::read(&photo).map_err(|source| DataError::Read { file: photo.clone(), source })?;
            let target = cache.join(format!("{look}-{edition}-{}.png", &sha256(&bytes)[..32]));
            if !target.is_file() {
                let drawn = look.render(&super::decoded(&bytes, &photo)?);
                let png = encode(&drawn, Format::Png, None);
                replace(&target, &png.map_err(|source| DataError::Encode { name: name.clone(), source })?)?;
            }
            progress.inc(1);
            Ok((name, Source::Two { a: photo, b: target }))
        })
        .collect()
}

/// Names what `look` draws today, by what it makes of a fixed picture: when a
/// look changes, its old targets are not taken for new ones.
fn edition(look: Look) -> String {
    const SIDE: u32 = 48;
    let pixel = |i: u32| {
        let (x, y) = (i % SIDE, i / SIDE);
        let disc = (x.abs_diff(28).pow(2) + y.abs_diff(20).pow(2) < 150) as u32 * 70;
        [x * 3 + disc, y * 4, (x * y) % 61 * 3 + disc].map(|v| v.min(255) as u8)
    };
    let rgb = (0..SIDE * SIDE).flat_map(pixel).collect();
    sha256(&look.render(&Picture { width: SIDE, height: SIDE, rgb, alpha: None }).rgb)[..8].to_owned()
}
