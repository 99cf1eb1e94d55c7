//! pix2pix's U-Net in ONNX's operators, as [`crate::nn::unet`] runs it at inference.

use super::graph::{Graph, PHOTO, PICTURE, int};
use super::norm::norm;
use crate::nn::pix2pix::Pix2pixConfig;
use candle_core::Result;

/// A U-Net of `depth` halvings, and the channels of its photo and picture.
///
/// # Errors
/// When a tensor is missing.
pub fn draw(graph: &mut Graph<'_>, depth: usize, config: &Pix2pixConfig) -> Result<(usize, usize)> {
    let kind = (config.norm, config.statistics);
    let mut x = PHOTO.to_owned();
    let mut skips = Vec::new();
    for level in 1..=depth {
        let name = format!("down{level}");
        if level > 1 {
            x = graph.rectify(&format!("{name}.rectify"), &x, 0.2);
        }
        x = graph.layer("Conv", &format!("{name}.conv"), &x, 2)?;
        if level > 1 && level < depth {
            x = norm(graph, kind, &format!("{name}.norm"), x, (&format!("{name}.conv.weight"), 0))?;
        }
        skips.push(x.clone());
    }
    skips.pop();
    for level in (1..=depth).rev() {
        let name = format!("up{level}");
        if level < depth {
            x = graph.add("Concat", &format!("{name}.join"), &[&skips[level - 1], &x], vec![int("axis", 1)]);
        }
        x = graph.rectify(&format!("{name}.rectify"), &x, 0.0);
        x = graph.layer("ConvTranspose", &format!("{name}.conv"), &x, 2)?;
        if level > 1 {
            x = norm(graph, kind, &format!("{name}.norm"), x, (&format!("{name}.conv.weight"), 1))?;
        }
    }
    graph.add("Tanh", PICTURE, &[&x], Vec::new());
    Ok((config.inputs, config.outputs))
}
