//! The models as they are at one time. A job is checked against and drawn by one
//! catalog, whatever is loaded meanwhile; the last job of an old one frees it.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use candle_core::Device;

use super::error::EngineError;
use super::job::{Plan, Settings};
use super::pool::{Pool, Resident};
use super::{Job, draw};
use crate::models::device::memory;
use crate::models::{Card, Model, Precision, Registry, RegistryError};

/// What loads a model: the device, how exactly to draw, and the bytes that all may take.
pub(super) type Hardware = (Device, Precision, u64);

/// Cards, and those of the models they describe that are in memory.
pub struct Catalog {
    registry: Registry,
    hardware: Hardware,
    pool: Pool,
    /// The names of the models that cannot be loaded.
    broken: OnceLock<BTreeSet<String>>,
}

impl Catalog {
    pub(super) fn new(registry: Registry, hardware: Hardware) -> Self {
        let first = registry.card(None).ok().or_else(|| registry.cards().next());
        let pool = Pool::new(hardware.2, first.map(|card| card.name.clone()));
        Self { registry, hardware, pool, broken: OnceLock::new() }
    }

    /// The cards, by name.
    pub fn cards(&self) -> impl Iterator<Item = &Card> {
        self.registry.cards().filter(|card| !self.is_broken(card))
    }

    fn is_broken(&self, card: &Card) -> bool {
        self.broken.get().is_some_and(|broken| broken.contains(&card.name))
    }

    /// The card of the model called `name`, or of the default model.
    ///
    /// # Errors
    /// [`EngineError::UnknownModel`] or [`EngineError::NoDefault`] name those
    /// there are.
    pub fn card(&self, name: Option<&str>) -> Result<&Card, EngineError> {
        let names = || self.cards().map(|card| card.name.clone()).collect();
        let card = self.registry.card(name).ok().filter(|card| !self.is_broken(card));
        card.ok_or_else(|| match name {
            Some(name) => EngineError::UnknownModel { name: name.to_owned(), names: names() },
            None => EngineError::NoDefault { names: names() },
        })
    }

    /// The card of the model called `name`, or of the default model, that can judge.
    ///
    /// # Errors
    /// Those of [`Self::card`]; [`EngineError::BadParameter`] for a model without a discriminator.
    pub(super) fn judge(&self, name: Option<&str>) -> Result<&Card, EngineError> {
        let card = self.card(name)?;
        if card.weights.discriminator.is_none() {
            let problem = format!("must be a model with a discriminator; `{}` has none", card.name);
            return Err(EngineError::BadParameter { name: "model", problem });
        }
        Ok(card)
    }

    /// Whether a job with these settings can be drawn, before its photo is read.
    ///
    /// # Errors
    /// [`EngineError::UnknownModel`] or [`EngineError::BadParameter`].
    pub fn check(&self, settings: Settings<'_>) -> Result<(), EngineError> {
        settings.check(self.card(settings.model)?).map(|_| ())
    }

    /// How many pixels the network will see of a photo of this width and height.
    ///
    /// # Errors
    /// [`EngineError::UnknownModel`].
    pub fn pixels(&self, settings: Settings<'_>, size: (u32, u32)) -> Result<u64, EngineError> {
        Ok(settings.pixels(self.card(settings.model)?, size))
    }

    /// The longest side, in pixels, that the network will see.
    ///
    /// # Errors
    /// [`EngineError::UnknownModel`].
    pub fn side(&self, settings: Settings<'_>) -> Result<u32, EngineError> {
        Ok(settings.side(self.card(settings.model)?))
    }

    /// How many models are in memory, and the bytes of their weights in f32.
    pub fn in_memory(&self) -> (usize, u64) {
        let residents = self.pool.all();
        (residents.len(), residents.iter().map(|resident| resident.model.bytes()).sum())
    }

    /// Bytes of memory in use where the models draw, see [`memory`].
    pub fn device_memory(&self) -> Option<u64> {
        memory(&self.hardware.0)
    }

