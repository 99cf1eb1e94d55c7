//! The residual generator of CycleGAN and pix2pix (Johnson et al. 2016; Zhu et al. 2017, §7.2): two halvings, residual
//! blocks, two doublings, with mirrored borders. Sakuga runs it for those who bring their weights.

mod outline;

use super::dropout::Dropout;
use super::generator::{Generator, Pass};
use super::layers::{Conv2d, ConvConfig, ConvTranspose2d, conv, conv_transpose};
use super::norm::Norm;
use super::pix2pix::Pix2pixConfig;
use super::plan::Outline;
use super::segment::segment;
use candle_core::{Result, Tensor, bail};
use candle_nn::VarBuilder;

/// Blocks of `resnet_9blocks`.
pub const RESNET_9: usize = 9;

/// Blocks of `resnet_6blocks`.
pub const RESNET_6: usize = 6;

/// A convolution and its norm.
struct Normed {
    conv: Conv2d,
    norm: Norm,
}

/// `vb`'s convolution from `channels.0` to `channels.1`, and the norm after it.
fn normed(
    config: &Pix2pixConfig,
    channels: (usize, usize),
    sizes: ConvConfig,
    [conv_vb, norm_vb]: [VarBuilder<'_>; 2],
) -> Result<Normed> {
    Ok(Normed { conv: conv(channels.0, channels.1, sizes, conv_vb)?, norm: config.norm(channels.1, norm_vb)? })
}

impl Normed {
    fn forward(&self, x: &Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        segment(|| self.norm.forward(&self.conv.forward(x)?, pass))
    }

    fn rectified(&self, x: &Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        segment(|| self.norm.rectified(&self.conv.forward(x)?, 0.0, pass))
    }
}

/// `x + norm(conv(dropout(relu(norm(conv(x))))))`, 3×3 with mirrored borders.
struct Block {
    first: Normed,
    dropout: Dropout,
    second: Normed,
}

impl Block {
    fn forward(&self, x: &Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        let inner = self.first.rectified(&mirrored(x, 1)?, pass)?;
        let inner = self.dropout.forward(&inner, pass)?;
        x + self.second.forward(&mirrored(&inner, 1)?, pass)?
    }
}

/// See the module.
pub struct ResNet {
    stem: Normed,
    downs: Vec<Normed>,
    blocks: Vec<Block>,
    /// From the smallest on.
    ups: Vec<(ConvTranspose2d, Norm)>,
    head: Conv2d,
}

/// A residual generator of so many blocks from `vb`'s `stem`, `down1…`, `block1…`, `up1…` and `head`.
///
/// # Errors
/// When the builder lacks a tensor or has one of another shape.
pub fn resnet(blocks: usize, config: Pix2pixConfig, vb: VarBuilder<'_>) -> Result<ResNet> {
    let (inputs, Pix2pixConfig { outputs, width, .. }) = (config.seen(), config);
    let bias = config.norm.needs_bias();
    let wide = ConvConfig { kernel: 7, stride: 1, padding: 0, ..ConvConfig::default() };
    let halving = ConvConfig { kernel: 3, stride: 2, padding: 1, bias, ..ConvConfig::default() };
    let inner = ConvConfig { kernel: 3, stride: 1, padding: 0, bias, ..ConvConfig::default() };
    let block = |vb: VarBuilder<'_>| -> Result<Block> {
        let channels = (4 * width, 4 * width);
        Ok(Block {
            first: normed(&config, channels, inner, [vb.pp("conv1"), vb.pp("norm1")])?,
            dropout: Dropout { rate: config.dropout },
            second: normed(&config, channels, inner, [vb.pp("conv2"), vb.pp("norm2")])?,
        })
    };
    let layer = |name: &str, channels, sizes| {
        let vb = vb.pp(name);
        normed(&config, channels, sizes, [vb.pp("conv"), vb.pp("norm")])
    };
    let up = |name: &str, channels: usize| -> Result<_> {
        let vb = vb.pp(name);
        let doubling = ConvConfig { output_padding: 1, ..halving };
        Ok((
            conv_transpose(channels, channels / 2, doubling, vb.pp("conv"))?,
            config.norm(channels / 2, vb.pp("norm"))?,
        ))
    };
    Ok(ResNet {
        stem: layer("stem", (inputs, width), ConvConfig { bias, ..wide })?,
        downs: vec![layer("down1", (width, 2 * width), halving)?, layer("down2", (2 * width, 4 * width), halving)?],
        blocks: (1..=blocks).map(|i| block(vb.pp(format!("block{i}")))).collect::<Result<_>>()?,
        ups: vec![up("up1", 4 * width)?, up("up2", 2 * width)?],
        head: conv(width, outputs, wide, vb.pp("head.conv"))?,
    })
}

