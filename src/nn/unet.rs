//! pix2pix's U-Net (Isola et al. 2017, §6.1.1): `n` halvings down to 1×1, `n`
//! doublings up, each fed with the skip of its size.

mod outline;

use super::activation::relu;
use super::beside::beside;
use super::dropout::Dropout;
use super::generator::{Generator, Pass};
use super::layers::{Conv2d, ConvConfig, ConvTranspose2d, conv, conv_transpose};
use super::norm::{Norm, NormKind, norm};
use super::pix2pix::Pix2pixConfig;
use super::plan::Outline;
use super::segment::segment;
use candle_core::{Result, Tensor, bail};
use candle_nn::VarBuilder;

/// Halvings of `unet_256`, whose sides are multiples of 256.
pub const UNET_256: usize = 8;

/// Halvings of `unet_128`, whose sides are multiples of 128.
pub const UNET_128: usize = 7;

/// Channels after `level` + 1 halvings.
fn channels_at(config: &Pix2pixConfig, level: usize) -> usize {
    config.width << level.min(3)
}

/// One level's way down: rectify (but for the outermost), halve, norm (but for
/// the outermost and the innermost).
struct Down {
    conv: Conv2d,
    norm: Norm,
}

/// One level's way up: rectify, double, norm (but for the outermost), drop out.
struct Up {
    conv: ConvTranspose2d,
    norm: Norm,
    dropout: Dropout,
}

/// See the module.
pub struct UNet {
    /// From the outermost to the innermost.
    downs: Vec<Down>,
    /// From the outermost to the innermost.
    ups: Vec<Up>,
}

/// A U-Net of `depth` halvings from `vb`'s `down1…`, `up1…` (1 is the outermost).
///
/// # Errors
/// When the builder lacks a tensor or has one of another shape.
pub fn unet(depth: usize, config: Pix2pixConfig, vb: VarBuilder<'_>) -> Result<UNet> {
    if depth < 3 {
        bail!("a U-Net needs at least 3 levels, not {depth}");
    }
    let last = depth - 1;
    let (mut downs, mut ups) = (Vec::new(), Vec::new());
    for level in 0..depth {
        let (outer, inner) = (level == 0, level == last);
        let channels = channels_at(&config, level);
        let sized = |bias| ConvConfig { bias, ..ConvConfig::default() };

        // The layers without a norm: torch's implementation gives the first
        // and the innermost convolution a bias only with instance norm.
        let inputs = if outer { config.seen() } else { channels_at(&config, level - 1) };
        let vb_down = vb.pp(format!("down{}", level + 1));
        let kind = if outer || inner { NormKind::None } else { config.norm };
        downs.push(Down {
            conv: conv(inputs, channels, sized(config.norm.needs_bias()), vb_down.pp("conv"))?,
            norm: norm(kind, channels, vb_down.pp("norm"))?.at_test(config.statistics),
        });

        let inputs = if inner { channels } else { 2 * channels };
        let outputs = if outer { config.outputs } else { channels_at(&config, level - 1) };
        let vb_up = vb.pp(format!("up{}", level + 1));
        let kind = if outer { NormKind::None } else { config.norm };
        // Three decoder blocks next to the innermost one drop out (two in unet_128).
        let drops = !inner && level >= 4;
        ups.push(Up {
            conv: conv_transpose(inputs, outputs, sized(outer || config.norm.needs_bias()), vb_up.pp("conv"))?,
            norm: norm(kind, outputs, vb_up.pp("norm"))?.at_test(config.statistics),
            dropout: Dropout { rate: if drops { config.dropout } else { 0.0 } },
        });
    }
    Ok(UNet { downs, ups })
}

impl UNet {
    /// The last layer's, before the hyperbolic tangent.
    fn sums(&self, photo: &Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        // The rectifiers stand behind the norms here, which are computed with
        // them: a skip's is the same before and after the leaky one,
        // relu(leaky(x)) = relu(x), and dropout's factors are not negative.
        let mut skips: Vec<Tensor> = Vec::with_capacity(self.downs.len());
        let mut x = photo.clone();
        for down in &self.downs {
            x = down.norm.rectified(&down.conv.forward(&x)?, 0.2, pass)?;
            skips.push(x.clone());
        }
        for (level, up) in self.ups.iter().enumerate().rev() {
            let skip = relu(&skips[level])?;
            let inner = level + 1 == self.ups.len();
            x = up.conv.forward(&if inner { skip } else { beside(&skip, &x)? })?;
            if level > 0 {
                x = up.dropout.forward(&up.norm.rectified(&x, 0.0, pass)?, pass)?;
            }
        }
        Ok(x)
    }
}

impl Generator for UNet {
    fn outline(&self) -> Result<Outline> {
        self.layers()
    }

    fn forward(&self, photo: &Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        let (_, _, height, width) = photo.dims4()?;
        let multiple = self.multiple();
        if height == 0 || width == 0 || height % multiple != 0 || width % multiple != 0 {
            bail!("this U-Net takes sides that are multiples of {multiple}, not {width}×{height}");
        }
        segment(|| self.sums(photo, pass))?.tanh()
    }

    fn multiple(&self) -> usize {
        1 << self.downs.len()
    }

    fn reach(&self) -> Option<usize> {
        // Its windows span some 1,500 pixels: tiles would overlap almost whole.
        None
    }
}
