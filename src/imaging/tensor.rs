//! Pictures as a network sees them, and back.

use candle_core::{CpuStorage, DType, Device, Result, Storage, Tensor};

use super::{Picture, transfer};
use multiversion::multiversion;
use rayon::prelude::*;

/// Pixels that a thread converts at once: enough to be worth waking it.
const STRIP: usize = 32 * 1024;

/// `picture` as a network of `channels` sees it: `(1, channels, H, W)`, f32 in −1..1 (0 → −1, 255 → 1). One channel is
/// grey by PIL's weights (ITU-R 601-2 luma), three are red, green and blue, the fourth is alpha, opaque where there is
/// none.
///
/// # Errors
/// For another number of channels or of pixels than its size says, or if the device has no room for it.
pub fn from_picture(picture: &Picture, channels: usize, device: &Device) -> Result<Tensor> {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let plane = width * height;
    if picture.rgb.len() != 3 * plane {
        candle_core::bail!("a picture of {width}×{height} has {} values", picture.rgb.len());
    }
    if !device.is_cpu() {
        return transfer::to_planes(&transfer::upload(picture, channels, device)?);
    }
    let level: [f32; 256] = std::array::from_fn(|v| v as f32 / 127.5 - 1.0);
    let values = |c: usize| {
        let level = &level;
        picture.rgb.par_chunks_exact(3).map(move |pixel| level[usize::from(pixel[c])])
    };
    let planes: Vec<f32> = match channels {
        1 => picture.rgb.as_chunks().0.iter().map(|pixel| level[usize::from(transfer::luma(pixel))]).collect(),
        3 | 4 => {
            let mut planes = Vec::with_capacity(channels * plane);
            planes.par_extend(values(0).chain(values(1)).chain(values(2)).with_min_len(STRIP));
            planes.extend(picture.alpha.iter().flatten().take((channels - 3) * plane).map(|&v| level[usize::from(v)]));
            planes.resize(channels * plane, 1.0);
            planes
        }
        _ => candle_core::bail!("a picture has 1, 3 or 4 channels, not {channels}"),
    };
    Tensor::from_vec(planes, (1, channels, height, width), device)
}

/// A drawing `(1, C, H, W)` in −1..1, of any float type, as a picture, its channels as in [`from_picture`]; what lies
/// beyond the range is clamped.
///
/// # Errors
/// If the shape is another one, or the device fails.
pub fn to_picture(drawing: &Tensor) -> Result<Picture> {
    let (batch, channels, height, width) = drawing.dims4()?;
    if batch != 1 || ![1, 3, 4].contains(&channels) {
        candle_core::bail!("a drawing is (1, 1, 3 or 4, H, W), not {:?}", drawing.shape());
    }
    if !drawing.device().is_cpu() {
        return transfer::download(&transfer::to_bytes(&drawing.to_dtype(DType::F32)?)?);
    }
    // Copied only where it has to be: to f32, or to rows.
    let drawing = drawing.to_dtype(DType::F32)?.contiguous()?;
    let (storage, layout) = drawing.storage_and_layout();
    let (Storage::Cpu(CpuStorage::F32(values)), Some((start, end))) = (&*storage, layout.contiguous_offsets()) else {
        candle_core::bail!("a drawing on the CPU is contiguous f32");
    };
    let plane = height * width;
    let (colours, alpha) = values[start..end].split_at(channels.min(3) * plane);
    // Grey is all three.
    let (red, green, blue) = match colours.len() == plane {
        true => (colours, colours, colours),
        false => (&colours[..plane], &colours[plane..2 * plane], &colours[2 * plane..]),
    };
    let mut rgb = vec![0; 3 * plane];
    let strips = rgb.par_chunks_mut(3 * STRIP).zip(red.par_chunks(STRIP));
    strips.zip(green.par_chunks(STRIP)).zip(blue.par_chunks(STRIP)).for_each(|(((rgb, r), g), b)| pixels(r, g, b, rgb));
    let alpha = (channels == 4).then(|| alpha.iter().map(|&a| byte(a)).collect());
    Ok(Picture { width: width as u32, height: height as u32, rgb, alpha })
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
fn pixels(red: &[f32], green: &[f32], blue: &[f32], rgb: &mut [u8]) {
    for (((pixel, &red), &green), &blue) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(red).zip(green).zip(blue) {
        *pixel = [byte(red), byte(green), byte(blue)];
    }
}

/// NaN becomes 0. The cast to a byte at once would be no vector's.
#[inline(always)]
fn byte(value: f32) -> u8 {
    (value * 127.5 + 128.0).clamp(0.0, 255.0) as i32 as u8
}
