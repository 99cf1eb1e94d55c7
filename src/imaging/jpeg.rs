//! JPEG: its pixels through zune-jpeg, or smaller, from [`reduced`]; and out through [`write`](mod@write).
//!
//! zune-jpeg is asked directly, because the way through `image` is lenient
//! with damaged data and gives CMYK only as RGB, which leaves an embedded CMYK
//! profile without its inks.

mod frame;
mod huffman;
mod markers;
mod paint;
mod reduced;
mod scan;
#[cfg(test)]
mod tests;
mod write;

use image::metadata::Orientation;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::Format;
use super::decode::{DecodeError, Limits, orientation, undecodable};
use super::raster::{Channels, Raster};

use markers::Walk;
pub(super) use markers::{dimensions, walk};
pub(super) use write::write;

/// Cameras write 1 scan and progressive encoders about 10; every scan walks
/// over the whole picture, so a small file of thousands costs minutes.
const MAX_SCANS: usize = 32;

/// A thread's share of the data is at least so long, in bytes.
const SHARE: usize = 64 << 10;

/// The first picture's bytes, with set bits between its data and its end.
///
/// Where the data stop short of the end marker, decoders make up the rest
/// from zeros, which are valid codes. No code is all ones (T.81, annex C),
/// so a decoder that runs into these bits fails; one that has what it
/// needs never looks at them.
fn guard(bytes: &[u8], markers: &Walk) -> Vec<u8> {
    const ONES: [u8; 8] = [0xFF, 0x00, 0xFF, 0x00, 0xFF, 0x00, 0xFF, 0x00];
    let end = markers.end.unwrap_or(bytes.len());
    let mut guarded = Vec::with_capacity(end + ONES.len() + 2);
    guarded.extend_from_slice(&bytes[..end]);
    // After the only scan of a progressive picture, zune-jpeg wants the
    // end marker to follow at once.
    if !markers.progressive || markers.scans > 1 {
        guarded.extend_from_slice(&ONES);
    }
    guarded.extend_from_slice(&[0xFF, 0xD9]);
    guarded
}

/// How many times smaller a picture may be read that is wanted at most `max_side` long.
fn reduction((width, height): (u32, u32), max_side: Option<u32>) -> u32 {
    let fits = |reduction: &u32| max_side.is_some_and(|side| width.max(height) / reduction >= side.max(1));
    [8, 4, 2].into_iter().find(fits).unwrap_or(1)
}

/// The first picture's samples; four channels stay CMYK, their inks as Adobe
/// writes them: 255 is none. Where it is to be no longer than `max_side`, it may
/// be smaller than the file says, but never smaller than that.
pub(super) fn read(bytes: &[u8], limits: Limits, max_side: Option<u32>) -> Result<Raster, DecodeError> {
    let failed = |error: zune_jpeg::errors::DecodeErrors| undecodable(Format::Jpeg, error);
    let markers = walk(bytes);
    if markers.scans > MAX_SCANS {
        let reason = format!("{} scans; the limit is {MAX_SCANS}", markers.scans);
        return Err(undecodable(Format::Jpeg, reason));
    }
    // Lenient with headers, where every camera has its own ways, and strict
    // with what comes after.
    let lenient = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_max_scans(MAX_SCANS);
    let open = |bytes| {
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), lenient);
        decoder.decode_headers().map_err(failed)?;
        Ok::<_, DecodeError>(decoder)
    };
    let decoder = open(bytes)?;
    let (width, height) = decoder.dimensions().ok_or_else(|| undecodable(Format::Jpeg, "no dimensions"))?;
    let (width, height) = (width as u32, height as u32);
    limits.check(width, height)?;

    let input = decoder.input_colorspace();
    let (output, channels) = match input {
        Some(ColorSpace::Luma) => (ColorSpace::Luma, Channels::Gray),
        Some(four @ (ColorSpace::CMYK | ColorSpace::YCCK)) => (four, Channels::Cmyk),
        _ => (ColorSpace::RGB, Channels::Rgb),
    };
    let mut raster = Raster {
        width,
        height,
        reduction: 1,
        channels,
        sixteen_bit: false,
        samples: Vec::new(),
        icc: decoder.icc_profile(),
        orientation: decoder.exif().map_or(Orientation::NoTransforms, |exif| orientation(exif)),
    };
    let reduction = reduction((width, height), max_side);
    if reduction > 1
        && matches!(input, Some(ColorSpace::Luma | ColorSpace::YCbCr))
        && let Some(samples) =
            reduced::read(bytes, reduction, (bytes.len() / SHARE).clamp(1, rayon::current_num_threads()))
    {
        return Ok(Raster { reduction, samples, ..raster });
    }

    let guarded = guard(bytes, &markers);
    let mut decoder = open(&guarded)?;
    decoder.set_options(lenient.set_strict_mode(true).jpeg_set_out_colorspace(output));
    raster.samples = vec![0; width as usize * height as usize * output.num_components()];
    decoder.decode_into(&mut raster.samples).map_err(failed)?;
    if input == Some(ColorSpace::YCCK) {
        ycck_to_cmyk(&mut raster.samples);
    }
    Ok(raster)
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
