//! Settings of pytorch-CycleGAN-and-pix2pix become a recipe: those that its
//! `train_opt.txt` lists, or the flags of its command line.
//!
//! What each option means is a line of `table`; what it does not name stays at
//! that repository's own default, which is the recipe `pix2pix`.

mod listing;
mod table;

use super::recipe::Recipe;
use super::schedule::Schedule;
use crate::models::Architecture;
use crate::nn::unet::{UNET_128, UNET_256};
use listing::Given;
use std::collections::BTreeMap;
use table::{Meaning, TABLE};
use thiserror::Error;

/// Why settings cannot become a recipe, and what to do.
#[derive(Debug, Error)]
pub enum OptionsError {
    /// Neither a listing nor flags.
    #[error("{0} is neither `name: value`, as train_opt.txt lists options, nor `--name value`")]
    Form(String),
    /// No option at all.
    #[error("it holds no options: give a train_opt.txt, or the flags of a train.py in a file")]
    Empty,
    /// A value that the option cannot have, or that Sakuga cannot follow.
    #[error("{option} is {value:?}: {reason}")]
    Value {
        /// The option.
        option: String,
        /// Its value.
        value: String,
        /// What it can be, what to do.
        reason: String,
    },
    /// Options that contradict each other.
    #[error("{0}")]
    Contradiction(String),
}

/// A recipe, and what of the settings is not in it.
#[derive(Debug)]
pub struct Translated {
    /// The recipe.
    pub recipe: Recipe,
    /// A line for each option that has no counterpart.
    pub warnings: Vec<String>,
}

/// The options as they are gathered; some mean something only together.
struct Draft {
    recipe: Recipe,
    model: Option<String>,
    discriminator: String,
    layers: usize,
    preprocess: String,
    load_size: u32,
    /// Epochs between two falls of `lr_policy step`.
    decay_every: usize,
    warnings: Vec<String>,
}

/// The recipe that `text` means: a `train_opt.txt`, or flags, with or without `python train.py` before them.
///
/// # Errors
/// When a value is unknown, cannot be followed or contradicts another.
pub fn translate(text: &str) -> Result<Translated, OptionsError> {
    let mut options: BTreeMap<&'static str, Given> = BTreeMap::new();
    let mut draft = Draft {
        recipe: pix2pix()?,
        model: None,
        discriminator: "basic".into(),
        layers: 3,
        preprocess: "resize_and_crop".into(),
        load_size: 286,
        decay_every: 50,
        warnings: Vec::new(),
    };
    for given in listing::read(text)? {
        let Some(line) = TABLE.iter().find(|line| line.option == given.name || line.before == given.name) else {
            draft.warnings.push(format!("{}: an option that is not known; it is left out", given.name));
            continue;
        };
        match options.get(line.option) {
            Some(other) if other.value != given.value => {
                return Err(OptionsError::Contradiction(format!(
                    "{} is {:?} and {} is {:?}: leave one out",
                    other.name, other.value, given.name, given.value
                )));
            }
            _ => options.insert(line.option, given),
        };
    }
    for line in TABLE {
        if let Some(given) = options.get(line.option) {
            follow(&mut draft, &line.meaning, given)?;
        }
    }
    draft.finish()
}

fn pix2pix() -> Result<Recipe, OptionsError> {
    let recipe = Recipe::built_in("pix2pix").and_then(Result::ok);
    recipe.ok_or_else(|| OptionsError::Contradiction("the built-in recipe pix2pix is broken".into()))
}

fn follow(draft: &mut Draft, meaning: &Meaning, given: &Given) -> Result<(), OptionsError> {
    let Given { name, value, changed } = given;
    let refused = |reason: String| OptionsError::Value { option: name.clone(), value: value.clone(), reason };
    match meaning {
        Meaning::Sets(set) => set(draft, value).map_err(refused),
        Meaning::Always { ours, theirs, does } => {
            let same = |known: &&str| match (known.parse::<f64>(), value.parse::<f64>()) {
                (Ok(known), Ok(value)) => known == value,
                _ => *known == value,
            };
            if !ours.iter().any(same) {
                if !theirs.is_empty() && !theirs.contains(&value.as_str()) {
                    return Err(refused(format!("use one of {}, {}", ours.join(", "), theirs.join(", "))));
                }
                draft.warnings.push(format!("{name} {value} has no counterpart: {does}"));
            }
            Ok(())
        }
        Meaning::Elsewhere(place) => {
            if *changed {
                draft.warnings.push(format!("{name} {value} is no setting of a recipe: {place}"));
            }
            Ok(())
        }
    }
}

impl Draft {
    /// What several options mean together.
    fn finish(mut self) -> Result<Translated, OptionsError> {
        let contradiction = |text: String| Err(OptionsError::Contradiction(text));
        if self.model.is_none() {
            return contradiction(
                "it names no model, which means cycle_gan there: add --model pix2pix if that is meant".into(),
            );
        }
        match self.discriminator.as_str() {
            "n_layers" => self.recipe.discriminator.layers = self.layers,
            "pixel" => self.recipe.discriminator.layers = 0,
            _ if self.layers != 3 => self.warnings.push(format!(
                "n_layers_D {} is not used with netD basic, which has 3; write --netD n_layers if it is meant",
                self.layers
            )),
            _ => {}
        }
        match &mut self.recipe.schedule {
            Schedule::Step { every, .. } => *every = self.decay_every,
            Schedule::Cosine => {
                // There it falls from the first epoch on.
                if self.recipe.epochs_decay > 0 {
                    let text = "lr_policy cosine rises again there after n_epochs; here it falls once, over all epochs";
                    self.warnings.push(text.into());
                }
                self.recipe.epochs_decay += std::mem::take(&mut self.recipe.epochs);
            }
            Schedule::Plateau { .. } => self.warnings.push(
                "lr_policy plateau: here the rate falls when the held-out pairs' L1 stands still, which that repository \
                 does not look at"
                    .into(),
            ),
            _ => {}
        }
        let (crop, load) = (self.recipe.augment.crop, self.load_size);
        let multiple = match &self.recipe.architecture {
            Architecture::UNet256(_) => 1 << UNET_256,
            Architecture::UNet128(_) => 1 << UNET_128,
            _ => 16,
        };
        if crop == 0 || crop % multiple != 0 {
            let kind = self.recipe.architecture.kind();
            return contradiction(format!(
                "crop_size is {crop}, but to train a {kind} it must be a multiple of {multiple}"
            ));
        }
        self.recipe.augment.load = 0;
        if self.preprocess == "resize_and_crop" {
            if (load as usize) < crop {
                return contradiction(format!(
                    "load_size is {load}, smaller than crop_size {crop}: make it {crop} or more"
                ));
            }
            // There both sides become so long; here the shorter, and pairs keep their aspect.
            self.recipe.augment.load = load;
        } else if self.preprocess != "crop" {
            self.warnings.push(format!(
                "preprocess {} has no counterpart: pairs keep their size and are cropped to {crop}x{crop}",
                self.preprocess
            ));
        }
        if let Err(error) = self.recipe.augment.check() {
            return contradiction(format!("the sizes cannot be followed: {error}"));
        }
        match self.recipe.fault() {
            Some(fault) => contradiction(format!("the settings cannot be followed: {fault}")),
            None => Ok(Translated { recipe: self.recipe, warnings: self.warnings }),
        }
    }
}

#[cfg(test)]
mod tests;
