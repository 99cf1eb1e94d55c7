//! Pairs of a photo and its target, read from folders.
//!
//! Three layouts are read: A|B side by side in one picture under `train`,
//! `val` or `test`; `A/train` and `B/train` with equal file names; and photos
//! alone, whose targets a look renders (see [`Pairs::with_rendered`]).

mod error;
mod inspect;
mod layout;
mod rendered;

pub use error::DataError;
pub use inspect::{Contents, Finding, Inspection, inspect};
pub use layout::{Direction, Split};

use crate::imaging::{Limits, Picture, decode};
use crate::looks::Look;
use indicatif::ProgressBar;
use layout::Source;
use rayon::prelude::*;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

/// How many bytes of decoded pictures are kept in memory, if nothing else is asked for.
pub const MEMORY: u64 = 8 << 30;

/// A photo and what may be drawn of it, of one size, without alpha.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The photo's file name.
    pub name: String,
    /// What the generator sees.
    pub photo: Picture,
    /// What it is to draw: a picture for each look, or the one that was given.
    pub targets: Vec<Picture>,
}

/// The pairs of one folder, in the order of their names.
#[derive(Debug)]
pub struct Pairs {
    items: Vec<(String, Source)>,
    direction: Direction,
    kept: Vec<OnceLock<Arc<Pair>>>,
    room: AtomicU64,
}

impl Pairs {
    /// The pairs of `split` under `dir`, side by side or in two folders;
    /// nothing is decoded yet.
    ///
    /// # Errors
    /// When there are none, or a photo or a target has no partner.
    pub fn open(dir: &Path, split: Split, direction: Direction) -> Result<Self, DataError> {
        let found = layout::scan(dir, split)?;
        if !found.unpaired.is_empty() {
            return Err(DataError::Unpaired { files: error::list(&found.unpaired) });
        }
        Ok(Self::of(found.items, direction))
    }

    /// The photos in `dir/split` (to train on, those right in `dir` will do) with
    /// the targets that `looks` render. A target is rendered once, as a PNG in
    /// `cache` named by the look and the photo's content; `progress` counts photos.
    ///
    /// # Errors
    /// When there are none, one cannot be decoded, or the cache cannot be written.
    pub fn with_rendered(
        dir: &Path,
        split: Split,
        looks: &[Look],
        cache: &Path,
        progress: &ProgressBar,
    ) -> Result<Self, DataError> {
        let photos = layout::photos(dir, split)?;
        Ok(Self::of(rendered::pairs(photos, looks, cache, progress)?, Direction::AtoB))
    }

    /// The photos right in `folder` with the targets that `looks` render, as
    /// [`Self::with_rendered`].
    ///
    /// # Errors
    /// The same.
    pub fn with_rendered_folder(
        folder: &Path,
        looks: &[Look],
        cache: &Path,
        progress: &ProgressBar,
    ) -> Result<Self, DataError> {
        let photos = layout::pictures(folder)?;
        if photos.is_empty() {
            return Err(DataError::NoPhotos { folder: folder.to_owned() });
        }
        Ok(Self::of(rendered::pairs(photos, looks, cache, progress)?, Direction::AtoB))
    }

    fn of(items: Vec<(String, Source)>, direction: Direction) -> Self {
        let kept = items.iter().map(|_| OnceLock::new()).collect();
        Self { items, direction, kept, room: AtomicU64::new(MEMORY) }
    }

    /// The same pairs, with at most `bytes` of decoded pictures kept in memory;
    /// what does not fit is decoded at each reading.
    pub fn keeping(self, bytes: u64) -> Self {
        Self { room: AtomicU64::new(bytes), ..Self::of(self.items, self.direction) }
    }

    /// How many there are; at least 1.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Never true: a folder without pairs is an error.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.items.iter().map(|(name, _)| name.as_str())
    }

    /// Pair `index`, from memory if it was read before and there was room.
    ///
    /// # Errors
    /// When a file cannot be read or decoded, or the two sizes differ.
    ///
    /// # Panics
    /// When `index` is not under [`Self::len`].
    pub fn read(&self, index: usize) -> Result<Arc<Pair>, DataError> {
        if let Some(pair) = self.kept[index].get() {
            return Ok(pair.clone());
        }
        let (name, source) = &self.items[index];
        let pair = Arc::new(read(name, source, self.direction)?);
        let bytes = (pair.photo.rgb.len() * (1 + pair.targets.len())) as u64;
        let taken = self.room.fetch_update(Relaxed, Relaxed, |room| room.checked_sub(bytes)).is_ok();
        if taken && self.kept[index].set(pair.clone()).is_err() {
            // Another thread was faster; its copy stays.
            self.room.fetch_add(bytes, Relaxed);
        }
        Ok(pair)
    }

    /// Reads every pair once, on all cores, so that a broken one is found before
    /// the training begins; `progress` counts them.
    ///
    /// # Errors
    /// The first that [`Self::read`] finds.
    pub fn preload(&self, progress: &ProgressBar) -> Result<(), DataError> {
        progress.set_length(self.len() as u64);
        (0..self.len()).into_par_iter().try_for_each(|index| {
            self.read(index)?;
            progress.inc(1);
            Ok(())
        })
    }
}

fn read(name: &str, source: &Source, direction: Direction) -> Result<Pair, DataError> {
    let (a, b) = match source {
        Source::SideBySide(file) => halves(file)?,
        Source::Two { a, b } => (picture(a)?, picture(b)?),
        Source::Rendered { photo, targets } => return rendered::read(name, photo, targets),
    };
    same_size(source.files(), &a, &b)?;
    let (photo, target) = match direction {
        Direction::AtoB => (a, b),
        Direction::BtoA => (b, a),
    };
    Ok(Pair { name: name.to_owned(), photo, targets: vec![target] })
}

fn same_size(files: (&Path, &Path), a: &Picture, b: &Picture) -> Result<(), DataError> {
    let (a_size, b_size) = ((a.width, a.height), (b.width, b.height));
    match a_size == b_size {
        true => Ok(()),
        false => Err(DataError::Sizes { a: files.0.to_owned(), a_size, b: files.1.to_owned(), b_size }),
    }
}

/// The picture in `file`, laid on white where it is transparent.
fn picture(file: &Path) -> Result<Picture, DataError> {
    let bytes = std::fs::read(file).map_err(|source| DataError::Read { file: file.to_owned(), source })?;
    decoded(&bytes, file)
}

fn decoded(bytes: &[u8], file: &Path) -> Result<Picture, DataError> {
    let decoded = decode(bytes, &Limits::default());
    let picture = decoded.map_err(|source| DataError::Decode { file: file.to_owned(), source })?.picture;
    Ok(match picture.alpha {
        None => picture,
        Some(_) => Picture { rgb: picture.on_white(), alpha: None, ..picture },
    })
}

fn halves(file: &Path) -> Result<(Picture, Picture), DataError> {
    let both = picture(file)?;
    if both.width % 2 != 0 {
        return Err(DataError::Odd { file: file.to_owned(), width: both.width });
    }
    let width = both.width / 2;
    let half = |right: usize| Picture {
        width,
        height: both.height,
        rgb: both.rgb.chunks_exact(width as usize * 3).skip(right).step_by(2).flatten().copied().collect(),
        alpha: None,
    };
    Ok((half(0), half(1)))
}
