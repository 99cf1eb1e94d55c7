//! The convolution family on CUDA through cuDNN.
