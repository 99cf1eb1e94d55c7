//! Weights that a run starts from instead of random ones.

use crate::models::import::{Wanted, read, read_discriminator};
use crate::models::publish::Tensors;
use crate::train::recipe::Recipe;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

/// The weights of one network, ours or of pytorch-CycleGAN-and-pix2pix.
pub(super) struct Beginning {
    file: PathBuf,
    weights: Tensors,
}

impl Beginning {
    /// The generator's.
    ///
    /// # Errors
    /// When the file cannot be read, or is of another network than the recipe's.
    pub(super) fn generator(file: &Path, recipe: &Recipe) -> Result<Self> {
        if let Some(ours) = Self::ours(file)? {
            return Ok(ours);
        }
        let imported =
            read(file, &Wanted::default()).with_context(|| format!("cannot start from {}", file.display()))?;
        let (theirs, ours) = (imported.architecture.kind(), recipe.architecture.kind());
        if theirs != ours {
            bail!("cannot start from {}: it is a {theirs}, but the recipe trains a {ours}", file.display());
        }
        Ok(Self { file: file.to_owned(), weights: imported.tensors })
    }

    /// The discriminator's.
    ///
    /// # Errors
    /// The same.
    pub(super) fn discriminator(file: &Path, recipe: &Recipe) -> Result<Self> {
        if let Some(ours) = Self::ours(file)? {
            return Ok(ours);
        }
        let cannot = || format!("cannot start from {}", file.display());
        let (config, weights) = read_discriminator(file, recipe.discriminator.inputs).with_context(cannot)?;
        if config != recipe.discriminator {
            let (theirs, ours) = (toml::to_string(&config)?, toml::to_string(&recipe.discriminator)?);
            let line = |text: String| text.trim().replace('\n', ", ");
            bail!("{}: it has {}, but the recipe's has {}", cannot(), line(theirs), line(ours));
        }
        Ok(Self { file: file.to_owned(), weights })
    }

    fn ours(file: &Path) -> Result<Option<Self>> {
        if file.extension().is_none_or(|extension| extension != "safetensors") {
            return Ok(None);
        }
        let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let weights = candle_core::safetensors::load_buffer(&bytes, &candle_core::Device::Cpu)
            .with_context(|| format!("{} is not a safetensors file", file.display()))?;
        Ok(Some(Self { file: file.to_owned(), weights }))
    }

    /// Gives the weights to a network by `start_from`, which says what they lack.
    ///
    /// # Errors
    /// When they do not fit.
    pub(super) fn apply(&self, start_from: impl FnOnce(&Tensors) -> candle_core::Result<Vec<String>>) -> Result<()> {
        let file = self.file.display();
        let anew = start_from(&self.weights).with_context(|| format!("{file} does not fit"))?;
        if !anew.is_empty() {
            eprintln!("{file} does not hold {} parameters, which start anew: {}", anew.len(), anew.join(", "));
        }
        Ok(())
    }
}
