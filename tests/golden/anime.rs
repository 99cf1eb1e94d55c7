//! The anime generator: it is our own, so PyTorch has no numbers for it. Its
//! values stand against the same network in candle's own ops, layer by layer
//! as its documentation tells it, and its gradient against finite differences.

use super::numbers::{formula, noise, parameter};
use candle_core::{Device, Result, Tensor, Var};
use candle_nn::ops::{pixel_shuffle, pixel_unshuffle};
use sakuga::nn::anime::{Anime, AnimeConfig, anime};
use sakuga::nn::init::Parameters;
use sakuga::nn::{Generator, Pass};
use std::collections::HashMap;

/// As in training, in `style`.
fn training(style: &Tensor) -> Pass<'_> {
    Pass { training: true, noise: None, style: Some(style) }
}

/// Two pictures' styles: a mix of two, and one at half strength.
fn two_styles() -> Tensor {
    Tensor::new(&[[0.25f32, 0.75, 0.0], [0.0, 0.0, 0.5]], &Device::Cpu).unwrap()
}

/// A small generator whose parameters are all set, none zero.
fn small(styles: usize) -> (Anime, Vec<(String, Var)>) {
    let parameters = Parameters::default();
    let config = AnimeConfig { widths: vec![4, 6, 8], blocks: 1, styles, recolours: styles > 0 };
    let network = anime(&config, parameters.seeded(0, &Device::Cpu)).unwrap();
    for (name, var) in parameters.all() {
        let value = parameter(&name, var.shape());
        // It counts eight times: the picture would be as much larger, and so would its rounding.
        let value = if name.starts_with("recolour") { (value * 0.125).unwrap() } else { value };
        var.set(&value).unwrap();
    }
    (network, parameters.all())
}

/// The network with plain doublings and candle's own convolutions, in the
/// styles `(N, k)`.
struct Plain(HashMap<String, Tensor>, Tensor);

impl Plain {
    fn conv(&self, x: &Tensor, name: &str, stride: usize) -> Result<Tensor> {
        x.conv2d(&self.0[&format!("{name}.weight")], 1, stride, 1, 1)?.broadcast_add(&self.bias(name)?)
    }

    fn bias(&self, name: &str) -> Result<Tensor> {
        self.0[&format!("{name}.bias")].reshape((1, (), 1, 1))
    }

    fn rectify(x: &Tensor) -> Result<Tensor> {
        x.maximum(&(x * 0.1)?)
    }

    /// Scaled and shifted by the style, if the layer has parameters for it.
    fn modulate(&self, x: &Tensor, name: &str) -> Result<Tensor> {
        let Some(scale) = self.0.get(&format!("{name}.style.scale")) else { return Ok(x.clone()) };
        let of = |matrix: &Tensor| self.1.matmul(&matrix.t()?)?.unsqueeze(2)?.unsqueeze(3);
        x.broadcast_mul(&(of(scale)? + 1.0)?)?.broadcast_add(&of(&self.0[&format!("{name}.style.shift")])?)
    }

    fn residual(&self, x: &Tensor, name: &str) -> Result<Tensor> {
        let inner = Self::rectify(&self.modulate(&self.conv(x, &format!("{name}.conv1"), 1)?, name)?)?;
        x + self.conv(&inner, &format!("{name}.conv2"), 1)?
    }

    /// Each channel is itself, and a share of every channel and of white.
    fn recoloured(&self, photo: &Tensor) -> Result<Tensor> {
        let Some(weight) = self.0.get("recolour.weight") else { return Ok(photo.clone()) };
        let numbers = (self.1.matmul(&weight.t()?)? * 8.0)?;
        let share =
            |row: usize, channel: &Tensor| channel.broadcast_mul(&numbers.narrow(1, row, 1)?.reshape(((), 1, 1, 1))?);
        let white = photo.narrow(1, 0, 1)?.ones_like()?;
        let channel = |c: usize| {
            let mut sum = (photo.narrow(1, c, 1)? + share(4 * c + 3, &white)?)?;
            for k in 0..3 {
                sum = (sum + share(4 * c + k, &photo.narrow(1, k, 1)?)?)?;
            }
            Ok(sum)
        };
        Tensor::cat(&(0..3).map(channel).collect::<Result<Vec<_>>>()?, 1)
    }

    fn forward(&self, photo: &Tensor, downs: usize, blocks: usize) -> Result<Tensor> {
        let (mut x, mut skips) = (photo.clone(), Vec::new());
        for i in 1..=downs {
            x = Self::rectify(&self.conv(&x, &format!("down{i}.halve"), 2)?)?;
            x = self.residual(&x, &format!("down{i}.refine"))?;
            skips.push(x.clone());
        }
        for i in 1..=blocks {
            x = self.residual(&x, &format!("block{i}"))?;
        }
        for i in 1..downs {
            let skip = &skips[downs - 1 - i];
            let (_, _, h, w) = skip.dims4()?;
            let doubled = x.upsample_nearest2d(h, w)?.conv2d(&self.0[&format!("up{i}.double.weight")], 1, 1, 1, 1)?;
            let beside = skip.conv2d(&self.0[&format!("up{i}.skip.weight")], 1, 1, 1, 1)?;
            let joined = (doubled + beside)?.broadcast_add(&self.bias(&format!("up{i}"))?)?;
            x = Self::rectify(&self.modulate(&joined, &format!("up{i}"))?)?;
            x = self.residual(&x, &format!("up{i}.refine"))?;
        }
        let beside = Tensor::cat(&[&x, &pixel_unshuffle(photo, 2)?], 1)?;
        let mixed = Self::rectify(&self.modulate(&self.conv(&beside, "mix", 1)?, "mix")?)?;
        self.recoloured(photo)? + pixel_shuffle(&self.conv(&mixed, "head", 1)?, 2)?
    }
}

