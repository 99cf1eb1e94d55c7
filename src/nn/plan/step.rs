//! A layer's sums, finished.

use super::outline::Affine;
use crate::kernels::plan::{Area, Buffer, Kernel, LANES, Layer, Residual, Value, convolve, normalise};
use crate::nn::dropout::Noise;

/// A layer and the slots of its buffers.
pub(super) struct Step<K: Kernel> {
    /// Each adds to the sums of those before.
    pub(super) parts: Vec<Part<K>>,
    pub(super) affine: Affine,
    pub(super) residual: Option<usize>,
    /// Share of the values that noise sets to zero, 0..1.
    pub(super) dropout: f32,
    pub(super) outputs: Vec<Output>,
}

/// Some terms of a layer that one loop sums, and the slots that they read.
pub(super) struct Part<K: Kernel> {
    pub(super) layer: Layer<K>,
    pub(super) inputs: Vec<usize>,
}

/// Where a layer's values go, once rectified.
pub(super) struct Output {
    pub(super) slot: usize,
    /// What negative values are multiplied by.
    pub(super) slope: f32,
    /// Pixels around them that are mirrored.
    pub(super) mirrored: usize,
}

impl<K: Kernel> Step<K> {
    /// Draws the pixels of `area`, all phases of each, in every output.
    pub(super) fn run(
        &self,
        buffers: &mut [Option<Buffer<K::Value>>],
        area: &Area,
        style: &[f32],
        noise: Option<&Noise>,
    ) {
        // Taken out while they are written; the builder gives a layer's outputs no slot that it reads.
        let mut outputs: Vec<_> =
            self.outputs.iter().filter_map(|output| Some((buffers[output.slot].take()?, output.slope))).collect();
        let residual = self.residual.and_then(|slot| buffers[slot].as_ref());
        let mut written: Vec<_> = outputs.iter_mut().map(|(buffer, slope)| (buffer, *slope)).collect();
        let (mut scale, mut shift) = self.affine.at(style);
        scale.resize(scale.len().next_multiple_of(LANES), 0.0);
        shift.resize(scale.len(), 0.0);
        if self.affine.normalised {
            let (ones, zeros) = (vec![1.0; scale.len()], vec![0.0; scale.len()]);
            if let Some((first, _)) = written.first_mut() {
                self.sum(buffers, area, (&ones, &zeros), None, &mut [(first, 1.0)]);
            }
            normalise(&mut written, (&scale, &shift), residual);
        } else {
            self.sum(buffers, area, (&scale, &shift), residual, &mut written);
        }
        if let Some(noise) = noise.filter(|_| self.dropout > 0.0) {
            self.drop_out(&mut written, noise);
        }
        for (output, (mut buffer, _)) in self.outputs.iter().zip(outputs) {
            buffer.mirror(output.mirrored);
            buffers[output.slot] = Some(buffer);
        }
    }

    /// All parts' sums, then finished as [`convolve`] does.
    fn sum(
        &self,
        buffers: &[Option<Buffer<K::Value>>],
        area: &Area,
        (scale, shift): (&[f32], &[f32]),
        residual: Option<&Buffer<K::Value>>,
        outputs: &mut [(&mut Buffer<K::Value>, f32)],
    ) {
        let mut residual = residual.map(Residual::Of);
        for (i, part) in self.parts.iter().enumerate() {
            let area = &area.reduced(part.layer.grid);
            let inputs: Vec<_> = part.inputs.iter().filter_map(|&slot| buffers[slot].as_ref()).collect();
            if i + 1 == self.parts.len() {
                convolve(&part.layer, &inputs, (scale, shift), residual, outputs, area);
            } else if let Some((first, _)) = outputs.first_mut() {
                let zeros = vec![0.0; shift.len()];
                convolve(&part.layer, &inputs, (scale, &zeros), residual, &mut [(first, 1.0)], area);
                residual = Some(Residual::Held);
            }
        }
    }

    /// Masks the values, in `(N, C, H, W)` order as the layers on candle do. A rectifier before it changes nothing: no
    /// mask is negative.
    fn drop_out(&self, outputs: &mut [(&mut Buffer<K::Value>, f32)], noise: &Noise) {
        let channels = self.affine.channels();
        let Some((first, _)) = outputs.first() else { return };
        let (batch, height, width) = (first.batch, first.height, first.width);
        let mask = noise.mask(batch * channels * height * width, 1.0 - self.dropout);
        for (buffer, _) in outputs {
            let padded = buffer.channels;
            buffer.fill(|picture, y, row| {
                for (x, pixel) in row.chunks_exact_mut(padded).enumerate() {
                    for (c, value) in pixel[..channels].iter_mut().enumerate() {
                        *value = K::Value::of(value.f32() * mask[((picture * channels + c) * height + y) * width + x]);
                    }
                }
            });
        }
    }
}
