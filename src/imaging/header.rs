//! What a file says of itself before anything is decoded: its size in pixels,
//! and whether its end is there.
//!
//! The decoders are lenient here (a JPEG whose second half is missing decodes
//! to a picture with a grey half), so the ends are looked for in the
//! containers themselves.

use super::{Format, jpeg};

/// Width and height that the header declares; `None` if it isn't there.
pub(super) fn dimensions(format: Format, bytes: &[u8]) -> Option<(u32, u32)> {
    match format {
        Format::Jpeg => jpeg::dimensions(bytes),
        Format::Png => Some((be32(bytes, 16)?, be32(bytes, 20)?)),
        Format::WebP => webp_dimensions(bytes),
        Format::Gif => Some((le16(bytes, 6)?, le16(bytes, 8)?)),
        Format::Bmp => bitmap(bytes).map(|b| (b.width, b.height)),
    }
}

/// Whether the file's end is there; what follows the end doesn't matter.
pub(super) fn is_whole(format: Format, bytes: &[u8]) -> bool {
    match format {
        Format::Jpeg => jpeg::walk(bytes).end.is_some(),
        Format::Png => png_is_whole(bytes).unwrap_or(false),
        Format::WebP => le32(bytes, 4).is_some_and(|n| bytes.len() as u64 >= 8 + u64::from(n)),
        Format::Gif => gif_is_whole(bytes).unwrap_or(false),
        Format::Bmp => bitmap(bytes).is_some_and(|b| b.end.is_none_or(|end| bytes.len() as u64 >= end)),
    }
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    let b = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(b.try_into().ok()?))
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    be32(bytes, at).map(u32::swap_bytes)
}

fn le16(bytes: &[u8], at: usize) -> Option<u32> {
    let b = bytes.get(at..at.checked_add(2)?)?;
    Some(u32::from(u16::from_le_bytes(b.try_into().ok()?)))
}

/// Chunks are length, type, data, checksum; the last one is `IEND`.
fn png_is_whole(bytes: &[u8]) -> Option<bool> {
    let mut at = 8;
    loop {
        let length = be32(bytes, at)? as usize;
        let kind = bytes.get(at + 4..at + 8)?;
        let next = at.checked_add(12)?.checked_add(length)?;
        if kind == b"IEND" {
            return Some(next <= bytes.len());
        }
        at = next;
    }
}

/// The first chunk is lossy (`VP8 `), lossless (`VP8L`) or the canvas (`VP8X`).
fn webp_dimensions(bytes: &[u8]) -> Option<(u32, u32)> {
    match bytes.get(12..16)? {
        b"VP8 " => Some((le16(bytes, 26)? & 0x3FFF, le16(bytes, 28)? & 0x3FFF)),
        b"VP8L" => {
            let packed = le32(bytes, 21)?;
            Some(((packed & 0x3FFF) + 1, ((packed >> 14) & 0x3FFF) + 1))
        }
        b"VP8X" => {
            let width = le32(bytes, 24)? & 0x00FF_FFFF;
            let height = le32(bytes, 26)? >> 8;
            bytes.get(29)?;
            Some((width + 1, height + 1))
        }
        _ => None,
    }
}

/// Blocks of sub-blocks (a length byte, then so many bytes; length 0 ends
/// them), until the trailer `;`.
fn gif_is_whole(bytes: &[u8]) -> Option<bool> {
    let table = |flags: u8| {
        if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
    };
    let skip_sub_blocks = |mut at: usize| loop {
        match *bytes.get(at)? {
            0 => return Some(at + 1),
            n => at += 1 + usize::from(n),
        }
    };
    let mut at = 13 + table(*bytes.get(10)?);
    loop {
        match *bytes.get(at)? {
            b';' => return Some(true),
            b'!' => at = skip_sub_blocks(at + 2)?,
            b',' => {
                let flags = *bytes.get(at + 9)?;
                at = skip_sub_blocks(at + 11 + table(flags))?;
            }
            0 => at += 1,
            _ => return None,
        }
    }
}

struct Bitmap {
    width: u32,
    height: u32,
    /// Where uncompressed pixels end in the file.
    end: Option<u64>,
}

fn bitmap(bytes: &[u8]) -> Option<Bitmap> {
    let offset = le32(bytes, 10)?;
    let (width, height, depth, compression) = match le32(bytes, 14)? {
        12 => (le16(bytes, 18)?, le16(bytes, 20)?, le16(bytes, 24)?, 0),
        // A negative height means that the rows run from the top.
        _ => {
            let height = (le32(bytes, 22)? as i32).unsigned_abs();
            let compression = le32(bytes, 30).unwrap_or(0);
            (le32(bytes, 18)?, height, le16(bytes, 28)?, compression)
        }
    };
    // 1 and 2 are run lengths, whose end only the decoder finds.
    let end = (!matches!(compression, 1 | 2)).then(|| {
        let stride = (u64::from(width) * u64::from(depth)).div_ceil(32) * 4;
        u64::from(offset).saturating_add(stride.saturating_mul(u64::from(height)))
    });
    Some(Bitmap { width, height, end })
}
