//! Where the pairs of a folder lie: names only, nothing is decoded.

use super::DataError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// File name endings of the pictures that are read.
const ENDINGS: [&str; 7] = ["jpg", "jpeg", "jpe", "png", "webp", "gif", "bmp"];

/// A part of the data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// What is learned from.
    #[default]
    Train,
    /// What is looked at while training.
    Val,
    /// What is kept for the end.
    Test,
}

impl Split {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Train, Self::Val, Self::Test];

    /// The folder's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Split {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let split = Self::ALL.into_iter().find(|split| split.name() == text);
        split.ok_or_else(|| DataError::Setting(format!("no split is named {text:?}; there are: train, val, test")))
    }
}

/// Which side is the photo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// A (left) is the photo, B (right) the target.
    #[default]
    AtoB,
    /// B (right) is the photo, A (left) the target.
    BtoA,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::AtoB { "AtoB" } else { "BtoA" })
    }
}

impl FromStr for Direction {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        match text {
            "AtoB" => Ok(Self::AtoB),
            "BtoA" => Ok(Self::BtoA),
            _ => Err(DataError::Setting(format!("no direction is named {text:?}; there are: AtoB, BtoA"))),
        }
    }
}

/// The files of one pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A|B in one picture.
    SideBySide(PathBuf),
    /// A file for each side.
    Two {
        /// Side A.
        a: PathBuf,
        /// Side B.
        b: PathBuf,
    },
    /// A photo and its rendered targets, one a look.
    Rendered {
        /// The photo.
        photo: PathBuf,
        /// The targets, in the order of the looks.
        targets: Vec<PathBuf>,
    },
}

impl Source {
    /// The files of side A and of side B.
    pub(super) fn files(&self) -> (&Path, &Path) {
        match self {
            Self::SideBySide(file) => (file, file),
            Self::Two { a, b } => (a, b),
            Self::Rendered { photo, targets } => (photo, targets.first().unwrap_or(photo)),
        }
    }
}

/// What a folder holds.
#[derive(Debug)]
pub(super) struct Found {
    /// The pairs by the name of side A's file.
    pub(super) items: Vec<(String, Source)>,
    /// Pictures whose partner is missing.
    pub(super) unpaired: Vec<PathBuf>,
}

/// The pairs of `split` under `dir`.
pub(super) fn scan(dir: &Path, split: Split) -> Result<Found, DataError> {
    let both = dir.join(split.name());
    let (a, b) = (dir.join("A").join(split.name()), dir.join("B").join(split.name()));
    let found = match (both.is_dir(), a.is_dir() || b.is_dir()) {
        (true, true) => return Err(DataError::TwoLayouts { dir: dir.to_owned(), split: split.name() }),
        (true, false) => {
            let items = pictures(&both)?.into_iter().map(|(name, file)| (name, Source::SideBySide(file))).collect();
            Found { items, unpaired: Vec::new() }
        }
        (false, true) => two_folders(&a, &b)?,
        (false, false) => Found { items: Vec::new(), unpaired: Vec::new() },
    };
    if found.items.is_empty() && found.unpaired.is_empty() {
        return Err(DataError::NoPairs { dir: dir.to_owned(), split: split.name(), seen: seen(dir)? });
    }
    Ok(found)
}

/// The splits of `dir` that hold pairs.
pub(super) fn splits(dir: &Path) -> Vec<Split> {
    let there = |split: &Split| {
        let name = split.name();
        [dir.join(name), dir.join("A").join(name), dir.join("B").join(name)].iter().any(|folder| folder.is_dir())
    };
    Split::ALL.into_iter().filter(there).collect()
}

/// The photos of `split` by name: those in `dir/split`. To train on, photos
/// right in `dir` will do; none of them is held out.
pub(super) fn photos(dir: &Path, split: Split) -> Result<Vec<(String, PathBuf)>, DataError> {
    let folder = dir.join(split.name());
    let photos = match folder.is_dir() {
        true => pictures(&folder)?,
        false if split == Split::Train => pictures(dir)?,
        false => Vec::new(),
    };
    if photos.is_empty() {
        return Err(DataError::NoPhotos { folder });
    }
    Ok(photos)
}

fn two_folders(a: &Path, b: &Path) -> Result<Found, DataError> {
    // A photo and its labels are often of different formats: names pair without their endings.
    let mut partners = by_stem(b)?;
    let (mut items, mut unpaired) = (Vec::new(), Vec::new());
    for (stem, a) in by_stem(a)? {
        match partners.remove(&stem) {
            Some(b) => items.push((file_name(&a), Source::Two { a, b })),
            None => unpaired.push(a),
        }
    }
    unpaired.extend(partners.into_values());
    Ok(Found { items, unpaired })
}

fn by_stem(dir: &Path) -> Result<BTreeMap<String, PathBuf>, DataError> {
    let mut files: BTreeMap<String, PathBuf> = BTreeMap::new();
    if !dir.is_dir() {
        return Ok(files);
    }
    for (_, file) in pictures(dir)? {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(first) = files.insert(stem, file.clone()) {
            return Err(DataError::SameName { first, second: file });
        }
    }
    Ok(files)
}

/// The pictures in `dir` by name, told by their endings, in the order of their names.
pub(super) fn pictures(dir: &Path) -> Result<Vec<(String, PathBuf)>, DataError> {
    let failed = |source| DataError::Folder { dir: dir.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        let name = file_name(&file);
        let ending = file.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
        if !name.starts_with('.') && ENDINGS.contains(&ending.as_str()) && file.is_file() {
            files.push((name, file));
        }
    }
    files.sort();
    Ok(files)
}

fn file_name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A hint at what `dir` holds instead of pairs.
fn seen(dir: &Path) -> Result<String, DataError> {
    let photos = pictures(dir)?.len();
    let splits = splits(dir);
    Ok(match (photos, splits.as_slice()) {
        (0, []) => String::new(),
        (0, there) => {
            let names: Vec<_> = there.iter().map(|split| split.name()).collect();
            format!(" (there is {})", names.join(" and "))
        }
        (n, _) => format!(" (there are {n} pictures right in the folder)"),
    })
}
