//! A model as users see it: its card, its weights, the registry.
//!
//! A model is two files: `models/NAME.toml`, the card, says everything that is
//! needed to run the safetensors under `weights/`.

pub mod architecture;
pub mod card;
pub mod device;
pub mod export;
mod gpu;
pub mod import;
pub mod model;
pub mod publish;
pub mod registry;
pub mod store;
pub mod style;
mod weights;

pub use crate::nn::plan::{Area, Precision, View};
pub use architecture::Architecture;
pub use card::Card;
pub use device::DeviceChoice;
pub use model::Model;
pub use registry::{Registry, RegistryError};
pub use style::Style;
