//! How the engine is, as seen from outside its thread.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use tokio::sync::{oneshot, watch};

use super::error::EngineError;
use super::gone;
use super::pace::Pace;
use super::watchdog::Beat;

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
    /// The device hangs, or fails again and again: only a new process can help.
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
    pub beat: Beat,
}

impl Status {
    pub fn health(&self) -> Health {
        self.health.borrow().clone()
    }

    /// A lost device stays lost.
    pub fn set(&self, health: Health) {
        self.health.send_if_modified(|now| {
            let changes = !matches!(now, Health::Lost(_));
            if changes {
                *now = health;
            }
            changes
        });
    }

    /// What the engine's thread answers; from a lost device nothing is waited for.
    pub async fn answer<T>(&self, answer: oneshot::Receiver<Result<T, EngineError>>) -> Result<T, EngineError> {
        tokio::select! {
            biased;
            answer = answer => answer.map_err(|_| gone())?,
            reason = self.lost() => Err(EngineError::Failed(reason)),
        }
    }

    /// Waits for the device's end; its reason.
    pub async fn lost(&self) -> String {
        let mut changes = self.health.subscribe();
        let lost = changes.wait_for(|health| matches!(health, Health::Lost(_))).await.map(|health| health.clone());
        match lost {
            Ok(Health::Lost(reason)) => reason,
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
