//! Bytes to a picture: the type, the limits, the pixels, in this order.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::codecs::{bmp::BmpDecoder, gif::GifDecoder, png::PngDecoder, webp::WebPDecoder};
use image::metadata::Orientation;
use image::{ColorType, ImageDecoder, ImageError};

use super::raster::{Channels, Raster};
use super::{Format, Picture, format, header, jpeg};

/// What a picture may cost before it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Width times height; the header is asked, before any pixel is decoded.
    pub max_pixels: u64,
}

impl Default for Limits {
    /// 50 megapixels.
    fn default() -> Self {
        Limits { max_pixels: 50_000_000 }
    }
}

impl Limits {
    pub(super) fn check(self, width: u32, height: u32) -> Result<(), DecodeError> {
        if u64::from(width) * u64::from(height) > self.max_pixels {
            return Err(DecodeError::TooManyPixels { width, height, max_pixels: self.max_pixels });
        }
        Ok(())
    }

    /// The decoders' own accounts: 8 bytes a pixel is 16-bit RGBA, and
    /// something for tables, chunks and rows.
    fn for_decoders(self) -> image::Limits {
        let mut limits = image::Limits::default();
        limits.max_alloc = Some(self.max_pixels.saturating_mul(8).saturating_add(64 << 20));
        limits
    }
}

/// A decoded picture and the format that it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Upright, sRGB, 8 bit.
    pub picture: Picture,
    /// By the file's magic bytes.
    pub format: Format,
}

/// Why some bytes are not a picture to us.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A format that we don't read (HTTP 415).
    #[error("this is {found}; we read JPEG, PNG, WebP, GIF and BMP: {advice}")]
    Unsupported {
        /// What the file is, with its article.
        found: &'static str,
        /// What its owner can do.
        advice: &'static str,
    },
    /// More pixels than the limit (HTTP 422); nothing was decoded.
    #[error(
        "the picture is {width}×{height}, {} megapixels; the limit is {} megapixels: \
         shrink it first",
        megapixels(u64::from(*width) * u64::from(*height)),
        megapixels(*max_pixels)
    )]
    TooManyPixels {
        /// Declared width.
        width: u32,
        /// Declared height.
        height: u32,
        /// The limit in force.
        max_pixels: u64,
    },
    /// The file's end is missing (HTTP 422).
    #[error("the {format} file is cut off before its end: the whole file is needed")]
    Truncated {
        /// By the file's magic bytes.
        format: Format,
    },
    /// Broken, or of a kind within its format that we don't decode (HTTP 422).
    #[error("the {format} file cannot be decoded ({reason}): save it anew")]
    Undecodable {
        /// By the file's magic bytes.
        format: Format,
        /// What the decoder met.
        reason: String,
    },
}

/// Whole or with two decimals: 50, 2.07.
fn megapixels(pixels: u64) -> String {
    let text = format!("{:.2}", pixels as f64 / 1e6);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The format, width and height of a file as its header declares them, before
/// orientation; nothing is decoded.
///
/// # Errors
/// [`DecodeError::Unsupported`], or [`DecodeError::Undecodable`] where the
/// header is broken.
pub fn probe(bytes: &[u8]) -> Result<(Format, u32, u32), DecodeError> {
    let format = Format::sniff(bytes).ok_or_else(|| {
        let (found, advice) = format::describe_unread(bytes);
        DecodeError::Unsupported { found, advice }
    })?;
    match header::dimensions(format, bytes) {
        Some((width, height)) if width > 0 && height > 0 => Ok((format, width, height)),
        Some(_) => Err(undecodable(format, "a side of 0 pixels")),
        None if header::is_whole(format, bytes) => Err(undecodable(format, "a broken header")),
        None => Err(DecodeError::Truncated { format }),
    }
}

/// The first picture in `bytes`, upright, in sRGB, 8 bit.
///
/// Read are JPEG (MPO; grey, CMYK and YCCK too), PNG (the default image of an
/// APNG; every depth and colour type), WebP, GIF (first frames) and BMP. EXIF
/// orientation is applied; an embedded ICC profile is converted to sRGB, or
/// ignored where it cannot be read.
///
/// # Errors
/// See [`DecodeError`]. Truncated files are refused even where enough is left
/// to draw something; a decoder's panic is an error like any other.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, DecodeError> {
    decode_fitted(bytes, limits, None)
}

