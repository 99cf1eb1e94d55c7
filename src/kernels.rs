//! The inner loops of the convolution family on the CPU.
