//! A model small enough for tests.

use std::collections::HashMap;
use std::path::Path;

use candle_core::Tensor;
use sakuga::models::Architecture;
use sakuga::models::card::{Card, Source, WeightFile, Weights};
use sakuga::models::publish::publish;
use sakuga::nn::Generator;
use sakuga::nn::anime::AnimeConfig;
use sakuga::nn::init::Parameters;
use sakuga::nn::norm::{NormKind, Statistics};
use sakuga::nn::patch_gan::{PatchGanConfig, patch_gan};
use sakuga::nn::pix2pix::Pix2pixConfig;

/// Writes `models/NAME.toml` and its weights under `root`: an anime generator of
/// four channels that nobody trained. It brightens, so that its picture is not
/// the photo; of several `styles` each later one brightens more.
pub fn publish_with(root: &Path, name: &str, styles: &[&str]) {
    let device = candle_core::Device::Cpu;
    let entries = if styles.len() > 1 { styles.len() } else { 0 };
    let architecture =
        Architecture::Anime(AnimeConfig { widths: vec![4, 4], blocks: 1, styles: entries, recolours: entries > 0 });
    let parameters = Parameters::default();
    let network = architecture.build(parameters.seeded(7, &device)).unwrap();
    let mut tensors = parameters.tensors();
    let bias = tensors.get_mut("head.bias").expect("the generator's last bias");
    *bias = (bias.ones_like().unwrap() * 0.25).unwrap();
    if let Some(shift) = tensors.get_mut("mix.style.shift") {
        let values: Vec<f32> = (0..4).flat_map(|_| (0..entries).map(|style| 1.0 + style as f32)).collect();
        *shift = Tensor::from_vec(values, (4, entries), &device).unwrap();
        let weight = tensors.get_mut("head.weight").expect("the generator's last weight");
        *weight = (weight.ones_like().unwrap() * 0.002).unwrap();
    }
    publish_network(root, name, (architecture, network.as_ref()), styles, &tensors);
}

/// The same of a U-Net that draws by chance: it has dropout, and each picture's own statistics.
#[allow(dead_code, reason = "not every test that shares this file draws by chance")]
pub fn publish_by_chance(root: &Path, name: &str) {
    let sizes = Pix2pixConfig { width: 2, statistics: Statistics::Image, ..Pix2pixConfig::default() };
    let architecture = Architecture::UNet128(sizes);
    let parameters = Parameters::default();
    let network = architecture.build(parameters.seeded(7, &candle_core::Device::Cpu)).unwrap();
    // As they begin its outermost layers hardly listen to the innermost, where the dropout is.
    let louder = |(name, tensor): (String, Tensor)| (name, (tensor * 10.0).unwrap());
    let tensors = parameters.tensors().into_iter().map(louder).collect();
    publish_network(root, name, (architecture, network.as_ref()), &[], &tensors);
}

/// Writes the card and the weights, with a discriminator that nobody trained.
fn publish_network(
    root: &Path,
    name: &str,
    (architecture, network): (Architecture, &dyn Generator),
    styles: &[&str],
    tensors: &HashMap<String, Tensor>,
) {
    let judge = PatchGanConfig { width: 4, norm: NormKind::None, ..PatchGanConfig::default() };
    let judges = Parameters::default();
    patch_gan(judge, judges.seeded(8, &candle_core::Device::Cpu)).unwrap();
    let nowhere = WeightFile { file: String::new(), sha256: String::new() };
    let card = Card {
        name: String::new(),
        title: "Tiny".into(),
        description: "An untrained generator for tests.".into(),
        licence: "CC0-1.0".into(),
        styles: styles.iter().map(ToString::to_string).collect(),
        max_side: Some(256),
        size_multiple: network.multiple(),
        reach: network.reach(),
        value_range: [-1.0, 1.0],
        source: Source::default(),
        architecture,
        discriminator: Some(judge),
        weights: Weights { generator: nowhere, discriminator: None },
        figures: Default::default(),
    };
    publish(&root.join("models"), name, card, tensors, Some(&judges.tensors())).unwrap();
}
