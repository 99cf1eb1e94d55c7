//! The networks and their building blocks.
