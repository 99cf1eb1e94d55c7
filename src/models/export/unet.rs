//! pix2pix's U-Net in ONNX's operators, as [`crate::nn::unet`] runs it at inference.

use super::graph::{Graph, PHOTO, PICTURE, float, int};
use crate::nn::norm::NormKind;
use crate::nn::unet::UNetConfig;
use candle_core::{DType, Device, Result, Tensor};

const EPSILON: f32 = 1e-5;

/// A U-Net of `depth` halvings, and the channels of its photo and picture.
///
/// # Errors
/// When a tensor is missing.
pub fn draw(graph: &mut Graph<'_>, depth: usize, config: &UNetConfig) -> Result<(usize, usize)> {
    let mut x = PHOTO.to_owned();
    let mut skips = Vec::new();
    for level in 1..=depth {
        let name = format!("down{level}");
        if level > 1 {
            x = graph.rectify(&format!("{name}.rectify"), &x, 0.2);
        }
        x = graph.layer("Conv", &format!("{name}.conv"), &x, 2)?;
        if level > 1 && level < depth {
            x = norm(graph, config.norm, &format!("{name}.norm"), x, &format!("{name}.conv.weight"), 0)?;
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
            x = norm(graph, config.norm, &format!("{name}.norm"), x, &format!("{name}.conv.weight"), 1)?;
        }
    }
    graph.add("Tanh", PICTURE, &[&x], Vec::new());
    Ok((config.inputs, config.outputs))
}

/// The norm after the convolution whose weight has its output channels along `axis`.
fn norm(graph: &mut Graph<'_>, kind: NormKind, name: &str, x: String, weight: &str, axis: usize) -> Result<String> {
    let epsilon = vec![float("epsilon", EPSILON)];
    match kind {
        NormKind::None => Ok(x),
        NormKind::Batch => {
            let own =
                ["weight", "bias", "running_mean", "running_var"].map(|what| graph.own(&format!("{name}.{what}")));
            let [weight, bias, mean, variance] = own;
            Ok(graph.add("BatchNormalization", name, &[&x, &weight?, &bias?, &mean?, &variance?], epsilon))
        }
        NormKind::Instance => {
            // The operator has a scale and a shift, which the network has not.
            let channels = graph.tensor(weight)?.dim(axis)?;
            let scale = Tensor::ones(channels, DType::F32, &Device::Cpu)?;
            let scale = graph.parameter(&format!("{name}.scale"), &scale)?;
            let shift = Tensor::zeros(channels, DType::F32, &Device::Cpu)?;
            let shift = graph.parameter(&format!("{name}.shift"), &shift)?;
            Ok(graph.add("InstanceNormalization", name, &[&x, &scale, &shift], epsilon))
        }
    }
}
