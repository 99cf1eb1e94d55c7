//! Weights in the order in which a kernel reads them.

use super::kernel::{Kernel, LANES, VECTORS, Value};
use crate::kernels::aligned::Aligned;
use rayon::prelude::*;

/// Columns of a full panel.
const COLUMNS: usize = VECTORS * LANES;

/// A matrix of `factors` × `columns` in panels of [`COLUMNS`] columns, the last one of [`LANES`] if that is enough.
pub(super) struct Panels<K: Kernel> {
    values: Aligned<K::Value>,
    factors: usize,
    columns: usize,
}

impl<K: Kernel> Panels<K> {
    /// Zeros for `count` factors, up to a multiple of the kernel's chunk.
    pub(super) fn zeros(count: usize, columns: usize) -> Self {
        let factors = count.next_multiple_of(K::CHUNK);
        Self { values: Aligned::zeros(factors * columns.next_multiple_of(LANES)), factors, columns }
    }

    /// Sets factor `to` of each column `n` to `weights[from + n · step]`, for every `(from, to)` of `places`. They are
    /// best sorted by `from`: the weights are then read as they lie.
    pub(super) fn fill(&mut self, weights: &[f32], step: usize, places: &[(usize, usize)]) {
        /// Places that are gone through column by column while their part of the panel is in the L1 cache.
        const BLOCK: usize = 128;
        let (factors, columns) = (self.factors, self.columns);
        self.values.slice_mut().par_chunks_mut(factors * COLUMNS).enumerate().for_each(|(panel, values)| {
            let width = values.len() / factors;
            let first = panel * COLUMNS;
            for places in places.chunks(BLOCK) {
                for column in 0..width.min(columns - first) {
                    let weights = &weights[(first + column) * step..];
                    for &(from, to) in places {
                        let (group, member) = (to / K::GROUP, to % K::GROUP);
                        values[(group * width + column) * K::GROUP + member] = K::Value::of(weights[from]);
                    }
                }
            }
        });
    }

    /// Products that make one sum, the added zeros too.
    pub(super) fn factors(&self) -> usize {
        self.factors
    }

    /// Vectors of columns.
    pub(super) fn vectors(&self) -> usize {
        self.columns.div_ceil(LANES)
    }

    pub(super) fn count(&self) -> usize {
        self.vectors().div_ceil(VECTORS)
    }

    /// A panel's weights and how many vectors it is wide.
    pub(super) fn panel(&self, panel: usize) -> (&[K::Value], usize) {
        let vectors = (self.vectors() - panel * VECTORS).min(VECTORS);
        let start = panel * self.factors * COLUMNS;
        (&self.values.slice()[start..start + self.factors * vectors * LANES], vectors)
    }
}
