//! Batches, prepared ahead on threads of their own.

use super::augment::Augment;
use super::dataset::{DataError, Pairs};
use super::rng::Stream;
use super::styles::Styles;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Batches that each thread holds ready.
const AHEAD: usize = 2;

/// Samples of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// `(n, 3, side, side)` in −1..1: what the generator sees.
    pub photo: Vec<f32>,
    /// `(n, 3, side, side)` in −1..1: what it is to draw.
    pub target: Vec<f32>,
    /// `(n, looks)`: the weight of each look in a sample's target.
    pub style: Vec<f32>,
    /// How many samples.
    pub n: usize,
    /// Width and height.
    pub side: usize,
    /// The step within its epoch, from 0.
    pub step: usize,
}

/// Draws the batches of an epoch. Which they are is decided by the pairs, the
/// settings, the seed, the epoch and the step alone: neither the number of
/// threads nor an interruption changes them.
#[derive(Clone, Debug)]
pub struct Loader {
    pairs: Arc<Pairs>,
    augment: Augment,
    styles: Styles,
    batch: usize,
    seed: u64,
    workers: usize,
}

impl Loader {
    /// Batches of `batch` pairs, drawn by `workers` threads.
    ///
    /// # Errors
    /// When a setting cannot be followed, or there are fewer pairs than a batch takes.
    pub fn new(
        pairs: impl Into<Arc<Pairs>>,
        augment: Augment,
        batch: usize,
        seed: u64,
        workers: usize,
    ) -> Result<Self, DataError> {
        augment.check()?;
        if batch == 0 || workers == 0 {
            return Err(DataError::Setting(format!("batch is {batch} and workers {workers}: both must be at least 1")));
        }
        let pairs = pairs.into();
        if pairs.len() < batch {
            let text = format!("{} pairs do not fill a batch of {batch}: add data or lower --batch", pairs.len());
            return Err(DataError::Setting(text));
        }
        Ok(Self { pairs, augment, styles: Styles::default(), batch, seed, workers })
    }

    /// The same, with pairs of several targets drawn in other `styles`.
    pub fn drawing(self, styles: Styles) -> Self {
        Self { styles, ..self }
    }

    /// The pairs that batches are drawn from.
    pub fn pairs(&self) -> usize {
        self.pairs.len()
    }

    /// Steps in an epoch. What does not fill a batch is left out: other pairs each epoch.
    pub fn steps(&self) -> usize {
        self.pairs.len() / self.batch
    }

    /// The batches of epoch `epoch` from step `start` on (0: all of them), in
    /// order; a pair comes at most once an epoch, in an order of the epoch's own.
    pub fn epoch(&self, epoch: usize, start: usize) -> Epoch {
        let epoch = epoch as u64;
        let order = Arc::new(Stream::derive(self.seed, "order", epoch).permutation(self.pairs.len()));
        let steps = self.steps();
        let workers = self.workers.min(steps.saturating_sub(start));
        let (queues, threads) = (0..workers)
            .map(|worker| {
                let (sender, queue) = sync_channel(AHEAD);
                let (loader, order) = (self.clone(), order.clone());
                let thread = std::thread::spawn(move || {
                    for step in (start + worker..steps).step_by(workers) {
                        // Nobody listens any more: the epoch was dropped.
                        if sender.send(loader.draw(epoch, &order, step)).is_err() {
                            return;
                        }
                    }
                });
                (queue, thread)
            })
            .unzip();
        Epoch { queues, threads, start, next: start, steps, waited: Duration::ZERO }
    }

    fn draw(&self, epoch: u64, order: &[usize], step: usize) -> Result<Batch, DataError> {
        let chosen = &order[step * self.batch..(step + 1) * self.batch];
        let values = self.augment.values();
        let (n, side) = (chosen.len(), self.augment.crop);
        let (mut photo, mut target, mut styles) = (vec![0.0; n * values], vec![0.0; n * values], Vec::new());
        let planes = photo.chunks_exact_mut(values).zip(target.chunks_exact_mut(values));
        for (&index, (photo, target)) in chosen.iter().zip(planes) {
            let mut stream = Stream::derive(self.seed, "augment", epoch << 32 | index as u64);
            let pair = self.pairs.read(index)?;
            let style = match pair.targets.len() {
                1 => vec![1.0],
                looks => {
                    let mut stream = Stream::derive(self.seed, "style", epoch << 32 | index as u64);
                    self.styles.draw(looks, &mut stream)
                }
            };
            self.augment.sample(&pair, &style, &mut stream, photo, target)?;
            styles.extend(style);
        }
        Ok(Batch { photo, target, style: styles, n, side, step })
    }
}

/// The batches of one epoch, in order; a failed one is the last.
#[derive(Debug)]
pub struct Epoch {
    /// The thread `k` of `n` draws the steps `start + k`, `start + k + n`, …
    queues: Vec<Receiver<Result<Batch, DataError>>>,
    threads: Vec<JoinHandle<()>>,
    start: usize,
    next: usize,
    steps: usize,
    waited: Duration,
}

impl Epoch {
    /// How long [`Iterator::next`] has waited for batches so far.
    pub fn waited(&self) -> Duration {
        self.waited
    }
}

impl Iterator for Epoch {
    type Item = Result<Batch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.steps {
            return None;
        }
        let asked = Instant::now();
        let answer = self.queues[(self.next - self.start) % self.queues.len()].recv();
        self.waited += asked.elapsed();
        let batch = answer.unwrap_or(Err(DataError::Stopped));
        self.next = if batch.is_ok() { self.next + 1 } else { self.steps };
        Some(batch)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.steps.saturating_sub(self.next)))
    }
}

impl Drop for Epoch {
    fn drop(&mut self) {
        // Threads that wait for room in their queue wake up and end.
        self.queues.clear();
        for thread in self.threads.drain(..) {
            // A panic there was already answered as `DataError::Stopped`.
            let _ = thread.join();
        }
    }
}
