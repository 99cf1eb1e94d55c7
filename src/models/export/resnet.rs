//! The residual generator in ONNX's operators, as [`crate::nn::resnet`] runs it at inference.

use super::graph::{Graph, PHOTO, PICTURE, word};
use super::norm::norm;
use crate::nn::norm::{NormKind, Statistics};
use crate::nn::pix2pix::Pix2pixConfig;
use candle_core::Result;

/// A generator of so many blocks, and the channels of its photo and picture.
///
/// # Errors
/// When a tensor is missing.
pub fn draw(graph: &mut Graph<'_>, blocks: usize, config: &Pix2pixConfig) -> Result<(usize, usize)> {
    let kind = (config.norm, config.statistics);
    let mut x = layer(graph, ("stem.conv", "stem.norm"), kind, PHOTO, 3)?;
    x = graph.rectify("stem.rectify", &x, 0.0);
    for name in ["down1", "down2"] {
        x = graph.layer("Conv", &format!("{name}.conv"), &x, 2)?;
        x = norm(graph, kind, &format!("{name}.norm"), x, (&format!("{name}.conv.weight"), 0))?;
        x = graph.rectify(&format!("{name}.rectify"), &x, 0.0);
    }
    for block in 1..=blocks {
        let name = format!("block{block}");
        let at = |what: &str| format!("{name}.{what}");
        let inner = layer(graph, (&at("conv1"), &at("norm1")), kind, &x, 1)?;
        let inner = graph.rectify(&at("rectify"), &inner, 0.0);
        let inner = layer(graph, (&at("conv2"), &at("norm2")), kind, &inner, 1)?;
        x = graph.add("Add", &at("sum"), &[&x, &inner], Vec::new());
    }
    for name in ["up1", "up2"] {
        x = graph.double(&format!("{name}.conv"), &x)?;
        x = norm(graph, kind, &format!("{name}.norm"), x, (&format!("{name}.conv.weight"), 1))?;
        x = graph.rectify(&format!("{name}.rectify"), &x, 0.0);
    }
    x = mirrored(graph, "head", &x, 3);
    x = graph.unpadded("head.conv", &x)?;
    graph.add("Tanh", PICTURE, &[&x], Vec::new());
    Ok((config.inputs, config.outputs))
}

/// A convolution over borders mirrored by `by` pixels, and its norm.
fn layer(
    graph: &mut Graph<'_>,
    (conv, norm_name): (&str, &str),
    kind: (NormKind, Statistics),
    x: &str,
    by: i64,
) -> Result<String> {
    let x = mirrored(graph, conv, x, by);
    let x = graph.unpadded(conv, &x)?;
    norm(graph, kind, norm_name, x, (&format!("{conv}.weight"), 0))
}

/// `x` with `by` pixels mirrored about each border, which are not repeated.
fn mirrored(graph: &mut Graph<'_>, name: &str, x: &str, by: i64) -> String {
    let pads = graph.integers(&format!("{name}.borders"), &[0, 0, by, by, 0, 0, by, by]);
    graph.add("Pad", &format!("{name}.mirrored"), &[x, &pads], vec![word("mode", "reflect")])
}
