//! What the service and the trainer ask of a generator.

use super::dropout::Noise;
use super::plan::Outline;
use candle_core::{Result, Tensor};

/// One pass through a network: how norms and dropout behave in it.
#[derive(Clone, Copy)]
pub struct Pass<'a> {
    /// Norms use the batch's statistics and move their running ones.
    pub training: bool,
    /// Where dropout draws its masks and a noise input its values; without it dropout lets everything by and the input is 0.
    pub noise: Option<&'a Noise>,
    /// What a generator of several styles is to draw: `(N, k)`, one row a
    /// picture, or `(1, k)` for all of them. An entry is a style's weight in
    /// 0..1, a row's sum the strength in 0..1; zeros are the photo itself.
    pub style: Option<&'a Tensor>,
}

impl Pass<'static> {
    /// Running statistics, no dropout: the same photo gives the same picture.
    pub const INFERENCE: Self = Self { training: false, noise: None, style: None };
}

/// A network that draws a picture from a photo.
pub trait Generator: Send + Sync {
    /// `photo` `(N, Cin, H, W)` in −1..1, sides multiples of [`Self::multiple`],
    /// to a picture `(N, Cout, H, W)` in −1..1.
    ///
    /// # Errors
    /// When the photo's shape does not fit, or the device fails.
    fn forward(&self, photo: &Tensor, pass: &Pass<'_>) -> Result<Tensor>;

    /// What both sides of a photo must be multiples of.
    fn multiple(&self) -> usize;

    /// How far, in pixels, a pixel of the photo can change the picture.
    /// `None`: everywhere, so that tiles would not fit together.
    fn reach(&self) -> Option<usize>;

    /// The layers for the inference plan. Parameters must be f32 on the CPU.
    ///
    /// # Errors
    /// Those of candle.
    fn outline(&self) -> Result<Outline>;
}
