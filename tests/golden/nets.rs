//! The pix2pix networks, small, with the names of the reference's state dictionaries.

use super::numbers::{Golden, formula, keeps_graphs, loss, parameter};
use candle_core::{Device, Result, Shape, Tensor, Var};
use candle_nn::VarBuilder;
use sakuga::nn::init::Parameters;
use sakuga::nn::norm::NormKind;
use sakuga::nn::patch_gan::{PatchGanConfig, patch_gan};
use sakuga::nn::pix2pix::Pix2pixConfig;
use sakuga::nn::unet::{UNET_128, UNET_256, unet};
use sakuga::nn::{Generator, Pass};
use std::collections::HashMap;

const NUMBERS: &str = include_str!("nets.py");
/// Of the values, absolute: they are of the size of 1.
const VALUES: f64 = 1e-4;
/// Of the gradients, as a share of each tensor's root mean square. PyTorch's
/// own float32 comes within 5e-5 of these numbers: the norms of the innermost
/// levels, over as few as four values, make rounding errors larger.
const GRADIENTS: f64 = 1e-3;

/// Our parameter's name to the reference's. A U-Net's levels lie one inside
/// the other there, so that its names grow with the depth.
fn reference_name(name: &str, depth: usize) -> String {
    let parts: Vec<&str> = name.split('.').collect();
    if let ["judge", what] = parts[..] {
        return format!("model.11.{what}");
    }
    let [layer, kind, what] = parts[..] else { panic!("unexpected parameter {name}") };
    let level: usize = layer.trim_start_matches(char::is_alphabetic).parse().unwrap();
    let side = layer.trim_end_matches(char::is_numeric);
    if side == "layer" {
        // model.0; then convolution, norm and activation in turn.
        let at = if level == 1 { 0 } else { 3 * level - 4 };
        return format!("model.{}.{what}", if kind == "norm" { at + 1 } else { at });
    }
    let path = match level {
        1 => "model.model".to_owned(),
        _ => format!("model.model.1.model{}", ".3.model".repeat(level - 2)),
    };
    let at = match (side, kind) {
        ("down", "conv") => usize::from(level > 1),
        ("down", "norm") => 2,
        ("up", "conv") if level == 1 || level == depth => 3,
        ("up", "conv") => 5,
        ("up", "norm") if level == depth => 4,
        ("up", "norm") => 6,
        _ => panic!("unexpected parameter {name}"),
    };
    format!("{path}.{at}.{what}")
}

/// A network's parameters set by the formula under the reference's names.
fn set(parameters: &Parameters, depth: usize) -> HashMap<String, Var> {
    let vars: HashMap<_, _> =
        parameters.all().into_iter().map(|(name, var)| (reference_name(&name, depth), var)).collect();
    assert_eq!(vars.len(), parameters.all().len(), "two parameters of one name");
    for (name, var) in &vars {
        var.set(&parameter(name, var.shape())).unwrap();
    }
    vars
}