    pub(super) fn plan(&self, job: Job) -> Result<Plan, EngineError> {
        let card = self.card(job.model.as_deref())?;
        Plan::new(job, card)
    }

    /// The model called so, loaded if it is not in memory: blocks meanwhile.
    ///
    /// # Errors
    /// [`EngineError::Unavailable`] where its weights have changed or gone since they were checked.
    pub(super) fn model(&self, name: &str) -> Result<Arc<Resident>, EngineError> {
        self.pool.get_or_load(name, || self.load(name)).map_err(|error| {
            tracing::error!(model = name, %error, "a model cannot be loaded");
            EngineError::Unavailable { name: name.to_owned() }
        })
    }

    /// Loads the model that shows whether the device works, and sees whether the
    /// others could be: those that cannot are left out from now on.
    ///
    /// # Errors
    /// What is wrong with the default model, or with all of them.
    pub(super) fn open(&self) -> Result<(), String> {
        let mut broken = BTreeSet::new();
        let mut last = String::new();
        for card in self.registry.cards() {
            let load = || self.load(&card.name);
            let loaded = match self.pool.keeps_always(&card.name) {
                true => self.pool.get_or_load(&card.name, load).map(|_| ()),
                false => load().map(drop),
            };
            if let Err(error) = loaded {
                last = error.to_string();
                if self.registry.card(None).is_ok_and(|default| default.name == card.name) {
                    return Err(last);
                }
                tracing::error!(model = card.name, %error, "a model is left out");
                broken.insert(card.name.clone());
            }
        }
        match broken.len() == self.registry.cards().count() {
            true => Err(last),
            false => {
                // Only the engine's thread gets here, once.
                let _ = self.broken.set(broken);
                Ok(())
            }
        }
    }

    /// Takes over what `old` has in memory just so, and loads what is new or has changed. Their names.
    ///
    /// # Errors
    /// What is wrong with the first that cannot be loaded.
    pub(super) fn follow(&self, old: &Self) -> Result<Vec<String>, String> {
        let mut loaded = Vec::new();
        for card in self.cards() {
            if old.card(Some(&card.name)).is_ok_and(|before| before == card) {
                if let Some(resident) = old.pool.get(&card.name) {
                    self.pool.keep(&card.name, resident);
                }
                continue;
            }
            self.pool.get_or_load(&card.name, || self.load(&card.name)).map_err(|error| error.to_string())?;
            loaded.push(card.name.clone());
        }
        Ok(loaded)
    }

    fn load(&self, name: &str) -> Result<Model, RegistryError> {
        let (device, precision, _) = &self.hardware;
        self.registry.load(name, device, *precision)
    }

    /// Proves a model with a forward pass, if none has yet.
    ///
    /// # Errors
    /// Which fails, and how.
    pub(super) fn prove_new(&self, resident: &Resident, beat: &super::watchdog::Beat) -> Result<(), String> {
        if resident.is_proved() {
            return Ok(());
        }
        draw::warm_up(&resident.model, &self.hardware.0, beat)
            .map_err(|error| format!("the model `{}` fails: {error}", resident.model.card().name))?;
        resident.set_proved();
        Ok(())
    }

    /// Those that are in memory.
    pub(super) fn residents(&self) -> Vec<Arc<Resident>> {
        self.pool.all()
    }

    /// Puts a model away that has never shown that it draws, so that its fault is
    /// not taken for the device's.
    pub(super) fn put_away_unproved(&self, resident: &Resident) {
        if !resident.is_proved() {
            self.pool.remove(&resident.model.card().name);
        }
    }

    /// The same cards, read again.
    pub(super) fn reread(&self) -> Result<Self, String> {
        let registry = self.registry.reread().map_err(|error| error.to_string())?;
        match registry.broken() {
            [] => Ok(Self::new(registry, self.hardware.clone())),
            [broken, ..] => Err(broken.to_string()),
        }
    }
}
