//! How fast the queue drains: the measure behind `Retry-After`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// A running mean of the time one unit of work (see [`super::queue::units`])
/// takes on the device.
#[derive(Default)]
pub(super) struct Pace {
    /// Nanoseconds a unit; 0 before the first job.
    mean: AtomicU64,
}

impl Pace {
    /// Takes a job of that weight into the mean, with a weight of 1/8: some ten
    /// jobs are remembered. Only the engine's thread writes.
    pub fn record(&self, took: Duration, weight: u32) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX) / u64::from(weight.max(1));
        let mean = match self.mean.load(Relaxed) {
            0 => took,
            mean => mean - mean / 8 + took / 8,
        };
        self.mean.store(mean.max(1), Relaxed);
    }

    /// How long until work of that weight is drawn: whole seconds, 1 to 600.
    pub fn wait_for(&self, weight: u64) -> Duration {
        let nanos = self.mean.load(Relaxed).saturating_mul(weight);
        Duration::from_secs(nanos.div_ceil(1_000_000_000).clamp(1, 600))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_with_the_queue_and_is_whole_seconds() {
        let pace = Pace::default();
        assert_eq!(pace.wait_for(64), Duration::from_secs(1), "nothing measured yet");
        pace.record(Duration::from_secs(25), 100);
        assert_eq!(pace.wait_for(1), Duration::from_secs(1));
        assert_eq!(pace.wait_for(64), Duration::from_secs(16));
        assert_eq!(pace.wait_for(u64::MAX), Duration::from_secs(600));
    }

    #[test]
    fn the_mean_follows_a_change_of_pace() {
        let pace = Pace::default();
        pace.record(Duration::from_secs(8), 1);
        for _ in 0..64 {
            pace.record(Duration::from_secs(1), 1);
        }
        assert!(pace.wait_for(1) <= Duration::from_secs(2));
    }
}
