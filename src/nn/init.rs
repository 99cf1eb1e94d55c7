//! Initialisation from our own seeded streams.
//!
//! Each parameter draws from a stream of its own, named by the seed and the
//! parameter's name: adding a layer does not change the others, and the
//! device's own generator plays no part.

use candle_core::{DType, Device, Result, Shape, Tensor, Var, bail};
use candle_nn::Init;
use candle_nn::init::{FanInOut, NormalOrUniform};
use candle_nn::var_builder::{SimpleBackend, VarBuilder};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal, Uniform};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// The trainable parameters and running statistics of a network, by name.
#[derive(Clone, Default)]
pub struct Parameters(Arc<Mutex<BTreeMap<String, Var>>>);

impl Parameters {
    /// A builder that makes every parameter it is asked for, from `seed`.
    pub fn seeded(&self, seed: u64, device: &Device) -> VarBuilder<'static> {
        let backend = Seeded { parameters: self.clone(), seed, given: HashMap::new() };
        VarBuilder::from_backend(Box::new(backend), DType::F32, device.clone())
    }

    /// A builder whose parameters start at the values `given`; a name that is
    /// not there is an error.
    pub fn given(&self, given: HashMap<String, Tensor>, device: &Device) -> VarBuilder<'static> {
        let backend = Seeded { parameters: self.clone(), seed: 0, given };
        VarBuilder::from_backend(Box::new(backend), DType::F32, device.clone())
    }

    /// A builder of a second view of the parameters, as constants that follow
    /// every change: no gradient is computed for them. Batch norms keep running
    /// statistics of their own.
    pub fn constant(&self, device: &Device) -> VarBuilder<'static> {
        let backend = Constant { parameters: self.clone(), statistics: false };
        VarBuilder::from_backend(Box::new(backend), DType::F32, device.clone())
    }

    /// The same with the running statistics shared: what the network is now,
    /// to draw with.
    pub fn current(&self, device: &Device) -> VarBuilder<'static> {
        let backend = Constant { parameters: self.clone(), statistics: true };
        VarBuilder::from_backend(Box::new(backend), DType::F32, device.clone())
    }

    /// Every parameter in the order of the names.
    pub fn all(&self) -> Vec<(String, Var)> {
        let map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.iter().map(|(name, var)| (name.clone(), var.clone())).collect()
    }

    /// The parameters that an optimiser moves: all but running statistics.
    pub fn trainable(&self) -> Vec<(String, Var)> {
        self.all().into_iter().filter(|(name, _)| !is_statistic(name)).collect()
    }

    /// The values of every parameter.
    pub fn tensors(&self) -> HashMap<String, Tensor> {
        self.all().into_iter().map(|(name, var)| (name, var.as_tensor().clone())).collect()
    }

    /// Sets every parameter to the value of its name.
    ///
    /// # Errors
    /// When a value is missing or of another shape; nothing is said of further ones.
    pub fn set(&self, values: &HashMap<String, Tensor>) -> Result<()> {
        for (name, var) in self.all() {
            let Some(value) = values.get(&name) else { bail!("no value for the parameter {name}") };
            var.set(&value.to_dtype(var.dtype())?.to_device(var.device())?)?;
        }
        Ok(())
    }

    /// Sets the parameters that `values` names, and says which stay as they are.
    ///
    /// # Errors
    /// When a value is of another shape, or names none of the parameters.
    pub fn set_named(&self, values: &HashMap<String, Tensor>) -> Result<Vec<String>> {
        let all = self.all();
        if let Some(unknown) = values.keys().find(|name| all.iter().all(|(known, _)| known != *name)) {
            bail!("there is no parameter {unknown}");
        }
        let (named, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(name, _)| values.contains_key(name));
        for (name, var) in named {
            let value = &values[&name];
            if value.shape() != var.shape() {
                bail!("{name} should be {:?}, not {:?}", var.shape(), value.shape());
            }
            var.set(&value.to_dtype(var.dtype())?.to_device(var.device())?)?;
        }
        Ok(others.into_iter().map(|(name, _)| name).collect())
    }

    fn insert(&self, name: &str, var: Var) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), var);
    }
}

/// Whether a parameter is a running statistic, which no optimiser moves.
fn is_statistic(name: &str) -> bool {
    name.contains("running_")
}

struct Seeded {
    parameters: Parameters,
    seed: u64,
    /// When not empty, the values to start at.
    given: HashMap<String, Tensor>,
}

