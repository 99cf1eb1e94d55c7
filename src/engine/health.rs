//! How the engine is, as seen from outside its thread.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{PoisonError, RwLock};

use super::pace::Pace;

/// How the engine is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// Models are being loaded and warmed up.
    #[default]
    Starting,
    /// A real forward pass of every model has succeeded on the device.
    Ready,
    /// The device or a model fails; the reason is for the operator.
    Failed(String),
}

/// What the engine's thread and its handles share.
#[derive(Default)]
pub(super) struct Status {
    health: RwLock<Health>,
    draining: AtomicBool,
    drawn: AtomicU64,
    failures: AtomicU64,
    pub pace: Pace,
}

impl Status {
    pub fn health(&self) -> Health {
        self.health.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set(&self, health: Health) {
        *self.health.write().unwrap_or_else(PoisonError::into_inner) = health;
    }

    pub fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }

    pub fn drain(&self) {
        self.draining.store(true, Relaxed);
    }

    pub fn drawn(&self) -> u64 {
        self.drawn.load(Relaxed)
    }

    pub fn count_drawn(&self) {
        self.drawn.fetch_add(1, Relaxed);
    }

    pub fn failures(&self) -> u64 {
        self.failures.load(Relaxed)
    }

    pub fn count_failure(&self) {
        self.failures.fetch_add(1, Relaxed);
    }
}
