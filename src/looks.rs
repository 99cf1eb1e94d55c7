//! The target looks as classical image processing: what the generator learns.
