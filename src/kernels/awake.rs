//! Threads that stay awake from one parallel loop to the next.
//!
//! rayon's threads sleep soon after a loop has nothing left for them, and so does a thread of another kind that waits for
//! a loop. The system takes longer to wake one than a small layer takes to compute. While a network draws or learns, its
//! thread is one of the pool's, and the others look for work instead.

use std::cell::RefCell;
use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How long a thread without work stays awake, and how long one stays in all unless it is called again. A thread may
/// come to this in the middle of other work, which waits, and others for that.
const PATIENCE: Duration = Duration::from_micros(300);
const LONGEST: Duration = Duration::from_millis(20);
/// Pauses between two looks for work.
const PAUSES: usize = 16;

thread_local! {
    static CURRENT: RefCell<Option<Awake>> = const { RefCell::new(None) };
}

/// Runs `work` on a thread of the pool while the others stay awake.
pub fn in_pool<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    rayon::scope(|_| {
        // This thread may have waited for a loop of another's when it came to this.
        let _outer = Restored(CURRENT.replace(Some(Awake::new())));
        call();
        work()
    })
}

/// Wakes those that have fallen asleep, if this is [`in_pool`]: before a loop that is worth it.
pub fn call() {
    CURRENT.with_borrow(|current| {
        if let Some(awake) = current {
            awake.call();
        }
    });
}

/// Puts back what was current before.
struct Restored(Option<Awake>);

impl Drop for Restored {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// Keeps the pool's other threads awake as long as it lives.
struct Awake {
    state: Arc<State>,
    wanted: usize,
}

struct State {
    /// The thread that has work for the others.
    owner: Option<usize>,
    over: AtomicBool,
    /// Threads that are awake, or called.
    awake: AtomicUsize,
}

impl Awake {
    fn new() -> Self {
        let state = State { owner: rayon::current_thread_index(), over: false.into(), awake: 0.into() };
        Self { state: Arc::new(state), wanted: rayon::current_num_threads() - 1 }
    }

    fn call(&self) {
        while self.state.awake.load(Relaxed) < self.wanted {
            self.state.awake.fetch_add(1, Relaxed);
            let state = self.state.clone();
            rayon::spawn(move || {
                state.stay();
                state.awake.fetch_sub(1, Relaxed);
            });
        }
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        self.state.over.store(true, Relaxed);
    }
}

impl State {
    fn stay(&self) {
        // While the owner waits for others it may be given this, too.
        if rayon::current_thread_index() == self.owner {
            return;
        }
        let start = Instant::now();
        let mut since = start;
        while !self.over.load(Relaxed) && start.elapsed() < LONGEST {
            if rayon::yield_now() == Some(rayon::Yield::Executed) {
                since = Instant::now();
                continue;
            }
            (0..PAUSES).for_each(|_| spin_loop());
            std::thread::yield_now();
            if since.elapsed() > PATIENCE {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use rayon::prelude::*;

    /// Owners on every thread, whose loops and calls are taken up by each other's threads: none waits for ever.
    #[test]
    fn loops_of_several_owners_end() {
        for threads in [1, 2, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let sums: Vec<u64> = pool.install(|| {
                let owners = (0..2 * threads).into_par_iter();
                let sum = |owner| {
                    in_pool(|| {
                        let rounds = (0..100).map(|round| {
                            call();
                            (0..64).into_par_iter().map(|i: u64| i * round + owner as u64).sum::<u64>()
                        });
                        rounds.sum()
                    })
                };
                owners.map(sum).collect()
            });
            let expected = |owner: usize| 2016 * 4950 + 6400 * owner as u64;
            assert_eq!(sums, (0..2 * threads).map(expected).collect::<Vec<_>>());
        }
    }

    #[test]
    fn nobody_stays_after_the_end() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let current = || CURRENT.with_borrow(|current| current.as_ref().unwrap().state.clone());
        let state = pool.install(|| in_pool(current));
        let end = Instant::now() + Duration::from_secs(60);
        while state.awake.load(Relaxed) > 0 && Instant::now() < end {
            std::thread::yield_now();
        }
        assert_eq!(state.awake.load(Relaxed), 0);
    }
}
