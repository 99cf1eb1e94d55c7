//! Targets that looks render, each once.

use super::layout::Source;
use super::{DataError, Pair};
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
    looks: &[Look],
    cache: &Path,
    progress: &ProgressBar,
) -> Result<Vec<(String, Source)>, DataError> {
    progress.set_length(photos.len() as u64);
    let looks: Vec<_> = looks.iter().map(|&look| (look, edition(look))).collect();
    photos
        .into_par_iter()
        .map(|(name, photo)| {
            let bytes = std::fs::read(&photo).map_err(|source| DataError::Read { file: photo.clone(), source })?;
            let hash = &sha256(&bytes)[..32];
            let mut targets = Vec::with_capacity(looks.len());
            for (look, edition) in &looks {
                let target = cache.join(format!("{look}-{edition}-{hash}.png"));
                if !target.is_file() {
                    let drawn = look.render(&super::decoded(&bytes, &photo)?);
                    let png = encode(&drawn, Format::Png, None);
                    replace(&target, &png.map_err(|source| DataError::Encode { name: name.clone(), source })?)?;
                }
                targets.push(target);
            }
            progress.inc(1);
            Ok((name, Source::Rendered { photo, targets }))
        })
        .collect()
}

/// The pair of a photo and its targets.
pub(super) fn read(name: &str, photo: &Path, targets: &[PathBuf]) -> Result<Pair, DataError> {
    let seen = super::picture(photo)?;
    let read = |file: &PathBuf| {
        let target = super::picture(file)?;
        super::same_size((photo, file), &seen, &target)?;
        Ok(target)
    };
    let targets = targets.iter().map(read).collect::<Result<_, DataError>>()?;
    Ok(Pair { name: name.to_owned(), photo: seen, targets })
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
