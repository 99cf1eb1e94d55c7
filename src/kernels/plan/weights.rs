//! Weights in the order in which a kernel reads them.

use super::buffer::Aligned;
use super::kernel::{Kernel, LANES, VECTORS, Value};
use rayon::prelude::*;

/// Columns of a full panel.
const COLUMNS: usize = VECTORS * LANES;

/// A matrix of `factors` × `columns` in panels of [`COLUMNS`] columns, the last one of [`LANES`] if that is enough.
pub(super) struct Panels<K: Kernel> {
    values: Aligned<K::Value>,
    factors: usize,
    vectors: usize,
}

impl<K: Kernel> Panels<K> {
    /// Packs `weight(factor, column)`; columns beyond are zero, and so are factors up to a multiple of the kernel's
    /// chunk.
    pub(super) fn pack(count: usize, columns: usize, weight: impl Fn(usize, usize) -> f32 + Sync) -> Self {
        let (factors, vectors) = (count.next_multiple_of(K::CHUNK), columns.div_ceil(LANES));
        let mut values = Aligned::<K::Value>::zeros(factors * vectors * LANES);
        values.slice_mut().par_chunks_mut(factors * COLUMNS).enumerate().for_each(|(panel, values)| {
            let width = values.len() / factors;
            for (group, values) in values.chunks_exact_mut(width * K::GROUP).enumerate() {
                for (i, value) in values.iter_mut().enumerate() {
                    let (column, factor) = (panel * COLUMNS + i / K::GROUP, group * K::GROUP + i % K::GROUP);
                    if column < columns && factor < count {
                        *value = K::Value::of(weight(factor, column));
                    }
                }
            }
        });
        Self { values, factors, vectors }
    }

    /// Products that make one sum, the added zeros too.
    pub(super) fn factors(&self) -> usize {
        self.factors
    }

    /// Vectors of columns.
    pub(super) fn vectors(&self) -> usize {
        self.vectors
    }

    pub(super) fn count(&self) -> usize {
        self.vectors.div_ceil(VECTORS)
    }

    /// A panel's weights and how many vectors it is wide.
    pub(super) fn panel(&self, panel: usize) -> (&[K::Value], usize) {
        let vectors = (self.vectors - panel * VECTORS).min(VECTORS);
        let start = panel * self.factors * COLUMNS;
        (&self.values.slice()[start..start + self.factors * vectors * LANES], vectors)
    }
}