type Network = Box<dyn Fn(&Tensor, &Pass<'_>) -> Result<Tensor>>;

/// Compares a network with all numbers under its name: its picture with
/// running statistics, its picture and gradients in training, its statistics after.
fn compare(name: &str, shape: impl Into<Shape>, depth: usize, build: impl Fn(VarBuilder<'static>) -> Network) {
    let mut golden = Golden::read(NUMBERS, &format!("{name}/"));
    let parameters = Parameters::default();
    let network = build(parameters.seeded(0, &Device::Cpu));
    let vars = set(&parameters, depth);
    let x = formula(&format!("{name}.x"), shape, 1.0, 0.0);

    let sizes = [vars.len(), vars.values().map(|var| var.elem_count()).sum()].map(|size| size as f32);
    golden.check(&format!("{name}/sizes"), &Tensor::new(&sizes, &Device::Cpu).unwrap(), 1e-8);
    if name.ends_with("batch") {
        golden.check_absolute(&format!("{name}/eval"), &network(&x, &Pass::INFERENCE).unwrap(), VALUES);
    }
    let y = network(&x, &Pass { training: true, noise: None, style: None }).unwrap();
    golden.check_absolute(&format!("{name}/y"), &y, VALUES);
    let grads = loss(&y).backward().unwrap();
    golden.check(&format!("{name}/g/x"), grads.get(&x).unwrap(), GRADIENTS);
    for row in golden.names(&format!("{name}/g/")) {
        golden.check(&format!("{name}/g/{row}"), grads.get(&vars[&row]).unwrap(), GRADIENTS);
    }
    for row in golden.names(&format!("{name}/after/")) {
        golden.check(&format!("{name}/after/{row}"), &vars[&row], GRADIENTS);
    }
    golden.finish();
}

fn compare_unet(name: &str, depth: usize, width: usize, norm: NormKind) {
    // One picture, as the paper trains; two of the smaller.
    let side = 1 << depth;
    compare(name, (if depth == UNET_256 { 1 } else { 2 }, 3, side, side), depth, |vb| {
        let network = unet(depth, Pix2pixConfig { width, norm, ..Pix2pixConfig::default() }, vb).unwrap();
        Box::new(move |x, pass| network.forward(x, pass))
    });
}

fn compare_patch_gan(name: &str, norm: NormKind) {
    let config = PatchGanConfig { width: 4, norm, ..PatchGanConfig::default() };
    compare(name, (2, 6, 48, 64), 0, |vb| {
        let network = patch_gan(config, vb).unwrap();
        Box::new(move |x, pass| network.forward(&x.narrow(1, 0, 3)?, &x.narrow(1, 3, 3)?, pass))
    });
}

/// The gradients of the squared slope of the discriminator's judgement, which
/// gradient penalties (R1, WGAN-GP) are made of.
#[test]
fn slopes_of_the_patch_gan() {
    if !keeps_graphs("nets::slopes_of_the_patch_gan") {
        return;
    }
    for (name, norm) in [("patch_gan_batch", NormKind::Batch), ("patch_gan_instance", NormKind::Instance)] {
        let mut golden = Golden::read(NUMBERS, &format!("{name}.penalty/"));
        let parameters = Parameters::default();
        let config = PatchGanConfig { width: 4, norm, ..PatchGanConfig::default() };
        let network = patch_gan(config, parameters.seeded(0, &Device::Cpu)).unwrap();
        let vars = set(&parameters, 0);
        let x = formula(&format!("{name}.x"), (2, 6, 48, 64), 1.0, 0.0);
        let (photo, picture) = (x.narrow(1, 0, 3).unwrap(), x.narrow(1, 3, 3).unwrap());
        let y = network.forward(&photo, &picture, &Pass { training: true, noise: None, style: None }).unwrap();
        let first = loss(&y).backward().unwrap();
        let slope = first.get(&x).unwrap().sqr().unwrap().sum_all().unwrap();
        let second = slope.backward().unwrap();
        golden.check(&format!("{name}.penalty/x"), second.get(&x).unwrap(), GRADIENTS);
        for row in golden.names(&format!("{name}.penalty/")) {
            golden.check(&format!("{name}.penalty/{row}"), second.get(&vars[&row]).unwrap(), GRADIENTS);
        }
        golden.finish();
    }
}

/// The same gradients from first derivatives alone, along the slope.
#[test]
fn slopes_of_the_patch_gan_by_directional_derivatives() {
    for (name, norm) in [("patch_gan_batch", NormKind::Batch), ("patch_gan_instance", NormKind::Instance)] {
        let mut golden = Golden::read(NUMBERS, &format!("{name}.penalty/"));
        let parameters = Parameters::default();
        let config = PatchGanConfig { width: 4, norm, ..PatchGanConfig::default() };
        let network = patch_gan(config, parameters.seeded(0, &Device::Cpu)).unwrap();
        let vars = set(&parameters, 0);
        let x = formula(&format!("{name}.x"), (2, 6, 48, 64), 1.0, 0.0);
        let pass = Pass { training: true, noise: None, style: None };
        let first = loss(&network.at_this_scale(&x, &pass).unwrap()).backward().unwrap();
        // Of Σ slope², the derivative in the slope is twice the slope.
        let direction = (first.get(&x).unwrap().detach() * 2.0).unwrap();
        let second = loss(&network.derivative(&x, &direction, &pass).unwrap()).backward().unwrap();
        golden.check(&format!("{name}.penalty/x"), second.get(&x).unwrap(), GRADIENTS);
        for row in golden.names(&format!("{name}.penalty/")) {
            golden.check(&format!("{name}.penalty/{row}"), second.get(&vars[&row]).unwrap(), GRADIENTS);
        }
        golden.finish();
    }
}

#[test]
fn unet_128_with_batch_norm() {
    compare_unet("unet_128_batch", UNET_128, 4, NormKind::Batch);
}

#[test]
fn unet_128_with_instance_norm() {
    compare_unet("unet_128_instance", UNET_128, 4, NormKind::Instance);
}

#[test]
fn unet_256_with_batch_norm() {
    compare_unet("unet_256_batch", UNET_256, 2, NormKind::Batch);
}

#[test]
fn unet_256_with_instance_norm() {
    compare_unet("unet_256_instance", UNET_256, 2, NormKind::Instance);
}

#[test]
fn patch_gan_with_batch_norm() {
    compare_patch_gan("patch_gan_batch", NormKind::Batch);
}

#[test]
fn patch_gan_with_instance_norm() {
    compare_patch_gan("patch_gan_instance", NormKind::Instance);
}
