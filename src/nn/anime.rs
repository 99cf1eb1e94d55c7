//! Sakuga's own generator: a U-Net for any size that can be tiled.
//!
//! What differs from pix2pix's U-Net, and why:
//!
//! * Four halvings and residual blocks at 1/16, so sides need only be multiples
//!   of 16 and there is no 1×1 bottleneck.
//! * No norm: no statistic of the whole picture, so neither tiles nor batches
//!   can change a pixel. He initialisation (He et al. 2015) and residual
//!   branches that start at zero keep training stable without.
//! * Doubling is nearest-neighbour followed by a 3×3 convolution, which leaves
//!   no checkerboard (Odena, Dumoulin, Olah 2016). The pair is run as one 4×4
//!   transposed convolution whose weight is the 3×3 one spread: the same
//!   numbers for 4/9 of the work.
//! * The last layers run at half resolution on features and photo side by side
//!   and end in a pixel shuffle (Shi et al. 2016) that is added to the photo:
//!   the network draws only the difference.
//! * A generator of several styles scales and shifts the decoder's channels by
//!   the style ([`Pass::style`]), and recolours the photo that the difference is
//!   added to (`recolour`). The encoder sees the photo alone.

mod blocks;
mod outline;
mod recolour;

use super::beside::beside;
use super::generator::{Generator, Pass};
use super::init::HE;
use super::layers::{Conv2d, ConvConfig, conv};
use super::modulation::Modulation;
use super::pairs::sum;
use super::plan::Outline;
use super::segment::segment;
use blocks::{Down, Residual, Up, rectified};
use candle_core::{Result, Tensor, bail};
use candle_nn::{Init, VarBuilder};
pub use recolour::RECOLOUR_GAIN;
use recolour::{Recolour, recoloured};
use serde::{Deserialize, Serialize};

/// Sizes of an anime generator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AnimeConfig {
    /// Channels at 1/2, 1/4, 1/8 … of the photo's size: one a halving.
    pub widths: Vec<usize>,
    /// Residual blocks at the smallest size.
    pub blocks: usize,
    /// Entries of the style's vector; 0: the generator draws in one style.
    pub styles: usize,
    /// Whether the style recolours the photo that the difference is added to.
    pub recolours: bool,
}

impl Default for AnimeConfig {
    fn default() -> Self {
        Self { widths: vec![32, 64, 128, 192], blocks: 1, styles: 0, recolours: false }
    }
}

/// See the module.
pub struct Anime {
    downs: Vec<Down>,
    blocks: Vec<Residual>,
    /// From the smallest to half the photo's size.
    ups: Vec<Up>,
    /// At half the photo's size, the photo's own 2×2 pixels beside the features.
    mix: Conv2d,
    mix_modulation: Option<Modulation>,
    /// 12 channels: a 2×2 block of RGB differences.
    head: Conv2d,
    recolour: Option<Recolour>,
    /// See [`AnimeConfig::styles`].
    styles: usize,
}

/// An anime generator from `vb`'s `down1…`, `block1…`, `up1…`, `mix`, `head`.
///
/// # Errors
/// When the builder lacks a tensor or has one of another shape.
pub fn anime(config: &AnimeConfig, vb: VarBuilder<'_>) -> Result<Anime> {
    let (Some(&first), Some(&last)) = (config.widths.first(), config.widths.last()) else {
        bail!("an anime generator needs at least one width");
    };
    let mut downs = Vec::new();
    let mut inputs = 3;
    for (i, &outputs) in config.widths.iter().enumerate() {
        let vb = vb.pp(format!("down{}", i + 1));
        downs.push(Down {
            halve: conv(inputs, outputs, ConvConfig { init: HE, ..ConvConfig::default() }, vb.pp("halve"))?,
            refine: Residual::new(outputs, 0, vb.pp("refine"))?,
        });
        inputs = outputs;
    }
    let styles = config.styles;
    let blocks = (0..config.blocks)
        .map(|i| Residual::new(last, styles, vb.pp(format!("block{}", i + 1))))
        .collect::<Result<_>>()?;
    let ups = config
        .widths
        .windows(2)
        .rev()
        .enumerate()
        .map(|(i, pair)| Up::new((pair[1], pair[0], pair[0]), styles, vb.pp(format!("up{}", i + 1))))
        .collect::<Result<_>>()?;
    Ok(Anime {
        downs,
        blocks,
        ups,
        mix: conv(first + 12, first, ConvConfig::same3(HE), vb.pp("mix"))?,
        mix_modulation: Modulation::new(first, styles, vb.pp("mix.style"))?,
        head: conv(first, 12, ConvConfig::same3(Init::Const(0.0)), vb.pp("head"))?,
        recolour: config.recolours.then(|| Recolour::new(styles, vb.pp("recolour"))).transpose()?,
        styles,
    })
}

