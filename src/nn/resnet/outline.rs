//! The residual generator's layers for the inference plan.

use super::{Normed, ResNet};
use crate::nn::plan::{Affine, Finish, Node, Outline, Term, Window};
use candle_core::Result;

const HALVING: Window = Window::Convolution { stride: 2, padding: 1 };
const DOUBLING: Window = Window::Doubling { padding: 1 };
const NEXT: Window = Window::Mirrored { padding: 1 };
const WIDE: Window = Window::Mirrored { padding: 3 };

fn normed(
    outline: &mut Outline,
    node: Node,
    Normed { conv, norm }: &Normed,
    window: Window,
    residual: Option<Node>,
    slope: f32,
) -> Result<Node> {
    let affine = norm.affine(conv.weight.dim(0)?, conv.bias.as_ref())?;
    outline.layer(vec![Term { node, weight: conv.weight.clone(), window }], affine, residual, slope)
}

impl ResNet {
    pub(super) fn layers(&self) -> Result<Outline> {
        let (mut outline, photo) = Outline::new(self.stem.conv.weight.dim(1)?);
        let mut x = normed(&mut outline, photo, &self.stem, WIDE, None, 0.0)?;
        for down in &self.downs {
            x = normed(&mut outline, x, down, HALVING, None, 0.0)?;
        }
        for block in &self.blocks {
            let inner = normed(&mut outline, x, &block.first, NEXT, None, 0.0)?;
            outline.drop_out(block.dropout.rate);
            x = normed(&mut outline, inner, &block.second, NEXT, Some(x), 1.0)?;
        }
        for (conv, norm) in &self.ups {
            let affine = norm.affine(conv.weight.dim(1)?, conv.bias.as_ref())?;
            let term = Term { node: x, weight: conv.weight.clone(), window: DOUBLING };
            x = outline.layer(vec![term], affine, None, 0.0)?;
        }
        let affine = Affine::bias(self.head.weight.dim(0)?, self.head.bias.as_ref())?;
        let term = Term { node: x, weight: self.head.weight.clone(), window: WIDE };
        x = outline.layer(vec![term], affine, None, 1.0)?;
        Ok(outline.finish(x, Finish::Tanh))
    }
}
