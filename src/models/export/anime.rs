//! The anime generator in ONNX's operators, as [`crate::nn::anime`] runs it at inference.

use super::graph::{Graph, PHOTO, PICTURE, STYLE, int, ints, word};
use crate::nn::anime::{AnimeConfig, RECOLOUR_GAIN};
use candle_core::{DType, Device, Result, Tensor};

const SLOPE: f32 = 0.1;
/// The axes that make a number a plane.
const PLANES: &str = "planes";

/// The generator, and the channels of its photo and picture.
///
/// # Errors
/// When a tensor is missing.
pub fn draw(graph: &mut Graph<'_>, config: &AnimeConfig) -> Result<(usize, usize)> {
    let styled = config.styles > 0;
    if styled {
        graph.add("Constant", PLANES, &[], vec![ints("value_ints", &[2, 3])]);
    }
    let mut x = PHOTO.to_owned();
    let mut skips = Vec::new();
    for level in 1..=config.widths.len() {
        let halve = format!("down{level}.halve");
        x = graph.layer("Conv", &halve, &x, 2)?;
        x = graph.rectify(&format!("{halve}.rectify"), &x, SLOPE);
        x = residual(graph, &format!("down{level}.refine"), &x, false)?;
        skips.push(x.clone());
    }
    skips.pop();
    for block in 1..=config.blocks {
        x = residual(graph, &format!("block{block}"), &x, styled)?;
    }
    for (index, skip) in skips.iter().rev().enumerate() {
        x = up(graph, &format!("up{}", index + 1), &x, skip, styled)?;
    }
    let blocks = graph.add("SpaceToDepth", "photo.blocks", &[PHOTO], vec![int("blocksize", 2)]);
    let beside = graph.add("Concat", "mix.join", &[&x, &blocks], vec![int("axis", 1)]);
    let weight = graph.tensor("mix.weight")?;
    let weight = graph.parameter("mix.weight", &weight.index_select(&block_order(weight.dim(1)?)?, 1)?)?;
    x = graph.convolve("Conv", "mix", &beside, 1, (weight, "mix.bias"))?;
    x = rectified(graph, "mix", x, styled.then_some("mix.style"))?;
    x = graph.layer("Conv", "head", &x, 1)?;
    // CRD: a channel's block lies together, as in the network.
    x = graph.add("DepthToSpace", "difference", &[&x], vec![int("blocksize", 2), word("mode", "CRD")]);
    let photo = if config.recolours { recoloured(graph)? } else { PHOTO.to_owned() };
    x = graph.add("Add", "sum", &[&photo, &x], Vec::new());
    let black = graph.parameter("black", &Tensor::new(-1f32, &Device::Cpu)?)?;
    let white = graph.parameter("white", &Tensor::new(1f32, &Device::Cpu)?)?;
    graph.add("Clip", PICTURE, &[&x, &black, &white], Vec::new());
    Ok((3, 3))
}

/// Where each of the mix's `channels` comes from: SpaceToDepth puts a block's
/// pixel before its colour, the network the colour before the pixel.
fn block_order(channels: usize) -> Result<Tensor> {
    let features = channels.saturating_sub(12) as u32;
    let order: Vec<u32> = (0..features).chain((0..12).map(|c| features + c % 3 * 4 + c / 3)).collect();
    Tensor::new(order, &Device::Cpu)
}