/// `(N, 3, H, W)` to `(N, 12, H/2, W/2)`: each 2×2 block as channels.
fn space_to_depth(x: &Tensor) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    x.reshape((n, c, h / 2, 2, w / 2, 2))?.permute((0, 1, 3, 5, 2, 4))?.reshape((n, 4 * c, h / 2, w / 2))
}

/// The inverse of [`space_to_depth`].
fn depth_to_space(x: &Tensor) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    x.reshape((n, c / 4, 2, 2, h, w))?.permute((0, 1, 4, 2, 5, 3))?.reshape((n, c / 4, 2 * h, 2 * w))
}

impl Anime {
    /// The pass's style, if this generator draws by one.
    fn style<'a>(&self, batch: usize, pass: &Pass<'a>) -> Result<Option<&'a Tensor>> {
        match pass.style {
            _ if self.styles == 0 => Ok(None),
            Some(style) if [(1, self.styles), (batch, self.styles)].contains(&style.dims2()?) => Ok(Some(style)),
            Some(style) => bail!("a style {:?} is none of {} for {batch} pictures", style.shape(), self.styles),
            None => bail!("this generator draws {} styles: say which", self.styles),
        }
    }
}

impl Anime {
    /// What is added to the photo `(N, 3, H, W)`, each 2×2 block as channels: `(N, 12, H/2, W/2)`.
    fn difference(&self, photo: &Tensor, style: Option<&Tensor>) -> Result<Tensor> {
        let mut skips = Vec::with_capacity(self.downs.len());
        let mut x = photo.clone();
        for down in &self.downs {
            x = down.refine.forward(&rectified(&down.halve, &x, None, None)?, None)?;
            skips.push(x.clone());
        }
        skips.pop();
        for block in &self.blocks {
            x = block.forward(&x, style)?;
        }
        for up in &self.ups {
            let Some(skip) = skips.pop() else { bail!("more doublings than halvings") };
            x = up.forward(&x, &skip, style)?;
        }
        let both = beside(&x, &space_to_depth(photo)?)?;
        self.head.forward(&rectified(&self.mix, &both, self.mix_modulation.as_ref(), style)?)
    }
}

impl Generator for Anime {
    fn outline(&self) -> Result<Outline> {
        self.layers()
    }

    fn forward(&self, photo: &Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        let (batch, _, height, width) = photo.dims4()?;
        let multiple = self.multiple();
        if height == 0 || width == 0 || height % multiple != 0 || width % multiple != 0 {
            bail!("this generator takes sides that are multiples of {multiple}, not {width}×{height}");
        }
        let style = self.style(batch, pass)?;
        let difference = segment(|| self.difference(photo, style))?;
        let picture = sum(&recoloured(photo, self.recolour.as_ref(), style)?, &depth_to_space(&difference)?)?;
        // In training the loss itself pulls the values into range; clamping
        // would take the gradient away where it is needed most.
        if pass.training { Ok(picture) } else { picture.clamp(-1f32, 1f32) }
    }

    fn multiple(&self) -> usize {
        1 << self.downs.len()
    }

