//! The anime generator's gradient against finite differences: it is our own
//! network, so PyTorch has no numbers for it.

use super::numbers::{formula, noise, parameter};
use candle_core::{Device, Tensor};
use sakuga::nn::anime::{AnimeConfig, anime};
use sakuga::nn::init::Parameters;
use sakuga::nn::{Generator, Pass};

/// Along a direction in which every parameter and every pixel moves by an
/// amount of its own, the loss changes as the gradient says.
#[test]
fn gradient_is_the_slope() {
    let parameters = Parameters::default();
    let config = AnimeConfig { widths: vec![4, 6, 8], blocks: 1 };
    let network = anime(&config, parameters.seeded(0, &Device::Cpu)).unwrap();
    let mut vars = parameters.all();
    for (name, var) in &vars {
        var.set(&parameter(name, var.shape())).unwrap();
    }
    vars.push(("photo".to_owned(), formula("photo", (2, 3, 16, 24), 1.0, 0.0)));
    let photo = vars.last().unwrap().1.clone();

    let picture = || network.forward(&photo, &Pass { training: true, noise: None }).unwrap();
    let weights = formula("loss", photo.shape(), 1.0, 0.0).as_detached_tensor();
    // Summed in float64: the difference of two losses is small beside them.
    let value = || -> f64 {
        let drawn: Vec<f32> = picture().flatten_all().unwrap().to_vec1().unwrap();
        drawn.iter().zip(noise("loss", drawn.len(), 1.0, 0.0)).map(|(a, b)| f64::from(*a) * f64::from(b)).sum()
    };
    let grads = (picture() * &weights).unwrap().sum_all().unwrap().backward().unwrap();

    // One variable at a time: a mistake in a small gradient cannot hide behind a large one.
    for (name, var) in &vars {
        let gradient: Vec<f32> = grads.get(var).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        let direction = noise(&format!("{name} moves"), var.elem_count(), 1.0, 0.0);
        let wanted: f64 = gradient.iter().zip(&direction).map(|(g, d)| f64::from(*g) * f64::from(*d)).sum();
        let norm = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
        let start = var.as_tensor().copy().unwrap();
        let direction = Tensor::from_vec(direction, var.shape(), &Device::Cpu).unwrap();
        let at = |step: f64| {
            var.set(&(&start + (&direction * step).unwrap()).unwrap()).unwrap();
            value()
        };
        // Short: every rectifier whose input changes sign on the way bends the line.
        let step = 1e-4;
        let slope = (at(step) - at(-step)) / (2.0 * step);
        var.set(&start).unwrap();
        assert!((slope - wanted).abs() <= 2e-2 * norm, "{name}: {slope} by differences, {wanted} by the gradient");
        println!("{name}: {:.1e} of {norm:.1e}", (slope - wanted).abs() / norm);
    }
}
