//! Where cards and weights lie: a folder, or the copy inside the binary.

use rust_embed::RustEmbed;
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

#[derive(RustEmbed)]
#[folder = "models/"]
struct BuiltInCards;

#[derive(RustEmbed)]
#[folder = "weights/"]
struct BuiltInWeights;

/// A place with cards, and weights beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Store {
    /// A folder of cards; weight paths are relative to it.
    Folder(PathBuf),
    /// The cards and weights that the binary was built with.
    BuiltIn,
}

impl Store {
    /// The folder `explicit` if one is named; else `models` in the working
    /// folder, else `models` beside the executable, else what is built in.
    pub fn find(explicit: Option<&Path>) -> Self {
        if let Some(dir) = explicit {
            return Self::Folder(dir.to_owned());
        }
        let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("models")));
        [Some(PathBuf::from("models")), beside]
            .into_iter()
            .flatten()
            .find(|dir| dir.is_dir())
            .map_or(Self::BuiltIn, Self::Folder)
    }

    /// File names of the cards, sorted.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn cards(&self) -> io::Result<Vec<String>> {
        let mut names: Vec<String> = match self {
            Self::Folder(dir) => std::fs::read_dir(dir)?
                .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
                .filter(|name| name.ends_with(".toml"))
                .collect(),
            Self::BuiltIn => BuiltInCards::iter().map(Cow::into_owned).filter(|name| name.ends_with(".toml")).collect(),
        };
        names.sort();
        Ok(names)
    }

    /// A file whose path is relative to the cards' folder, and how many bytes it has.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    pub fn open(&self, path: &str) -> io::Result<(Box<dyn Read>, u64)> {
        match self {
            Self::Folder(dir) => {
                let file = File::open(dir.join(path))?;
                let length = file.metadata()?.len();
                Ok((Box::new(file), length))
            }
            Self::BuiltIn => {
                let file = match path.strip_prefix("../weights/") {
                    Some(name) => BuiltInWeights::get(name),
                    None => BuiltInCards::get(path),
                };
                let file =
                    file.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "not among the built-in files"))?;
                let length = file.data.len() as u64;
                Ok((Box::new(Cursor::new(file.data)), length))
            }
        }
    }

    /// The bytes of such a file.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(path)?.0.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// How messages name a file of this store.
    pub fn describe(&self, path: &str) -> String {
        match self {
            Self::Folder(dir) => dir.join(path).display().to_string(),
            Self::BuiltIn => format!("built-in {path}"),
        }
    }
}
