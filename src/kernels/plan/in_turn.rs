//! Two tiles in turn: while one is summed, the sums of the other are finished and stored.

use super::kernel::{Kernel, LANES, MAX_ROWS, Strand, Sums, VECTORS};
use super::layer::Phase;
use super::run::Common;
use crate::kernels::meanwhile::Meanwhile;
use std::ops::Range;

/// Bytes of a cache line.
const LINE: usize = 64;

/// See the module.
pub(super) struct InTurn<'a, K: Kernel> {
    common: &'a Common<'a, K>,
    phase: &'a Phase<K>,
    tiles: [Tile; 2],
    /// The one that waits to be stored.
    waiting: usize,
}

/// Sums and where they go.
struct Tile {
    sums: Sums,
    /// Where each row's output pixel lies.
    pixels: [usize; MAX_ROWS],
    /// Rows that are stored, and all of them.
    rows: (usize, usize),
    /// The first column's output channel.
    channel: usize,
    vectors: usize,
}

/// A tile that is being stored.
struct Storing<'a, K: Kernel> {
    common: &'a Common<'a, K>,
    tile: &'a mut Tile,
    /// What is summed meanwhile, where that is read for the first time.
    strands: &'a [Strand<K::Value>],
    /// Rows of a part, once the first is stored.
    step: usize,
}

impl<'a, K: Kernel> InTurn<'a, K> {
    #[inline(always)]
    pub(super) fn new(common: &'a Common<'a, K>, phase: &'a Phase<K>) -> Self {
        let empty = || Tile {
            sums: Sums([[0.0; VECTORS * LANES]; MAX_ROWS]),
            pixels: [0; MAX_ROWS],
            rows: (0, 0),
            channel: 0,
            vectors: 0,
        };
        Self { common, phase, tiles: [empty(), empty()], waiting: 0 }
    }

    /// Sums a tile of a panel, whose rows go to `pixels`. `new` says that the windows have not been read for another
    /// panel just before, so that they may not be in the caches.
    ///
    /// # Safety
    /// The strands are those of the panel, inside their buffers for so many rows, and nobody else writes to the pixels'
    /// channels until they are stored: by the next tile, or by [`Self::finish`].
    #[inline(always)]
    pub(super) unsafe fn tile(
        &mut self,
        (panel, new): (usize, bool),
        strands: &[Strand<K::Value>],
        pixels: impl ExactSizeIterator<Item = usize>,
    ) {
        let (weights, vectors) = self.phase.weights.panel(panel);
        let [first, second] = &mut self.tiles;
        let (waiting, next) = if self.waiting == 0 { (first, second) } else { (second, first) };
        let rows = pixels.len();
        (next.rows, next.channel, next.vectors) = ((0, rows), panel * VECTORS * LANES, vectors);
        next.pixels.iter_mut().zip(pixels).for_each(|(to, pixel)| *to = pixel);
        let unread = if new { strands } else { &[] };
        let mut storing = Storing { common: self.common, tile: waiting, strands: unread, step: 0 };
        // SAFETY: as the caller says; the panel was packed for the strands.
        unsafe {
            K::tile_meanwhile(strands, weights.as_ptr(), (rows, vectors), &mut next.sums, &mut storing);
        }
        self.waiting = 1 - self.waiting;
    }

    /// Stores what waits.
    ///
    /// # Safety
    /// That of [`Self::tile`].
    #[inline(always)]
    pub(super) unsafe fn finish(&mut self) {
        // SAFETY: as the caller says.
        unsafe { Storing { common: self.common, tile: &mut self.tiles[self.waiting], strands: &[], step: 0 }.part(1) }
    }
}

impl<K: Kernel> Storing<'_, K> {
    /// Announces what lies under these rows' windows: the next tile goes on there, further down than the processor
    /// would look by itself.
    #[inline(always)]
    fn announce(&self, rows: &Range<usize>) {
        for strand in self.strands {
            let below = strand.start.wrapping_add(strand.segments * strand.segment_step);
            for at in (rows.start * strand.row..rows.end * strand.row).step_by(LINE / size_of::<K::Value>()) {
                K::announce(below.wrapping_add(at));
            }
        }
    }
}

impl<K: Kernel> Meanwhile for Storing<'_, K> {
    /// Stores some rows.
    ///
    /// # Safety
    /// That of [`Common::store`].
    #[inline(always)]
    unsafe fn part(&mut self, parts: usize) {
        let (done, all) = self.tile.rows;
        if done == all {
            return;
        }
        if self.step == 0 {
            self.step = all.div_ceil(parts);
        }
        let some = done..(done + self.step).min(all);
        self.announce(&some);
        self.tile.rows.0 = some.end;
        let Tile { sums, pixels, channel, vectors, .. } = &*self.tile;
        // SAFETY: as the caller says.
        unsafe { self.common.store(&sums.0[some.clone()], &pixels[some], *channel, *vectors) }
    }
}
