//! Memory whose start lies on a cache line.

use super::fresh::by_parts;
use super::plan::Value;
use std::marker::PhantomData;

/// A cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// `len` values from a cache line's start on.
pub(super) struct Aligned<T> {
    lines: Vec<Line>,
    len: usize,
    values: PhantomData<T>,
}

impl<T: Value> Aligned<T> {
    /// All zero: of a [`Value`], zero bits are the number 0.
    pub(super) fn zeros(len: usize) -> Self {
        let lines = vec![Line([0; 64]); (len * size_of::<T>()).div_ceil(64)];
        Self { lines, len, values: PhantomData }
    }

    /// `len` values, every `part_len` of them, the last ones perhaps fewer, made by `fill` from their number and zeros,
    /// parts in parallel: what is written at once need not be cleared by one thread before.
    pub(super) fn filled(len: usize, part_len: usize, fill: impl Fn(usize, &mut [T]) + Sync) -> Self {
        let lines = |values: usize| values * size_of::<T>() / size_of::<Line>();
        let whole = |values| lines(values) * size_of::<Line>() == values * size_of::<T>();
        assert!(part_len > 0 && whole(len) && whole(part_len), "parts are whole lines");
        let lines = by_parts(lines(len), lines(part_len), Line([0; 64]), |i, part| {
            let values = size_of_val(part) / size_of::<T>();
            // SAFETY: the part's lines are so many values, and any bits are a value.
            fill(i, unsafe { std::slice::from_raw_parts_mut(part.as_mut_ptr().cast(), values) });
        });
        Self { lines, len, values: PhantomData }
    }

    pub(super) fn slice(&self) -> &[T] {
        // SAFETY: the lines hold `len` values, any bits are a value (f32 or bf16), and 64 bytes align both.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }

    pub(super) fn slice_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `slice`, and borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}
