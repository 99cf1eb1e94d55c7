//! Weights in the order in which a kernel reads them.

use super::kernel::{Kernel, LANES, VECTORS, Value};
use crate::kernels::aligned::Aligned;
use std::ops::Range;

/// Columns of a full panel.
const COLUMNS: usize = VECTORS * LANES;

/// A matrix of `factors` × `columns` in panels of [`COLUMNS`] columns, the last one of [`LANES`] if that is enough.
pub(super) struct Panels<K: Kernel> {
    values: Aligned<K::Value>,
    factors: usize,
    columns: usize,
}

/// A panel that is being made: zeros at first.
pub(super) struct Panel<'a, K: Kernel> {
    /// Those of the matrix.
    pub(super) columns: Range<usize>,
    /// Its columns, with those that fill up the last vector.
    pub(super) width: usize,
    /// `(factors, width)`, the neighbouring factors of a group beside each other.
    pub(super) values: &'a mut [K::Value],
}

impl<K: Kernel> Panel<'_, K> {
    /// Sets factor `to` of each column `n` to `weights[from + n · step]`, for every `(from, to)` of `places`. They are
    /// best sorted by `from`: the weights are then read as they lie.
    pub(super) fn set(&mut self, weights: &[f32], step: usize, places: &[(usize, usize)]) {
        /// Places that are gone through column by column while their part of the panel is in the L1 cache.
        const BLOCK: usize = 128;
        for places in places.chunks(BLOCK) {
            for (column, of_matrix) in self.columns.clone().enumerate() {
                let weights = &weights[of_matrix * step..];
                for &(from, to) in places {
                    let (group, member) = (to / K::GROUP, to % K::GROUP);
                    self.values[(group * self.width + column) * K::GROUP + member] = K::Value::of(weights[from]);
                }
            }
        }
    }
}

impl<K: Kernel> Panels<K> {
    /// Those of `count` factors, up to a multiple of the kernel's chunk, each made by `fill`.
    pub(super) fn filled(count: usize, columns: usize, fill: impl Fn(Panel<'_, K>) + Sync) -> Self {
        let factors = count.next_multiple_of(K::CHUNK);
        let len = factors * columns.next_multiple_of(LANES);
        let values = Aligned::filled(len, factors * COLUMNS, |panel, values: &mut [K::Value]| {
            let first = panel * COLUMNS;
            fill(Panel { columns: first..columns.min(first + COLUMNS), width: values.len() / factors, values });
        });
        Self { values, factors, columns }
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
