//! A checked door to the gemm crate.

/// How a matrix lies in a slice: distance between neighbouring rows and
/// between neighbouring columns.
#[derive(Clone, Copy)]
pub(super) struct Strides {
    pub row: usize,
    pub column: usize,
}

impl Strides {
    /// Rows one after another, `row` values apart.
    pub(super) fn rows(row: usize) -> Self {
        Self { row, column: 1 }
    }

    /// The transpose of a matrix whose rows are `row` values apart.
    pub(super) fn transposed(row: usize) -> Self {
        Self { row: 1, column: row }
    }

    /// Values that an `m`×`n` matrix spans.
    fn span(self, m: usize, n: usize) -> usize {
        if m == 0 || n == 0 { 0 } else { (m - 1) * self.row + (n - 1) * self.column + 1 }
    }
}

/// A destination that several tasks write at once, each its own rows and columns.
#[derive(Clone, Copy)]
pub(super) struct Target {
    start: *mut f32,
    len: usize,
}

// SAFETY: a Target is a start and a length; whoever writes through it keeps to
// the part of the matrix that is its own (`matmul`'s contract).
unsafe impl Send for Target {}
// SAFETY: as above.
unsafe impl Sync for Target {}

impl Target {
    pub(super) fn new(slice: &mut [f32]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len() }
    }

    /// Some of its values, to write.
    ///
    /// # Safety
    /// No other task may touch them meanwhile, and the slice must still be borrowed.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(super) unsafe fn slice<'a>(self, first: usize, len: usize) -> &'a mut [f32] {
        assert!(first + len <= self.len, "{len} values from {first} on are beyond the end");
        // SAFETY: they are inside, and the caller's alone.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(first), len) }
    }
}

/// `C (m×n) = A (m×k) · B (k×n)`, added to what C holds when `accumulate`.
///
/// # Safety
/// No other task may touch the elements of C (from `offset`, with
/// `c_strides`) meanwhile, and the slice behind `c` must still be borrowed.
#[allow(clippy::too_many_arguments)]
pub(super) unsafe fn matmul(
    (m, n, k): (usize, usize, usize),
    c: Target,
    offset: usize,
    c_strides: Strides,
    accumulate: bool,
    (a, a_strides): (&[f32], Strides),
    (b, b_strides): (&[f32], Strides),
) {
    assert!(c.len >= offset + c_strides.span(m, n), "C is too short for {m}×{n}");
    assert!(a.len() >= a_strides.span(m, k), "A is too short for {m}×{k}");
    assert!(b.len() >= b_strides.span(k, n), "B is too short for {k}×{n}");
    // SAFETY: the three asserts keep every access inside its slice; that C's
    // elements are this task's alone is the caller's promise.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.start.add(offset),
            c_strides.column as isize,
            c_strides.row as isize,
            accumulate,
            a.as_ptr(),
            a_strides.column as isize,
            a_strides.row as isize,
            b.as_ptr(),
            b_strides.column as isize,
            b_strides.row as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
