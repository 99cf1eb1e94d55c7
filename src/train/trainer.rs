//! The networks of a run and one step of the pix2pix loop.

use super::adam::Adam;
use super::judge::{Judge, scalar};
use super::losses::{Window, alternation, colour, gradient_l1, l1, sharpness, shift, structure};
use super::recipe::{Recipe, Stage};
use super::rng::Stream;
use super::tally::Losses;
use crate::nn::autocast::Autocast;
use crate::nn::dropout::Noise;
use crate::nn::gradients::backward;
use crate::nn::init::Parameters;
use crate::nn::segment::Segments;
use crate::nn::update::{in_pool, keep_freed, move_towards};
use crate::nn::{Generator, Pass};
use candle_core::{Device, Result, Tensor};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What a step learns from.
pub struct Sample {
    /// `(N, 3, H, W)` in −1..1: what the generator sees.
    pub photo: Tensor,
    /// `(N, 3, H, W)` in −1..1: what it is to draw.
    pub target: Tensor,
    /// `(N, looks)`: the looks' weights in the targets.
    pub style: Tensor,
}

/// A loss of a drawing and its target.
type Likeness = fn(&Tensor, &Tensor) -> Result<Tensor>;

/// The networks and optimisers of a run.
pub struct Trainer {
    recipe: Recipe,
    device: Device,
    generator: Box<dyn Generator>,
    parameters: Parameters,
    adam: Adam,
    /// The running average of the generator, without one its parameters, and a network that draws with it.
    average: Parameters,
    average_generator: Box<dyn Generator>,
    judge: Judge,
    steps: u64,
}

impl Trainer {
    /// Freshly initialised networks. From here on the process keeps the memory that it frees.
    ///
    /// # Errors
    /// When the architecture's sizes make no sense or the device fails.
    pub fn new(recipe: Recipe, device: Device) -> Result<Self> {
        keep_freed();
        let parameters = Parameters::default();
        let generator = recipe.architecture.build(parameters.seeded(recipe.seed, &device))?;
        let (average, view) = if recipe.ema > 0.0 {
            let average = Parameters::default();
            let view = average.given(copies(&parameters)?, &device);
            (average, view)
        } else {
            (parameters.clone(), parameters.current(&device))
        };
        let average_generator = recipe.architecture.build(view)?;
        let judge = Judge::new(&recipe, &device)?;
        let adam = Adam::new(&parameters, recipe.betas)?.limited(recipe.limits());
        Ok(Self { recipe, device, generator, parameters, adam, average, average_generator, judge, steps: 0 })
    }

    /// One step on `photo` and `target`, both `(N, 3, H, W)` in −1..1, drawn
    /// in `style` `(N, looks)`, as far as `stage` allows.
    ///
    /// Unsound losses (see [`Losses::are_sound`]) come back before they move a
    /// parameter of the generator.
    ///
    /// # Errors
    /// When the shapes do not fit or the device fails.
    pub fn step(&mut self, sample: &Sample, stage: Stage) -> Result<Losses> {
        match self.device.is_cpu() {
            true => in_pool(|| self.take(sample, stage)),
            // A GPU's work belongs to the thread that starts it.
            false => self.take(sample, stage),
        }
    }

