//! Segments beside candle's own nodes.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::nn::activation::{leaky_relu, relu};
use crate::nn::anime::{AnimeConfig, anime};
use crate::nn::dropout::Noise;
use crate::nn::generator::Generator;
use crate::nn::init::Parameters;
use crate::nn::norm::NormKind;
use crate::nn::pairs::sum;
use crate::nn::patch_gan::{PatchGanConfig, patch_gan};
use crate::nn::pix2pix::Pix2pixConfig;
use crate::nn::resnet::resnet;
use crate::nn::unet::unet;
use crate::nn::{Pass, gradients};
use candle_core::{DType, Device, Var};

fn wave(shape: &[usize], by: f32) -> Tensor {
    let values = (0..shape.iter().product()).map(|i: usize| (i as f32 * by).sin()).collect();
    Tensor::from_vec::<_, f32>(values, shape, &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// What a loss is and its gradients in all parameters, by segments or not.
fn learned(loss: impl Fn() -> Tensor, parameters: &Parameters, segments: bool) -> (Vec<f32>, Vec<(String, Vec<f32>)>) {
    let _segments = Segments::new(segments);
    let loss = loss();
    let found = gradients::backward(&loss).unwrap();
    let of = |(name, parameter): (String, Var)| {
        let gradient = found.get(parameter.as_tensor()).unwrap();
        assert!(!gradient.track_op(), "{name}");
        assert_eq!(gradient.shape(), parameter.shape(), "{name}");
        (name, values(gradient))
    };
    (values(&loss), parameters.trainable().into_iter().map(of).collect())
}

/// A generator under a discriminator, whose parameters learn as well, twice, so that gradients meet.
fn assert_alike(generator: &impl Generator, parameters: &Parameters, side: usize, styles: usize) {
    let judge = Parameters::default();
    let config = PatchGanConfig { width: 4, layers: 2, ..PatchGanConfig::default() };
    let critic = patch_gan(config, judge.seeded(2, &Device::Cpu)).unwrap();
    let style = wave(&[2, styles.max(1)], 0.3);
    let loss = || {
        let noise = Noise::new(7);
        let pass = Pass { training: true, noise: Some(&noise), style: Some(&style) };
        let draw = |by| generator.forward(&wave(&[2, 3, side, side], by), &pass).unwrap();
        let scores = [0.37, 0.11].map(|by| critic.forward(&wave(&[2, 3, side, side], 0.2), &draw(by), &pass).unwrap());
        let [first, second] = scores.map(|scores| scores.sqr().unwrap().mean_all().unwrap());
        (first + second).unwrap()
    };
    for parameters in [parameters, &judge] {
        let (expected, actual) = (learned(loss, parameters, false), learned(loss, parameters, true));
        assert_eq!(actual.0, expected.0);
        let mut filled = 0;
        for ((name, actual), (_, expected)) in actual.1.iter().zip(&expected.1) {
            let largest = expected.iter().fold(0f32, |most, value| most.max(value.abs()));
            filled += usize::from(largest > 0.0);
            for (actual, expected) in actual.iter().zip(expected) {
                assert!((actual - expected).abs() <= 2e-5 * largest.max(1e-4), "{name}: {actual} {expected}");
            }
        }
        assert!(filled > 5, "{filled}");
    }
}

#[test]
fn gradients_are_those_of_the_layers_apart() {
    for styles in [0, 2] {
        let parameters = Parameters::default();
        let config = AnimeConfig { widths: vec![4, 6], styles, recolours: styles > 0, ..AnimeConfig::default() };
        let network = anime(&config, parameters.seeded(1, &Device::Cpu)).unwrap();
        for (i, (_, parameter)) in parameters.all().into_iter().enumerate() {
            // Residual branches and styles start at zero, where nothing goes back through them.
            let moved = parameter.as_detached_tensor() + wave(parameter.dims(), 0.3 + 0.01 * i as f32) * 0.2;
            parameter.set(&moved.unwrap()).unwrap();
        }
        assert_alike(&network, &parameters, 32, styles);
    }
    let parameters = Parameters::default();
    let config = Pix2pixConfig { width: 4, dropout: 0.5, ..Pix2pixConfig::default() };
    let network = resnet(1, config, parameters.seeded(1, &Device::Cpu)).unwrap();
    assert_alike(&network, &parameters, 32, 0);
    for norm in [NormKind::Batch, NormKind::Instance] {
        let parameters = Parameters::default();
        let config = Pix2pixConfig { width: 4, norm, dropout: 0.5, ..Pix2pixConfig::default() };
        let network = unet(6, config, parameters.seeded(1, &Device::Cpu)).unwrap();
        assert_alike(&network, &parameters, 64, 0);
    }
}

#[test]
fn what_is_read_twice_gets_both_gradients_and_what_is_not_used_none() {
    let _segments = Segments::new(true);
    let x = Var::from_tensor(&wave(&[1, 2, 3, 3], 0.7)).unwrap();
    let y = (x.as_tensor() * 2.0).unwrap();
    let unused = (x.as_tensor() * 3.0).unwrap();
    let result = segment(|| {
        let (a, b) = (leaky_relu(&y, 0.5)?, relu(&y)?);
        sum(&b, &unused)?;
        sum(&a, &b)
    });
    let found = gradients::backward(&result.unwrap().sum_all().unwrap()).unwrap();
    let expected: Vec<f32> = values(&x).iter().map(|x| if *x > 0.0 { 4.0 } else { 1.0 }).collect();
    assert_eq!(values(found.get(&x).unwrap()), expected);
}

#[test]
fn gradients_are_taken_once_and_by_the_function_for_it() {
    let _segments = Segments::new(true);
    let (x, bias) =
        (Var::from_tensor(&wave(&[1, 2, 3, 3], 0.7)).unwrap(), Var::zeros(2, DType::F32, &Device::Cpu).unwrap());
    let made = || segment(|| crate::nn::activation::add_bias(&(x.as_tensor() * 2.0)?, &bias)).unwrap();
    let loss = made().sum_all().unwrap();
    assert!(loss.backward().unwrap_err().to_string().contains("gradients::backward"));
    let loss = made().sum_all().unwrap();
    assert!(gradients::backward(&loss).is_ok());
    assert!(gradients::backward(&loss).unwrap_err().to_string().contains("once"));
    let lost = segment(|| crate::nn::activation::add_bias(&(x.as_tensor() * 2.0)?, &bias)?.tanh());
    assert!(lost.unwrap_err().to_string().contains("lost"));
    // Nothing of candle's graph, no segment.
    let constant = segment(|| relu(&wave(&[3], 1.0))).unwrap();
    assert!(!constant.track_op());
    assert_eq!(values(&constant).len(), 3);
}
