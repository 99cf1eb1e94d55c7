//! The arguments of `convolve.cu`, and how large its blocks are.

use super::super::program::{Area, End, MOST_TERMS, Term};
use super::{Address, Ending, Grid, Parameters};

/// Of `convolve_16` and its like.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Convolve {
    terms: [Summand; MOST_TERMS],
    end: Ending,
    sizes: [u32; 8],
}

/// See [`Term`].
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
struct Summand {
    input: Address,
    weight: Address,
    sizes: [u32; 6],
}

/// How a convolution is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Blocks and threads.
    pub grid: Grid,
    /// Channels that a block computes: 16, 32 or 64.
    pub columns: usize,
    /// Bytes of shared memory that it works in.
    pub shared: usize,
}

/// Rows and columns of a block's pixels, threads of a block: those of `convolve.cu`.
const SIDE: usize = 16;
const THREADS: usize = 256;

/// Bytes that leave room for two blocks at a time in a multiprocessor of an H100, as many as its registers do of 64
/// channels, or for three. One of those before it lets a block have less than the first.
const MOST_SHARED: usize = 112 << 10;
const SMALL_SHARED: usize = 75 << 10;

/// The stage that is multiplied and those that are copied ahead of it, at most; `convolve.cu` waits for no more.
const MOST_STAGES: usize = 4;

/// From so many blocks on a device is busy; fewer are better smaller and more.
const ENOUGH_BLOCKS: usize = 128;

/// Bytes of 16 channels of what a term's windows see of a block's pixels, and of their weights for `columns` outputs.
fn stage(term: &Term, kernel: usize, columns: usize) -> usize {
    let side = if term.transposed {
        SIDE / 2 + (kernel - 1 - term.padding) / 2 + term.padding.div_ceil(2)
    } else {
        (SIDE - 1) * term.stride + kernel
    };
    32 * (side * side + kernel * kernel * columns)
}