fn values(t: &Tensor) -> Vec<f32> {
    t.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn same_as_in_plain_ops() {
    for styles in [0, 3] {
        let (network, vars) = small(styles);
        let photo = formula("photo", (2, 3, 24, 40), 1.0, 0.0).as_detached_tensor();
        let tensors = vars.into_iter().map(|(name, var)| (name, var.as_detached_tensor())).collect();
        let plain = Plain(tensors, two_styles());
        let wanted = plain.forward(&photo, 3, 1).unwrap();
        let drawn = network.forward(&photo, &training(&plain.1)).unwrap();
        assert_eq!(drawn.dims(), wanted.dims());
        for (i, (drawn, wanted)) in values(&drawn).into_iter().zip(values(&wanted)).enumerate() {
            assert!((drawn - wanted).abs() <= 2e-5, "{styles} styles: element {i} is {drawn}, not {wanted}");
        }
        let clamped = network.forward(&photo, &Pass { training: false, ..training(&plain.1) }).unwrap();
        assert_eq!(values(&clamped), values(&drawn.clamp(-1f32, 1f32).unwrap()));
    }
}

/// Without a style a generator of several cannot draw; one row serves a batch;
/// the zero vector leaves every layer as it is.
#[test]
fn a_style_is_a_row_a_picture_or_one_for_all() {
    let photo = formula("photo", (2, 3, 16, 16), 1.0, 0.0).as_detached_tensor();
    let (network, _) = small(3);
    let draw = |rows: &[[f32; 3]]| {
        let style = Tensor::from_slice(rows.as_flattened(), (rows.len(), 3), &Device::Cpu).unwrap();
        network.forward(&photo, &training(&style)).map(|drawn| values(&drawn))
    };
    assert!(network.forward(&photo, &Pass::INFERENCE).is_err());
    assert!(draw(&[[0.0; 3]; 3]).is_err());
    assert_eq!(draw(&[[0.2, 0.3, 0.1]]).unwrap(), draw(&[[0.2, 0.3, 0.1]; 2]).unwrap());
    let plain = small(0).0.forward(&photo, &training(&two_styles())).unwrap();
    let zero = draw(&[[0.0; 3]]).unwrap();
    assert!(zero.iter().zip(values(&plain)).all(|(a, b)| (a - b).abs() < 1e-5));
}

/// A pixel changes the picture no farther away than the network says, in
/// every phase of its halvings.
#[test]
fn no_pixel_reaches_farther_than_said() {
    let (network, _) = small(0);
    let reach = network.reach().unwrap();
    let side = (2 * reach + 2 * network.multiple()).next_multiple_of(network.multiple());
    let photo = noise("photo", 3 * side * side, 1.0, 0.0);
    let draw = |photo: Vec<f32>| {
        values(
            &network
                .forward(&Tensor::from_vec(photo, (1, 3, side, side), &Device::Cpu).unwrap(), &training(&two_styles()))
                .unwrap(),
        )
    };
    let before = draw(photo.clone());
    for phase in 0..network.multiple() {
        let (row, column) = (side / 2 + phase, side / 2 - phase);
        let mut touched = photo.clone();
        touched[row * side + column] += 100.0;
        let farthest = draw(touched)
            .iter()
            .zip(&before)
            .enumerate()
            .filter(|(_, (after, before))| after != before)
            .map(|(i, _)| (i / side % side).abs_diff(row).max((i % side).abs_diff(column)))
            .max();
        assert!(farthest.is_some_and(|farthest| farthest <= reach), "{farthest:?} pixels, not {reach}");
    }
}

/// Along a direction in which every element moves by an amount of its own,
/// the loss changes as the gradient says.
#[test]
fn gradient_is_the_slope() {
    let (network, mut vars) = small(3);
    let photo = formula("photo", (2, 3, 16, 24), 1.0, 0.0);
    vars.push(("photo".to_owned(), photo.clone()));

    let styles = two_styles();
    let picture = || network.forward(&photo, &training(&styles)).unwrap();
    let weights = noise("loss", photo.elem_count(), 1.0, 0.0);
    // Summed in float64: the difference of two losses is small beside them.
    let dot = |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum() };
    let of_losses = Tensor::from_slice(&weights, photo.shape(), &Device::Cpu).unwrap();
    let grads = (picture() * of_losses).unwrap().sum_all().unwrap().backward().unwrap();

    // One variable at a time: a mistake in a small gradient cannot hide behind a large one.
    for (name, var) in &vars {
        let gradient = values(grads.get(var).unwrap());
        let direction = noise(&format!("{name} moves"), var.elem_count(), 1.0, 0.0);
        let wanted = dot(&gradient, &direction);
        let norm = dot(&gradient, &gradient).sqrt();
        let start = var.as_tensor().copy().unwrap();
        let direction = Tensor::from_vec(direction, var.shape(), &Device::Cpu).unwrap();
        let at = |step: f64| {
            var.set(&(&start + (&direction * step).unwrap()).unwrap()).unwrap();
            dot(&values(&picture()), &weights)
        };
        // Short: every rectifier whose input changes sign on the way bends the line.
        // A style's weigh less than a float's rounding at that length.
        let step = if name.contains("style") || name.contains("recolour") { 1e-3 } else { 1e-4 };
        let slope = (at(step) - at(-step)) / (2.0 * step);
        var.set(&start).unwrap();
        assert!((slope - wanted).abs() <= 2e-2 * norm, "{name}: {slope} by differences, {wanted} by the gradient");
    }
}
