//! What happens to every request and answer, one concern a file.

pub mod catch_panic;
pub mod crowd;
pub mod host;
pub mod key;
pub mod linger;
pub mod log;
pub mod measure;
pub mod rate;
pub mod request_id;
pub mod secure;
#[cfg(feature = "otlp")]
mod span;
pub mod trace;
