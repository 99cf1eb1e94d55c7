//! JPEG: its markers, and its pixels through zune-jpeg.
//!
//! zune-jpeg is asked directly, because the way through `image` is lenient
//! with damaged data and gives CMYK only as RGB, which leaves an embedded CMYK
//! profile without its inks.

use image::metadata::Orientation;
use memchr::memchr;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::Format;
use super::decode::{DecodeError, Limits, orientation, undecodable};
use super::raster::{Channels, Raster};

/// Cameras write 1 scan and progressive encoders about 10; every scan walks
/// over the whole picture, so a small file of thousands costs minutes.
const MAX_SCANS: usize = 32;

/// What the markers of a file's first picture say.
#[derive(Default)]
pub(super) struct Walk {
    /// Width and height of the first frame header.
    pub dimensions: Option<(u32, u32)>,
    /// Where the end-of-image marker begins.
    pub end: Option<usize>,
    progressive: bool,
    scans: usize,
}

impl Walk {
    /// The first picture, with set bits between its data and its end.
    ///
    /// Where the data stop short of the end marker, decoders make up the rest
    /// from zeros, which are valid codes. No code is all ones (T.81, annex C),
    /// so a decoder that runs into these bits fails; one that has what it
    /// needs never looks at them.
    fn guard(&self, bytes: &[u8]) -> Vec<u8> {
        const ONES: [u8; 8] = [0xFF, 0x00, 0xFF, 0x00, 0xFF, 0x00, 0xFF, 0x00];
        let end = self.end.unwrap_or(bytes.len());
        let mut guarded = Vec::with_capacity(end + ONES.len() + 2);
        guarded.extend_from_slice(&bytes[..end]);
        // After the only scan of a progressive picture, zune-jpeg wants the
        // end marker to follow at once.
        if !self.progressive || self.scans > 1 {
            guarded.extend_from_slice(&ONES);
        }
        guarded.extend_from_slice(&[0xFF, 0xD9]);
        guarded
    }
}

/// Walks from marker to marker (T.81, annex B) up to the end of the first
/// picture: what follows it, in an MPO or a phone's motion photo, is not ours.
pub(super) fn walk(bytes: &[u8]) -> Walk {
    let mut found = Walk::default();
    let mut at = 2;
    loop {
        // Entropy-coded data, and what careless writers leave between segments.
        let Some(skip) = bytes.get(at..).and_then(|bytes| memchr(0xFF, bytes)) else {
            return found;
        };
        at += skip;
        while bytes.get(at) == Some(&0xFF) {
            at += 1;
        }
        let Some(&marker) = bytes.get(at) else {
            return found;
        };
        at += 1;
        match marker {
            // A stuffed 0xFF, or a marker without a segment.
            0x00 | 0x01 | 0xD0..=0xD8 => continue,
            0xD9 => {
                found.end = Some(at - 2);
                return found;
            }
            _ => {}
        }
        let Some(&[high, low]) = bytes.get(at..at + 2) else {
            return found;
        };
        let is_frame = matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC);
        if is_frame
            && found.dimensions.is_none()
            && let Some(&[h1, h0, w1, w0]) = bytes.get(at + 3..at + 7)
        {
            let side = |high, low| u32::from(u16::from_be_bytes([high, low]));
            found.dimensions = Some((side(w1, w0), side(h1, h0)));
        }
        found.progressive |= marker == 0xC2;
        found.scans += usize::from(marker == 0xDA);
        at += usize::from(u16::from_be_bytes([high, low]));
    }
}

/// The first picture's samples; four channels stay CMYK, their inks as Adobe
/// writes them: 255 is none.
pub(super) fn read(bytes: &[u8], limits: Limits) -> Result<Raster, DecodeError> {
    let failed = |error: zune_jpeg::errors::DecodeErrors| undecodable(Format::Jpeg, error);
    let markers = walk(bytes);
    if markers.scans > MAX_SCANS {
        let reason = format!("{} scans; the limit is {MAX_SCANS}", markers.scans);
        return Err(undecodable(Format::Jpeg, reason));
    }
    let guarded = markers.guard(bytes);
    // Lenient with headers, where every camera has its own ways, and strict
    // with what comes after.
    let lenient = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_max_scans(MAX_SCANS);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&guarded), lenient);
    decoder.decode_headers().map_err(failed)?;
    let (width, height) = decoder.dimensions().ok_or_else(|| undecodable(Format::Jpeg, "no dimensions"))?;
    let (width, height) = (width as u32, height as u32);
    limits.check(width, height)?;

    let input = decoder.input_colorspace();
    let (output, channels) = match input {
        Some(ColorSpace::Luma) => (ColorSpace::Luma, Channels::Gray),
        Some(four @ (ColorSpace::CMYK | ColorSpace::YCCK)) => (four, Channels::Cmyk),
        _ => (ColorSpace::RGB, Channels::Rgb),
    };
    decoder.set_options(lenient.set_strict_mode(true).jpeg_set_out_colorspace(output));
    let mut samples = vec![0; width as usize * height as usize * output.num_components()];
    decoder.decode_into(&mut samples).map_err(failed)?;
    if input == Some(ColorSpace::YCCK) {
        ycck_to_cmyk(&mut samples);
    }
    Ok(Raster {
        width,
        height,
        channels,
        sixteen_bit: false,
        samples,
        icc: decoder.icc_profile(),
        orientation: decoder.exif().map_or(Orientation::NoTransforms, |exif| orientation(exif)),
    })
}

/// Adobe's YCCK is YCbCr (T.871) of the inverse inks, with black beside it.
fn ycck_to_cmyk(samples: &mut [u8]) {
    for pixel in samples.chunks_exact_mut(4) {
        let y = f32::from(pixel[0]);
        let (cb, cr) = (f32::from(pixel[1]) - 128.0, f32::from(pixel[2]) - 128.0);
        let rgb = [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb];
        for (ink, v) in pixel.iter_mut().zip(rgb) {
            *ink = 255 - v.round() as u8;
        }
    }
}
