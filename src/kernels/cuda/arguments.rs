//! The arguments of the kernels in `kernels.cu` and `convolve.cu`, laid out as C does, and the threads that each is run
//! with.

mod convolve;

use super::program::{Area, End, Program, Weight};
pub use convolve::{Convolve, Shape};

/// What a variance is kept away from zero by.
pub const EPSILON: f32 = 1e-5;

/// An address on the device; 0 is none.
pub type Address = u64;

/// Where the weights and all layers' scales and shifts lie.
pub struct Parameters<'a> {
    /// Only their shapes are asked for.
    pub weights: &'a [Weight],
    /// One for each weight.
    pub addresses: &'a [Address],
    /// Of the scales and shifts.
    pub affine: Address,
}

/// Blocks of threads and threads of a block, in three dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Blocks.
    pub blocks: (u32, u32, u32),
    /// Threads of each.
    pub threads: (u32, u32, u32),
}

impl Grid {
    /// A thread for eight channels of each pixel.
    fn of_area(area: &Area, batch: usize) -> Self {
        Self::of(area.len(batch) / 8)
    }

    /// A thread each.
    fn of(threads: usize) -> Self {
        Self { blocks: (threads.div_ceil(256) as u32, 1, 1), threads: (256, 1, 1) }
    }

    /// 32 channels × 8 rows a block.
    fn of_channels(channels: usize, chunks: usize, batch: usize) -> Self {
        Self { blocks: (channels.div_ceil(32) as u32, chunks as u32, batch as u32), threads: (32, 8, 1) }
    }
}

/// Of `photo`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Photo {
    /// f32 `(N, C, H, W)`.
    pub photo: Address,
    /// The first activations.
    pub out: Address,
    sizes: [u32; 8],
}

impl Photo {
    /// For a program's photo.
    pub fn new(program: &Program, photo: Address, out: Address) -> (Self, Grid) {
        let Area { height, width, channels, around, .. } = program.photo;
        let sizes = [program.batch, height, width, program.photo_channels, channels, around, program.photo_block, 0];
        (Self { photo, out, sizes: sizes.map(|n| n as u32) }, Grid::of_area(&program.photo, program.batch))
    }
}

/// Of `partial_moments` and `whole_moments`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Moments {
    sum: Address,
    partial: Address,
    moments: Address,
    epsilon: f32,
    sizes: [u32; 5],
}

/// Into how many chunks a picture's pixels are cut, each for a block's threads.
pub fn chunks(area: &Area) -> usize {
    (area.height * area.width).div_ceil(512).clamp(1, 512)
}

impl Moments {
    /// For the sums of a layer; the second grid is that of `whole_moments`.
    pub fn new(
        batch: usize,
        sum: &Area,
        address: &dyn Fn(&Area) -> Address,
        (partial, moments): (Address, Address),
    ) -> (Self, Grid, Grid) {
        let chunks = chunks(sum);
        let sizes = [batch, sum.height * sum.width, sum.channels, chunks, 0].map(|n| n as u32);
        let grid = |chunks| Grid::of_channels(sum.channels, chunks, batch);
        let arguments = Self { sum: address(sum), partial, moments, epsilon: EPSILON, sizes };
        (arguments, grid(chunks), grid(1))
    }
}

/// Of `finish`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Finish {
    sum: Address,
    moments: Address,
    end: Ending,
    sizes: [u32; 6],
}

/// See [`End`].
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Ending {
    residual: Address,
    outputs: [Address; 2],
    scale: Address,
    shift: Address,
    slopes: [f32; 2],
}

