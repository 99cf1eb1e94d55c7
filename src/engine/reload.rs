//! New models while the service draws: they are read, loaded and proved beside
//! the old ones, and take their place between two jobs.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::catalog::Catalog;
use super::work::Work;
use super::{Engine, EngineError, Health, blocking, gone};

/// What a reload changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// The models that are new or have changed.
    pub loaded: Vec<String>,
    /// The models that are as they were.
    pub kept: Vec<String>,
    /// The models whose cards are gone.
    pub removed: Vec<String>,
}

impl Engine {
    /// Reads the cards again and loads what has changed. Jobs go on meanwhile, and
    /// each is drawn by the models that it was checked against. All or nothing: where
    /// one model fails, the old ones stay.
    ///
    /// # Errors
    /// [`EngineError::Starting`] and [`EngineError::Failed`] where the engine is not
    /// at work, [`EngineError::Reload`] with the reason.
    pub async fn reload(&self) -> Result<Reloaded, EngineError> {
        let _one_at_a_time = self.reloading.lock().await;
        match self.health() {
            Health::Starting => return Err(EngineError::Starting),
            Health::Failed(reason) | Health::Lost(reason) => return Err(EngineError::Failed(reason)),
            Health::Ready => {}
        }
        let old = self.catalog();
        let load = {
            let old = old.clone();
            move || {
                let new = old.reread()?;
                let loaded = new.follow(&old)?;
                Ok((Arc::new(new), loaded))
            }
        };
        let (new, loaded) = blocking(load).await?.map_err(EngineError::Reload)?;
        let (reply, adopted) = oneshot::channel();
        let work = Work::Adopt { catalog: new.clone(), reply };
        self.queue.send(work).map_err(|_| gone())?;
        self.status.answer(adopted).await?;
        let has = |catalog: &Catalog, name: &str| catalog.cards().any(|card| card.name == name);
        let names = |catalog: &Catalog| catalog.cards().map(|card| card.name.clone()).collect::<Vec<_>>();
        Ok(Reloaded {
            kept: names(&new).into_iter().filter(|name| !loaded.contains(name)).collect(),
            removed: names(&old).into_iter().filter(|name| !has(&new, name)).collect(),
            loaded,
        })
    }
}