/// `x` `(N, C, H, W)` with `by` pixels mirrored about each border, which are not repeated; where a side is too short,
/// its last pixel is.
fn mirrored(x: &Tensor, by: usize) -> Result<Tensor> {
    let mut x = x.clone();
    for side in [2, 3] {
        let last = x.dim(side)? - 1;
        let mut parts: Vec<_> = (1..=by).rev().map(|i| x.narrow(side, i.min(last), 1)).collect::<Result<_>>()?;
        parts.push(x.clone());
        for i in 1..=by {
            parts.push(x.narrow(side, last.saturating_sub(i), 1)?);
        }
        x = Tensor::cat(&parts, side)?;
    }
    Ok(x)
}

impl Generator for ResNet {
    fn outline(&self) -> Result<Outline> {
        self.layers()
    }

    fn forward(&self, photo: &Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        let (_, _, height, width) = photo.dims4()?;
        let multiple = self.multiple();
        if height == 0 || width == 0 || height % multiple != 0 || width % multiple != 0 {
            bail!("this generator takes sides that are multiples of {multiple}, not {width}×{height}");
        }
        let mut x = self.stem.rectified(&mirrored(photo, 3)?, pass)?;
        for down in &self.downs {
            x = down.rectified(&x, pass)?;
        }
        for block in &self.blocks {
            x = block.forward(&x, pass)?;
        }
        for (conv, norm) in &self.ups {
            x = segment(|| norm.rectified(&conv.forward(&x)?, 0.0, pass))?;
        }
        self.head.forward(&mirrored(&x, 3)?)?.tanh()
    }

    fn multiple(&self) -> usize {
        1 << self.downs.len()
    }

    fn reach(&self) -> Option<usize> {
        if self.stem.norm.sees_the_whole() {
            return None;
        }
        // 7×7, two halvings of 3×3, two 3×3 a block at a quarter, two doublings, 7×7.
        Some(3 + (1 + 2) + 8 * self.blocks.len() + (4 + 2) + 3)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::nn::init::Parameters;
    use candle_core::Device;

    #[test]
    fn borders_are_mirrored() {
        let x = Tensor::arange(0f32, 4.0, &Device::Cpu).unwrap().reshape((1, 1, 1, 4)).unwrap();
        let rows: Vec<Vec<f32>> = mirrored(&x, 3).unwrap().squeeze(0).unwrap().squeeze(0).unwrap().to_vec2().unwrap();
        assert_eq!(rows, vec![vec![3.0, 2.0, 1.0, 0.0, 1.0, 2.0, 3.0, 2.0, 1.0, 0.0]; 7]);
    }

    #[test]
    fn nothing_beyond_the_reach_changes_a_pixel() {
        let config = Pix2pixConfig { width: 4, ..Pix2pixConfig::default() };
        let parameters = Parameters::default();
        let network = resnet(1, config, parameters.seeded(1, &Device::Cpu)).unwrap();
        // As it starts, the network passes on too little to be seen; and with fewer channels all of a layer may be off.
        for (_, weight) in parameters.all().into_iter().filter(|(name, _)| name.contains("conv")) {
            weight.set(&(weight.as_detached_tensor() * 8.0).unwrap()).unwrap();
        }
        let reach = network.reach().unwrap();
        let side = (4 * reach).next_multiple_of(4);
        let draw = |changed: f32| {
            let mut photo = vec![0.1f32; 3 * side * side];
            photo[side / 2 * side + side / 2] += changed;
            let photo = Tensor::from_vec(photo, (1, 3, side, side), &Device::Cpu).unwrap();
            network.forward(&photo, &Pass::INFERENCE).unwrap()
        };
        let change = (draw(0.0) - draw(0.5)).unwrap().abs().unwrap().sum(1).unwrap().squeeze(0).unwrap();
        let change: Vec<Vec<f32>> = change.to_vec2().unwrap();
        let changed = (0..side * side).filter(|i| change[i / side][i % side] > 0.0);
        let farthest = changed.map(|i| (i / side).abs_diff(side / 2).max((i % side).abs_diff(side / 2))).max().unwrap();
        assert!(farthest > 8 && farthest <= reach, "{farthest} of {reach}");
    }
}
