//! Memory as something that requests take and give back: uploads and pictures
//! come from two accounts, so that neither can starve the other, and both
//! together stay well under 2 GiB whatever is sent.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::Problem;

/// Accounts are kept in KiB: a semaphore's permits are 32 bits wide at a time.
const UNIT: usize = 1 << 10;
/// For request bodies, as they arrive.
const UPLOADS: usize = 256 << 20;
/// For pictures and answers: a JPEG of 50 megapixels leaves room for smaller
/// ones, a PNG of that size is worked on alone.
const PICTURES: usize = 896 << 20;
/// How long a decoded picture's room is waited for before the answer is 429.
const PATIENCE: Duration = Duration::from_secs(10);

/// The two accounts, shared by all requests.
#[derive(Clone)]
pub struct Memory {
    uploads: Arc<Semaphore>,
    pictures: Arc<Semaphore>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { uploads: Arc::new(Semaphore::new(UPLOADS / UNIT)), pictures: Arc::new(Semaphore::new(PICTURES / UNIT)) }
    }
}

impl Memory {
    /// An empty reservation for a body that is about to arrive.
    ///
    /// # Errors
    /// A 429 [`Problem`] where no byte is left.
    pub fn upload(&self) -> Result<Reservation, Problem> {
        self.uploads.clone().try_acquire_owned().map(Reservation).map_err(|_| full())
    }

    /// Room for `bytes` of pixels, waited for in turn. More than there is
    /// counts as all there is: the largest pictures pass one at a time.
    ///
    /// # Errors
    /// A 429 [`Problem`] where none comes free in time.
    pub async fn pictures(&self, bytes: usize) -> Result<Reservation, Problem> {
        let room = self.pictures.clone().acquire_many_owned(units(bytes.min(PICTURES)));
        match tokio::time::timeout(PATIENCE, room).await {
            Ok(Ok(permit)) => Ok(Reservation(permit)),
            _ => Err(full()),
        }
    }
}

/// A share of an account, given back when dropped.
pub struct Reservation(OwnedSemaphorePermit);

impl Reservation {
    /// Grows to cover `bytes` in all, at once or not at all: waiting for
    /// uploads while holding one could wait for ever.
    ///
    /// # Errors
    /// A 429 [`Problem`] where the account is empty.
    pub fn grow_to(&mut self, bytes: usize) -> Result<(), Problem> {
        let more = (units(bytes) as usize).saturating_sub(self.0.num_permits());
        if more > 0 {
            let account = self.0.semaphore().clone();
            let more = u32::try_from(more).unwrap_or(u32::MAX);
            self.0.merge(account.try_acquire_many_owned(more).map_err(|_| full())?);
        }
        Ok(())
    }

    /// Gives back what is over `bytes`.
    pub fn shrink_to(&mut self, bytes: usize) {
        let over = self.0.num_permits().saturating_sub(units(bytes) as usize);
        drop(self.0.split(over));
    }

    /// The bytes as an answer's body, which holds this reservation until the
    /// last of them is on its way to the client.
    pub fn hold(mut self, bytes: Vec<u8>) -> Bytes {
        self.shrink_to(bytes.len());
        Bytes::from_owner(Held { bytes, _reservation: self })
    }
}

struct Held {
    bytes: Vec<u8>,
    _reservation: Reservation,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT).max(1)).unwrap_or(u32::MAX)
}

fn full() -> Problem {
    Problem::busy("the memory for pictures is in use", Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn uploads_are_refused_when_the_account_is_empty_and_given_back_when_dropped() {
        let memory = Memory::default();
        let mut large = memory.upload().unwrap();
        large.grow_to(UPLOADS).unwrap();
        assert!(memory.upload().is_err());
        assert!(large.grow_to(UPLOADS + UNIT).is_err());
        drop(large);
        assert!(memory.upload().is_ok());
    }

    #[tokio::test]
    async fn the_largest_picture_passes_alone_and_its_answer_keeps_only_its_own_size() {
        let memory = Memory::default();
        let large = memory.pictures(usize::MAX).await.unwrap();
        assert_eq!(memory.pictures.available_permits(), 0, "all is taken");
        let answer = large.hold(vec![0; 10 * UNIT]);
        assert_eq!(memory.pictures.available_permits(), PICTURES / UNIT - 10);
        drop(answer);
        assert_eq!(memory.pictures.available_permits(), PICTURES / UNIT);
    }
}