impl SimpleBackend for Seeded {
    fn get(&self, shape: Shape, name: &str, init: Init, dtype: DType, device: &Device) -> Result<Tensor> {
        let value = if self.given.is_empty() {
            let mut rng = stream(self.seed, name);
            Tensor::from_vec(draw(init, &shape, &mut rng)?, shape, device)?.to_dtype(dtype)?
        } else {
            let Some(value) = self.given.get(name) else { bail!("the weights have no tensor named {name}") };
            if value.shape() != &shape {
                bail!("{name} should be {shape:?}, but the weights have {:?}", value.shape());
            }
            value.to_dtype(dtype)?.to_device(device)?
        };
        let var = Var::from_tensor(&value)?;
        let tensor = var.as_tensor().clone();
        self.parameters.insert(name, var);
        Ok(tensor)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> Result<Tensor> {
        bail!("the shape of {name} must be given")
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.given.is_empty() || self.given.contains_key(name)
    }
}

struct Constant {
    parameters: Parameters,
    /// Whether running statistics are the variables themselves.
    statistics: bool,
}

impl SimpleBackend for Constant {
    fn get(&self, shape: Shape, name: &str, _: Init, _: DType, _: &Device) -> Result<Tensor> {
        let map = self.parameters.0.lock().unwrap_or_else(PoisonError::into_inner);
        match map.get(name) {
            // A batch norm copies whatever is no variable.
            Some(var) if var.shape() == &shape && self.statistics && is_statistic(name) => Ok(var.as_tensor().clone()),
            // Detached, the tensor still shares the variable's memory.
            Some(var) if var.shape() == &shape => Ok(var.as_detached_tensor()),
            _ => bail!("there is no parameter {name} of shape {shape:?}"),
        }
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> Result<Tensor> {
        bail!("the shape of {name} must be given")
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.parameters.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(name)
    }
}

/// The stream of a seed and a name.
fn stream(seed: u64, name: &str) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(name.as_bytes());
    ChaCha8Rng::from_seed(hash.finalize().into())
}

fn draw(init: Init, shape: &Shape, rng: &mut ChaCha8Rng) -> Result<Vec<f32>> {
    let count = shape.elem_count();
    let normal = |mean: f64, std: f64, rng: &mut ChaCha8Rng| -> Result<Vec<f32>> {
        let normal = Normal::new(mean as f32, std as f32).map_err(candle_core::Error::wrap)?;
        Ok(normal.sample_iter(rng).take(count).collect())
    };
    let uniform = |low: f64, high: f64, rng: &mut ChaCha8Rng| -> Result<Vec<f32>> {
        let uniform = Uniform::new(low as f32, high as f32).map_err(candle_core::Error::wrap)?;
        Ok(uniform.sample_iter(rng).take(count).collect())
    };
    match init {
        Init::Const(value) => Ok(vec![value as f32; count]),
        Init::Randn { mean, stdev } => normal(mean, stdev, rng),
        Init::Uniform { lo, up } => uniform(lo, up, rng),
        Init::Kaiming { dist, fan, non_linearity } => {
            let std = non_linearity.gain() / (fan.for_shape(shape) as f64).sqrt();
            match dist {
                NormalOrUniform::Normal => normal(0.0, std, rng),
                NormalOrUniform::Uniform => uniform(-(3f64.sqrt()) * std, 3f64.sqrt() * std, rng),
            }
        }
    }
}

/// The paper's initialisation of a convolution: N(0, 0.02) (Isola et al. 2017, §6.2).
pub const PIX2PIX_WEIGHT: Init = Init::Randn { mean: 0.0, stdev: 0.02 };

/// The paper's initialisation of a norm's scale: N(1, 0.02).
pub const PIX2PIX_SCALE: Init = Init::Randn { mean: 1.0, stdev: 0.02 };

/// He initialisation (He et al. 2015) for a rectified layer.
pub const HE: Init = Init::Kaiming {
    dist: NormalOrUniform::Normal,
    fan: FanInOut::FanIn,
    non_linearity: candle_nn::init::NonLinearity::ReLU,
};

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::nn::generator::Pass;
    use crate::nn::norm::{NormKind, norm};

    #[test]
    fn the_current_view_follows_parameters_and_running_statistics() {
        let parameters = Parameters::default();
        let learning = norm(NormKind::Batch, 2, parameters.seeded(1, &Device::Cpu)).unwrap();
        let view = norm(NormKind::Batch, 2, parameters.current(&Device::Cpu)).unwrap();
        let values = (0..16).map(|i| (0.7 * i as f32).sin() + 3.0).collect();
        let x = Tensor::from_vec(values, (1, 2, 2, 4), &Device::Cpu).unwrap();
        let drawn = |norm: &crate::nn::norm::Norm| -> Vec<f32> {
            norm.forward(&x, &Pass::INFERENCE).unwrap().flatten_all().unwrap().to_vec1().unwrap()
        };
        let before = drawn(&view);
        learning.forward(&x, &Pass { training: true, ..Pass::INFERENCE }).unwrap();
        for (_, parameter) in parameters.trainable() {
            parameter.set(&(parameter.as_detached_tensor() + 0.5).unwrap()).unwrap();
        }
        assert_ne!(drawn(&view), before);
        assert_eq!(drawn(&view), drawn(&learning));
    }
}
