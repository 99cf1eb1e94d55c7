//! JPEG out: bands of rows, written side by side and joined.
//!
//! Between restart markers a JPEG's data stand on their own (T.81, F.1.1.5.2):
//! bits are filled up, predictions begin anew. So a band is written as if it
//! were a picture, and its data, behind a marker, are a stretch of the whole's.

use jpeg_encoder::{ColorType, Encoder, EncodingError, SamplingFactor};
use rayon::prelude::*;

use super::encode::DEFAULT_QUALITY;

/// Rows of a band: whatever the machine, so that everywhere a picture gives the same bytes.
const ROWS: usize = 256;

/// How the colours are written, and the side of the blocks that are written together.
#[derive(Clone, Copy)]
struct Blocks {
    sampling: SamplingFactor,
    side: usize,
}

impl Blocks {
    /// Halved colours fray the coloured lines that this is all about: they come with a quality that is low anyhow.
    fn of(quality: u8) -> Self {
        match quality < DEFAULT_QUALITY {
            true => Self { sampling: SamplingFactor::F_2_2, side: 16 },
            false => Self { sampling: SamplingFactor::F_1_1, side: 8 },
        }
    }
}

/// Writes `rgb`, rows of `width` pixels, at `quality` 1 to 100.
///
/// # Errors
/// When a side is 0.
pub(super) fn write(rgb: &[u8], width: u16, quality: u8) -> Result<Vec<u8>, EncodingError> {
    let blocks = Blocks::of(quality);
    let across = usize::from(width).div_ceil(blocks.side).max(1);
    // A band's blocks are counted in 16 bits.
    let rows = (ROWS / blocks.side).min(usize::from(u16::MAX) / across) * blocks.side;
    let interval = (across * rows / blocks.side) as u16;
    let band_len = (3 * usize::from(width) * rows).max(1);
    if rgb.len() <= band_len {
        return band(rgb, width, quality, blocks, None);
    }
    let bands = rgb
        .par_chunks(band_len)
        .map(|rgb| band(rgb, width, quality, blocks, Some(interval)))
        .collect::<Result<Vec<_>, _>>()?;
    let height = rgb.len() / (3 * usize::from(width));
    Ok(join(&bands, height as u16))
}

/// A band as a picture of its own.
fn band(rgb: &[u8], width: u16, quality: u8, blocks: Blocks, interval: Option<u16>) -> Result<Vec<u8>, EncodingError> {
    let height = rgb.len() / (3 * usize::from(width)).max(1);
    let mut bytes = Vec::with_capacity(rgb.len() / 8);
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(blocks.sampling);
    if let Some(interval) = interval {
        encoder.set_restart_interval(interval);
    }
    encoder.encode(rgb, width, height as u16, ColorType::Rgb)?;
    Ok(bytes)
}

/// The picture of all bands: the first one's headers with the whole `height`,
/// and the bands' data between restart markers.
fn join(bands: &[Vec<u8>], height: u16) -> Vec<u8> {
    let mut whole = Vec::with_capacity(bands.iter().map(Vec::len).sum());
    for (i, bytes) in bands.iter().enumerate() {
        let Headers { frame, end } = headers(bytes);
        match i {
            0 => {
                whole.extend_from_slice(&bytes[..end]);
                // Marker, length and precision come before the height.
                whole[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
            }
            _ => whole.extend_from_slice(&[0xFF, 0xD0 + ((i - 1) % 8) as u8]),
        }
        whole.extend_from_slice(&bytes[end..bytes.len() - 2]);
    }
    whole.extend_from_slice(&[0xFF, 0xD9]);
    whole
}

/// Where a written picture's parts begin.
struct Headers {
    /// The frame header's marker.
    frame: usize,
    /// The entropy-coded data, behind the scan header.
    end: usize,
}

/// Of a picture just written: one frame of one scan, every segment with its length.
fn headers(bytes: &[u8]) -> Headers {
    let (mut at, mut frame) = (2, 2);
    loop {
        let (marker, length) = (bytes[at + 1], u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
        if marker == 0xC0 {
            frame = at;
        }
        at += 2 + usize::from(length);
        if marker == 0xDA {
            return Headers { frame, end: at };
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::imaging::{Limits, decode};
    use proptest::prelude::*;

    fn picture(width: usize, height: usize) -> Vec<u8> {
        (0..3 * width * height).map(|i| ((i as u32).wrapping_mul(2_654_435_761) >> (24 + i % 3)) as u8).collect()
    }

    fn pixels(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
        let picture = decode(bytes, &Limits::default()).unwrap().picture;
        (picture.width, picture.height, picture.rgb)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        /// Its pixels are those of the picture written in one piece.
        #[test]
        fn bands_are_seen_by_nobody(width in 1usize..70, height in 200usize..1100, quality in 1u8..=100) {
            let rgb = picture(width, height);
            let whole = band(&rgb, width as u16, quality, Blocks::of(quality), None).unwrap();
            let banded = write(&rgb, width as u16, quality).unwrap();
            prop_assert_eq!(banded == whole, height <= ROWS);
            prop_assert!(pixels(&banded) == pixels(&whole));
        }
    }

    /// More markers than there are numbers for them, and rows so long that a band takes fewer.
    #[test]
    fn the_longest_pictures_hold_together() {
        for (width, height) in [(9, 256 * 10 + 3), (20_000, 270)] {
            let rgb = picture(width, height);
            let banded = write(&rgb, width as u16, 90).unwrap();
            let whole = band(&rgb, width as u16, 90, Blocks::of(90), None).unwrap();
            assert!(banded != whole && pixels(&banded) == pixels(&whole), "{width}×{height}");
        }
    }

    #[test]
    fn colours_are_halved_below_the_usual_quality_only() {
        // Three columns red, three blue: halved, the edges are purple.
        let rgb: Vec<u8> = [[200, 30, 30].repeat(3), [30, 30, 200].repeat(3)].concat().repeat(8 * 30);
        let farthest = |quality: u8| {
            let (_, _, written) = pixels(&write(&rgb, 48, quality).unwrap());
            written.iter().zip(&rgb).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
        };
        let (whole, halved) = (farthest(DEFAULT_QUALITY), farthest(DEFAULT_QUALITY - 1));
        assert!(whole < 30 && halved > 50, "{whole} and {halved}");
    }

    #[test]
    fn nothing_is_no_picture() {
        assert!(write(&[], 0, 90).is_err() && write(&[], 5, 90).is_err());
    }
}
