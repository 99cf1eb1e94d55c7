//! The models that are there.

use super::card::{Card, WeightFile};
use super::model::Model;
use super::store::Store;
use super::weights;
use crate::nn::plan::Precision;
use candle_core::{Device, Tensor};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::Path;
use thiserror::Error;

/// The model that is used when none is named.
const DEFAULT: &str = "anime";

/// Why a model cannot be had.
#[derive(Debug, Error)]
pub enum RegistryError {
    /// The folder of cards cannot be read.
    #[error("cannot read the models in {place}: {source}; name their folder with --models DIR")]
    Folder {
        /// The folder.
        place: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is no card at all.
    #[error("no model in {0}: train one (sakuga-train) or name another folder with --models DIR")]
    Empty(String),
    /// No card of that name.
    #[error("no model is named {name:?}; there are: {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// Several models, none of them named like the default.
    #[error("say which model to use, there are: {0}")]
    Ambiguous(String),
    /// The card cannot be understood.
    #[error("the card {file} is broken: {reason}")]
    Card {
        /// The card's file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A weight file is missing, damaged or of other sizes.
    #[error("the weights {file} cannot be used: {reason}")]
    Weights {
        /// The weight file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The cards of one store.
#[derive(Debug)]
pub struct Registry {
    store: Store,
    cards: BTreeMap<String, Card>,
    /// Cards that could not be read: the others work all the same.
    broken: Vec<RegistryError>,
}

impl Registry {
    /// Reads every card of the folder `dir`, or of the usual places (see [`Store::find`]).
    ///
    /// # Errors
    /// When the folder cannot be read or holds no sound card.
    pub fn open(dir: Option<&Path>) -> Result<Self, RegistryError> {
        Self::of(Store::find(dir))
    }

    /// Reads every card of `store`.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn of(store: Store) -> Result<Self, RegistryError> {
        let place = store.describe("");
        let files = store.cards().map_err(|source| RegistryError::Folder { place: place.clone(), source })?;
        let (mut cards, mut broken) = (BTreeMap::new(), Vec::new());
        for file in files {
            match read_card(&store, &file) {
                Ok(card) => {
                    cards.insert(card.name.clone(), card);
                }
                Err(error) => broken.push(error),
            }
        }
        if cards.is_empty() {
            return Err(broken.into_iter().next().unwrap_or(RegistryError::Empty(place)));
        }
        Ok(Self { store, cards, broken })
    }

    /// The same store's cards as they are by now.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn reread(&self) -> Result<Self, RegistryError> {
        Self::of(self.store.clone())
    }

    /// This registry without the cards that are not the one called `name`, or
    /// the default; whole where there is no such card.
    #[must_use]
    pub fn only(mut self, name: Option<&str>) -> Self {
        if let Ok(name) = self.card(name).map(|card| card.name.clone()) {
            self.cards.retain(|other, _| *other == name);
        }
        self
    }

    /// The sound cards, by name.
    pub fn cards(&self) -> impl Iterator<Item = &Card> {
        self.cards.values()
    }

    /// Cards that could not be read.
    pub fn broken(&self) -> &[RegistryError] {
        &self.broken
    }

    /// The card of that name; without a name the default model's: `anime`,
    /// else the only one there is.
    ///
    /// # Errors
    /// When there is none, or several and no default.
    pub fn card(&self, name: Option<&str>) -> Result<&Card, RegistryError> {
        let known = || self.cards.keys().cloned().collect::<Vec<_>>().join(", ");
        match name {
            Some(name) => {
                self.cards.get(name).ok_or_else(|| RegistryError::Unknown { name: name.to_owned(), known: known() })
            }
            None => {
                match self.cards.get(DEFAULT).or_else(|| self.cards.values().next().filter(|_| self.cards.len() == 1)) {
                    Some(card) => Ok(card),
                    None => Err(RegistryError::Ambiguous(known())),
                }
            }
        }
    }

    /// Loads the model of that name onto `device`, to draw in `precision`.
    ///
    /// # Errors
    /// When there is no such card, its weights are missing, damaged or do not fit, or the device cannot compute so.
    pub fn load(&self, name: &str, device: &Device, precision: Precision) -> Result<Model, RegistryError> {
        let card = self.card(Some(name))?.clone();
        let generator = self.tensors(&card.weights.generator, device)?;
        let discriminator = card.weights.discriminator.as_ref().map(|file| self.tensors(file, device)).transpose()?;
        let file = self.store.describe(&card.weights.generator.file);
        Model::new(card, generator, discriminator, device, precision)
            .map_err(|error| RegistryError::Weights { file, reason: error.to_string() })
    }

    /// The tensors of a weight file that a card names, as they are stored.
    ///
    /// # Errors
    /// When it is missing, or not the one that the card means.
    pub fn tensors(&self, file: &WeightFile, device: &Device) -> Result<HashMap<String, Tensor>, RegistryError> {
        let failed = |reason: String| RegistryError::Weights { file: self.store.describe(&file.file), reason };
        let (found, tensors) = self
            .store
            .open(&file.file)
            .and_then(|(source, length)| weights::read(source, length, device))
            .map_err(|error| failed(error.to_string()))?;
        if found != file.sha256 {
            return Err(failed(format!("its SHA-256 is {found}, but the card says {}", file.sha256)));
        }
        tensors.map_err(|error| failed(error.to_string()))
    }
}

fn read_card(store: &Store, file: &str) -> Result<Card, RegistryError> {
    let failed = |reason: String| RegistryError::Card { file: store.describe(file), reason };
    let bytes = store.read(file).map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| failed("it is not UTF-8 text".into()))?;
    let mut card: Card = toml::from_str(&text).map_err(|error| failed(error.to_string()))?;
    card.name = file.trim_end_matches(".toml").to_owned();
    if card.size_multiple == 0 || card.max_side == Some(0) {
        return Err(failed("size_multiple and max_side must be at least 1".into()));
    }
    Ok(card)
}

/// SHA-256 of `bytes` in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub(super) fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