    fn take(&mut self, sample: &Sample, stage: Stage) -> Result<Losses> {
        let Sample { photo, target, style } = sample;
        let recipe = &self.recipe;
        let _precision = Autocast::new(recipe.mixed_precision);
        let _segments = Segments::new(true);
        let noise = Noise::new(recipe.seed ^ self.steps.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let pass = Pass { training: true, noise: Some(&noise), style: Some(style) };
        let drawn = self.generator.forward(photo, &pass)?;

        let mut losses = Losses::default();
        let mut judged = None;
        if stage.adversarial {
            let learned = self.judge.learn(recipe, [photo, target, &drawn], (self.steps, stage.rate))?;
            (losses.discriminator, losses.penalty) = (learned.loss, learned.penalty);
            if !losses.are_sound() {
                return Ok(losses);
            }
            judged = Some(self.judge.verdict(recipe, [photo, target, &drawn])?);
        }

        // Measured whether it has a weight or not.
        let likeness = l1(&drawn, target)?;
        losses.l1 = scalar(&likeness)?;
        let mut total = (likeness * recipe.lambda_l1)?;
        let terms: [(f64, Likeness, &mut f64); 5] = [
            (recipe.lambda_gradient, gradient_l1, &mut losses.gradient),
            (recipe.lambda_sharpness * stage.sharpness, sharpness, &mut losses.sharpness),
            (recipe.lambda_structure, structure, &mut losses.structure),
            (recipe.lambda_alternation, alternation, &mut losses.alternation),
            (recipe.lambda_colour, colour, &mut losses.colour),
        ];
        for (weight, loss, value) in terms.into_iter().filter(|(weight, ..)| *weight > 0.0) {
            let loss = loss(&drawn, target)?;
            *value = scalar(&loss)?;
            total = (total + loss * weight)?;
        }
        if recipe.lambda_shift > 0.0 {
            let mut stream = Stream::derive(recipe.seed, "shift", self.steps);
            let window = Window::draw(photo, self.generator.multiple(), &mut stream)?;
            let loss = shift(&drawn, &self.generator.forward(&window.of(photo)?, &pass)?, &window)?;
            losses.shift = scalar(&loss)?;
            total = (total + loss * recipe.lambda_shift)?;
        }
        if let Some(judged) = judged {
            losses.gan = scalar(&judged.adversarial)?;
            total = (total + judged.adversarial * recipe.lambda_gan)?;
            if let Some(features) = judged.features {
                losses.features = scalar(&features)?;
                total = (total + features * recipe.lambda_features)?;
            }
        }
        if !losses.are_sound() {
            return Ok(losses);
        }
        self.adam.step(&backward(&total)?, stage.rate * recipe.rate)?;
        self.steps += 1;
        self.follow()?;
        Ok(losses)
    }

    /// Moves the running average, if there is one; in the first steps it follows closely.
    fn follow(&self) -> Result<()> {
        if self.recipe.ema == 0.0 {
            return Ok(());
        }
        let decay = self.recipe.ema.min((1 + self.steps) as f64 / (10 + self.steps) as f64);
        for ((_, average), (_, value)) in self.average.all().iter().zip(self.parameters.all()) {
            move_towards(average, &value.as_detached_tensor(), 1.0 - decay)?;
        }
        Ok(())
    }

    /// What the run would publish now: the running average's picture of
    /// `photo` in `style`, a weight for each look.
    ///
    /// # Errors
    /// When a shape does not fit or the device fails.
    pub fn draw(&self, photo: &Tensor, style: &[f32]) -> Result<Tensor> {
        let style = Tensor::from_slice(style, (1, style.len()), &self.device)?;
        let pass = Pass { style: Some(&style), ..Pass::INFERENCE };
        Ok(self.average_generator.forward(&photo.to_device(&self.device)?, &pass)?.detach())
    }

    /// What both sides of a photo must be multiples of.
    pub fn multiple(&self) -> usize {
        self.generator.multiple()
    }

    /// Where the networks live.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The settings.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The generator's running average, by name: the weights to publish.
    pub fn generator_weights(&self) -> HashMap<String, Tensor> {
        self.average.tensors()
    }

    /// The discriminator's weights, by name.
    pub fn discriminator_weights(&self) -> HashMap<String, Tensor> {
        self.judge.weights()
    }

    /// Starts from given generator weights instead of random ones; says which
    /// parameters they do not name: those start anew.
    ///
    /// # Errors
    /// When one is unknown or of another shape.
    pub fn start_from(&mut self, weights: &HashMap<String, Tensor>) -> Result<Vec<String>> {
        self.average.set_named(weights)?;
        self.parameters.set_named(weights)
    }

    /// The same of the discriminator.
    ///
    /// # Errors
    /// The same.
    pub fn judge_from(&mut self, weights: &HashMap<String, Tensor>) -> Result<Vec<String>> {
        self.judge.start_from(weights)
    }

    /// Whether every parameter, and the average, is a number.
    ///
    /// # Errors
    /// Those of candle.
    pub fn is_sound(&self) -> Result<bool> {
        let all = [self.parameters.tensors(), self.average.tensors(), self.judge.weights()];
        for tensor in all.iter().flat_map(HashMap::values) {
            // A sum of finite numbers of this size is finite; NaN and infinity stay.
            if !tensor.abs()?.max_all()?.to_scalar::<f32>()?.is_finite()
                || tensor.sum_all()?.to_scalar::<f32>()?.is_nan()
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Everything that a resumed run needs, by name, and the steps taken.
    pub fn state(&self) -> (HashMap<String, Tensor>, State) {
        let (generator_moments, generator_updates) = self.adam.state();
        let (discriminator_moments, pool, discriminator_updates) = self.judge.state();
        let parts = [
            ("generator", self.parameters.tensors()),
            ("average", self.average.tensors()),
            ("generator-moments", generator_moments),
            ("discriminator", self.judge.weights()),
            ("discriminator-moments", discriminator_moments),
            ("pool", pool),
        ];
        let named = parts.into_iter().flat_map(|(part, tensors)| {
            tensors.into_iter().map(move |(name, tensor)| (format!("{part}/{name}"), tensor))
        });
        (named.collect(), State { steps: self.steps, generator_updates, discriminator_updates })
    }

    /// Goes on from a saved state.
    ///
    /// # Errors
    /// When a tensor is missing or of another shape.
    pub fn restore(&mut self, tensors: &HashMap<String, Tensor>, state: State) -> Result<()> {
        let part = |prefix: &str| -> HashMap<String, Tensor> {
            let names = tensors.iter().filter_map(|(name, tensor)| {
                Some((name.strip_prefix(prefix)?.strip_prefix('/')?.to_owned(), tensor.clone()))
            });
            names.collect()
        };
        self.parameters.set(&part("generator"))?;
        self.average.set(&part("average"))?;
        self.adam.restore(&part("generator-moments"), state.generator_updates)?;
        let (weights, moments, pool) = (part("discriminator"), part("discriminator-moments"), part("pool"));
        self.judge.restore(&weights, &moments, &pool, state.discriminator_updates)?;
        self.steps = state.steps;
        Ok(())
    }
}

/// The counters of a saved state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Steps of the loop.
    pub steps: u64,
    /// Updates of the generator.
    pub generator_updates: u64,
    /// Updates of the discriminator.
    pub discriminator_updates: u64,
}

/// The parameters' values in memory of their own.
fn copies(parameters: &Parameters) -> Result<HashMap<String, Tensor>> {
    parameters.tensors().into_iter().map(|(name, tensor)| Ok((name, tensor.copy()?))).collect()
}
