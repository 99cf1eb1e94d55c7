//! The models as they are at one time. A job is checked against and drawn by one
//! catalog, whatever is loaded meanwhile; the last job of an old one frees it.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use candle_core::Device;

use super::error::EngineError;
use super::job::{Plan, Settings};
use super::{Job, draw};
use crate::models::{Card, Model, Precision, Registry};

/// Cards, and the models that they describe once these are loaded.
pub struct Catalog {
    registry: Registry,
    models: OnceLock<HashMap<String, Arc<Model>>>,
}

impl Catalog {
    pub(super) fn new(registry: Registry) -> Self {
        Self { registry, models: OnceLock::new() }
    }

    /// The cards, by name.
    pub fn cards(&self) -> impl Iterator<Item = &Card> {
        self.registry.cards()
    }

    /// The card of the model called `name`, or of the default model.
    ///
    /// # Errors
    /// [`EngineError::UnknownModel`] or [`EngineError::NoDefault`] name those
    /// there are.
    pub fn card(&self, name: Option<&str>) -> Result<&Card, EngineError> {
        let names = || self.cards().map(|card| card.name.clone()).collect();
        self.registry.card(name).map_err(|_| match name {
            Some(name) => EngineError::UnknownModel { name: name.to_owned(), names: names() },
            None => EngineError::NoDefault { names: names() },
        })
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

    pub(super) fn plan(&self, job: Job) -> Result<Plan, EngineError> {
        let card = self.card(job.model.as_deref())?;
        Plan::new(job, card)
    }

    /// The model called so, if it is loaded.
    pub(super) fn model(&self, name: &str) -> Option<&Model> {
        self.models.get()?.get(name).map(Arc::as_ref)
    }

    /// All that are loaded.
    pub(super) fn models(&self) -> impl Iterator<Item = &Model> {
        self.models.get().into_iter().flat_map(HashMap::values).map(Arc::as_ref)
    }

    /// Loads the models, but for those that `old` has just so. Their names.
    ///
    /// # Errors
    /// What is wrong with the first that cannot be loaded.
    pub(super) fn load(
        &self,
        old: Option<&Self>,
        (device, precision): &(Device, Precision),
    ) -> Result<Vec<String>, String> {
        let mut models = HashMap::new();
        let mut loaded = Vec::new();
        for card in self.cards() {
            let kept = old.and_then(|old| old.models.get()?.get(&card.name)).filter(|model| model.card() == card);
            let model = match kept {
                Some(model) => model.clone(),
                None => {
                    loaded.push(card.name.clone());
                    let model = self.registry.load(&card.name, device, *precision);
                    Arc::new(model.map_err(|error| error.to_string())?)
                }
            };
            models.insert(card.name.clone(), model);
        }
        // Only the engine's thread or one reload gets here, once a catalog.
        let _ = self.models.set(models);
        Ok(loaded)
    }

    /// Proves the models of these names with a forward pass each.
    ///
    /// # Errors
    /// Which fails, and how.
    pub(super) fn prove(&self, names: &[String], device: &Device, beat: &super::watchdog::Beat) -> Result<(), String> {
        for model in self.models().filter(|model| names.contains(&model.card().name)) {
            let name = &model.card().name;
            draw::warm_up(model, device, beat).map_err(|error| format!("the model `{name}` fails: {error}"))?;
            tracing::info!(model = name, with = model.instructions(), "loaded");
        }
        Ok(())
    }

    /// The same cards, read again.
    pub(super) fn reread(&self) -> Result<Registry, String> {
        let registry = self.registry.reread().map_err(|error| error.to_string())?;
        match registry.broken() {
            [] => Ok(registry),
            [broken, ..] => Err(broken.to_string()),
        }
    }
}