impl Convolve {
    /// For a layer of `batch` pictures on a device whose blocks have `shared` bytes. None if no block has room for its
    /// windows.
    pub fn new(
        batch: usize,
        (terms, end): (&[Term], &End),
        address: &dyn Fn(&Area) -> Address,
        parameters: &Parameters<'_>,
        shared: usize,
    ) -> Option<(Self, Shape)> {
        let output = &end.outputs[0].0;
        let tiles = output.height.div_ceil(SIDE) * output.width.div_ceil(SIDE);
        let kernel = |term: &Term| parameters.weights[term.weight].shape.2;
        let stages = |columns| terms.iter().map(|term| stage(term, kernel(term), columns)).max();
        // Before they are stored, the sums of each warp pass through shared memory, 16 pixels at a time.
        let needs = |columns: usize, ahead: usize| {
            (ahead * stages(columns).unwrap_or(0)).max(THREADS / 32 * 16 * (columns + 4) * 4)
        };
        let fits =
            |columns: &usize| output.channels.is_multiple_of(*columns) && needs(*columns, 2) <= shared.min(MOST_SHARED);
        let fitting: Vec<usize> = [64, 32, 16].into_iter().filter(fits).collect();
        let blocks = |columns: usize| tiles * batch * (output.channels / columns);
        let columns = *fitting.iter().find(|columns| blocks(**columns) >= ENOUGH_BLOCKS).or(fitting.last())?;
        let summand = |term: &Term| {
            let (height, width) = term.input.sides();
            let stride = if term.transposed { 0 } else { term.stride };
            let sizes = [height, width, term.input.channels, kernel(term), stride, term.padding];
            Summand {
                input: address(&term.input),
                weight: parameters.addresses[term.weight],
                sizes: sizes.map(|n| n as u32),
            }
        };
        let residual = end.residual.map_or(0, |residual| residual.around);
        let doubles = usize::from(terms.iter().any(|term| term.transposed));
        let stage = stages(columns)?;
        // Where the device is not busy, a block has a multiprocessor to itself.
        let room = match columns {
            _ if blocks(columns) < ENOUGH_BLOCKS => shared,
            64 => shared.min(MOST_SHARED),
            _ => shared.min(SMALL_SHARED),
        };
        let ahead = (room / stage).clamp(2, MOST_STAGES);
        let sizes = [terms.len(), output.height, output.width, output.channels, residual, doubles, stage, ahead];
        let arguments = Self {
            terms: std::array::from_fn(|i| terms.get(i).map(summand).unwrap_or_default()),
            end: Ending::new(end, address, parameters.affine),
            sizes: sizes.map(|n| n as u32),
        };
        let blocks = (tiles as u32, (output.channels / columns) as u32, batch as u32);
        let grid = Grid { blocks, threads: (THREADS as u32, 1, 1) };
        Some((arguments, Shape { grid, columns, shared: needs(columns, ahead) }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::super::program::Weight;
    use super::*;
    use std::mem::offset_of;

    #[test]
    fn arguments_lie_as_in_c() {
        assert_eq!([size_of::<Summand>(), offset_of!(Summand, sizes)], [40, 16]);
        assert_eq!([size_of::<Convolve>(), offset_of!(Convolve, end), offset_of!(Convolve, sizes)], [240, 160, 208]);
    }

    fn area(buffer: usize, side: usize, channels: usize) -> Area {
        Area { buffer, height: side, width: side + 2, channels, around: 0 }
    }

    fn at(area: &Area) -> Address {
        100 * area.buffer as Address
    }

    #[test]
    fn a_convolution_has_blocks_enough_or_small_ones() {
        let term = |stride, transposed| Term { input: area(1, 9, 32), weight: 0, stride, padding: 1, transposed };
        let end = |side| End { affine: None, residual: None, outputs: vec![(area(2, side, 192), 0.1)] };
        let run = |batch, side, term: Term, kernel, shared| {
            let weights = [Weight { shape: (192, 32, kernel), values: Vec::new() }];
            let parameters = Parameters { weights: &weights, addresses: &[5000], affine: 0 };
            Convolve::new(batch, (&[term], &end(side)), &at, &parameters, shared)
        };
        let (convolve, shape) = run(16, 34, term(1, false), 3, 227 << 10).unwrap();
        assert_eq!((shape.columns, shape.grid.blocks), (64, (3 * 3, 3, 16)));
        assert_eq!(shape.shared, 3 * 32 * (18 * 18 + 9 * 64));
        assert_eq!(convolve.terms[0].sizes, [9, 11, 32, 3, 1, 1]);
        assert_eq!((convolve.terms[0].input, convolve.terms[0].weight), (100, 5000));
        assert_eq!(convolve.sizes, [1, 34, 36, 192, 0, 0, 32 * (18 * 18 + 9 * 64), 3]);
        let few = run(1, 14, term(1, false), 3, 227 << 10).unwrap().1;
        assert_eq!((few.columns, few.grid.blocks, few.shared), (16, (1, 12, 1), 4 * 32 * (18 * 18 + 9 * 16)));
        // The windows of stride 2 see more, and a device may have less room.
        let wide = run(16, 64, term(2, false), 4, 227 << 10).unwrap().1;
        assert_eq!((wide.columns, wide.shared), (32, 2 * 32 * (34 * 34 + 16 * 32)));
        assert_eq!(run(16, 64, term(2, false), 4, 99 << 10).unwrap().1.columns, 16);
        assert!(run(16, 64, term(2, false), 4, 48 << 10).is_none());
        // 10 × 10 pixels are seen by 16 × 16 of twice the size.
        let (doubling, shape) = run(16, 64, term(2, true), 4, 227 << 10).unwrap();
        assert_eq!((shape.shared, doubling.sizes[5]), (3 * 32 * (10 * 10 + 16 * 64), 1));
        assert_eq!(doubling.terms[0].sizes[4], 0);
    }
}
