//! Bytes, pixels and tensors, and the ways between them.
