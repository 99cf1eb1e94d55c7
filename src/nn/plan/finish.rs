//! From a row of the last layer's values to the lines of the picture.

use super::{Finish, Last};
use crate::kernels::lines::{add, add_recoloured, all_tanh, shuffle};
use crate::kernels::plan::Value;

impl Last {
    /// Writes line `i`, one of the `block` of channel `c` that a row of values becomes; `pixels` are `channels` values
    /// each.
    pub(super) fn shuffle<T: Value>(&self, line: &mut [f32], pixels: &[T], channels: usize, (c, i): (usize, usize)) {
        let first = (c * self.block + i) * self.block;
        match self.block {
            // By far the commonest ones, whose inner loop is no loop.
            1 => shuffle::<1, T>(line, pixels, channels, first),
            2 => shuffle::<2, T>(line, pixels, channels, first),
            block => {
                for (line, pixel) in line.chunks_exact_mut(block).zip(pixels.chunks_exact(channels)) {
                    line.iter_mut().zip(&pixel[first..]).for_each(|(line, value)| *line = value.f32());
                }
            }
        }
    }

    /// Makes a line of channel `c` the picture's. `photo` has the photo's lines by channel, and `colours` are the
    /// numbers of [`Outline::recoloured`](super::Outline::recoloured).
    pub(super) fn finish<'a>(
        &self,
        line: &mut [f32],
        c: usize,
        photo: impl Fn(usize) -> &'a [f32],
        colours: Option<&[f32]>,
    ) {
        match (self.finish, colours.and_then(|colours| colours.as_chunks().0.get(c))) {
            (Finish::Tanh, _) => all_tanh(line),
            (Finish::AddToPhoto, None) => add(line, photo(c)),
            (Finish::AddToPhoto, Some(colour)) => add_recoloured(line, [0, 1, 2].map(photo), colour),
        }
    }
}
