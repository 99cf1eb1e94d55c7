//! pix2pix's U-Net for the inference plan. What the encoder keeps for the decoder is rectified once for each of its two readers.

use super::UNet;
use crate::nn::plan::{Finish, Outline, Term, Window, shuffled};
use candle_core::Result;

const HALVING: Window = Window::Convolution { stride: 2, padding: 1 };
const SAME: Window = Window::Convolution { stride: 1, padding: 1 };
impl UNet {
    pub(super) fn layers(&self) -> Result<Outline> {
        let depth = self.downs.len();
        let (mut outline, photo) = Outline::new(self.downs[0].conv.weight.dim(1)?);
        let mut skips = Vec::new();
        let mut x = photo;
        for (level, down) in self.downs.iter().enumerate() {
            let weight = &down.conv.weight;
            let affine = down.norm.affine(weight.dim(0)?, down.conv.bias.as_ref())?;
            let terms = vec![Term { node: x, weight: weight.clone(), window: HALVING }];
            if level + 1 == depth {
                skips.push(outline.layer(terms, affine, None, 0.0)?);
            } else {
                let both = outline.rectified(terms, affine, None, &[0.2, 0.0])?;
                x = both[0];
                skips.push(both[1]);
            }
        }
        let mut inner = None;
        for (level, up) in self.ups.iter().enumerate().rev() {
            let outermost = level == 0;
            let (weight, window) = if outermost {
                // Few channels: as one convolution and a shuffle, its four phases share their sums' registers.
                (shuffled(&up.conv.weight)?.transpose(0, 1)?, SAME)
            } else {
                (up.conv.weight.clone(), Window::Doubling { padding: 1 })
            };
            // `(Cin, Cout, K, K)`, the skip's channels first.
            let nodes: Vec<_> = std::iter::once(skips[level]).chain(inner).collect();
            let each = weight.dim(0)? / nodes.len();
            let mut terms = Vec::new();
            for (i, node) in nodes.into_iter().enumerate() {
                let weight = weight.narrow(0, i * each, each)?;
                let weight = if outermost { weight.transpose(0, 1)? } else { weight };
                terms.push(Term { node, weight: weight.contiguous()?, window });
            }
            let affine = up.norm.affine(up.conv.weight.dim(1)?, up.conv.bias.as_ref())?;
            let (affine, slope) = if outermost { (affine.repeated(4), 1.0) } else { (affine, 0.0) };
            inner = Some(outline.layer(terms, affine, None, slope)?);
            outline.drop_out(up.dropout.rate);
        }
        Ok(outline.finish(inner.unwrap_or(photo), Finish::Tanh))
    }
}