impl Ending {
    /// `affine` is where all layers' scales and shifts lie.
    fn new(end: &End, address: &dyn Fn(&Area) -> Address, affine: Address) -> Self {
        let (output, slope) = &end.outputs[0];
        let second = end.outputs.get(1);
        let scale = end.affine.map(|start| affine + 4 * start as Address);
        Self {
            residual: end.residual.as_ref().map_or(0, address),
            outputs: [address(output), second.map_or(0, |(area, _)| address(area))],
            scale: scale.unwrap_or(0),
            shift: scale.map_or(0, |scale| scale + 4 * output.channels as Address),
            slopes: [*slope, second.map_or(1.0, |(_, slope)| *slope)],
        }
    }
}

impl Finish {
    /// For a layer's end; the moments are none where it is not normalised.
    pub fn new(
        batch: usize,
        (sum, end): (&Area, &End),
        address: &dyn Fn(&Area) -> Address,
        (moments, affine): (Option<Address>, Address),
    ) -> (Self, Grid) {
        let output = &end.outputs[0].0;
        let residual = end.residual.map_or(0, |residual| residual.around);
        let sizes = [batch, sum.height, sum.width, sum.channels, output.around, residual].map(|n| n as u32);
        let end = Ending::new(end, address, affine);
        let arguments = Self { sum: address(sum), moments: moments.unwrap_or(0), end, sizes };
        (arguments, Grid::of_area(output, batch))
    }
}

/// Of `picture`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Picture {
    values: Address,
    photo: Address,
    picture: Address,
    colours: Address,
    sizes: [u32; 6],
}

impl Picture {
    /// For a program's picture; `affine` is where all layers' scales and shifts lie.
    pub fn new(
        program: &Program,
        (values, affine): (Address, Address),
        photo: Address,
        picture: Address,
    ) -> (Self, Grid) {
        let (height, width) = program.size();
        let sizes = [program.batch, height, width, program.channels, program.last.channels, program.block];
        let photo = if program.add_to_photo { photo } else { 0 };
        let colours = program.colours.map_or(0, |colours| affine + 4 * colours as Address);
        let arguments = Self { values, photo, picture, colours, sizes: sizes.map(|n| n as u32) };
        (arguments, Grid::of(program.batch * height * width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::offset_of;

    /// The numbers that the kernels assert, and where C puts the fields that follow others of another size.
    #[test]
    fn arguments_lie_as_in_c() {
        assert_eq!([size_of::<Photo>(), offset_of!(Photo, sizes)], [48, 16]);
        assert_eq!([size_of::<Moments>(), offset_of!(Moments, epsilon), offset_of!(Moments, sizes)], [48, 24, 28]);
        assert_eq!([size_of::<Ending>(), offset_of!(Ending, slopes)], [48, 40]);
        assert_eq!([size_of::<Finish>(), offset_of!(Finish, end), offset_of!(Finish, sizes)], [88, 16, 64]);
        assert_eq!([size_of::<Picture>(), offset_of!(Picture, sizes)], [56, 32]);
    }

    fn area(buffer: usize, side: usize, channels: usize, around: usize) -> Area {
        Area { buffer, height: side, width: side + 2, channels, around }
    }

    fn at(area: &Area) -> Address {
        100 * area.buffer as Address
    }

    #[test]
    fn a_finish_names_what_its_layer_has() {
        let outputs = vec![(area(6, 5, 32, 3), 0.2)];
        let end = End { residual: Some(area(5, 5, 32, 1)), affine: Some(10), outputs };
        let (finish, grid) = Finish::new(2, (&area(3, 5, 32, 0), &end), &at, (Some(7000), 8000));
        assert_eq!((finish.sum, finish.moments), (300, 7000));
        assert_eq!((finish.end.residual, finish.end.outputs), (500, [600, 0]));
        assert_eq!((finish.end.scale, finish.end.shift), (8040, 8040 + 128));
        assert_eq!(finish.end.slopes, [0.2, 1.0]);
        assert_eq!(finish.sizes, [2, 5, 7, 32, 3, 1]);
        // Four groups of channels in 2 pictures of 11 × 13 pixels.
        assert_eq!(grid.blocks.0, (2 * 11 * 13 * 4u32).div_ceil(256));
    }
}