    fn reach(&self) -> Option<usize> {
        // Each layer adds its own radius at the scale (pixels a step) it runs at.
        let (mut scale, mut reach) = (1, 0);
        for _ in &self.downs {
            reach += 2 * scale; // 4×4 with stride 2: two pixels to either side at most
            scale *= 2;
            reach += 2 * scale; // two 3×3 convolutions
        }
        reach += 2 * scale * self.blocks.len();
        for _ in &self.ups {
            reach += scale; // the doubling's 3×3, with room for the block it spreads over
            scale /= 2;
            reach += 3 * scale;
        }
        Some(reach + 2 * scale + 1)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::init::Parameters;
    use super::*;
    use candle_core::Device;

    fn wave(shape: &[usize], scale: f32) -> Tensor {
        let count: usize = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|i| scale * (0.7 * i as f32).sin()).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    /// A network whose residual branches and head are not zero, as after training.
    fn trained(config: &AnimeConfig) -> Anime {
        let parameters = Parameters::default();
        let network = anime(config, parameters.seeded(3, &Device::Cpu)).unwrap();
        for (i, (_, var)) in parameters.all().into_iter().enumerate() {
            let noise = wave(var.dims(), 0.05 + 0.001 * i as f32);
            var.set(&(var.as_detached_tensor() + noise).unwrap()).unwrap();
        }
        network
    }

    fn largest(x: &Tensor) -> f32 {
        x.abs().unwrap().max_all().unwrap().to_scalar().unwrap()
    }

    #[test]
    fn an_untrained_network_returns_the_photo() {
        let network = anime(&AnimeConfig::default(), Parameters::default().seeded(1, &Device::Cpu)).unwrap();
        let photo = wave(&[1, 3, 32, 48], 0.9);
        let drawn = network.forward(&photo, &Pass::INFERENCE).unwrap();
        assert_eq!(largest(&(drawn - photo).unwrap()), 0.0);
    }

    #[test]
    fn nothing_beyond_the_reach_changes_a_pixel() {
        let config = AnimeConfig { widths: vec![4, 6], blocks: 1, styles: 0, ..AnimeConfig::default() };
        let network = trained(&config);
        let reach = network.reach().unwrap();
        let side = 4 * (2 * reach).div_ceil(4) + 8;
        let photo = wave(&[1, 3, side, side], 0.5);
        // One pixel changed in the middle.
        let middle = side / 2;
        let mut values: Vec<f32> = photo.flatten_all().unwrap().to_vec1().unwrap();
        values[middle * side + middle] += 0.4;
        let other = Tensor::from_vec(values, photo.dims(), &Device::Cpu).unwrap();
        let draw = |x: &Tensor| network.forward(x, &Pass::INFERENCE).unwrap();
        let change = (draw(&photo) - draw(&other)).unwrap().abs().unwrap().sum(1).unwrap().squeeze(0).unwrap();
        let change: Vec<Vec<f32>> = change.to_vec2().unwrap();
        let mut farthest = 0;
        for (y, row) in change.iter().enumerate() {
            for (x, value) in row.iter().enumerate() {
                if *value > 0.0 {
                    farthest = farthest.max(y.abs_diff(middle)).max(x.abs_diff(middle));
                }
            }
        }
        assert!(farthest > 0, "the change must be seen somewhere");
        assert!(farthest <= reach, "a pixel {farthest} away changed, but the reach is said to be {reach}");
    }

    #[test]
    fn batches_do_not_change_a_picture() {
        let network = trained(&AnimeConfig { widths: vec![4, 6, 8], blocks: 1, styles: 0, ..AnimeConfig::default() });
        let (a, b) = (wave(&[1, 3, 16, 24], 0.5), wave(&[1, 3, 16, 24], 0.9));
        let both = network.forward(&Tensor::cat(&[&a, &b], 0).unwrap(), &Pass::INFERENCE).unwrap();
        for (i, photo) in [a, b].iter().enumerate() {
            let alone = network.forward(photo, &Pass::INFERENCE).unwrap();
            assert_eq!(largest(&(both.narrow(0, i, 1).unwrap() - alone).unwrap()), 0.0);
        }
    }

    #[test]
    fn sides_that_do_not_fit_are_refused() {
        let network = trained(&AnimeConfig { widths: vec![4, 6], blocks: 0, styles: 0, ..AnimeConfig::default() });
        let error = network.forward(&wave(&[1, 3, 6, 8], 1.0), &Pass::INFERENCE).unwrap_err().to_string();
        assert!(error.contains("multiples of 4"), "{error}");
    }
}
