//! Single layers: values, gradients, and gradients of gradients.

use super::numbers::{Golden, formula, keeps_graphs, loss};
use candle_core::{Result, Tensor, Var};
use sakuga::nn::Pass;
use sakuga::nn::activation::add_bias;
use sakuga::nn::conv::{conv_transpose2d, conv2d};
use sakuga::nn::init::Parameters;
use sakuga::nn::norm::{NormKind, instance_norm, norm};
use std::collections::HashMap;

const NUMBERS: &str = include_str!("ops.py");
const TOLERANCE: f64 = 1e-5;

/// Name, kernel, stride, padding, height, width.
const CONVS: [(&str, usize, usize, usize, usize, usize); 5] = [
    ("conv4s2p1", 4, 2, 1, 7, 10),
    ("conv4s1p1", 4, 1, 1, 6, 7),
    ("conv3s1p1", 3, 1, 1, 5, 8),
    ("conv7s1p0", 7, 1, 0, 9, 11),
    ("conv3s2p1", 3, 2, 1, 8, 7),
];

/// Name, kernel, stride, padding, output padding, height, width.
const TRANSPOSED: [(&str, usize, usize, usize, usize, usize, usize); 2] =
    [("convt4s2p1", 4, 2, 1, 0, 3, 5), ("convt3s2p1o1", 3, 2, 1, 1, 4, 3)];

type Op = Box<dyn Fn(&Tensor, &Tensor) -> Result<Tensor>>;

/// Every layer of the convolution family: name, op, input and weight.
fn family() -> Vec<(&'static str, Op, Var, Var)> {
    let of = |name: &str, part: &str, shape: (usize, usize, usize, usize)| {
        formula(&format!("{name}.{part}"), shape, 1.0, 0.0)
    };
    let convs = CONVS.into_iter().map(|(name, k, stride, padding, h, w)| {
        let op: Op = Box::new(move |x, w| conv2d(x, w, stride, padding));
        (name, op, of(name, "x", (2, 3, h, w)), of(name, "w", (5, 3, k, k)))
    });
    let transposed = TRANSPOSED.into_iter().map(|(name, k, stride, padding, out, h, w)| {
        let op: Op = Box::new(move |x, w| conv_transpose2d(x, w, stride, padding, out));
        (name, op, of(name, "x", (2, 3, h, w)), of(name, "w", (3, 5, k, k)))
    });
    convs.chain(transposed).collect()
}

#[test]
fn convolutions_and_their_gradients() {
    for (name, op, x, w) in family() {
        let mut golden = Golden::read(NUMBERS, &format!("{name}/"));
        let b = formula(&format!("{name}.b"), 5, 1.0, 0.0);
        let y = add_bias(&op(&x, &w).unwrap(), &b).unwrap();
        golden.check(&format!("{name}/y"), &y, TOLERANCE);
        let grads = loss(&y).backward().unwrap();
        for (part, var) in [("gx", &x), ("gw", &w), ("gb", &b)] {
            golden.check(&format!("{name}/{part}"), grads.get(var).unwrap(), TOLERANCE);
        }
        golden.finish();
    }
}

#[test]
fn gradients_of_gradients() {
    if !keeps_graphs("ops::gradients_of_gradients") {
        return;
    }
    for (name, op, x, w) in family() {
        let b = formula(&format!("{name}.b"), 5, 1.0, 0.0);
        let y = add_bias(&op(&x, &w).unwrap(), &b).unwrap();
        // A loss that bends, so that x and w both matter to each gradient.
        let grads = loss(&y.sqr().unwrap()).backward().unwrap();
        let mut golden = Golden::read(NUMBERS, &format!("{name}.second/"));
        for (of, var) in [("gx", &x), ("gw", &w), ("gb", &b)] {
            let squares = grads.get(var).unwrap().sqr().unwrap().sum_all().unwrap();
            let second = squares.backward().unwrap();
            golden.check(&format!("{name}.second/{of}_x"), second.get(&x).unwrap(), TOLERANCE);
            golden.check(&format!("{name}.second/{of}_w"), second.get(&w).unwrap(), TOLERANCE);
        }
        golden.finish();
    }
}

#[test]
fn batch_norm() {
    for training in [true, false] {
        let name = if training { "batch/train" } else { "batch/eval" };
        let mut golden = Golden::read(NUMBERS, name);
        let x = formula("norm.x", (2, 4, 5, 6), 2.0, 0.5);
        let given = [
            ("weight", formula("norm.gain", 4, 0.2, 1.0)),
            ("bias", formula("norm.bias", 4, 1.0, 0.0)),
            ("running_mean", formula("norm.mean", 4, 0.2, 0.0)),
            ("running_var", formula("norm.var", 4, 0.5, 1.0)),
        ];
        let given: HashMap<_, _> = given.map(|(name, var)| (name.to_owned(), var.as_detached_tensor())).into();
        let parameters = Parameters::default();
        let layer = norm(NormKind::Batch, 4, parameters.given(given, x.device())).unwrap();
        let y = layer.forward(&x, &Pass { training, noise: None, style: None }).unwrap();
        let grads = loss(&y).backward().unwrap();
        let vars: HashMap<_, _> = parameters.all().into_iter().collect();
        golden.check(&format!("{name}/y"), &y, TOLERANCE);
        golden.check(&format!("{name}/gx"), grads.get(&x).unwrap(), TOLERANCE);
        golden.check(&format!("{name}/gw"), grads.get(&vars["weight"]).unwrap(), TOLERANCE);
        golden.check(&format!("{name}/gb"), grads.get(&vars["bias"]).unwrap(), TOLERANCE);
        if training {
            golden.check(&format!("{name}/mean"), &vars["running_mean"], TOLERANCE);
            golden.check(&format!("{name}/var"), &vars["running_var"], TOLERANCE);
        }
        golden.finish();
    }
}

#[test]
fn instance_norm_of_planes() {
    let mut golden = Golden::read(NUMBERS, "instance");
    let x = formula("norm.x", (2, 4, 5, 6), 2.0, 0.5);
    let y = instance_norm(&x).unwrap();
    golden.check("instance/y", &y, TOLERANCE);
    golden.check("instance/gx", loss(&y).backward().unwrap().get(&x).unwrap(), TOLERANCE);
    golden.finish();
}
