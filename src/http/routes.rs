//! One file a route.

pub mod assets;
pub mod health;
pub mod metrics;
pub mod models;
pub mod openapi;
pub mod reload;
pub mod score;
pub mod sheet;
pub mod stylize;
