//! The norms in ONNX's operators.

use super::graph::{Graph, float};
use crate::nn::norm::{NormKind, Statistics};
use candle_core::{DType, Device, Result, Tensor};

const EPSILON: f32 = 1e-5;

/// The norm `name` after the convolution whose weight has its output channels along `axis`.
///
/// # Errors
/// When a tensor is missing.
pub fn norm(
    graph: &mut Graph<'_>,
    (kind, statistics): (NormKind, Statistics),
    name: &str,
    x: String,
    (weight, axis): (&str, usize),
) -> Result<String> {
    let epsilon = vec![float("epsilon", EPSILON)];
    let own = |graph: &mut Graph<'_>, what: &str| graph.own(&format!("{name}.{what}"));
    match kind {
        NormKind::None => Ok(x),
        NormKind::Batch => {
            let (scale, shift) = (own(graph, "weight")?, own(graph, "bias")?);
            if statistics == Statistics::Image {
                return Ok(graph.add("InstanceNormalization", name, &[&x, &scale, &shift], epsilon));
            }
            let (mean, variance) = (own(graph, "running_mean")?, own(graph, "running_var")?);
            Ok(graph.add("BatchNormalization", name, &[&x, &scale, &shift, &mean, &variance], epsilon))
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
