//! A device that hangs: no error comes, and the thread that waits for it cannot
//! be stopped. A clock beside it sees that a forward pass does not end.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::health::{Health, Status};

/// When the forward pass under way began.
pub(super) struct Beat {
    origin: Instant,
    /// Nanoseconds from the origin, and 1; 0 while no pass is under way.
    began: AtomicU64,
}

impl Default for Beat {
    fn default() -> Self {
        Self { origin: Instant::now(), began: AtomicU64::new(0) }
    }
}

/// A pass under way; it ends when dropped, by a panic too.
pub(super) struct Pass<'a>(&'a Beat);

impl Beat {
    /// Begins a pass. The engine's thread alone does.
    pub fn pass(&self) -> Pass<'_> {
        self.began.store(1 + self.now(), Relaxed);
        Pass(self)
    }

    /// How long the pass under way has taken.
    fn taken(&self) -> Duration {
        match self.began.load(Relaxed) {
            0 => Duration::ZERO,
            began => Duration::from_nanos((1 + self.now()).saturating_sub(began)),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX - 1)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.0.began.store(0, Relaxed);
    }
}

/// Declares the device lost when a pass takes longer than `limit`; returns then.
pub(super) async fn watch(status: &Status, limit: Duration) {
    let tick = (limit / 8).clamp(Duration::from_millis(1), Duration::from_secs(1));
    loop {
        tokio::time::sleep(tick).await;
        if status.beat.taken() > limit {
            let seconds = limit.as_secs_f64();
            tracing::error!(seconds, "the device hangs");
            status.set(Health::Lost(format!("a forward pass did not end within {seconds} s")));
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_pass_that_does_not_end_loses_the_device_for_good() {
        let status = Status::default();
        status.set(Health::Ready);
        let pass = status.beat.pass();
        watch(&status, Duration::from_millis(20)).await;
        assert!(status.lost().await.contains("0.02 s"));
        // It may wake up yet: its process is given up all the same.
        drop(pass);
        status.set(Health::Ready);
        assert!(matches!(status.health(), Health::Lost(_)));
    }

    #[test]
    fn time_between_passes_does_not_count() {
        let beat = Beat::default();
        drop(beat.pass());
        std::thread::sleep(Duration::from_millis(5));
        assert_eq!(beat.taken(), Duration::ZERO);
        let _pass = beat.pass();
        std::thread::sleep(Duration::from_millis(5));
        assert!(beat.taken() >= Duration::from_millis(5));
    }
}