/// The photo in its style's colours: each pixel's RGB, and 1 for what is added, by a matrix of 3×4.
fn recoloured(graph: &mut Graph<'_>) -> Result<String> {
    let unchanged = Tensor::eye(3, DType::F32, &Device::Cpu)?.pad_with_zeros(1, 0, 1)?.reshape(12)?;
    let unchanged = graph.parameter("recolour.unchanged", &unchanged)?;
    let weight = (graph.tensor("recolour.weight")?.to_dtype(DType::F32)? * RECOLOUR_GAIN)?;
    let weight = graph.parameter("recolour.weight", &weight)?;
    let numbers = graph.add("Gemm", "recolour.numbers", &[STYLE, &weight, &unchanged], vec![int("transB", 1)]);
    let rows = graph.integers("recolour.rows", &[-1, 3, 4]);
    let numbers = graph.add("Reshape", "recolour.matrix", &[&numbers, &rows], Vec::new());
    let around = graph.integers("recolour.around", &[0, 0, 0, 0, 0, 1, 0, 0]);
    let one = graph.parameter("recolour.one", &Tensor::new(1f32, &Device::Cpu)?)?;
    let pixels = graph.add("Pad", "recolour.pixels", &[PHOTO, &around, &one], Vec::new());
    let lines = graph.integers("recolour.lines", &[0, 0, -1]);
    let pixels = graph.add("Reshape", "recolour.line", &[&pixels, &lines], Vec::new());
    let colours = graph.add("MatMul", "recolour.colours", &[&numbers, &pixels], Vec::new());
    let shape = graph.add("Shape", "recolour.shape", &[PHOTO], Vec::new());
    Ok(graph.add("Reshape", "recolour", &[&colours, &shape], Vec::new()))
}

fn residual(graph: &mut Graph<'_>, name: &str, x: &str, styled: bool) -> Result<String> {
    let inner = graph.layer("Conv", &format!("{name}.conv1"), x, 1)?;
    let inner = rectified(graph, name, inner, styled.then_some(&format!("{name}.style")))?;
    let inner = graph.layer("Conv", &format!("{name}.conv2"), &inner, 1)?;
    Ok(graph.add("Add", &format!("{name}.sum"), &[x, &inner], Vec::new()))
}

fn up(graph: &mut Graph<'_>, name: &str, x: &str, skip: &str, styled: bool) -> Result<String> {
    // Nearest neighbour: every pixel becomes a block of four.
    let scales = graph.parameter(&format!("{name}.scales"), &Tensor::new(&[1f32, 1.0, 2.0, 2.0], &Device::Cpu)?)?;
    let nearest = vec![
        word("mode", "nearest"),
        word("coordinate_transformation_mode", "asymmetric"),
        word("nearest_mode", "floor"),
    ];
    let doubled = graph.add("Resize", &format!("{name}.resize"), &[x, "", &scales], nearest);
    let doubled = graph.layer("Conv", &format!("{name}.double"), &doubled, 1)?;
    let weight = graph.own(&format!("{name}.skip.weight"))?;
    let skip = graph.convolve("Conv", &format!("{name}.skip"), skip, 1, (weight, &format!("{name}.bias")))?;
    let joined = graph.add("Add", &format!("{name}.join"), &[&doubled, &skip], Vec::new());
    let joined = rectified(graph, name, joined, styled.then_some(&format!("{name}.style")))?;
    residual(graph, &format!("{name}.refine"), &joined, styled)
}

/// `x`, where `style` names a modulation scaled by 1 + A·v and shifted by B·v, then rectified.
fn rectified(graph: &mut Graph<'_>, name: &str, mut x: String, style: Option<&str>) -> Result<String> {
    if let Some(style) = style {
        let scale = by_style(graph, &format!("{style}.scale"), 1.0)?;
        let shift = by_style(graph, &format!("{style}.shift"), 0.0)?;
        x = graph.add("Mul", &format!("{style}.scaled"), &[&x, &scale], Vec::new());
        x = graph.add("Add", &format!("{style}.shifted"), &[&x, &shift], Vec::new());
    }
    Ok(graph.rectify(&format!("{name}.rectify"), &x, SLOPE))
}

/// `offset` + the style `(N, k)` by the matrix `(C, k)` of that name: a number for each plane, `(N, C, 1, 1)`.
fn by_style(graph: &mut Graph<'_>, matrix: &str, offset: f32) -> Result<String> {
    let weight = graph.own(matrix)?;
    let offset = graph.parameter(&format!("{matrix}.offset"), &Tensor::new(&[offset], &Device::Cpu)?)?;
    let values = graph.add("Gemm", &format!("{matrix}.values"), &[STYLE, &weight, &offset], vec![int("transB", 1)]);
    Ok(graph.add("Unsqueeze", &format!("{matrix}.planes"), &[&values, PLANES], Vec::new()))
}
