//! What a program draws, by plain loops in f32: the reference that outlines' programs are held against the layers with.

#![allow(clippy::unwrap_used)]

use super::arguments::EPSILON;
use super::program::{Area, Call, Convolution, Finishing, Program, Weight};

/// The buffers of a program.
struct Memory {
    batch: usize,
    buffers: Vec<Vec<f32>>,
}

impl Memory {
    /// Where a pixel's channels begin; (0, 0) is the first of those around.
    fn at(&self, area: &Area, (picture, y, x): (usize, usize, usize)) -> usize {
        let (height, width) = area.sides();
        assert!(picture < self.batch && y < height && x < width);
        ((picture * height + y) * width + x) * area.channels
    }

    fn pixel(&self, area: &Area, at: (usize, usize, usize)) -> &[f32] {
        let start = self.at(area, at);
        &self.buffers[area.buffer][start..start + area.channels]
    }

    fn put(&mut self, area: &Area, at: (usize, usize, usize), values: &[f32]) {
        let start = self.at(area, at);
        self.buffers[area.buffer][start..start + area.channels].copy_from_slice(values);
    }

    /// All pixels of an area, what is around included.
    fn pixels(&self, area: &Area) -> impl Iterator<Item = (usize, usize, usize)> + use<> {
        let (height, width) = area.sides();
        (0..self.batch * height * width).map(move |i| (i / width / height, i / width % height, i % width))
    }
}

fn mirrored(position: usize, around: usize, size: usize) -> usize {
    let (at, last) = (position as isize - around as isize, size as isize - 1);
    (if at < 0 { (-at).min(last) } else { at.min(2 * last - at).max(0) }) as usize
}

/// cuDNN's convolution and its derivative by the data, channels last.
fn convolve(memory: &mut Memory, call: &Convolution, weight: &Weight) {
    let Convolution { input, output, stride, padding, transposed, .. } = *call;
    let (_, columns, kernel) = weight.shape;
    for (picture, y, x) in memory.pixels(&output) {
        let mut sums = vec![0.0; output.channels];
        for (ky, kx) in (0..kernel * kernel).map(|tap| (tap / kernel, tap % kernel)) {
            let from = |to: usize, k: usize, side: usize| {
                let from = if transposed {
                    (to + padding).checked_sub(k).filter(|from| from % stride == 0)? / stride
                } else {
                    (to * stride + k).checked_sub(padding)?
                };
                Some(from).filter(|from| *from < side)
            };
            let (height, width) = input.sides();
            let (Some(from_y), Some(from_x)) = (from(y, ky, height), from(x, kx, width)) else { continue };
            let values = memory.pixel(&input, (picture, from_y, from_x));
            let weight = |a: usize, b: usize| weight.values[((a * kernel + ky) * kernel + kx) * columns + b];
            for (o, sum) in sums.iter_mut().enumerate() {
                for (i, value) in values.iter().enumerate() {
                    *sum += value * if transposed { weight(i, o) } else { weight(o, i) };
                }
            }
        }
        memory.put(&output, (picture, y, x), &sums);
    }
}

/// A pixel's sum of the areas.
fn total(memory: &Memory, sums: &[Area], at: (usize, usize, usize)) -> Vec<f32> {
    let mut total = vec![0.0; sums[0].channels];
    for area in sums {
        total.iter_mut().zip(memory.pixel(area, at)).for_each(|(sum, value)| *sum += value);
    }
    total
}

/// `(N, C)` of mean and 1 / deviation.
fn moments(memory: &Memory, sums: &[Area]) -> Vec<Vec<(f32, f32)>> {
    let count = (sums[0].height * sums[0].width) as f64;
    let mut moments = vec![vec![(0.0f64, 0.0f64); sums[0].channels]; memory.batch];
    for at in memory.pixels(&sums[0]) {
        for ((mean, _), value) in moments[at.0].iter_mut().zip(total(memory, sums, at)) {
            *mean += f64::from(value) / count;
        }
    }
    for at in memory.pixels(&sums[0]) {
        for ((mean, variance), value) in moments[at.0].iter_mut().zip(total(memory, sums, at)) {
            *variance += (f64::from(value) - *mean).powi(2) / count;
        }
    }
    let of = |(mean, variance): (f64, f64)| (mean as f32, (variance + f64::from(EPSILON)).sqrt().recip() as f32);
    moments.into_iter().map(|channels| channels.into_iter().map(of).collect()).collect()
}

