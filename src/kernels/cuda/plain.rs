//! What a program draws, by plain loops in f32: the reference that outlines' programs are held against the layers with.

#![allow(clippy::unwrap_used)]

use super::arguments::EPSILON;
use super::program::{Area, Call, End, Program, Term, Weight};

/// Picture, row and column.
type Pixel = (usize, usize, usize);

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

/// What a term adds to a pixel's sums.
fn add(memory: &Memory, (term, weight): (&Term, &Weight), (picture, y, x): (usize, usize, usize), sums: &mut [f32]) {
    let Term { input, stride, padding, transposed, .. } = *term;
    let (outputs, inputs, kernel) = weight.shape;
    let from = |to: usize, k: usize, side: usize| {
        let from = if transposed {
            (to + padding).checked_sub(k).filter(|from| from % stride == 0)? / stride
        } else {
            (to * stride + k).checked_sub(padding)?
        };
        Some(from).filter(|from| *from < side)
    };
    let (height, width) = input.sides();
    for (ky, kx) in (0..kernel * kernel).map(|tap| (tap / kernel, tap % kernel)) {
        let (Some(from_y), Some(from_x)) = (from(y, ky, height), from(x, kx, width)) else { continue };
        let values = memory.pixel(&input, (picture, from_y, from_x));
        for (o, i) in (0..outputs).flat_map(|o| (0..inputs).map(move |i| (o, i))) {
            sums[o] += values[i] * weight.values[weight.at(o, i, ky * kernel + kx)];
        }
    }
}

fn convolve(memory: &mut Memory, (terms, end): (&[Term], &End), weights: &[Weight], affine: &[f32]) {
    for at in memory.pixels(&end.outputs[0].0) {
        let mut sums = vec![0.0; end.outputs[0].0.channels];
        for term in terms {
            add(memory, (term, &weights[term.weight]), at, &mut sums);
        }
        finish(memory, end, affine, sums, (at, at));
    }
}

/// `(N, C)` of mean and 1 / deviation.
fn moments(memory: &Memory, sum: &Area) -> Vec<Vec<(f32, f32)>> {
    let count = (sum.height * sum.width) as f64;
    let mut moments = vec![vec![(0.0f64, 0.0f64); sum.channels]; memory.batch];
    for at in memory.pixels(sum) {
        for ((mean, _), value) in moments[at.0].iter_mut().zip(memory.pixel(sum, at)) {
            *mean += f64::from(*value) / count;
        }
    }
    for at in memory.pixels(sum) {
        for ((mean, variance), value) in moments[at.0].iter_mut().zip(memory.pixel(sum, at)) {
            *variance += (f64::from(*value) - *mean).powi(2) / count;
        }
    }
    let of = |(mean, variance): (f64, f64)| (mean as f32, (variance + f64::from(EPSILON)).sqrt().recip() as f32);
    moments.into_iter().map(|channels| channels.into_iter().map(of).collect()).collect()
}

/// A pixel's sums to its values: `from` is where it lies among pixels with none around, `to` where it goes.
fn finish(memory: &mut Memory, end: &End, affine: &[f32], mut values: Vec<f32>, (from, to): (Pixel, Pixel)) {
    if let Some(start) = end.affine {
        let (scale, shift) = affine[start..].split_at(values.len());
        values.iter_mut().zip(scale.iter().zip(shift)).for_each(|(value, (by, plus))| *value = *value * by + plus);
    }
    if let Some(residual) = &end.residual {
        let residual = memory.pixel(residual, (from.0, from.1 + residual.around, from.2 + residual.around));
        values.iter_mut().zip(residual).for_each(|(value, residual)| *value += residual);
    }
    for (output, slope) in &end.outputs {
        let rectified: Vec<f32> = values.iter().map(|v| if *v < 0.0 { v * slope } else { *v }).collect();
        memory.put(output, to, &rectified);
    }
}

/// All pixels of a layer whose sums were kept.
fn finish_all(memory: &mut Memory, (sum, end): (&Area, &End), moments: Option<&[Vec<(f32, f32)>]>, affine: &[f32]) {
    let around = end.outputs[0].0.around;
    for at in memory.pixels(&end.outputs[0].0) {
        let from = (at.0, mirrored(at.1, around, sum.height), mirrored(at.2, around, sum.width));
        let mut values = memory.pixel(sum, from).to_vec();
        if let Some(moments) = moments {
            let by = &moments[at.0];
            values.iter_mut().zip(by).for_each(|(value, (mean, deviation))| *value = (*value - mean) * deviation);
        }
        finish(memory, end, affine, values, (from, at));
    }
}

/// The picture `(N, C, H, W)` of a photo `(N, C, H, W)`, with all layers' scales and shifts.
pub fn draw(program: &Program, weights: &[Weight], affine: &[f32], photo: &[f32]) -> Vec<f32> {
    program.check(weights, affine.len()).unwrap();
    // What nobody has written spoils every sum that it enters.
    let buffers = program.buffers.iter().map(|len| vec![f32::NAN; *len]).collect();
    let mut memory = Memory { batch: program.batch, buffers };
    let Area { height, width, channels, around, .. } = program.photo;
    let side = program.photo_block;
    for at in memory.pixels(&program.photo) {
        let (y, x) = (mirrored(at.1, around, height), mirrored(at.2, around, width));
        let mut pixel = vec![0.0; channels];
        for (i, value) in pixel[..side * side * program.photo_channels].iter_mut().enumerate() {
            let row = (at.0 * program.photo_channels + i / side / side) * height * side + y * side + i / side % side;
            *value = photo[row * width * side + x * side + i % side];
        }
        memory.put(&program.photo, at, &pixel);
    }
    let mut held = Vec::new();
    for call in &program.calls {
        match call {
            Call::Convolve(terms, end) => convolve(&mut memory, (terms, end), weights, affine),
            Call::Moments(sum) => held = moments(&memory, sum),
            Call::Finish { sum, normalised, end } => {
                finish_all(&mut memory, (sum, end), normalised.then_some(&held), affine);
            }
        }
    }
    let (height, width) = program.size();
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
