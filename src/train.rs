//! Data, losses, the training loop, checkpoints, evaluation.
