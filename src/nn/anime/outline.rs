//! The anime generator's layers for the inference plan.

use super::Anime;
use super::blocks::{Residual, SLOPE, spread};
use crate::nn::layers::Conv2d;
use crate::nn::modulation::Modulation;
use crate::nn::plan::{Affine, Finish, Node, Outline, Term, Window};
use candle_core::{Result, Tensor};

const SAME: Window = Window::Convolution { stride: 1, padding: 1 };
const HALVING: Window = Window::Convolution { stride: 2, padding: 1 };

/// A bias, then the style's scale and shift if there are any.
fn affine(channels: usize, bias: Option<&Tensor>, modulation: Option<&Modulation>) -> Result<Affine> {
    let affine = Affine::bias(channels, bias)?;
    modulation.map_or(Ok(affine.clone()), |modulation| affine.styled(&modulation.scale, &modulation.shift))
}

/// `conv` of `node`, modulated and rectified.
fn rectified(
    outline: &mut Outline,
    node: Node,
    conv: &Conv2d,
    modulation: Option<&Modulation>,
    window: Window,
) -> Result<Node> {
    let affine = affine(conv.weight.dim(0)?, conv.bias.as_ref(), modulation)?;
    outline.layer(vec![Term { node, weight: conv.weight.clone(), window }], affine, None, SLOPE)
}

fn residual(outline: &mut Outline, node: Node, block: &Residual) -> Result<Node> {
    let inner = rectified(outline, node, &block.conv1, block.modulation.as_ref(), SAME)?;
    let Conv2d { weight, bias, .. } = &block.conv2;
    let affine = Affine::bias(weight.dim(0)?, bias.as_ref())?;
    outline.layer(vec![Term { node: inner, weight: weight.clone(), window: SAME }], affine, Some(node), 1.0)
}

/// The weight `(Cout, 3, 6, 6)` that reads from the photo what `weight` `(Cout, 12, 3, 3)` reads from its 2×2 blocks
/// as channels.
fn on_photo(weight: &Tensor) -> Result<Tensor> {
    let (outputs, channels, _, _) = weight.dims4()?;
    weight
        .reshape((outputs, channels / 4, 2, 2, 3, 3))?
        .permute((0, 1, 4, 2, 5, 3))?
        .reshape((outputs, channels / 4, 6, 6))?
        .contiguous()
}

impl Anime {
    pub(super) fn layers(&self) -> Result<Outline> {
        let (mut outline, photo) = Outline::new(3);
        let mut skips = Vec::new();
        let mut x = photo;
        for down in &self.downs {
            x = rectified(&mut outline, x, &down.halve, None, HALVING)?;
            x = residual(&mut outline, x, &down.refine)?;
            skips.push(x);
        }
        skips.pop();
        for block in &self.blocks {
            x = residual(&mut outline, x, block)?;
        }
        for (up, skip) in self.ups.iter().zip(skips.into_iter().rev()) {
            let doubled = Term { node: x, weight: spread(&up.double)?, window: Window::Doubling { padding: 1 } };
            let beside = Term { node: skip, weight: up.skip.clone(), window: SAME };
            let affine = affine(up.bias.elem_count(), Some(&up.bias), up.modulation.as_ref())?;
            x = outline.layer(vec![doubled, beside], affine, None, SLOPE)?;
            x = residual(&mut outline, x, &up.refine)?;
        }
        let Conv2d { weight, bias, .. } = &self.mix;
        let features = weight.dim(1)? - 12;
        let terms = vec![
            Term { node: x, weight: weight.narrow(1, 0, features)?.contiguous()?, window: SAME },
            Term {
                node: photo,
                weight: on_photo(&weight.narrow(1, features, 12)?)?,
                window: Window::Convolution { stride: 2, padding: 2 },
            },
        ];
        let mixed = affine(weight.dim(0)?, bias.as_ref(), self.mix_modulation.as_ref())?;
        x = outline.layer(terms, mixed, None, SLOPE)?;
        let Conv2d { weight, bias, .. } = &self.head;
        let affine = Affine::bias(weight.dim(0)?, bias.as_ref())?;
        x = outline.layer(vec![Term { node: x, weight: weight.clone(), window: SAME }], affine, None, 1.0)?;
        let outline = outline.finish(x, Finish::AddToPhoto);
        match &self.recolour {
            Some(recolour) => outline.recoloured(&recolour.numbers()?),
            None => Ok(outline),
        }
    }
}
