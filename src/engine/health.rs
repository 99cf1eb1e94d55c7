//! How the engine is, as seen from outside its thread.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use tokio::sync::watch;

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
    /// The device fails again and again: only a new process can help.
    Lost(String),
}

/// What the engine's thread and its handles share.
#[derive(Default)]
pub(super) struct Status {
    health: watch::Sender<Health>,
    draining: AtomicBool,
    drawn: AtomicU64,
    failures: AtomicU64,
    proofs: AtomicU64,
    pub pace: Pace,
}

impl Status {
    pub fn health(&self) -> Health {
        self.health.borrow().clone()
    }

    pub fn set(&self, health: Health) {
        self.health.send_replace(health);
    }

    /// Waits for the device's end; its reason.
    pub async fn lost(&self) -> String {
        let mut changes = self.health.subscribe();
        match changes.wait_for(|health| matches!(health, Health::Lost(_))).await.as_deref() {
            Ok(Health::Lost(reason)) => reason.clone(),
            _ => std::future::pending().await,
        }
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

    pub fn proofs(&self) -> u64 {
        self.proofs.load(Relaxed)
    }

    pub fn count_proof(&self) {
        self.proofs.fetch_add(1, Relaxed);
    }
}
