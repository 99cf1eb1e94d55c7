//! A baseline JPEG at a half, a quarter or an eighth of its sides, straight from its coefficients.
//!
//! A photo is mostly far larger than its drawing. Decoded whole it is four times
//! the pixels or more, of which the next step makes a few; here the details
//! that would be thrown away are never made.

use super::frame::{Frame, ZIGZAG};
use super::paint::{self, Canvas, Plane};
use super::scan::{self, Block, Mcu};

/// The samples of `bytes` at one `reduction`th of its sides, rounded up (1, 2, 4 or 8): `(H, W)` of grey, or `(H, W, 3)`
/// of YCbCr as RGB, read by so many threads. `None` for what is not baseline, has colours of unusual sizes or is damaged.
pub(super) fn read(bytes: &[u8], reduction: u32, threads: usize) -> Option<Vec<u8>> {
    let reduction = reduction as usize;
    let frame = Frame::read(bytes)?;
    let (across, down) = frame.mcu_blocks();
    let mcu = (8 * across / reduction, 8 * down / reduction);
    let mut kept = 0;
    let mut planes = Vec::new();
    for (component, of) in frame.components.iter().enumerate() {
        let blocks = of.blocks;
        let samples = (mcu.0 / blocks.0, mcu.1 / blocks.1);
        if samples.0.max(samples.1) > 8 || mcu != (samples.0 * blocks.0, samples.1 * blocks.1) {
            return None;
        }
        let quantization = frame.quantization(of)?;
        let mut scale = vec![0.0; samples.0 * samples.1];
        for (&place, &value) in ZIGZAG.iter().zip(quantization) {
            if let Some(place) = kept_place(place, samples) {
                scale[place] = value;
            }
        }
        planes.push(Plane { component, blocks, samples, first: kept, scale });
        kept += blocks.0 * blocks.1 * samples.0 * samples.1;
    }
    let mut blocks = Vec::new();
    for (plane, of) in planes.iter().zip(&frame.components) {
        let (dc, ac) = frame.codes(of)?;
        let area = plane.samples.0 * plane.samples.1;
        for block in 0..plane.blocks.0 * plane.blocks.1 {
            let first = plane.first + block * area;
            let place = |place| kept_place(place, plane.samples).map_or(kept, |place| first + place) as u16;
            blocks.push(Block { component: plane.component, places: ZIGZAG.map(place), dc, ac });
        }
    }
    let coefficients = scan::read(bytes, &frame, &Mcu { blocks, kept }, threads)?;
    let (width, height) = (frame.width.div_ceil(reduction), frame.height.div_ceil(reduction));
    Some(paint::paint(&coefficients, &planes, &Canvas { width, height, mcu }))
}

/// Where a coefficient of an 8×8 block is among those of a smaller one, if it is among them.
fn kept_place(place: u8, (across, down): (usize, usize)) -> Option<usize> {
    let (x, y) = (usize::from(place % 8), usize::from(place / 8));
    (x < across && y < down).then_some(y * across + x)
}
