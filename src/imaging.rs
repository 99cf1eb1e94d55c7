//! Bytes, pixels and tensors, and the ways between them.
//!
//! A photo's way in is [`decode`]: the type by its magic bytes, the limits
//! before any pixel is decoded, the pixels upright, in sRGB and 8 bit. Its way
//! out is [`encode`]. Between them, [`resize`] and [`grid`] work on pictures, and
//! [`channels`], [`tensor`], [`pad`] and [`tile`] bring pictures to a network and back.
//!
//! Nothing but pixels passes: EXIF, GPS, text and colour profiles are read
//! where they change the pixels, and never written. What a drawing says of itself
//! is its [`Provenance`].

pub mod channels;
mod decode;
mod encode;
mod format;
pub mod grid;
mod header;
mod icc;
mod jpeg;
mod orient;
pub mod pad;
mod provenance;
mod raster;
pub mod resize;
pub mod tensor;
pub mod tile;
pub mod upscale;

pub use decode::{DecodeError, Decoded, Limits, decode, decode_fitted, probe};
pub use encode::{DEFAULT_QUALITY, EncodeError, Quality, encode};
pub use format::Format;
pub use provenance::Provenance;

/// An upright picture in sRGB, 8 bits a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels in a row; at least 1.
    pub width: u32,
    /// Rows; at least 1.
    pub height: u32,
    /// `(H, W, 3)`: red, green and blue of each pixel, row after row.
    pub rgb: Vec<u8>,
    /// `(H, W)`: opacity, 255 opaque; `None` where the file has no alpha.
    pub alpha: Option<Vec<u8>>,
}

impl Picture {
    /// Red, green, blue and alpha interleaved, `(H, W, 4)`; opaque without alpha.
    pub(crate) fn rgba(&self) -> Vec<u8> {
        let mut rgba = Vec::with_capacity(self.rgb.len() / 3 * 4);
        match &self.alpha {
            Some(alpha) => {
                for (pixel, &a) in self.rgb.chunks_exact(3).zip(alpha) {
                    rgba.extend_from_slice(&[pixel[0], pixel[1], pixel[2], a]);
                }
            }
            None => {
                for pixel in self.rgb.chunks_exact(3) {
                    rgba.extend_from_slice(&[pixel[0], pixel[1], pixel[2], 255]);
                }
            }
        }
        rgba
    }

    /// The colours laid on white, `(H, W, 3)`: what is left to see without alpha.
    pub fn on_white(&self) -> Vec<u8> {
        let mut rgb = self.rgb.clone();
        if let Some(alpha) = &self.alpha {
            for (pixel, &a) in rgb.chunks_exact_mut(3).zip(alpha) {
                let a = u32::from(a);
                for v in pixel {
                    *v = ((u32::from(*v) * a + 255 * (255 - a) + 127) / 255) as u8;
                }
            }
        }
        rgb
    }
}
