//! Losses and the optimiser.

use super::numbers::{Golden, formula};
use candle_core::{Device, Tensor, Var};
use sakuga::nn::init::Parameters;
use sakuga::train::adam::Adam;
use sakuga::train::losses::{GanLoss, l1};
use std::collections::HashMap;

const NUMBERS: &str = include_str!("losses.py");
const TOLERANCE: f64 = 1e-5;

/// Compares a loss and its gradients with the rows under `name`.
fn compare(name: &str, loss: &Tensor, inputs: &[&Var]) {
    let mut golden = Golden::read(NUMBERS, &format!("{name}/"));
    golden.check(&format!("{name}/loss"), loss, TOLERANCE);
    let grads = loss.backward().unwrap();
    for (i, input) in inputs.iter().enumerate() {
        golden.check(&format!("{name}/g{i}"), grads.get(input).unwrap(), TOLERANCE);
    }
    golden.finish();
}

/// Logits up to ±120 among them, where a sigmoid is 0 or 1 to float32 and e^x infinite.
#[test]
fn adversarial_losses() {
    for (name, scale) in [("mild", 2.0), ("confident", 120.0)] {
        let kinds = [("vanilla", GanLoss::Vanilla), ("lsgan", GanLoss::Lsgan), ("hinge", GanLoss::Hinge)];
        for (kind, loss) in kinds.into_iter().chain([("wgan", GanLoss::Wgan), ("wgan", GanLoss::WganGp)]) {
            let of = |part: &str| formula(&format!("{name}.{part}"), (2, 1, 5, 6), scale, 0.0);
            let (real, fake) = (of("real"), of("fake"));
            compare(&format!("{name}/{kind}/d"), &loss.discriminator(&real, &fake, 0.0).unwrap(), &[&real, &fake]);
            compare(&format!("{name}/{kind}/g"), &loss.generator(&fake).unwrap(), &[&fake]);
            if loss.has_labels() {
                let smooth = loss.discriminator(&real, &fake, 0.1).unwrap();
                compare(&format!("{name}.smooth/{kind}/d"), &smooth, &[&real, &fake]);
            }
        }
    }
}

#[test]
fn mean_absolute_difference() {
    let (drawn, target) = (formula("l1.drawn", (2, 3, 5, 4), 1.0, 0.0), formula("l1.target", (2, 3, 5, 4), 1.0, 0.0));
    compare("l1", &l1(&drawn, &target).unwrap(), &[&drawn]);
}

/// Three steps with large gradients, and with ones so small that epsilon matters.
#[test]
fn adam() {
    for (name, scale) in [("adam", 0.1), ("adam_tiny", 1e-7)] {
        let mut golden = Golden::read(NUMBERS, &format!("{name}/"));
        let start = formula(&format!("{name}.p"), (3, 7), 0.001, 0.0).as_detached_tensor();
        let parameters = Parameters::default();
        let given = HashMap::from([("p".to_owned(), start.clone())]);
        let p = parameters.given(given, &Device::Cpu).get((3, 7), "p").unwrap();
        let mut adam = Adam::new(&parameters, (0.5, 0.999)).unwrap();
        for step in 1..=3 {
            // The gradient of Σ p·g is g.
            let gradient = formula(&format!("{name}.g{step}"), (3, 7), scale, 0.0).as_detached_tensor();
            let grads = (&p * gradient).unwrap().sum_all().unwrap().backward().unwrap();
            adam.step(&grads, 2e-4).unwrap();
            golden.check(&format!("{name}/moved{step}"), &(&p - &start).unwrap(), TOLERANCE);
        }
        golden.finish();
    }
}
