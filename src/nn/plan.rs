//! The inference plan: a generator's layers fused, packed for the machine's instructions, in memory that is used again
//! from picture to picture. What follows is the CPU's; the GPU's is in `cuda`.
//!
//! The layers of a [`Generator`](super::Generator) on candle stay what they are: the oracle of the plan's tests, the
//! way of training, and the way where no plan fits.

mod agreement;
mod areas;
mod build;
#[cfg(any(feature = "cuda", test))]
mod cuda;
mod finish;
mod outline;
mod pixels;
mod places;
mod planes;
mod precision;
mod step;

pub use crate::kernels::plan::Area;
pub use agreement::agreement;
#[cfg(feature = "cuda")]
pub use cuda::plan as plan_on_cuda;
pub use outline::{Affine, Finish, Node, Outline, Term, Window, shuffled};
pub use pixels::View;
pub use precision::{Precision, instructions};

use super::dropout::Noise;
use crate::kernels::awake;
#[cfg(target_arch = "x86_64")]
use crate::kernels::plan::{Amx, Avx2, Avx512, Avx512Bf16};
use crate::kernels::plan::{Buffer, Instructions, Kernel, Portable};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use pixels::Pixels;
use planes::Planes;
use std::sync::{Mutex, PoisonError};
use step::Step;

/// A generator in the form in which a device draws fastest.
pub trait Plan: Send + Sync {
    /// `photo` `(N, C, H, W)` in −1..1, sides multiples of the generator's, to its picture of the same size, in a style
    /// of the generator's number of entries; with `noise`, dropout draws its masks there. The picture is on the photo's
    /// device.
    ///
    /// # Errors
    /// When the shape or the style does not fit, or the device fails.
    fn draw(&self, photo: &Tensor, style: &[f32], noise: Option<&Noise>) -> Result<Tensor>;

    /// The instructions that it was packed for.
    fn instructions(&self) -> &'static str;
}

/// A plan that takes photos and makes pictures as files have them.
pub trait PixelPlan: Plan {
    /// Draws what `view` keeps of `photos` into the `drawings`, as many: bytes `(H, W, C)` both, as many channels as the
    /// generator takes and draws. The rest is as for [`Plan::draw`]: what a network's padded photo would give, cut back.
    ///
    /// # Errors
    /// When the view, a size or the style does not fit.
    fn draw_pixels(
        &self,
        photos: &[&[u8]],
        drawings: &mut [&mut [u8]],
        view: &View,
        style: &[f32],
        noise: Option<&Noise>,
    ) -> Result<()>;
}

/// The plan of `outline` for the machine's `instructions`.
///
/// # Errors
/// When the outline's tensors are not f32 on the CPU, or the machine lacks the instructions.
pub fn plan(outline: &Outline, instructions: Instructions) -> Result<Box<dyn PixelPlan>> {
    if !instructions.available() {
        bail!("this processor has no {instructions:?} instructions");
    }
    Ok(match instructions {
        Instructions::Portable => Box::new(Packed::<Portable>::new(outline)?),
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2 => Box::new(Packed::<Avx2>::new(outline)?),
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512 => Box::new(Packed::<Avx512>::new(outline)?),
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512Bf16 => Box::new(Packed::<Avx512Bf16>::new(outline)?),
        #[cfg(target_arch = "x86_64")]
        Instructions::Amx => Box::new(Packed::<Amx>::new(outline)?),
        #[cfg(not(target_arch = "x86_64"))]
        _ => bail!("there are no {instructions:?} instructions on this architecture"),
    })
}

/// A plan packed for one kernel.
struct Packed<K: Kernel> {
    steps: Vec<Step<K>>,
    slots: Vec<Slot>,
    /// The photo's channels.
    channels: usize,
    /// Sides are multiples of this power of two.
    halvings: usize,
    /// Pixels around the photo that are mirrored.
    mirrored: usize,
    last: Last,
    /// See [`Outline::recoloured`].
    colours: Option<Affine>,
    /// The buffers of the last picture's size.
    spare: Mutex<Option<Arena<K::Value>>>,
}

/// A buffer that nodes of equal form use in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot {
    channels: usize,
    halvings: usize,
    halo: usize,
}

/// What is shuffled to the picture.
#[derive(Clone, Copy)]
struct Last {
    slot: usize,
    block: usize,
    channels: usize,
    finish: Finish,
}

/// The buffers for one size of pictures.
struct Arena<T> {
    size: (usize, usize, usize),
    buffers: Vec<Option<Buffer<T>>>,
}

impl<K: Kernel> Packed<K> {
    fn arena(&self, size: (usize, usize, usize)) -> Arena<K::Value> {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(spare) = spare.filter(|spare| spare.size == size) {
            return spare;
        }
        let (batch, height, width) = size;
        let buffers = self.slots.iter().map(|slot| {
            let size = (height >> slot.halvings, width >> slot.halvings);
            Some(Buffer::zeros(batch, size, slot.channels, slot.halo))
        });
        Arena { size, buffers: buffers.collect() }
    }

