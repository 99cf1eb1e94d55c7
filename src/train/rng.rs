//! Seeded randomness: one stream a purpose, so that nothing depends on the
//! order in which threads draw.

use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A stream of random numbers (ChaCha, 8 rounds) whose state can be saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream that `seed`, `label` and `index` name: always the same one,
    /// and unrelated to the stream of any other name.
    pub fn derive(seed: u64, label: &str, index: u64) -> Self {
        let name = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(index.to_le_bytes()).chain_update(label);
        Self(ChaCha8Rng::from_seed(name.finalize().into()))
    }

    /// Uniform in `low..=high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.random_range(low.min(high)..=low.max(high))
    }

    /// Uniform in `low..high`; `low` where they are equal.
    pub fn uniform(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.0.random::<f32>()
    }

    /// True with the probability `p`.
    pub fn chance(&mut self, p: f32) -> bool {
        self.0.random::<f32>() < p
    }

    /// `0..len` in random order (Fisher and Yates).
    pub fn permutation(&mut self, len: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..len).collect();
        for last in (1..len).rev() {
            let other = self.0.random_range(0..=last as u64) as usize;
            order.swap(last, other);
        }
        order
    }
}

impl RngCore for Stream {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_stream_is_named_by_all_three() {
        let first = |seed, label, index| Stream::derive(seed, label, index).next_u64();
        let one = first(1, "order", 0);
        assert_eq!(one, first(1, "order", 0));
        for other in [first(2, "order", 0), first(1, "augment", 0), first(1, "order", 1)] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn a_saved_stream_goes_on_where_it_stopped() {
        let mut stream = Stream::derive(7, "noise", 3);
        stream.next_u32();
        let saved = serde_json::to_string(&stream).unwrap();
        let ahead: Vec<u32> = (0..40).map(|_| stream.next_u32()).collect();
        let mut resumed: Stream = serde_json::from_str(&saved).unwrap();
        assert_eq!(ahead, (0..40).map(|_| resumed.next_u32()).collect::<Vec<_>>());
    }

    #[test]
    fn a_permutation_holds_everything_once_and_moves_it() {
        let mut order = Stream::derive(1, "order", 0).permutation(100);
        assert_ne!(order, (0..100).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn draws_stay_in_their_ranges_and_fill_them() {
        let mut stream = Stream::derive(1, "draws", 0);
        let draws: Vec<i64> = (0..1000).map(|_| stream.between(-2, 2)).collect();
        for value in -2..=2 {
            // 200 expected; 5 standard deviations are 63.
            let count = draws.iter().filter(|&&draw| draw == value).count();
            assert!((137..=263).contains(&count), "{value} came {count} times");
        }
        let hits = (0..1000).filter(|_| stream.chance(0.3)).count();
        assert!((227..=373).contains(&hits), "{hits} of 1000");
        assert!((0..1000).map(|_| stream.uniform(2.0, 3.0)).all(|v| (2.0..=3.0).contains(&v)));
    }
}
