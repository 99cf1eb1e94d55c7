//! The room before the engine's thread: how many jobs may wait, and how many
//! pixels all of them together may have. A large picture takes the device as
//! long as many small ones, so both are counted.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Pixels are counted by this many: a semaphore's permits are 32 bits wide.
const UNIT: u64 = 1 << 10;
/// What a picture costs however small it is, in units.
const LEAST: u64 = 16;

/// Places for jobs that wait.
pub(super) struct Room {
    jobs: Arc<Semaphore>,
    units: Arc<Semaphore>,
    most_jobs: usize,
    most_units: u32,
}

/// One job's share of the room, given back when dropped.
pub(super) struct Place {
    _job: OwnedSemaphorePermit,
    _units: OwnedSemaphorePermit,
}

impl Room {
    pub fn new(jobs: usize, pixels: u64) -> Self {
        let most_jobs = jobs.clamp(1, Semaphore::MAX_PERMITS);
        let most_units = units(pixels);
        Self {
            jobs: Arc::new(Semaphore::new(most_jobs)),
            units: Arc::new(Semaphore::new(most_units as usize)),
            most_jobs,
            most_units,
        }
    }

    /// A place for a job of so many pixels, at once or not at all. A job of more
    /// than all the room holds has its place while nobody else waits.
    pub fn enter(&self, pixels: u64) -> Option<Place> {
        let job = self.jobs.clone().try_acquire_owned().ok()?;
        let units = self.units.clone().try_acquire_many_owned(units(pixels).min(self.most_units)).ok()?;
        Some(Place { _job: job, _units: units })
    }

    /// How many jobs wait or are about to.
    pub fn jobs(&self) -> usize {
        self.most_jobs - self.jobs.available_permits()
    }

    /// What the jobs that wait weigh, in units.
    pub fn weight(&self) -> u64 {
        u64::from(self.most_units).saturating_sub(self.units.available_permits() as u64)
    }
}

/// What a picture of so many pixels weighs.
pub(super) fn units(pixels: u64) -> u32 {
    u32::try_from(LEAST + pixels.div_ceil(UNIT)).unwrap_or(u32::MAX).min(Semaphore::MAX_PERMITS as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_is_full_by_jobs_or_by_pixels() {
        let by_jobs = Room::new(2, u64::MAX);
        let places = [by_jobs.enter(1), by_jobs.enter(1)];
        assert!(places.iter().all(Option::is_some) && by_jobs.enter(1).is_none());

        let by_pixels = Room::new(100, 1_000_000);
        let large = by_pixels.enter(900_000);
        assert!(large.is_some() && by_pixels.enter(200_000).is_none());
        assert!(by_pixels.enter(1000).is_some(), "a small one still fits");
        drop(large);
        assert!(by_pixels.enter(200_000).is_some(), "a place is given back");
    }

    #[test]
    fn what_is_larger_than_the_room_waits_alone() {
        let room = Room::new(100, 1_000_000);
        let small = room.enter(1);
        assert!(room.enter(50_000_000).is_none());
        drop(small);
        let large = room.enter(50_000_000);
        assert!(large.is_some() && room.enter(1).is_none());
        assert_eq!((room.jobs(), room.weight()), (1, u64::from(units(1_000_000))));
    }
}
