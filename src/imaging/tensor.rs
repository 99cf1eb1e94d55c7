//! Pictures as a network sees them, and back.

use candle_core::{CpuStorage, DType, Device, Result, Storage, Tensor};

use super::Picture;

/// The colours of `picture`, `(1, 3, H, W)`, f32 in −1..1 (0 → −1, 255 → 1).
///
/// # Errors
/// If the device has no room for it.
pub fn from_picture(picture: &Picture, device: &Device) -> Result<Tensor> {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let plane = width * height;
    let level: [f32; 256] = std::array::from_fn(|v| v as f32 / 127.5 - 1.0);
    let mut planes = vec![0f32; 3 * plane];
    let (red, rest) = planes.split_at_mut(plane);
    let (green, blue) = rest.split_at_mut(plane);
    let targets = red.iter_mut().zip(green).zip(blue);
    for (pixel, ((r, g), b)) in picture.rgb.chunks_exact(3).zip(targets) {
        *r = level[usize::from(pixel[0])];
        *g = level[usize::from(pixel[1])];
        *b = level[usize::from(pixel[2])];
    }
    Tensor::from_vec(planes, (1, 3, height, width), device)
}

/// The colours of a drawing `(1, 3, H, W)` in −1..1, of any float type, as
/// `(H, W, 3)` bytes; what lies beyond the range is clamped.
///
/// # Errors
/// If the shape is another one, or the device fails.
pub fn to_rgb(drawing: &Tensor) -> Result<Vec<u8>> {
    let (batch, channels, height, width) = drawing.dims4()?;
    if batch != 1 || channels != 3 {
        candle_core::bail!("a drawing is (1, 3, H, W), not {:?}", drawing.shape());
    }
    // Copied only where it has to be: off another device, to f32, or to rows.
    let drawing = drawing.to_device(&Device::Cpu)?.to_dtype(DType::F32)?.contiguous()?;
    let (storage, layout) = drawing.storage_and_layout();
    let (Storage::Cpu(CpuStorage::F32(values)), Some((start, end))) = (&*storage, layout.contiguous_offsets()) else {
        candle_core::bail!("a drawing on the CPU is contiguous f32");
    };
    let plane = height * width;
    let (red, rest) = values[start..end].split_at(plane);
    let (green, blue) = rest.split_at(plane);
    // A float cast saturates, and takes NaN to 0.
    let byte = |v: f32| (v * 127.5 + 128.0) as u8;
    let mut rgb = vec![0; 3 * plane];
    let sources = red.iter().zip(green).zip(blue);
    for (pixel, ((&r, &g), &b)) in rgb.chunks_exact_mut(3).zip(sources) {
        pixel.copy_from_slice(&[byte(r), byte(g), byte(b)]);
    }
    Ok(rgb)
}