/// The same with its longest side at most `max_side`, if one is given, as [`resize::fit`]
/// makes it: in far less time where a JPEG is far larger.
///
/// A baseline JPEG of twice the size or more is made smaller before it has any
/// pixels. Then its details are those of another filter.
///
/// # Errors
/// See [`DecodeError`].
///
/// [`resize::fit`]: super::resize::fit
pub fn decode_fitted(bytes: &[u8], limits: &Limits, max_side: Option<u32>) -> Result<Decoded, DecodeError> {
    let (format, width, height) = probe(bytes)?;
    limits.check(width, height)?;
    if !header::is_whole(format, bytes) {
        return Err(DecodeError::Truncated { format });
    }
    let work = || Ok(read(format, bytes, *limits, max_side)?.into_picture(max_side));
    let picture =
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(undecodable(format, "the decoder gave up")))?;
    Ok(Decoded { picture, format })
}

pub(super) fn undecodable(format: Format, reason: impl ToString) -> DecodeError {
    DecodeError::Undecodable { format, reason: reason.to_string() }
}

fn read(format: Format, bytes: &[u8], limits: Limits, max_side: Option<u32>) -> Result<Raster, DecodeError> {
    let failed = |error: ImageError| undecodable(format, error);
    let input = Cursor::new(bytes);
    match format {
        Format::Jpeg => jpeg::read(bytes, limits, max_side),
        Format::Png => {
            let decoder = PngDecoder::with_limits(input, limits.for_decoders()).map_err(failed)?;
            read_with(decoder, format, limits)
        }
        Format::WebP => read_with(WebPDecoder::new(input).map_err(failed)?, format, limits),
        Format::Gif => {
            let mut raster = read_with(GifDecoder::new(input).map_err(failed)?, format, limits)?;
            raster.drop_opaque_alpha();
            Ok(raster)
        }
        Format::Bmp => read_with(BmpDecoder::new(input).map_err(failed)?, format, limits),
    }
}

fn read_with(mut decoder: impl ImageDecoder, format: Format, limits: Limits) -> Result<Raster, DecodeError> {
    let failed = |error: ImageError| undecodable(format, error);
    let (width, height) = decoder.dimensions();
    limits.check(width, height)?;
    decoder.set_limits(limits.for_decoders()).map_err(failed)?;
    let color = decoder.color_type();
    let (channels, sixteen_bit) = match color {
        ColorType::L8 => (Channels::Gray, false),
        ColorType::La8 => (Channels::GrayAlpha, false),
        ColorType::Rgb8 => (Channels::Rgb, false),
        ColorType::Rgba8 => (Channels::Rgba, false),
        ColorType::L16 => (Channels::Gray, true),
        ColorType::La16 => (Channels::GrayAlpha, true),
        ColorType::Rgb16 => (Channels::Rgb, true),
        ColorType::Rgba16 => (Channels::Rgba, true),
        _ => return Err(undecodable(format, "floating point pixels")),
    };
    // Metadata that cannot be read must not cost the picture.
    let icc = decoder.icc_profile().ok().flatten();
    let orientation =
        decoder.exif_metadata().ok().flatten().map_or(Orientation::NoTransforms, |exif| orientation(&exif));
    let mut samples = vec![0; decoder.total_bytes() as usize];
    decoder.read_image(&mut samples).map_err(failed)?;
    Ok(Raster { width, height, reduction: 1, channels, sixteen_bit, samples, icc, orientation })
}

/// The EXIF orientation; some writers of WebP put JPEG's prefix before it.
pub(super) fn orientation(exif: &[u8]) -> Orientation {
    let exif = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    Orientation::from_exif_chunk(exif).unwrap_or(Orientation::NoTransforms)
}
