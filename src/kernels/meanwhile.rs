//! Work of another kind that a loop of products does between them: tiles are multiplied beside the processor's vectors,
//! and a few dozen instructions ahead is as far as it looks for what it can do at once.

/// See the module.
pub trait Meanwhile {
    /// Does one of `parts` parts; nothing, once all is done.
    ///
    /// # Safety
    /// The implementor's.
    unsafe fn part(&mut self, parts: usize);
}

/// Nothing to do.
pub struct Nothing;

impl Meanwhile for Nothing {
    #[inline(always)]
    unsafe fn part(&mut self, _parts: usize) {}
}
