//! Pixels of as many channels as a network takes or draws: one is grey, three are red, green and blue, the fourth is
//! alpha.

use super::Picture;
use candle_core::{Result, bail};
use std::borrow::Cow;

/// `picture`'s pixels `(H, W, channels)`: grey by PIL's weights (ITU-R 601-2 luma), alpha opaque where there is none.
///
/// # Errors
/// For another number of channels, or of pixels than its size says.
pub fn of(picture: &Picture, channels: usize) -> Result<Cow<'_, [u8]>> {
    let (width, height) = (picture.width as usize, picture.height as usize);
    if picture.rgb.len() != 3 * width * height {
        bail!("a picture of {width}×{height} has {} values", picture.rgb.len());
    }
    Ok(match channels {
        1 => picture.rgb.as_chunks().0.iter().map(luma).collect::<Vec<_>>().into(),
        3 => picture.rgb.as_slice().into(),
        4 => picture.rgba().into(),
        _ => bail!("a picture has 1, 3 or 4 channels, not {channels}"),
    })
}

/// The picture of pixels `(height, width, channels)`; grey is all three colours.
///
/// # Errors
/// For another number of channels.
pub fn picture((width, height): (u32, u32), channels: usize, pixels: Vec<u8>) -> Result<Picture> {
    let (rgb, alpha) = match channels {
        1 => (pixels.iter().flat_map(|&grey| [grey; 3]).collect(), None),
        3 => (pixels, None),
        4 => {
            let pixels = pixels.as_chunks::<4>().0;
            let rgb = pixels.iter().flat_map(|[red, green, blue, _]| [*red, *green, *blue]).collect();
            (rgb, Some(pixels.iter().map(|pixel| pixel[3]).collect()))
        }
        _ => bail!("a drawing has 1, 3 or 4 channels, not {channels}"),
    };
    Ok(Picture { width, height, rgb, alpha })
}

/// Red, green and blue to grey.
fn luma(pixel: &[u8; 3]) -> u8 {
    let weighted = |value: u8, weight: u32| u32::from(value) * weight;
    ((weighted(pixel[0], 19_595) + weighted(pixel[1], 38_470) + weighted(pixel[2], 7_471) + 0x8000) >> 16) as u8
}
