//! A picture's way to a GPU and back: as bytes, a quarter of what floats would be, which the GPU itself turns into what a
//! network sees.

use super::Picture;
use candle_core::{DType, Device, Result, Tensor, bail};

/// `picture` as bytes `(H, W, channels)` on `device`: one channel is grey, three are red, green and blue, the fourth is
/// alpha, opaque where there is none.
///
/// # Errors
/// For another number of channels or of pixels than its size says, or if the device has no room for it.
pub fn upload(picture: &Picture, channels: usize, device: &Device) -> Result<Tensor> {
    let shape = (picture.height as usize, picture.width as usize, channels);
    match channels {
        1 => {
            let grey: Vec<u8> = picture.rgb.as_chunks::<3>().0.iter().map(luma).collect();
            Tensor::from_vec(grey, shape, device)
        }
        3 => Tensor::from_slice(&picture.rgb, shape, device),
        4 => Tensor::from_vec(picture.rgba(), shape, device),
        _ => bail!("a picture has 1, 3 or 4 channels, not {channels}"),
    }
}

/// Red, green and blue to grey.
pub(super) fn luma(pixel: &[u8; 3]) -> u8 {
    let weighted = |value: u8, weight: u32| u32::from(value) * weight;
    ((weighted(pixel[0], 19_595) + weighted(pixel[1], 38_470) + weighted(pixel[2], 7_471) + 0x8000) >> 16) as u8
}

/// Bytes `(H, W, C)` as a network sees them: `(1, C, H, W)`, f32 in −1..1 (0 → −1, 255 → 1).
///
/// # Errors
/// Those of candle.
pub fn to_planes(bytes: &Tensor) -> Result<Tensor> {
    bytes.permute((2, 0, 1))?.contiguous()?.to_dtype(DType::F32)?.affine(1.0 / 127.5, -1.0)?.unsqueeze(0)
}

/// A drawing `(1, C, H, W)` in −1..1 as bytes `(H, W, C)`; what lies beyond the range is clamped.
///
/// # Errors
/// Those of candle.
pub fn to_bytes(drawing: &Tensor) -> Result<Tensor> {
    // A cast takes the part before the point.
    let levels = drawing.squeeze(0)?.affine(127.5, 128.0)?.clamp(0f32, 255f32)?.to_dtype(DType::U8)?;
    levels.permute((1, 2, 0))?.contiguous()
}

/// Bytes `(H, W, 1, 3 or 4)` as a picture; grey is all three colours.
///
/// # Errors
/// If the shape is another one, or the device fails.
pub fn download(bytes: &Tensor) -> Result<Picture> {
    let (height, width, channels) = bytes.dims3()?;
    let values = bytes.flatten_all()?.to_vec1::<u8>()?;
    let (rgb, alpha) = match channels {
        1 => (values.iter().flat_map(|&grey| [grey; 3]).collect(), None),
        3 => (values, None),
        4 => {
            let pixels = values.as_chunks::<4>().0;
            let rgb = pixels.iter().flat_map(|[red, green, blue, _]| [*red, *green, *blue]).collect();
            (rgb, Some(pixels.iter().map(|pixel| pixel[3]).collect()))
        }
        _ => bail!("a drawing has 1, 3 or 4 channels, not {channels}"),
    };
    Ok(Picture { width: width as u32, height: height as u32, rgb, alpha })
}
