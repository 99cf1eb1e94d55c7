//! Pixels in, pixels out: one forward pass, or one a tile.

use std::time::{Duration, Instant};

use candle_core::{Device, Result, Tensor};

use crate::imaging::{Picture, pad, tensor};
use crate::models::Model;

/// Draws `photo` with `model`; H·W·3 bytes of the same size, and the time that
/// the network alone took.
///
/// # Errors
/// Whatever candle answers, for example that the device's memory is full.
pub(super) fn draw(model: &Model, photo: &Picture, _tile: usize, device: &Device) -> Result<(Vec<u8>, Duration)> {
    let (height, width) = (photo.height as usize, photo.width as usize);
    let input = pad::to_multiple(&tensor::from_picture(photo, device)?, model.card().size_multiple)?;
    let (drawn, infer) = forward(model, &input, device)?;
    Ok((tensor::to_rgb(&pad::crop(&drawn, height, width)?)?, infer))
}

/// One pass, timed to the moment when the device has finished.
fn forward(model: &Model, input: &Tensor, device: &Device) -> Result<(Tensor, Duration)> {
    let start = Instant::now();
    let output = model.draw(input)?;
    device.synchronize()?;
    Ok((output, start.elapsed()))
}

/// A small real forward pass whose values must be finite.
///
/// # Errors
/// Whatever candle answers, or a message that the values are not finite.
pub(super) fn warm_up(model: &Model, device: &Device) -> Result<()> {
    let side = 64usize.next_multiple_of(model.card().size_multiple);
    let photo = Tensor::zeros((1, 3, side, side), candle_core::DType::F32, device)?;
    let (drawn, _) = forward(model, &photo, device)?;
    let values = drawn.flatten_all()?.to_dtype(candle_core::DType::F32)?.to_vec1::<f32>()?;
    match values.iter().all(|value| value.is_finite()) {
        true => Ok(()),
        false => candle_core::bail!("the network's answer to a grey picture is not finite"),
    }
}
