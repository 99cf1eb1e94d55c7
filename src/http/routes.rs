//! One file a route.

pub mod assets;
pub mod health;
pub mod models;
pub mod stylize;
