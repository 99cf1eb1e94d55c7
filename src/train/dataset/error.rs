//! What can be wrong with a data folder.

use crate::imaging::{DecodeError, EncodeError};
use crate::models::publish::PublishError;
use std::path::PathBuf;
use thiserror::Error;

/// Why pairs cannot be had; each names the files and what to do.
#[derive(Debug, Error)]
pub enum DataError {
    /// A folder cannot be read.
    #[error("cannot read the folder {}: {source}", dir.display())]
    Folder {
        /// The folder.
        dir: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No pairs in any layout.
    #[error(
        "no pairs in {}: put A|B pictures into {split}/, or A/{split} and B/{split} with equal file names; \
         photos alone need a look (--look NAME) to render their targets{seen}",
        dir.display()
    )]
    NoPairs {
        /// The data folder.
        dir: PathBuf,
        /// The split asked for.
        split: &'static str,
        /// What was found instead, or nothing.
        seen: String,
    },
    /// No photos for a look to render.
    #[error("no photos in {}: the pictures that are read end in .jpg, .png, .webp, .gif or .bmp", folder.display())]
    NoPhotos {
        /// The folder looked into.
        folder: PathBuf,
    },
    /// Two layouts at once.
    #[error("{} holds both {split}/ and A/{split} with B/{split}: keep one of the two layouts", dir.display())]
    TwoLayouts {
        /// The data folder.
        dir: PathBuf,
        /// The split asked for.
        split: &'static str,
    },
    /// Files of one base name in one folder.
    #[error("{} and {} would pair with the same file: rename or remove one", first.display(), second.display())]
    SameName {
        /// One of them.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// Files without a partner.
    #[error("without a partner of the same name: {files}; add the partner or remove the file")]
    Unpaired {
        /// The files.
        files: String,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is no picture that we can decode.
    #[error("{}: {source}", file.display())]
    Decode {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// A|B that cannot be halved.
    #[error("{} is {width} pixels wide: A|B side by side needs an even width", file.display())]
    Odd {
        /// The file.
        file: PathBuf,
        /// Its width.
        width: u32,
    },
    /// Photo and target differ in size.
    #[error(
        "{} is {}×{}, but {} is {}×{}: both sides of a pair need the same size",
        a.display(), a_size.0, a_size.1, b.display(), b_size.0, b_size.1
    )]
    Sizes {
        /// The file of side A.
        a: PathBuf,
        /// Its width and height.
        a_size: (u32, u32),
        /// The file of side B.
        b: PathBuf,
        /// Its width and height.
        b_size: (u32, u32),
    },
    /// A rendered target cannot be kept.
    #[error("cannot keep a rendered target: {0}")]
    Cache(#[from] PublishError),
    /// A picture cannot be encoded: a rendered target, or a photo's JPEG damage.
    #[error("{name}: {source}")]
    Encode {
        /// The photo's name.
        name: String,
        /// What the encoder said.
        source: EncodeError,
    },
    /// A setting that cannot be followed.
    #[error("{0}")]
    Setting(String),
    /// A loading thread ended without an answer.
    #[error("a thread that loads the pairs has stopped; its message is above")]
    Stopped,
}

/// The first few of `files`, and how many more there are.
pub(super) fn list(files: &[PathBuf]) -> String {
    let shown: Vec<_> = files.iter().take(5).map(|file| file.display().to_string()).collect();
    let more = files.len() - shown.len();
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    shown.join(", ") + &tail
}
