//! A picture to bytes, with nothing in them but the picture.

use std::fmt;
use std::str::FromStr;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::{Format, Picture, jpeg};

/// JPEG's and WebP's quality where none is asked for.
pub const DEFAULT_QUALITY: u8 = 90;

/// How exactly a picture is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    /// 1 to 100, for JPEG and WebP; PNG is always exact.
    Level(u8),
    /// Every pixel as it is: PNG and WebP.
    Lossless,
}

impl From<Option<u8>> for Quality {
    fn from(level: Option<u8>) -> Self {
        level.map_or(Self::default(), Self::Level)
    }
}

impl Default for Quality {
    fn default() -> Self {
        Self::Level(DEFAULT_QUALITY)
    }
}

impl FromStr for Quality {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "lossless" => Ok(Self::Lossless),
            level => level.parse().ok().filter(|level| (1..=100).contains(level)).map(Self::Level).ok_or(()),
        }
        .map_err(|()| "must be a number from 1 to 100, or `lossless`".to_owned())
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Level(level) => level.fmt(f),
            Self::Lossless => f.write_str("lossless"),
        }
    }
}

/// Why a picture cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// A format that we only read.
    #[error("{0} is read but not written: ask for png, jpeg or webp")]
    NotWritten(Format),
    /// Quality out of range.
    #[error("quality {0} is out of range: it goes from 1 to 100")]
    Quality(u8),
    /// JPEG is never exact.
    #[error("{0} has no lossless quality: ask for png or webp, or for a quality from 1 to 100")]
    Lossy(Format),
    /// Larger than the format can say.
    #[error("{format} holds at most {max} pixels a side, and the picture is {width}×{height}: ask for png")]
    TooLarge {
        /// The format asked for.
        format: Format,
        /// The format's longest side.
        max: u32,
        /// The picture's width.
        width: u32,
        /// The picture's height.
        height: u32,
    },
    /// The encoder failed.
    #[error("the picture cannot be written as {format}: {reason}")]
    Failed {
        /// The format asked for.
        format: Format,
        /// What the encoder said.
        reason: String,
    },
}

/// Writes `picture` as `format`; the same picture gives the same bytes.
///
/// `quality` is 1 to 100 for JPEG and WebP (default [`DEFAULT_QUALITY`]) or
/// lossless for WebP, and means nothing to PNG, which is exact. JPEG has no alpha: it is laid on
/// white.
///
/// # Errors
/// See [`EncodeError`].
pub fn encode(picture: &Picture, format: Format, quality: impl Into<Quality>) -> Result<Vec<u8>, EncodeError> {
    let quality = quality.into();
    match (format, quality) {
        (_, Quality::Level(level)) if !(1..=100).contains(&level) => Err(EncodeError::Quality(level)),
        (Format::Jpeg, Quality::Lossless) => Err(EncodeError::Lossy(format)),
        (Format::Jpeg, Quality::Level(level)) => baseline_jpeg(picture, level),
        (Format::Png, _) => png(picture),
        (Format::WebP, Quality::Level(level)) => webp(picture, level),
        (Format::WebP, Quality::Lossless) => lossless_webp(picture),
        (Format::Gif | Format::Bmp, _) => Err(EncodeError::NotWritten(format)),
    }
}

fn check_side(picture: &Picture, format: Format, max: u32) -> Result<(), EncodeError> {
    let Picture { width, height, .. } = *picture;
    if width > max || height > max {
        return Err(EncodeError::TooLarge { format, max, width, height });
    }
    Ok(())
}

fn failed(format: Format) -> impl Fn(image::ImageError) -> EncodeError {
    move |error| EncodeError::Failed { format, reason: error.to_string() }
}

fn baseline_jpeg(picture: &Picture, quality: u8) -> Result<Vec<u8>, EncodeError> {
    check_side(picture, Format::Jpeg, 65_535)?;
    let flattened = picture.alpha.is_some().then(|| picture.on_white());
    let rgb = flattened.as_deref().unwrap_or(&picture.rgb);
    let empty = || EncodeError::Failed { format: Format::Jpeg, reason: "it has no pixels".into() };
    jpeg::write(rgb, picture.width as usize, quality).ok_or_else(empty)
}

fn png(picture: &Picture) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive);
    let (width, height) = (picture.width, picture.height);
    match picture.alpha {
        Some(_) => encoder.write_image(&picture.rgba(), width, height, ExtendedColorType::Rgba8),
        None => encoder.write_image(&picture.rgb, width, height, ExtendedColorType::Rgb8),
    }
    .map_err(failed(Format::Png))?;
    Ok(bytes)
}

fn webp(picture: &Picture, quality: u8) -> Result<Vec<u8>, EncodeError> {
    check_side(picture, Format::WebP, 16_383)?;
    let (width, height) = (picture.width, picture.height);
    let quality = f32::from(quality);
    let encoded = match picture.alpha {
        Some(_) => webp::Encoder::from_rgba(&picture.rgba(), width, height).encode_simple(false, quality),
        None => webp::Encoder::from_rgb(&picture.rgb, width, height).encode_simple(false, quality),
    };
    match encoded {
        Ok(memory) => Ok(memory.to_vec()),
        Err(error) => Err(EncodeError::Failed { format: Format::WebP, reason: format!("{error:?}") }),
    }
}

/// By the encoder in Rust: it keeps the colours under what is transparent, and is the faster.
fn lossless_webp(picture: &Picture) -> Result<Vec<u8>, EncodeError> {
    check_side(picture, Format::WebP, 16_383)?;
    let mut bytes = Vec::new();
    let encoder = WebPEncoder::new_lossless(&mut bytes);
    let (width, height) = (picture.width, picture.height);
    match picture.alpha {
        Some(_) => encoder.write_image(&picture.rgba(), width, height, ExtendedColorType::Rgba8),
        None => encoder.write_image(&picture.rgb, width, height, ExtendedColorType::Rgb8),
    }
    .map_err(failed(Format::WebP))?;
    Ok(bytes)
}
