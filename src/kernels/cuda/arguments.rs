//! The arguments of the kernels in `kernels.cu`, laid out as C does, and the threads that each is run with.

use super::program::{Area, Finishing, Program};

/// What a variance is kept away from zero by.
pub const EPSILON: f32 = 1e-5;

/// An address on the device; 0 is none.
pub type Address = u64;

/// Blocks of threads and threads of a block, in three dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Blocks.
    pub blocks: (u32, u32, u32),
    /// Threads of each.
    pub threads: (u32, u32, u32),
}

impl Grid {
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
    sizes: [u32; 6],
}

impl Photo {
    /// For a program's photo.
    pub fn new(program: &Program, photo: Address, out: Address) -> (Self, Grid) {
        let Area { height, width, channels, around, .. } = program.photo;
        let sizes = [program.batch, height, width, program.photo_channels, channels, around].map(|n| n as u32);
        (Self { photo, out, sizes }, Grid::of(program.photo.groups(program.batch)))
    }
}

/// Of `partial_moments` and `whole_moments`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Moments {
    sums: [Address; 4],
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
        sums: &[Area],
        address: &dyn Fn(&Area) -> Address,
        (partial, moments): (Address, Address),
    ) -> (Self, Grid, Grid) {
        let first = &sums[0];
        let chunks = chunks(first);
        let sizes = [sums.len(), batch, first.height * first.width, first.channels, chunks].map(|n| n as u32);
        let grid = |chunks| Grid::of_channels(first.channels, chunks, batch);
        let arguments = Self { sums: four(sums, address), partial, moments, epsilon: EPSILON, sizes };
        (arguments, grid(chunks), grid(1))
    }
}

/// Of `finish`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Finish {
    sums: [Address; 4],
    residual: Address,
    outputs: [Address; 2],
    moments: Address,
    scale: Address,
    shift: Address,
    slopes: [f32; 2],
    sizes: [u32; 8],
}

impl Finish {
    /// For a layer's end; `affine` is where all layers' scales and shifts lie.
    pub fn new(
        batch: usize,
        of: &Finishing,
        address: &dyn Fn(&Area) -> Address,
        (moments, affine): (Address, Address),
    ) -> (Self, Grid) {
        let (sum, (output, _)) = (&of.sums[0], &of.outputs[0]);
        let scale = affine + 4 * of.affine as Address;
        let second = of.outputs.get(1);
        let around = of.residual.map_or(0, |residual| residual.around);
        let sizes = [of.sums.len(), batch, sum.height, sum.width, sum.channels, output.around, around, 0];
        let arguments = Self {
            sums: four(&of.sums, address),
            residual: of.residual.as_ref().map_or(0, address),
            outputs: [address(output), second.map_or(0, |(area, _)| address(area))],
            moments: if of.normalised { moments } else { 0 },
            scale,
            shift: scale + 4 * sum.channels as Address,
            slopes: [of.outputs[0].1, second.map_or(1.0, |(_, slope)| *slope)],
            sizes: sizes.map(|n| n as u32),
        };
        (arguments, Grid::of(output.groups(batch)))
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

fn four(areas: &[Area], address: &dyn Fn(&Area) -> Address) -> [Address; 4] {
    std::array::from_fn(|i| areas.get(i).map_or(0, address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::offset_of;

    /// The numbers that `kernels.cu` asserts, and where C puts the fields that follow others of another size.
    #[test]
    fn arguments_lie_as_in_c() {
        assert_eq!([size_of::<Photo>(), offset_of!(Photo, sizes)], [40, 16]);
        assert_eq!([size_of::<Moments>(), offset_of!(Moments, epsilon), offset_of!(Moments, sizes)], [72, 48, 52]);
        assert_eq!([size_of::<Finish>(), offset_of!(Finish, slopes), offset_of!(Finish, sizes)], [120, 80, 88]);
        assert_eq!([size_of::<Picture>(), offset_of!(Picture, sizes)], [56, 32]);
    }

    #[test]
    fn a_finish_names_what_its_layer_has() {
        let area = |buffer, around| Area { buffer, height: 5, width: 7, channels: 24, around };
        let call = Finishing {
            sums: vec![area(3, 0), area(4, 0)],
            residual: Some(area(5, 1)),
            normalised: true,
            affine: 10,
            outputs: vec![(area(6, 3), 0.2)],
        };
        let (finish, grid) = Finish::new(2, &call, &|area| 100 * area.buffer as u64, (7000, 8000));
        assert_eq!(finish.sums, [300, 400, 0, 0]);
        assert_eq!((finish.residual, finish.outputs, finish.moments), (500, [600, 0], 7000));
        assert_eq!((finish.scale, finish.shift), (8040, 8040 + 96));
        assert_eq!(finish.slopes, [0.2, 1.0]);
        assert_eq!(finish.sizes, [2, 2, 5, 7, 24, 3, 1, 0]);
        // Three groups of channels in 2 pictures of 11 × 13 pixels.
        assert_eq!(grid.blocks.0, (2 * 11 * 13 * 3u32).div_ceil(256));
    }
}
