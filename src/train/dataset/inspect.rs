//! What in a data folder would spoil a run.

use super::layout::{self, Source, Split};
use super::{DataError, Direction, Pair};
use crate::imaging::Picture;
use indicatif::ProgressBar;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What a folder is meant to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// Pairs, side by side or in two folders.
    Pairs,
    /// Photos alone, whose targets a look will render.
    Photos,
}

/// Something worth knowing about one file or pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is, with its files.
    pub text: String,
    /// Whether a run would stop at it, learn wrong things, or be measured on what it has learned.
    pub spoils: bool,
}

/// What a folder holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// How many pairs (or photos) were read, by split.
    pub counts: Vec<(Split, usize)>,
    /// Everything that was found.
    pub findings: Vec<Finding>,
}

/// Reads every pair of every split of `dir`; `progress` counts them.
///
/// # Errors
/// When there is no split at all, or a folder cannot be read.
pub fn inspect(dir: &Path, contents: Contents, progress: &ProgressBar) -> Result<Inspection, DataError> {
    let mut splits = layout::splits(dir);
    if splits.is_empty() {
        // Photos right in the folder are a training split; pairs cannot lie there.
        splits.push(Split::Train);
        list(dir, Split::Train, contents)?;
    }
    let mut inspection = Inspection { counts: Vec::new(), findings: Vec::new() };
    let mut seen = HashMap::new();
    for split in splits {
        let (items, unpaired) = match list(dir, split, contents) {
            Ok(found) => found,
            Err(error @ DataError::Folder { .. }) => return Err(error),
            Err(error) => {
                inspection.spoilt(error.to_string());
                continue;
            }
        };
        for file in unpaired {
            inspection.spoilt(format!("{} has no partner of the same name", file.display()));
        }
        progress.inc_length(items.len() as u64);
        let read: Vec<_> = items
            .par_iter()
            .map(|(name, source)| {
                let pair = read(name, source, contents);
                progress.inc(1);
                (source, pair.map(|pair| (constant_sides(&pair, contents), fingerprint(&pair))))
            })
            .collect();
        for (source, outcome) in &read {
            match outcome {
                Err(error) => inspection.spoilt(error.to_string()),
                Ok((constant, fingerprint)) => {
                    inspection.constant(source, constant);
                    inspection.twin(source, split, *fingerprint, &mut seen);
                }
            }
        }
        inspection.counts.push((split, read.len()));
    }
    Ok(inspection)
}

/// Where a pair was first seen.
type Seen = HashMap<[u8; 32], (Split, String)>;

impl Inspection {
    /// How many findings would spoil a run.
    pub fn spoiling(&self) -> usize {
        self.findings.iter().filter(|finding| finding.spoils).count()
    }

    fn spoilt(&mut self, text: String) {
        self.findings.push(Finding { text, spoils: true });
    }

    /// A picture of one colour teaches nothing, and norms divide by its spread of 0.
    fn constant(&mut self, source: &Source, sides: &[&str]) {
        for side in sides {
            self.spoilt(format!("{}: the {side} is of one colour", place(source)));
        }
    }

    /// Twice in one split, a pair only counts double; in two, what is measured was learned.
    fn twin(&mut self, source: &Source, split: Split, fingerprint: [u8; 32], seen: &mut Seen) {
        let here = place(source);
        match seen.get(&fingerprint) {
            None => {
                seen.insert(fingerprint, (split, here));
            }
            Some((first, there)) => {
                let text = format!("{here} is the same as {there}");
                self.findings.push(Finding { text, spoils: *first != split });
            }
        }
    }
}

/// Named pairs, and files without a partner.
type Listed = (Vec<(String, Source)>, Vec<PathBuf>);

fn list(dir: &Path, split: Split, contents: Contents) -> Result<Listed, DataError> {
    match contents {
        Contents::Pairs => layout::scan(dir, split).map(|found| (found.items, found.unpaired)),
        Contents::Photos => {
            let alone = |(name, file): (String, PathBuf)| (name, Source::Two { a: file.clone(), b: file });
            Ok((layout::photos(dir, split)?.into_iter().map(alone).collect(), Vec::new()))
        }
    }
}

fn read(name: &str, source: &Source, contents: Contents) -> Result<Pair, DataError> {
    match (contents, source) {
        (Contents::Photos, Source::Two { a, .. }) => {
            let photo = super::picture(a)?;
            Ok(Pair { name: name.to_owned(), photo, targets: Vec::new() })
        }
        _ => super::read(name, source, Direction::AtoB),
    }
}

fn constant_sides(pair: &Pair, contents: Contents) -> Vec<&'static str> {
    let is_constant = |picture: &Picture| picture.rgb.chunks_exact(3).all(|pixel| pixel == &picture.rgb[..3]);
    let names = match contents {
        Contents::Pairs => ["side A", "side B"],
        Contents::Photos => ["photo", ""],
    };
    let sides = names.into_iter().zip(std::iter::once(&pair.photo).chain(&pair.targets));
    sides.filter(|(_, picture)| is_constant(picture)).map(|(side, _)| side).collect()
}

fn fingerprint(pair: &Pair) -> [u8; 32] {
    let size = [pair.photo.width.to_le_bytes(), pair.photo.height.to_le_bytes()].concat();
    let pictures = std::iter::once(&pair.photo).chain(&pair.targets);
    pictures.fold(Sha256::new().chain_update(size), |hash, picture| hash.chain_update(&picture.rgb)).finalize().into()
}

fn place(source: &Source) -> String {
    source.files().0.display().to_string()
}
