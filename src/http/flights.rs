//! What is the same is drawn once: requests in flight share one drawing, and a
//! cache (off by default) keeps the last ones.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use lru::LruCache;
use sha2::{Digest, Sha256};

use super::drawing::Drawn;
use super::params::Parameters;
use super::problem::Problem;
use crate::imaging::Format;
use crate::models::Card;

/// The name of a picture: a hash of all that makes it what it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

impl Key {
    /// The key of `photo` drawn like this by the model of that card.
    pub fn new(photo: &[u8], parameters: &Parameters, format: Format, card: &Card) -> Self {
        // Lengths keep the parts apart.
        let how = format!("{parameters:?} {format:?} {card:?} {}", env!("CARGO_PKG_VERSION"));
        let hash = Sha256::new().chain_update(how.len().to_le_bytes()).chain_update(how).chain_update(photo);
        Self(hash.finalize().into())
    }

    /// The key as an entity tag (RFC 9110, 8.8.3): weak, since another machine's
    /// instructions may round to another value here and there.
    pub fn tag(&self) -> String {
        format!("W/\"{self}\"")
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..16].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

type Flight = BoxFuture<'static, Result<Drawn, Problem>>;

/// The drawings that are under way.
#[derive(Clone, Default)]
pub struct Flights(Arc<Mutex<HashMap<Key, WeakShared<Flight>>>>);

impl Flights {
    /// The drawing of that key: the one under way, else the one that `start` begins.
    /// It is worked on while anybody waits for it.
    pub fn join<F>(&self, key: Key, start: impl FnOnce() -> F) -> Shared<Flight>
    where
        F: Future<Output = Result<Drawn, Problem>> + Send + 'static,
    {
        let mut flights = lock(&self.0);
        if let Some(flight) = flights.get(&key).and_then(WeakShared::upgrade) {
            return flight;
        }
        let flight = start().boxed().shared();
        flights.retain(|_, flight| flight.upgrade().is_some());
        if let Some(weak) = flight.downgrade() {
            flights.insert(key, weak);
        }
        flight
    }
}

/// The last pictures, up to a number of bytes.
#[derive(Clone)]
pub struct Cache {
    most: usize,
    pictures: Arc<Mutex<(LruCache<Key, Drawn>, usize)>>,
}

impl Cache {
    /// A cache of up to `most` bytes; of 0 it keeps nothing.
    pub fn new(most: usize) -> Self {
        Self { most, pictures: Arc::new(Mutex::new((LruCache::unbounded(), 0))) }
    }

    /// The picture, if it is kept.
    pub fn get(&self, key: &Key) -> Option<Drawn> {
        lock(&self.pictures).0.get(key).cloned()
    }

    /// Keeps a copy, and lets those go that were not asked for the longest.
    pub fn put(&self, key: Key, drawn: &Drawn) {
        let size = drawn.bytes.len();
        if size > self.most {
            return;
        }
        // A copy, so that it does not hold the memory of requests.
        let kept = Drawn { bytes: drawn.bytes.to_vec().into(), ..drawn.clone() };
        let mut pictures = lock(&self.pictures);
        let (cache, held) = &mut *pictures;
        *held += size;
        if let Some((_, old)) = cache.push(key, kept) {
            *held -= old.bytes.len();
        }
        while *held > self.most
            && let Some((_, old)) = cache.pop_lru()
        {
            *held -= old.bytes.len();
        }
    }
}

/// What is behind the lock is whole even after a panic: it is only inserted and removed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