    /// Draws photos of one `size`: `fill` writes a row of one into the first buffer's, whose pixels have so many values,
    /// and `finish` makes the last one's values, and the colours' numbers, what is answered.
    fn run<T: Default>(
        &self,
        size: (usize, usize, usize),
        drawing: &Drawing<'_>,
        fill: impl Fn(usize, usize, &mut [K::Value], usize) + Sync,
        finish: impl FnOnce(&Buffer<K::Value>, Option<&[f32]>) -> T,
    ) -> T {
        let (_, height, width) = size;
        let Drawing { wanted, style, noise } = drawing;
        let mut arena = self.arena(size);
        let buffers = &mut arena.buffers;
        if let Some(buffer) = &mut buffers[0] {
            let channels = buffer.channels;
            buffer.fill(|picture, y, row| fill(picture, y, row, channels));
            buffer.mirror(self.mirrored);
        }
        for (step, area) in self.steps.iter().zip(self.areas((height, width), wanted)) {
            awake::call();
            step.run(buffers, &area, style, *noise);
        }
        let colours = self.colours.as_ref().map(|colours| colours.at(style).1);
        let drawn = buffers[self.last.slot].as_ref().map(|values| finish(values, colours.as_deref()));
        *self.spare.lock().unwrap_or_else(PoisonError::into_inner) = Some(arena);
        drawn.unwrap_or_default()
    }

    /// # Errors
    /// When photos of so many channels, that size or that style are none for this generator.
    fn check(&self, channels: usize, (height, width): (usize, usize), style: &[f32]) -> Result<()> {
        let multiple = 1 << self.halvings;
        if channels != self.channels || height == 0 || width == 0 || height % multiple != 0 || width % multiple != 0 {
            bail!(
                "this generator takes {} channels and sides that are multiples of {multiple}, not {channels} and {width}×{height}",
                self.channels
            );
        }
        if let Some(step) = self.steps.iter().find(|step| ![0, style.len()].contains(&step.affine.styles())) {
            bail!("this generator draws {} styles, not {}", step.affine.styles(), style.len());
        }
        Ok(())
    }
}

impl<K: Kernel> Plan for Packed<K> {
    fn draw(&self, photo: &Tensor, style: &[f32], noise: Option<&Noise>) -> Result<Tensor> {
        let (_, channels, height, width) = photo.dims4()?;
        self.check(channels, (height, width), style)?;
        let wanted = &Area::whole(height, width);
        photo.contiguous()?.apply_op1_no_bwd(&Run { plan: self, drawing: Drawing { wanted, style, noise } })
    }

    fn instructions(&self) -> &'static str {
        K::INSTRUCTIONS.name()
    }
}

impl<K: Kernel> PixelPlan for Packed<K> {
    fn draw_pixels(
        &self,
        photos: &[&[u8]],
        drawings: &mut [&mut [u8]],
        view: &View,
        style: &[f32],
        noise: Option<&Noise>,
    ) -> Result<()> {
        view.check()?;
        let pixels = view.size.0 * view.size.1;
        let fits = photos.len() == drawings.len()
            && photos.iter().all(|photo| photo.len() == pixels * self.channels)
            && drawings.iter().all(|drawing| drawing.len() == pixels * self.last.channels);
        if !fits {
            bail!("photos and drawings are of other sizes than {:?} and the generator's channels say", view.size);
        }
        let (height, width) = view.seen();
        self.check(self.channels, (height, width), style)?;
        let pixels = Pixels { photos, channels: self.channels, view };
        let drawing = Drawing { wanted: &view.wanted(), style, noise };
        awake::in_pool(|| {
            let fill = |picture, y, row: &mut [K::Value], channels| pixels.fill(picture, y, row, channels);
            self.run((photos.len(), height, width), &drawing, fill, |values, colours| {
                pixels.finish(&self.last, values, colours, drawings);
            });
        });
        Ok(())
    }
}

/// How a photo is drawn.
struct Drawing<'a> {
    /// What of the picture is asked for.
    wanted: &'a Area,
    style: &'a [f32],
    /// Where dropout draws its masks.
    noise: Option<&'a Noise>,
}

/// The door from candle's tensors to plain slices.
struct Run<'a, K: Kernel> {
    plan: &'a Packed<K>,
    drawing: Drawing<'a>,
}

impl<K: Kernel> CustomOp1 for Run<'_, K> {
    fn name(&self) -> &'static str {
        "plan"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let values = super::ops::slice(storage, layout)?;
        let (batch, channels, height, width) = layout.shape().dims4()?;
        let planes = Planes { values, channels, height, width };
        let fill = |picture, y, row: &mut [K::Value], channels| planes.fill(picture, y, row, channels);
        let finish =
            |values: &Buffer<K::Value>, colours: Option<&[f32]>| planes.finish(&self.plan.last, values, colours);
        let picture = awake::in_pool(|| self.plan.run((batch, height, width), &self.drawing, fill, finish));
        Ok((CpuStorage::F32(picture), (batch, self.plan.last.channels, height, width).into()))
    }
}

#[cfg(test)]
mod tests;
