//! How long work shows itself.

use indicatif::ProgressStyle;

/// A bar that counts `what` and says how long is left.
pub fn counted(what: &str) -> ProgressStyle {
    ProgressStyle::with_template(&format!("{{bar:32}} {{pos}}/{{len}} {what}, {{eta}} left"))
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}
