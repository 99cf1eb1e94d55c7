//! The loaded models: each is loaded when it is first asked for, and kept
//! within a bound of memory; the one that was not asked for longest goes first.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use crate::models::Model;

/// A model in memory.
pub(super) struct Resident {
    pub model: Model,
    /// Whether a forward pass has shown that it draws.
    proved: AtomicBool,
}

impl Resident {
    pub fn is_proved(&self) -> bool {
        self.proved.load(Relaxed)
    }

    pub fn set_proved(&self) {
        self.proved.store(true, Relaxed);
    }
}

/// See the module.
pub(super) struct Pool {
    /// Bytes that the models may take together. A job that is under way keeps
    /// its model a little longer, and a model of more is kept alone.
    limit: u64,
    /// Never put away: the model that shows whether the device works.
    pinned: Option<String>,
    /// By name, the newest use first.
    residents: Mutex<LruCache<String, Arc<Resident>>>,
    /// One load at a time: each needs memory of its own.
    loading: Mutex<()>,
}

impl Pool {
    pub fn new(limit: u64, pinned: Option<String>) -> Self {
        Self { limit, pinned, residents: Mutex::new(LruCache::unbounded()), loading: Mutex::default() }
    }

    /// The model called so, if it is in memory; this counts as a use.
    pub fn get(&self, name: &str) -> Option<Arc<Resident>> {
        self.residents().get(name).cloned()
    }

    /// The model called so, loaded if it is not in memory: blocks meanwhile.
    ///
    /// # Errors
    /// What `load` says.
    pub fn get_or_load<E>(&self, name: &str, load: impl FnOnce() -> Result<Model, E>) -> Result<Arc<Resident>, E> {
        if let Some(resident) = self.get(name) {
            return Ok(resident);
        }
        let _one_at_a_time = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(resident) = self.get(name) {
            return Ok(resident);
        }
        let resident = Arc::new(Resident { model: load()?, proved: AtomicBool::new(false) });
        tracing::info!(model = name, with = resident.model.instructions(), "loaded");
        self.keep(name, resident.clone());
        Ok(resident)
    }

    /// Keeps a model that is in memory already.
    pub fn keep(&self, name: &str, resident: Arc<Resident>) {
        let mut residents = self.residents();
        residents.push(name.to_owned(), resident);
        let bytes = |residents: &LruCache<String, Arc<Resident>>| -> u64 {
            residents.iter().map(|(_, resident)| resident.model.bytes()).sum()
        };
        while bytes(&residents) > self.limit {
            let mut oldest = residents.iter().rev().map(|(name, _)| name);
            let away = oldest.find(|oldest| *oldest != name && !self.keeps_always(oldest)).cloned();
            let Some(away) = away else { break };
            residents.pop(&away);
            tracing::info!(model = away, "put away");
        }
    }

    /// Whether the model called so is never put away.
    pub fn keeps_always(&self, name: &str) -> bool {
        self.pinned.as_deref() == Some(name)
    }

    /// Puts one away.
    pub fn remove(&self, name: &str) {
        self.residents().pop(name);
    }

    /// All that are in memory.
    pub fn all(&self) -> Vec<Arc<Resident>> {
        self.residents().iter().map(|(_, resident)| resident.clone()).collect()
    }

    fn residents(&self) -> MutexGuard<'_, LruCache<String, Arc<Resident>>> {
        // Each change is one call: a panic cannot leave it torn.
        self.residents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