fn finish(memory: &mut Memory, call: &Finishing, moments: &[Vec<(f32, f32)>], affine: &[f32]) {
    let sum = call.sums[0];
    let (scale, shift) = affine[call.affine..].split_at(sum.channels);
    let around = call.outputs[0].0.around;
    for at in memory.pixels(&call.outputs[0].0) {
        let from = (at.0, mirrored(at.1, around, sum.height), mirrored(at.2, around, sum.width));
        let mut values = total(memory, &call.sums, from);
        for (c, value) in values.iter_mut().enumerate() {
            if call.normalised {
                let (mean, deviation) = moments[at.0][c];
                *value = (*value - mean) * deviation;
            }
            *value = *value * scale[c] + shift[c];
        }
        if let Some(residual) = &call.residual {
            let residual = memory.pixel(residual, (from.0, from.1 + residual.around, from.2 + residual.around));
            values.iter_mut().zip(residual).for_each(|(value, residual)| *value += residual);
        }
        for (output, slope) in &call.outputs {
            let rectified: Vec<f32> = values.iter().map(|v| if *v < 0.0 { v * slope } else { *v }).collect();
            memory.put(output, at, &rectified);
        }
    }
}

/// The picture `(N, C, H, W)` of a photo `(N, C, H, W)`, with all layers' scales and shifts.
pub fn draw(program: &Program, weights: &[Weight], affine: &[f32], photo: &[f32]) -> Vec<f32> {
    program.check(weights, affine.len()).unwrap();
    // What nobody has written spoils every sum that it enters.
    let buffers = program.buffers.iter().map(|len| vec![f32::NAN; *len]).collect();
    let mut memory = Memory { batch: program.batch, buffers };
    let Area { height, width, channels, around, .. } = program.photo;
    for at in memory.pixels(&program.photo) {
        let (y, x) = (mirrored(at.1, around, height), mirrored(at.2, around, width));
        let mut pixel = vec![0.0; channels];
        for (c, value) in pixel[..program.photo_channels].iter_mut().enumerate() {
            *value = photo[((at.0 * program.photo_channels + c) * height + y) * width + x];
        }
        memory.put(&program.photo, at, &pixel);
    }
    let mut held = Vec::new();
    for call in &program.calls {
        match call {
            Call::Convolve(call) => convolve(&mut memory, call, &weights[call.weight]),
            Call::Moments(sums) => held = moments(&memory, sums),
            Call::Finish(call) => finish(&mut memory, call, &held, affine),
        }
    }
    let (block, last) = (program.block, program.last);
    let mut picture = Vec::new();
    for (plane, y) in (0..program.batch * program.channels * height).map(|i| (i / height, i % height)) {
        let (n, c) = (plane / program.channels, plane % program.channels);
        for x in 0..width {
            let channel = (c * block + y % block) * block + x % block;
            let value = memory.pixel(&last, (n, y / block, x / block))[channel];
            let photo = |plane: usize| photo[(plane * height + y) * width + x];
            picture.push(match program.colours {
                _ if !program.add_to_photo => value.tanh(),
                None => (value + photo(plane)).clamp(-1.0, 1.0),
                Some(colours) => {
                    let row = &affine[colours + 4 * c..][..4];
                    let colour = (0..3).map(|c| row[c] * photo(3 * n + c)).sum::<f32>() + row[3];
                    (value + colour).clamp(-1.0, 1.0)
                }
            });
        }
    }
    picture
}
