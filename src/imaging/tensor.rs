//! Pictures as tensors, and back. Between the machine and its device they are bytes, a quarter of what floats would be.

use super::{Picture, channels};
use candle_core::{DType, Device, Result, Tensor, bail};

/// `picture` as a network of `channels` sees it: `(1, channels, H, W)`, f32 in −1..1 (0 → −1, 255 → 1), its channels as
/// in [`channels::of`].
///
/// # Errors
/// For another number of channels or of pixels than its size says, or if the device has no room for it.
pub fn from_picture(picture: &Picture, channels: usize, device: &Device) -> Result<Tensor> {
    let shape = (picture.height as usize, picture.width as usize, channels);
    let bytes = Tensor::from_slice(&channels::of(picture, channels)?, shape, device)?;
    bytes.permute((2, 0, 1))?.contiguous()?.to_dtype(DType::F32)?.affine(1.0 / 127.5, -1.0)?.unsqueeze(0)
}

/// A drawing `(1, C, H, W)` in −1..1, of any float type, as a picture; what lies beyond the range is clamped.
///
/// # Errors
/// If the shape is another one, or the device fails.
pub fn to_picture(drawing: &Tensor) -> Result<Picture> {
    let (batch, channels, height, width) = drawing.dims4()?;
    if batch != 1 {
        bail!("a drawing is (1, C, H, W), not {:?}", drawing.shape());
    }
    // A cast takes the part before the point.
    let levels = drawing.squeeze(0)?.to_dtype(DType::F32)?.affine(127.5, 128.0)?.clamp(0f32, 255f32)?;
    let bytes = levels.to_dtype(DType::U8)?.permute((1, 2, 0))?.flatten_all()?.to_vec1()?;
    channels::picture((width as u32, height as u32), channels, bytes)
}
